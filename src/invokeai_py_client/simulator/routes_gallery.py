"""The gallery: images and videos together, by board and by day."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .database import Row
from .gallery import gallery_item
from .media_filter import MediaFilter
from .routes_videos import chosen_media, common_choice, page_of
from .wire import Call, route

_G = "/api/v1/gallery"
_DAYS = "/api/v1/virtual_boards/by_date"


@route("GET", f"{_G}/items/")
def _list(call: Call) -> Any:
    limit, offset = page_of(call)
    chosen, ascending, starred_first = chosen_media(call, "origin")
    rows = call.simulation.gallery.rows(
        chosen,
        offset=offset,
        limit=limit,
        ascending=ascending,
        starred_first=starred_first,
    )
    return {
        "limit": limit,
        "offset": offset,
        "total": call.simulation.gallery.count(chosen),
        "items": [gallery_item(row) for row in rows],
    }


def _all(chosen: tuple[MediaFilter, bool, bool], call: Call) -> tuple[list[Row], Any]:
    """Every row of a filter, and how many there are."""
    wanted, ascending, starred_first = chosen
    rows = call.simulation.gallery.rows(
        wanted, ascending=ascending, starred_first=starred_first
    )
    starred = sum(row["starred"] for row in rows) if starred_first else 0
    return list(rows), {"starred_count": starred, "total_count": len(rows)}


@route("GET", f"{_G}/item_names")
def _names(call: Call) -> Any:
    day = call.argument("created_date", str, None)
    chosen, ascending, starred_first = chosen_media(call, "origin")
    rows, counts = _all((replace(chosen, day=day), ascending, starred_first), call)
    return {"item_names": [row["name"] for row in rows], **counts}


@route("GET", f"{_G}/items/names")
def _references(call: Call) -> Any:
    return _referred(*_all(chosen_media(call, "origin"), call))


def _referred(rows: list[Row], counts: dict[str, int]) -> dict[str, Any]:
    items = [{"kind": row["kind"], "name": row["name"]} for row in rows]
    return {"items": items, **counts}


@route("GET", _DAYS)
def _days(call: Call) -> Any:
    return call.simulation.gallery.days(call.scope_user)


def _of_day(call: Call) -> tuple[MediaFilter, bool, bool]:
    chosen, ascending, starred_first = common_choice(call)
    chosen = replace(chosen, is_intermediate=False, day=call.params["date"])
    return chosen, ascending, starred_first


@route("GET", f"{_DAYS}/{{date}}/item_names")
def _day_items(call: Call) -> Any:
    return _referred(*_all(_of_day(call), call))


@route("GET", f"{_DAYS}/{{date}}/image_names")
def _day_images(call: Call) -> Any:
    rows, _ = _all(_of_day(call), call)
    images = [row for row in rows if row["kind"] == "image"]
    starred_first = call.argument("starred_first", bool, True)
    return {
        "image_names": [row["name"] for row in images],
        "starred_count": sum(row["starred"] for row in images) if starred_first else 0,
        "total_count": len(images),
    }
