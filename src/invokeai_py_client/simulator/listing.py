"""What lists of images and videos can be asked for, and how they answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Optional, Protocol

from pydantic import Field

from .board_rights import readable_board
from .choices import Direction, ImageCategory, Origin
from .database import Row
from .media_filter import MediaFilter, MediaOrder
from .wire import Call

Choice = tuple[MediaFilter, MediaOrder]

# In the server's order, which is that of the problems it reports.
_ASKED: Mapping[str, Any] = {
    "categories": (list[ImageCategory], None),
    "is_intermediate": (bool, None),
    "board_id": (str, None),
    "offset": (Annotated[int, Field(ge=0)], 0),
    "limit": (Annotated[int, Field(ge=0, le=1000)], 10),
    "order_dir": (Direction, "DESC"),
    "starred_first": (bool, True),
    "search_term": (str, None),
}
_PAGE = ("offset", "limit")
_OF_BOARDS = ("is_intermediate", "board_id")


class MediaList(Protocol):
    """Where rows come from: the images, the videos, or both."""

    def count(self, chosen: MediaFilter) -> int:
        """How many a filter selects."""

    def rows(self, chosen: MediaFilter, order: MediaOrder) -> Sequence[Row]:
        """Those of a page."""


def common_choice(call: Call) -> Choice:
    """What every list can be asked for: categories, a text, an order."""
    return _choice(call, None, (*_PAGE, *_OF_BOARDS))


def media_choice(call: Call, origin: str, *, paged: bool = False) -> Choice:
    """What lists by board can be asked for besides.

    Args:
        call: The request.
        origin: How the parameter is called that asks for an origin.
        paged: Whether it can be asked for a part.
    """
    chosen, order = _choice(call, origin, () if paged else _PAGE)
    board_id = chosen.board_id
    if board_id is not None and board_id != "none":
        readable_board(call, board_id)
    return chosen, order


def _choice(call: Call, origin: Optional[str], without: Sequence[str]) -> Choice:
    first = {} if origin is None else {origin: (Origin, None)}
    asked = {name: wanted for name, wanted in _ASKED.items() if name not in without}
    query = call.arguments(**first, **asked)
    chosen = MediaFilter(
        origin=None if origin is None else query[origin],
        categories=query["categories"],
        is_intermediate=query.get("is_intermediate"),
        board_id=query.get("board_id"),
        search=query["search_term"],
        user_id=call.scope_user,
    )
    order = MediaOrder(
        ascending=query["order_dir"] == "ASC",
        starred_first=query["starred_first"],
        offset=query.get("offset", 0),
        limit=query.get("limit", -1),
    )
    return chosen, order


def page(
    call: Call, origin: str, source: MediaList, shown: Callable[[Row], dict[str, Any]]
) -> dict[str, Any]:
    """A page of a list, as the caller asks for it.

    Args:
        call: The request.
        origin: How the parameter is called that asks for an origin.
        source: Where the rows come from.
        shown: Makes an item of a row.
    """
    chosen, order = media_choice(call, origin, paged=True)
    return {
        "limit": order.limit,
        "offset": order.offset,
        "total": source.count(chosen),
        "items": [shown(row) for row in source.rows(chosen, order)],
    }


def counts(rows: Sequence[Row], order: MediaOrder) -> dict[str, int]:
    """How many there are, and how many stars; these only where they come first."""
    starred = sum(row["starred"] for row in rows) if order.starred_first else 0
    return {"starred_count": starred, "total_count": len(rows)}
