"""What can be done with the gallery as a whole, as flows."""

from __future__ import annotations

import datetime
from functools import partial
from typing import Any, Optional, Union

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.paging import check_range, emit_pages
from invokeai_py_client._core.send import call_model, get, route
from invokeai_py_client.gallery.models import GalleryDay, GalleryItem, GalleryItemRef
from invokeai_py_client.image.media_flows import require_board
from invokeai_py_client.image.query import ImageQuery

DAY = "/api/v1/virtual_boards/by_date/{}"

Day = Union[str, datetime.date, GalleryDay]


def day_text(day: Day) -> str:
    """The ISO text of a day.

    Raises:
        ValueError: The text is no day, such as ``"2026-03-18"``.
    """
    if isinstance(day, GalleryDay):
        return day.date
    if isinstance(day, datetime.datetime):
        # The server counts days in UTC.
        aware = day.astimezone(datetime.timezone.utc) if day.tzinfo else day
        return aware.date().isoformat()
    if isinstance(day, datetime.date):
        return day.isoformat()
    return datetime.date.fromisoformat(day).isoformat()


def list_items(query: ImageQuery, limit: Optional[int], offset: int = 0) -> Flow[None]:
    """Emit the items that fit `query`, page by page."""
    check_range(limit, offset)
    yield from require_board(query)
    read = partial(parse, GalleryItem)
    yield from emit_pages(read, partial(_page, query), limit, offset)


def _page(query: ImageQuery, limit: int, offset: int) -> Flow[list[Any]]:
    params = {**_params(query), "limit": limit, "offset": offset}
    request = get("/api/v1/gallery/items/", params=params)
    page = yield from call_model(dict[str, Any], request)
    return parse(list[Any], page.get("items"))


def list_item_names(query: ImageQuery, day: Optional[Day] = None) -> Flow[list[str]]:
    """The names of all items that fit `query`, in order, in one answer."""
    yield from require_board(query)
    params = _params(query)
    if day is not None:
        params["created_date"] = day_text(day)
    request = get("/api/v1/gallery/item_names", params=params)
    data = yield from call_model(dict[str, Any], request)
    return parse(list[str], data.get("item_names"))


def list_item_refs(query: ImageQuery) -> Flow[list[GalleryItemRef]]:
    """As `list_item_names`, with what each of them is."""
    yield from require_board(query)
    request = get("/api/v1/gallery/items/names", params=_params(query))
    data = yield from call_model(dict[str, Any], request)
    return parse(list[GalleryItemRef], data.get("items"))


def list_days() -> Flow[list[GalleryDay]]:
    """The days on which something was made."""
    request = get("/api/v1/virtual_boards/by_date")
    return (yield from call_model(list[GalleryDay], request))


def list_day_refs(day: Day, query: ImageQuery) -> Flow[list[GalleryItemRef]]:
    """The images and videos of a day."""
    request = get(route(DAY + "/item_names", day_text(day)), params=_day_params(query))
    data = yield from call_model(dict[str, Any], request)
    return parse(list[GalleryItemRef], data.get("items"))


def list_day_images(day: Day, query: ImageQuery) -> Flow[list[str]]:
    """The names of a day's images."""
    request = get(route(DAY + "/image_names", day_text(day)), params=_day_params(query))
    data = yield from call_model(dict[str, Any], request)
    return parse(list[str], data.get("image_names"))


def _params(query: ImageQuery) -> dict[str, Any]:
    return query.params("origin")


def _day_params(query: ImageQuery) -> dict[str, Any]:
    known = ("starred_first", "order_dir", "categories", "search_term")
    return {key: value for key, value in query.params().items() if key in known}
