"""What the server says about moving its image files."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client._snapshot import OpenEnum, Snapshot

__all__ = ["ImageMoveJob", "ImageMoveState", "ImageMoveStatus"]


class ImageMoveState(OpenEnum):
    """How far a move is."""

    PLANNED = "planned"
    MOVING = "moving"
    MOVED = "moved"
    COMMITTED = "committed"
    ERROR = "error"


class ImageMoveJob(Snapshot):
    """One move, as the server's journal has it."""

    id: int
    state: ImageMoveState
    error_message: Optional[str] = None


class ImageMoveStatus(Snapshot):
    """Whether image files are being moved, and how many should be.

    Attributes:
        is_running: The server refuses to change images meanwhile.
        operation: ``"move_all"`` or ``"recovery"`` while one runs.
        needs_move_count: Images that are not in the folder that the server's
            setting `image_subfolder_strategy` wants.
    """

    is_running: bool
    operation: Optional[str] = None
    active_job_id: Optional[int] = None
    latest_job: Optional[ImageMoveJob] = None
    last_error: Optional[str] = None
    needs_move_count: int = 0
