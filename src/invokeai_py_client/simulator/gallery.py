"""The gallery: images and videos in one list, and the days they were made on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from .database import Database, Row
from .images import image_urls
from .media_filter import STARRED_FIRST, MediaFilter, MediaOrder
from .videos import video_urls

_COMMON = "width, height, starred, is_intermediate, board_id, created_at"


class Gallery:
    """What the gallery shows of the tables `images` and `videos`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, chosen: MediaFilter) -> int:
        """How many items a filter selects."""
        union, parameters = _union(chosen)
        return int(self._database.value(f"SELECT count(*) FROM ({union})", parameters))

    def rows(
        self, chosen: MediaFilter, order: MediaOrder = STARRED_FIRST
    ) -> Sequence[Row]:
        """The items a filter selects; of one moment, videos count as newer."""
        union, parameters = _union(chosen)
        return self._database.all(
            f"SELECT * FROM ({union}) {order.clause('kind', 'number')}", parameters
        )

    def days(self, user_id: Optional[str]) -> list[dict[str, Any]]:
        """The days on which something was made, the latest first.

        Args:
            user_id: Whose things count; None for everyone's.
        """
        chosen = MediaFilter(is_intermediate=False, user_id=user_id)
        days: dict[str, dict[str, Any]] = {}
        for row in self.rows(chosen, MediaOrder(starred_first=False)):
            date = row["created_at"][:10]
            if date not in days:
                days[date] = _empty_day(date)
                days[date][f"cover_{row['kind']}_name"] = row["name"]
            days[date][f"{_counted_as(row)}_count"] += 1
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


def _counted_as(row: Row) -> str:
    if row["kind"] == "video":
        return "video"
    return "image" if row["category"] == "general" else "asset"


def _empty_day(date: str) -> dict[str, Any]:
    return {
        "virtual_board_id": f"by_date:{date}",
        "board_name": date,
        "date": date,
        "image_count": 0,
        "asset_count": 0,
        "video_count": 0,
        "cover_image_name": None,
        "cover_video_name": None,
    }


def gallery_item(row: Row) -> dict[str, Any]:
    """A row as the API shows it."""
    if row["kind"] == "image":
        urls = image_urls(row["name"])
        full = urls["image_url"]
    else:
        urls = video_urls(row["name"])
        full = urls["video_url"]
    return {
        "kind": row["kind"],
        "name": row["name"],
        "full_url": full,
        "thumbnail_url": urls["thumbnail_url"],
        "width": row["width"],
        "height": row["height"],
        "category": row["category"],
        "starred": bool(row["starred"]),
        "is_intermediate": bool(row["is_intermediate"]),
        "board_id": row["board_id"],
        "created_at": row["created_at"],
        "duration": row["duration"],
        "fps": row["fps"],
    }
