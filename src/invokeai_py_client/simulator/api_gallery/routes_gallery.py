"""The gallery: images and videos together, by board and by day."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..http.wire import ApiRequest, route
from ..media.gallery import gallery_item
from ..media.media_filter import MediaFilter, MediaOrder
from .listing import Choice, common_choice, counts, media_choice, page

_G = "/api/v1/gallery"
_DAYS = "/api/v1/virtual_boards/by_date"


@route("GET", f"{_G}/items/")
def _list(request: ApiRequest) -> Any:
    return page(request, "origin", request.simulation.gallery, gallery_item)


@route("GET", f"{_G}/item_names")
def _names(request: ApiRequest) -> Any:
    chosen, order = media_choice(request, "origin")
    chosen = replace(chosen, day=request.argument("created_date", str, None))
    rows = request.simulation.gallery.rows(chosen, order)
    return {"item_names": [row["name"] for row in rows], **counts(rows, order)}


@route("GET", f"{_G}/items/names")
def _references(request: ApiRequest) -> Any:
    return _referred(request, *media_choice(request, "origin"))


def _referred(
    request: ApiRequest, chosen: MediaFilter, order: MediaOrder
) -> dict[str, Any]:
    rows = request.simulation.gallery.rows(chosen, order)
    items = [{"kind": row["kind"], "name": row["name"]} for row in rows]
    return {"items": items, **counts(rows, order)}


@route("GET", _DAYS)
def _days(request: ApiRequest) -> Any:
    return request.simulation.gallery.days(request.scope_user)


def _of_day(request: ApiRequest) -> Choice:
    chosen, order = common_choice(request)
    day = request.params["date"]
    return replace(chosen, is_intermediate=False, day=day), order


@route("GET", f"{_DAYS}/{{date}}/item_names")
def _day_items(request: ApiRequest) -> Any:
    return _referred(request, *_of_day(request))


@route("GET", f"{_DAYS}/{{date}}/image_names")
def _day_images(request: ApiRequest) -> Any:
    chosen, order = _of_day(request)
    rows = request.simulation.images.rows(chosen, order)
    return {"image_names": [row["image_name"] for row in rows], **counts(rows, order)}
