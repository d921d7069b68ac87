# Generated from admin/image_move.py by scripts/generate_async.py; do not edit.
"""`AsyncImageMoveRepository`: moving the server's image files into other folders."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client._arguments import Seconds, checks_arguments
from invokeai_py_client._core.send import call_model, post
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client.admin.image_move import (
    MOVES,
    ImageMoveStatus,
    get_status_flow,
    wait_flow,
)


@set_module("invokeai_py_client.admin")
@checks_arguments
class AsyncImageMoveRepository(Repository[AsyncRunner]):
    """Moves image files to the folders of the setting `image_subfolder_strategy`.

    Images keep their names and boards. Needs an administrator and InvokeAI 6.14.
    """

    async def get_image_move_status(self) -> ImageMoveStatus:
        """Read what is going on, and how many files should be moved."""
        return await self._runner.run(get_status_flow())

    async def start_image_move(self) -> ImageMoveStatus:
        """Begin to move all files that are not where they should be.

        Raises:
            ConflictError: A move is running, or the queue has jobs.
        """
        return await self._runner.run(
            call_model(ImageMoveStatus, post(f"{MOVES}/start"))
        )

    async def recover_image_move(self) -> ImageMoveStatus:
        """Begin to finish or undo a move that was broken off, as by a power failure.

        Raises:
            ConflictError: A move is running.
        """
        return await self._runner.run(
            call_model(ImageMoveStatus, post(f"{MOVES}/recover"))
        )

    async def wait_for_image_move(
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
        return await self._runner.run(wait_flow(timeout))
