"""`ImageMoveRepository`: moving the server's image files into other folders."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client._arguments import Seconds, checks_arguments
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.send import call_model, get, post
from invokeai_py_client._core.wait_loop import wait_for
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import Runner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client._snapshot import OpenEnum, Snapshot
from invokeai_py_client.exceptions import ImageError


@set_module("invokeai_py_client.admin")
class ImageMoveState(OpenEnum):
    """How far a move is."""

    PLANNED = "planned"
    MOVING = "moving"
    MOVED = "moved"
    COMMITTED = "committed"
    ERROR = "error"


@set_module("invokeai_py_client.admin")
class ImageMoveJob(Snapshot):
    """One move, as the server's journal has it."""

    id: int
    state: ImageMoveState
    error_message: Optional[str] = None


@set_module("invokeai_py_client.admin")
class ImageMoveStatus(Snapshot):
    """Whether image files are being moved, and how many should be.

    Attributes:
        is_running: The server refuses to change images meanwhile.
        operation: ``"move_all"`` or ``"recovery"`` while one runs.
        needs_move_count: Images that are not in the folder given by the
            server's setting `image_subfolder_strategy`.
    """

    is_running: bool
    operation: Optional[str] = None
    active_job_id: Optional[int] = None
    latest_job: Optional[ImageMoveJob] = None
    last_error: Optional[str] = None
    needs_move_count: int = 0


MOVES = "/api/v1/image_moves"


def get_status_flow() -> Flow[ImageMoveStatus]:
    """What is going on."""
    return (yield from call_model(ImageMoveStatus, get(f"{MOVES}/status")))


def wait_flow(timeout: Optional[float]) -> Flow[ImageMoveStatus]:
    """Wait until nothing is being moved; no event reports it."""
    status = yield from wait_for(
        "the image files to be moved",
        get_status_flow,
        lambda status: not status.is_running,
        describe=lambda status: f"{status.needs_move_count} are left",
        timeout=timeout,
    )
    if status.last_error:
        raise ImageError(f"moving the image files failed: {status.last_error}")
    return status


@set_module("invokeai_py_client.admin")
@checks_arguments
class ImageMoveRepository(Repository[Runner]):
    """Moves image files to the folders of the setting `image_subfolder_strategy`.

    Images keep their names and boards. Needs an administrator and InvokeAI 6.14.
    """

    def get_image_move_status(self) -> ImageMoveStatus:
        """Read what is going on, and how many files should be moved."""
        return self._runner.run(get_status_flow())

    def start_image_move(self) -> ImageMoveStatus:
        """Begin to move all files that are not where they should be.

        Raises:
            ConflictError: A move is running, or the queue has jobs.
        """
        return self._runner.run(call_model(ImageMoveStatus, post(f"{MOVES}/start")))

    def recover_image_move(self) -> ImageMoveStatus:
        """Begin to finish or undo a move that was broken off, as by a power failure.

        Raises:
            ConflictError: A move is running.
        """
        return self._runner.run(call_model(ImageMoveStatus, post(f"{MOVES}/recover")))

    def wait_for_image_move(
        self, *, timeout: Optional[Seconds] = None
    ) -> ImageMoveStatus:
        """Wait until nothing is being moved.

        Args:
            timeout: Seconds for the whole wait; None without a limit.

        Raises:
            ImageError: The move failed.
            JobTimeoutError: It goes on; nothing was stopped.
            APIConnectionError: The server stayed away for a minute.
        """
        return self._runner.run(wait_flow(timeout))
