"""Which boards a caller may read, and which it may add to."""

from __future__ import annotations

from ..base.errors import ApiError
from ..http.wire import ApiRequest
from ..media.boards import BoardNotFoundError


def readable_board(request: ApiRequest, board_id: str) -> None:
    """Raise unless the caller may see what is on a board."""
    if request.user.is_admin:
        return  # an unknown board is an empty one
    try:
        board = request.simulation.boards.record(board_id)
    except BoardNotFoundError:
        raise ApiError(404, "Board not found") from None
    if not request.owns(board) and board["board_visibility"] == "private":
        raise ApiError(403, "Not authorized to access this board")


def writable_board(request: ApiRequest, board_id: str, doing: str = "modify") -> None:
    """Raise unless the caller may add to a board."""
    try:
        is_open = request.simulation.boards.is_open(board_id, request.user.user_id)
    except BoardNotFoundError:
        raise ApiError(404, "Board not found") from None
    if not request.user.is_admin and not is_open:
        raise ApiError(403, f"Not authorized to {doing} this board")
