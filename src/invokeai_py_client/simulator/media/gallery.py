"""The gallery: images and videos in one list, and the days they were made on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from ..base.database import Database, Row
from .media_filter import STARRED_FIRST, MediaFilter, MediaOrder
from .media_store import media_urls

_COMMON = "width, height, starred, is_intermediate, board_id, created_at"


class Gallery:
    """The tables `images` and `videos` as one list."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, chosen: MediaFilter) -> int:
        """How many items a filter selects."""
        union, parameters = _union(chosen)
        return int(self._database.value(f"SELECT count(*) FROM ({union})", parameters))

    def rows(
        self, chosen: MediaFilter, order: MediaOrder = STARRED_FIRST
    ) -> Sequence[Row]:
        """The items that a filter selects; of equal age, videos come first."""
        union, parameters = _union(chosen)
        return self._database.all(
            f"SELECT * FROM ({union}) {order.clause('kind', 'number')}", parameters
        )

    def days(self, user_id: Optional[str]) -> list[dict[str, Any]]:
        """The days on which something was made, the latest first."""
        chosen = MediaFilter(is_intermediate=False, user_id=user_id)
        days: dict[str, dict[str, Any]] = {}
        for row in self.rows(chosen, MediaOrder(starred_first=False)):
            date = row["created_at"][:10]
            if date not in days:
                days[date] = _empty_day(date)
                days[date][f"cover_{row['kind']}_name"] = row["name"]
            is_asset = row["kind"] == "image" and row["category"] != "general"
            days[date][f"{'asset' if is_asset else row['kind']}_count"] += 1
        return list(days.values())


def _union(chosen: MediaFilter) -> tuple[str, list[Any]]:
    images, first = chosen.condition("image")
    videos, second = chosen.condition("video")
    union = (
        f"SELECT 'image' AS kind, image_name AS name, image_category AS category, "
        f"NULL AS duration, NULL AS fps, rowid AS number, {_COMMON} "
        f"FROM images WHERE {images} UNION ALL "
        f"SELECT 'video' AS kind, video_name AS name, video_category AS category, "
        f"duration, fps, rowid AS number, {_COMMON} FROM videos WHERE {videos}"
    )
    return union, [*first, *second]


def _empty_day(date: str) -> dict[str, Any]:
    return {
        "virtual_board_id": f"by_date:{date}",
        "board_name": date,
        "date": date,
        **dict.fromkeys(("image_count", "asset_count", "video_count"), 0),
        **dict.fromkeys(("cover_image_name", "cover_video_name")),
    }


def gallery_item(row: Row) -> dict[str, Any]:
    """A row as the API shows it."""
    kind = row["kind"]
    urls = media_urls(kind, row["name"])
    shown = {key: value for key, value in row.items() if key != "number"}
    return {
        **shown,
        "full_url": urls[f"{kind}_url"],
        "thumbnail_url": urls["thumbnail_url"],
        "starred": bool(row["starred"]),
        "is_intermediate": bool(row["is_intermediate"]),
    }
