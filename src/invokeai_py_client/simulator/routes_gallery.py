"""The gallery: images and videos together, by board and by day."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .gallery import gallery_item
from .listing import Choice, common_choice, counts, media_choice, page
from .media_filter import MediaFilter, MediaOrder
from .wire import Call, route

_G = "/api/v1/gallery"
_DAYS = "/api/v1/virtual_boards/by_date"


@route("GET", f"{_G}/items/")
def _list(call: Call) -> Any:
    return page(call, "origin", call.simulation.gallery, gallery_item)


@route("GET", f"{_G}/item_names")
def _names(call: Call) -> Any:
    chosen, order = media_choice(call, "origin")
    chosen = replace(chosen, day=call.argument("created_date", str, None))
    rows = call.simulation.gallery.rows(chosen, order)
    return {"item_names": [row["name"] for row in rows], **counts(rows, order)}


@route("GET", f"{_G}/items/names")
def _references(call: Call) -> Any:
    return _referred(call, *media_choice(call, "origin"))


def _referred(call: Call, chosen: MediaFilter, order: MediaOrder) -> dict[str, Any]:
    rows = call.simulation.gallery.rows(chosen, order)
    items = [{"kind": row["kind"], "name": row["name"]} for row in rows]
    return {"items": items, **counts(rows, order)}


@route("GET", _DAYS)
def _days(call: Call) -> Any:
    return call.simulation.gallery.days(call.scope_user)


def _of_day(call: Call) -> Choice:
    chosen, order = common_choice(call)
    chosen = replace(chosen, is_intermediate=False, day=call.params["date"])
    return chosen, order


@route("GET", f"{_DAYS}/{{date}}/item_names")
def _day_items(call: Call) -> Any:
    return _referred(call, *_of_day(call))


@route("GET", f"{_DAYS}/{{date}}/image_names")
def _day_images(call: Call) -> Any:
    chosen, order = _of_day(call)
    rows = call.simulation.images.rows(chosen, order)
    return {"image_names": [row["image_name"] for row in rows], **counts(rows, order)}
