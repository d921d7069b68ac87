# Generated from image_move_repo.py by scripts/generate_async.py; do not edit.
"""`AsyncImageMoveRepository`: moving the server's image files into other folders."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client.image_move import flows
from invokeai_py_client.image_move.models import ImageMoveStatus

__all__ = ["AsyncImageMoveRepository"]


class AsyncImageMoveRepository:
    """Brings image files where the setting `image_subfolder_strategy` wants them.

    Images keep their names and boards. Needs an administrator and InvokeAI 6.14.

    Args:
        runner: What runs the flows: the client's.
    """

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner

    async def get_status(self) -> ImageMoveStatus:
        """Read what is going on, and how many files should be moved."""
        return await self._runner.run(flows.get_status())

    async def start(self) -> ImageMoveStatus:
        """Begin to move all files that are not where they should be; see `wait`.

        Raises:
            ConflictError: A move is running, or the queue has jobs.
        """
        return await self._runner.run(flows.start())

    async def recover(self) -> ImageMoveStatus:
        """Begin to finish or undo a move that was broken off, as by a power failure.

        Raises:
            ConflictError: A move is running.
        """
        return await self._runner.run(flows.recover())

    async def wait(self, *, timeout: Optional[float] = None) -> ImageMoveStatus:
        """Wait until nothing is being moved.

        Args:
            timeout: Seconds for the whole wait; None for any time.

        Raises:
            ImageError: The move failed.
            JobTimeoutError: It goes on; nothing was stopped.
        """
        return await self._runner.run(flows.wait(timeout))
