"""Parameters and replies of lists of images and videos."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Optional, Protocol

from pydantic import Field

from ..base.api_enums import Direction, ImageCategory, Origin
from ..base.database import Row
from ..http.wire import ApiRequest
from ..media.media_filter import MediaFilter, MediaOrder
from .board_rights import readable_board

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
    """A source of rows: the images, the videos, or both."""

    def count(self, chosen: MediaFilter) -> int:
        """How many a filter selects."""

    def rows(self, chosen: MediaFilter, order: MediaOrder) -> Sequence[Row]:
        """The rows of a page."""


def common_choice(request: ApiRequest) -> Choice:
    """What every list accepts: categories, a search term, an order."""
    return _choice(request, None, (*_PAGE, *_OF_BOARDS))


def media_choice(request: ApiRequest, origin: str, *, paged: bool = False) -> Choice:
    """What lists by board accept in addition."""
    chosen, order = _choice(request, origin, () if paged else _PAGE)
    board_id = chosen.board_id
    if board_id is not None and board_id != "none":
        readable_board(request, board_id)
    return chosen, order


def _choice(
    request: ApiRequest, origin: Optional[str], without: Sequence[str]
) -> Choice:
    first = {} if origin is None else {origin: (Origin, None)}
    asked = {name: wanted for name, wanted in _ASKED.items() if name not in without}
    query = request.arguments(**first, **asked)
    chosen = MediaFilter(
        origin=None if origin is None else query[origin],
        categories=query["categories"],
        is_intermediate=query.get("is_intermediate"),
        board_id=query.get("board_id"),
        search=query["search_term"],
        user_id=request.scope_user,
    )
    order = MediaOrder(
        ascending=query["order_dir"] == "ASC",
        starred_first=query["starred_first"],
        offset=query.get("offset", 0),
        limit=query.get("limit", -1),
    )
    return chosen, order


def page(
    request: ApiRequest,
    origin: str,
    source: MediaList,
    shown: Callable[[Row], dict[str, Any]],
) -> dict[str, Any]:
    """The page of a list that the caller requests."""
    chosen, order = media_choice(request, origin, paged=True)
    return {
        "limit": order.limit,
        "offset": order.offset,
        "total": source.count(chosen),
        "items": [shown(row) for row in source.rows(chosen, order)],
    }


def counts(rows: Sequence[Row], order: MediaOrder) -> dict[str, int]:
    """The number of items, and of starred items if these come first."""
    starred = sum(row["starred"] for row in rows) if order.starred_first else 0
    return {"starred_count": starred, "total_count": len(rows)}
