"""What nodes may read and save for the user whose job they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from .database import Row

if TYPE_CHECKING:
    from .simulation import Simulation


def check_reading(
    simulation: Simulation, user_id: str, kind: str, media: Optional[Row]
) -> None:
    """Refuse what the user of a job may not see; to administrators all pass.

    Args:
        simulation: The server.
        user_id: Whose job it is.
        kind: `image` or `video`.
        media: The row of it; None when there is none.

    Raises:
        PermissionError: In the server's words.
    """
    if not simulation.users.multiuser:
        return
    user = simulation.users.record(user_id)
    if user is not None and user["is_active"]:
        if user["is_admin"] or (media is not None and media["user_id"] == user_id):
            return
        if media is not None and simulation.boards.is_shown(media["board_id"]):
            return
    raise PermissionError(f"Queue user is not authorized to access this {kind}")


def check_saving(
    simulation: Simulation, user_id: str, kind: str, board_id: Optional[str]
) -> None:
    """Refuse to put something on a board of somebody else.

    Raises:
        PermissionError: In the server's words.
        BoardNotFoundError: There is no such board.
    """
    if not simulation.users.multiuser:
        return
    user = simulation.users.record(user_id)
    if user is None or not user["is_active"]:
        raise PermissionError(f"Queue user is not authorized to save {kind}s")
    if board_id is None:
        return
    is_open = simulation.boards.is_open(board_id, user_id)
    if not user["is_admin"] and not is_open:
        raise PermissionError(
            f"Queue user is not authorized to save {kind}s to this board"
        )
