"""What can be done with the gallery as a whole, as flows."""

from __future__ import annotations

import datetime
from functools import partial
from typing import Annotated, Any, Optional, Union

from invokeai_py_client._arguments import STRING, Kind, NotAllowedError
from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.paging import emit_pages
from invokeai_py_client._core.send import call_field, get, route
from invokeai_py_client.gallery.models import GalleryDay, GalleryItem, GalleryItemRef
from invokeai_py_client.image.board_flows import with_board_id
from invokeai_py_client.image.query import ImageQuery

DAYS = "/api/v1/virtual_boards/by_date"
DAY = f"{DAYS}/{{}}"


def _day_text(day: Any) -> str:
    if isinstance(day, GalleryDay):
        return day.date
    if isinstance(day, datetime.datetime):
        # The server counts days in UTC.
        aware = day.astimezone(datetime.timezone.utc) if day.tzinfo else day
        return aware.date().isoformat()
    if isinstance(day, datetime.date):
        return day.isoformat()
    try:
        return datetime.date.fromisoformat(STRING.convert(day)).isoformat()
    except ValueError:
        raise NotAllowedError from None


DAY_KIND = Kind('a date such as "2026-03-18", or a GalleryDay', _day_text)
Day = Annotated[Union[str, datetime.date, GalleryDay], DAY_KIND]


def list_items(query: ImageQuery, limit: Optional[int], offset: int = 0) -> Flow[None]:
    """Emit the items that fit `query`, page by page."""
    query = yield from with_board_id(query)
    read = partial(parse, GalleryItem)
    yield from emit_pages(read, partial(_page, query), limit, offset)


def _page(query: ImageQuery, limit: int, offset: int) -> Flow[list[Any]]:
    params = {**query.params("origin"), "limit": limit, "offset": offset}
    request = get("/api/v1/gallery/items/", params=params)
    return (yield from call_field(list[Any], request, "items"))


def list_item_names(query: ImageQuery, day: Optional[Day] = None) -> Flow[list[str]]:
    """The names of all items that fit `query`, in order, in one answer."""
    params = (yield from with_board_id(query)).params("origin")
    if day is not None:
        params["created_date"] = str(day)
    request = get("/api/v1/gallery/item_names", params=params)
    return (yield from call_field(list[str], request, "item_names"))


def list_item_refs(query: ImageQuery) -> Flow[list[GalleryItemRef]]:
    """As `list_item_names`, with what each of them is."""
    params = (yield from with_board_id(query)).params("origin")
    request = get("/api/v1/gallery/items/names", params=params)
    return (yield from call_field(list[GalleryItemRef], request, "items"))


def list_day_refs(day: Day, query: ImageQuery) -> Flow[list[GalleryItemRef]]:
    """The images and videos of a day."""
    request = get(route(DAY + "/item_names", str(day)), params=_day_params(query))
    return (yield from call_field(list[GalleryItemRef], request, "items"))


def list_day_images(day: Day, query: ImageQuery) -> Flow[list[str]]:
    """The names of a day's images."""
    request = get(route(DAY + "/image_names", str(day)), params=_day_params(query))
    return (yield from call_field(list[str], request, "image_names"))


def _day_params(query: ImageQuery) -> dict[str, Any]:
    known = ("starred_first", "order_dir", "categories", "search_term")
    return {key: value for key, value in query.params().items() if key in known}
