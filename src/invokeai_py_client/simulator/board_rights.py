"""Which boards a caller may look into, and on which it may put something."""

from __future__ import annotations

from .boards import BoardNotFoundError
from .wire import ApiError, Call


def readable_board(call: Call, board_id: str) -> None:
    """Raise unless the caller may see what is on a board."""
    if call.user.is_admin:
        return  # an unknown board is an empty one
    try:
        board = call.simulation.boards.record(board_id)
    except BoardNotFoundError:
        raise ApiError(404, "Board not found") from None
    if board["user_id"] != call.user.user_id and board["board_visibility"] == "private":
        raise ApiError(403, "Not authorized to access this board")


def writable_board(call: Call, board_id: str, doing: str = "modify") -> None:
    """Raise unless the caller may put something on a board.

    Args:
        call: The request.
        board_id: The board.
        doing: What the refusal says is not allowed.
    """
    try:
        is_open = call.simulation.boards.is_open(board_id, call.user.user_id)
    except BoardNotFoundError:
        raise ApiError(404, "Board not found") from None
    if not call.user.is_admin and not is_open:
        raise ApiError(403, f"Not authorized to {doing} this board")
