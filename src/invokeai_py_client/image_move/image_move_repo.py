"""`ImageMoveRepository`: moving the server's image files into other folders."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client._io.runner import Runner
from invokeai_py_client.image_move import flows
from invokeai_py_client.image_move.models import ImageMoveStatus

__all__ = ["ImageMoveRepository"]


class ImageMoveRepository:
    """Brings image files where the setting `image_subfolder_strategy` wants them.

    Images keep their names and boards. Needs an administrator and InvokeAI 6.14.

    Args:
        runner: What runs the flows: the client's.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def get_status(self) -> ImageMoveStatus:
        """Read what is going on, and how many files should be moved."""
        return self._runner.run(flows.get_status())

    def start(self) -> ImageMoveStatus:
        """Begin to move all files that are not where they should be; see `wait`.

        Raises:
            ConflictError: A move is running, or the queue has jobs.
        """
        return self._runner.run(flows.start())

    def recover(self) -> ImageMoveStatus:
        """Begin to finish or undo a move that was broken off, as by a power failure.

        Raises:
            ConflictError: A move is running.
        """
        return self._runner.run(flows.recover())

    def wait(self, *, timeout: Optional[float] = None) -> ImageMoveStatus:
        """Wait until nothing is being moved.

        Args:
            timeout: Seconds for the whole wait; None for any time.

        Raises:
            ImageError: The move failed.
            JobTimeoutError: It goes on; nothing was stopped.
        """
        return self._runner.run(flows.wait(timeout))
