"""In which subfolder a file belongs by the settings, and moving those that do not.

Only the records tell of subfolders: the simulator's own files stay side by side.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Optional

from .database import Database, Row, timestamp

_JOB = "image_move_job"
_AT_ONCE = 100


def subfolder(
    strategy: str, name: str, category: str, is_intermediate: bool, created_at: str
) -> str:
    """Where a file belongs.

    Args:
        strategy: `flat`, `date`, `type` or `hash`.
        name: The file's name.
        category: Such as `general`.
        is_intermediate: Whether it is one.
        created_at: When it was made, year first.
    """
    if strategy == "date":
        return created_at[:10].replace("-", "/")
    if strategy == "type":
        return "intermediate" if is_intermediate else category
    return name[:2] if strategy == "hash" else ""


class ImageMoves:
    """Moves of images after the strategy was changed; videos stay.

    Args:
        database: The records.
        strategy: The setting as it is now.
    """

    def __init__(self, database: Database, strategy: Callable[[], str]) -> None:
        self._database = database
        self._strategy = strategy

    def _misplaced(self) -> list[tuple[Row, str]]:
        strategy = self._strategy()
        rows = self._database.all("SELECT * FROM images ORDER BY image_name")
        places = [
            subfolder(
                strategy,
                row["image_name"],
                row["image_category"],
                bool(row["is_intermediate"]),
                row["created_at"],
            )
            for row in rows
        ]
        return [
            (row, place)
            for row, place in zip(rows, places)
            if row["image_subfolder"] != place
        ]

    def _latest_job(self) -> Optional[dict[str, Any]]:
        text = self._database.setting(_JOB)
        return None if text is None else json.loads(text)

    def status(self, operation: Optional[str] = None) -> dict[str, Any]:
        """The state as the API shows it, at rest or in the middle of an operation."""
        return {
            "is_running": operation is not None,
            "operation": operation,
            "active_job_id": None,
            "latest_job": self._latest_job(),
            "last_error": None,
            "needs_move_count": len(self._misplaced()),
        }

    def move_all(self) -> None:
        """Move every image to where it belongs, a hundred by a job."""
        for number, (row, place) in enumerate(self._misplaced()):
            if number % _AT_ONCE == 0:
                self._begin_job()
            self._database.run(
                "UPDATE images SET image_subfolder = ?, updated_at = ? "
                "WHERE image_name = ?",
                (place, timestamp(), row["image_name"]),
            )

    def _begin_job(self) -> None:
        latest = self._latest_job()
        number = 1 if latest is None else int(latest["id"]) + 1
        job = {"id": number, "state": "committed", "error_message": None}
        self._database.keep_setting(_JOB, json.dumps(job))
