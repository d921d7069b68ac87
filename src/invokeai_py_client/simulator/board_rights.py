"""Which boards a caller may look into, and on which it may put something."""

from __future__ import annotations

from .boards import BoardNotFoundError
from .database import Row
from .wire import ApiError, Call


def readable_board(call: Call, board_id: str) -> None:
    """Raise unless the caller may see what is on a board."""
    if call.user.is_admin:
        return  # an unknown board is an empty one
    board = _existing(call, board_id)
    if board["user_id"] != call.user.user_id and board["board_visibility"] == "private":
        raise ApiError(403, "Not authorized to access this board")


def writable_board(call: Call, board_id: str, doing: str = "modify") -> None:
    """Raise unless the caller may put something on a board.

    Args:
        call: The request.
        board_id: The board.
        doing: What the refusal says is not allowed.
    """
    board = _existing(call, board_id)
    own = call.user.is_admin or board["user_id"] == call.user.user_id
    if not own and board["board_visibility"] != "public":
        raise ApiError(403, f"Not authorized to {doing} this board")


def _existing(call: Call, board_id: str) -> Row:
    try:
        return call.simulation.boards.record(board_id)
    except BoardNotFoundError:
        raise ApiError(404, "Board not found") from None
