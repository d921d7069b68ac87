# Generated from board_repo.py by scripts/generate_async.py; do not edit.
"""`AsyncBoardRepository`: the boards of a server."""

from __future__ import annotations

from typing import Literal, Optional

from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client.board import flows
from invokeai_py_client.board.async_board_handle import AsyncBoardHandle
from invokeai_py_client.board.models import Board, BoardVisibility, DeletedBoard
from invokeai_py_client.image.models import (
    UNCATEGORIZED,
    BoardLike,
    ImageLike,
    board_id_of,
    image_name_of,
)

__all__ = ["AsyncBoardRepository"]


class AsyncBoardRepository:
    """Lists, finds, makes and changes the boards of a server.

    Args:
        runner: What runs the flows: the client's.
    """

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner

    def _handle(self, board: Board) -> AsyncBoardHandle:
        return AsyncBoardHandle(self._runner, board)

    async def list_boards(
        self,
        *,
        include_archived: bool = False,
        order_by: Literal["created_at", "board_name"] = "created_at",
        newest_first: bool = True,
    ) -> list[Board]:
        """List all boards the user may see; images on no board have none.

        Args:
            include_archived: List archived boards as well.
            order_by: What to sort by.
            newest_first: Sort in descending order (with ``"board_name"``: Z to A).
        """
        return await self._runner.run(
            flows.list_boards(include_archived, order_by, newest_first)
        )

    async def get_board_by_id(self, board_id: str) -> Board:
        """Read one board; ``"none"`` gives the place of the images on no board.

        Raises:
            NotFoundError: There is no such board.
        """
        return await self._runner.run(flows.get_board(board_id))

    async def get_boards_by_name(self, name: str) -> list[Board]:
        """List the boards of exactly this name, archived ones included.

        Names need not be unique; the list may be empty.
        """
        return await self._runner.run(flows.get_boards_by_name(name))

    async def find_board_by_name(self, name: str) -> Optional[Board]:
        """Find the board of this name, archived ones included.

        Returns:
            The board of exactly this name, else the only one of that name in other
            letter case, else None.

        Raises:
            BoardError: Several boards have this name.
        """
        return await self._runner.run(flows.find_board_by_name(name))

    async def get_board_handle(self, board: BoardLike) -> AsyncBoardHandle:
        """Get the handle of a board by its id.

        Raises:
            NotFoundError: There is no such board.
        """
        return await self._runner.run(
            flows.get_handle(self._handle, board_id_of(board))
        )

    async def get_board_handle_by_name(self, name: str) -> AsyncBoardHandle:
        """Get the handle of the one board of this name.

        Raises:
            BoardError: No board has this name, and which come near; or several have.
        """
        return await self._runner.run(flows.get_handle_by_name(self._handle, name))

    async def get_uncategorized_board(self) -> Board:
        """Read the place of the images on no board, with its counts."""
        return await self._runner.run(flows.get_uncategorized())

    async def get_uncategorized_handle(self) -> AsyncBoardHandle:
        """Get the handle of the place of the images on no board."""
        return await self._runner.run(flows.get_handle(self._handle, UNCATEGORIZED))

    async def create_board(
        self, name: str, *, visibility: Optional[BoardVisibility] = None
    ) -> AsyncBoardHandle:
        """Make a board; a second one of the same name is fine for the server.

        Args:
            name: At most 300 characters.
            visibility: Who sees it; None for the server's default, private.

        Raises:
            UnprocessableEntityError: The name is too long.
        """
        return await self._runner.run(
            flows.create_board(self._handle, name, visibility)
        )

    async def update_board(
        self,
        board: BoardLike,
        *,
        name: Optional[str] = None,
        archived: Optional[bool] = None,
        visibility: Optional[BoardVisibility] = None,
        cover_image: Optional[ImageLike] = None,
    ) -> Board:
        """Change a board; what is None stays as it is.

        Args:
            board: The board or its id.
            name: At most 300 characters.
            archived: Hide it from the gallery, or show it again.
            visibility: Who sees it on a server with several users.
            cover_image: The image that stands for it. Servers up to 6.14 store this
                and show the newest starred image all the same, else the newest.

        Returns:
            The board as it is now.

        Raises:
            NotFoundError: There is no such board or cover image.
            BoardError: The server shows another cover; all else was changed.
            ValueError: Nothing to change was given.
        """
        return await self._runner.run(
            flows.update_board(
                board_id_of(board),
                name=name,
                archived=archived,
                visibility=visibility,
                cover_image=None if cover_image is None else image_name_of(cover_image),
            )
        )

    async def delete_board(
        self, board: BoardLike, *, delete_images: bool = False
    ) -> DeletedBoard:
        """Delete a board.

        Args:
            board: The board or its id.
            delete_images: Delete its images for good; else they stay on no board.

        Returns:
            What became of the images.

        Raises:
            NotFoundError: There is no such board.
        """
        return await self._runner.run(
            flows.delete_board(board_id_of(board), delete_images)
        )
