"""Filter and order of lists of images and videos, the same for both tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ..base.database import placeholders


@dataclass(frozen=True)
class MediaFilter:
    """Which images or videos a list shows.

    Attributes:
        origin: `internal` or `external`.
        categories: Any of these.
        is_intermediate: Only intermediates, or only others.
        board_id: A board, or `none` for what is on no board.
        search: Text in the metadata or in the creation time.
        user_id: Only this user's, where no board is named.
        day: Only what was made on this day, as `2026-03-18`.
    """

    origin: Optional[str] = None
    categories: Optional[Sequence[str]] = None
    is_intermediate: Optional[bool] = None
    board_id: Optional[str] = None
    search: Optional[str] = None
    user_id: Optional[str] = None
    day: Optional[str] = None

    def condition(self, kind: str) -> tuple[str, list[Any]]:
        """The condition over `images` or `videos`, and its parameters."""
        conditions, parameters = ["1 = 1"], list[Any]()

        def add(condition: str, *values: Any) -> None:
            conditions.append(condition)
            parameters.extend(values)

        if self.origin is not None:
            add(f"{kind}_origin = ?", self.origin)
        if self.categories is not None:
            listed = placeholders(self.categories)
            add(f"{kind}_category IN ({listed})", *self.categories)
        if self.is_intermediate is not None:
            add("is_intermediate = ?", int(self.is_intermediate))
        if self.day is not None:
            add("DATE(created_at) = ?", self.day)
        if self.board_id == "none":
            add("board_id IS NULL")
        elif self.board_id is not None:
            add("board_id = ?", self.board_id)
        if self.user_id is not None and self.board_id in (None, "none"):
            add("user_id = ?", self.user_id)
        if self.search:
            pattern = f"%{self.search.lower()}%"
            add("(metadata LIKE ? OR created_at LIKE ?)", pattern, pattern)
        return " AND ".join(conditions), parameters


@dataclass(frozen=True)
class MediaOrder:
    """The order of a list, and which part of it to return.

    Attributes:
        ascending: Oldest first.
        starred_first: Starred items first.
        offset: How many to skip.
        limit: How many to return at most; -1 for all.
    """

    ascending: bool = False
    starred_first: bool = True
    offset: int = 0
    limit: int = -1

    def clause(self, *ties: str) -> str:
        """The end of a query, from `ORDER BY` on."""
        direction = "ASC" if self.ascending else "DESC"
        columns = [f"{column} {direction}" for column in ("created_at", *ties)]
        if self.starred_first:
            columns.insert(0, "starred DESC")
        order = ", ".join(columns)
        return f"ORDER BY {order} LIMIT {self.limit} OFFSET {self.offset}"


STARRED_FIRST = MediaOrder()
"""The whole list: starred items first, then the newest."""
