# Generated from board/board_repo.py by scripts/generate_async.py; do not edit.
"""`AsyncBoardRepository`: the boards of a server."""

from __future__ import annotations

from typing import Literal, Optional

from invokeai_py_client._aio.board_handle import AsyncBoardHandle
from invokeai_py_client._arguments import Name, checks_arguments
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client.board import flows
from invokeai_py_client.board.models import Board, DeletedBoard, Visibility
from invokeai_py_client.image.models import (
    BoardLike,
    ImageLike,
    board_reference,
)


@set_module("invokeai_py_client.board")
@checks_arguments
class AsyncBoardRepository(Repository[AsyncRunner]):
    """Lists, finds, makes and changes the boards of a server.

    A method that takes a board raises `BoardError` when no board, or more than one,
    has the name, and `NotFoundError` when no board has the id.
    """

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

    async def get_board(self, board: Optional[BoardLike]) -> Board:
        """Read one board; None or ``"none"`` gives the place of images on no board.

        Args:
            board: Its name, which may be in other letter case, its id, or a board.
        """
        return await self._runner.run(flows.find_and_get(board_reference(board)))

    async def find_board(self, board: Optional[BoardLike]) -> Optional[Board]:
        """Find a board by its name or id, archived ones included.

        Returns:
            The board of exactly this name, else the only one of that name in other
            letter case, else None.

        Raises:
            BoardError: Several boards have this name.
        """
        return await self._runner.run(flows.find_board(board_reference(board)))

    async def search_boards(self, text: str) -> list[Board]:
        """List the boards whose name contains `text`, archived ones included."""
        return await self._runner.run(flows.search_boards(text))

    async def get_board_handle(self, board: Optional[BoardLike]) -> AsyncBoardHandle:
        """Get the handle of a board; None or ``"none"`` for the images on no board."""
        found = await self._runner.run(flows.find_and_get(board_reference(board)))
        return AsyncBoardHandle(self._runner, found)

    async def create_board(
        self, name: Name, *, visibility: Optional[Visibility] = None
    ) -> AsyncBoardHandle:
        """Make a board; a second one of the same name is fine for the server.

        Args:
            name: At most 300 characters.
            visibility: Who sees it; None for the server's default, private.

        Raises:
            UnprocessableEntityError: The name is too long.
        """
        board = await self._runner.run(flows.create_board(name, visibility))
        return AsyncBoardHandle(self._runner, board)

    async def update_board(
        self,
        board: BoardLike,
        *,
        name: Optional[Name] = None,
        archived: Optional[bool] = None,
        visibility: Optional[Visibility] = None,
        cover_image: Optional[ImageLike] = None,
    ) -> Board:
        """Change a board; what is None stays as it is.

        Args:
            board: The board, its name or its id.
            name: At most 300 characters.
            archived: Hide it from the gallery, or show it again.
            visibility: Who sees it on a server with several users.
            cover_image: The image that represents it. Servers up to 6.14 store this
                but still show the newest starred image, else the newest.

        Returns:
            The board as it is now.

        Raises:
            NotFoundError: There is no such board or cover image.
            BoardError: No board has this name, or several have; or the server
                shows another cover, and all else was changed.
            ArgumentError: Nothing to change was given.
        """
        return await self._runner.run(
            flows.update_board(
                board_reference(board),
                name=name,
                archived=archived,
                visibility=visibility,
                cover_image=None if cover_image is None else str(cover_image),
            )
        )

    async def delete_board(
        self, board: BoardLike, *, delete_images: bool = False
    ) -> DeletedBoard:
        """Delete a board.

        Args:
            board: The board, its name or its id.
            delete_images: Delete its images for good; else they stay on no board.

        Returns:
            What became of the images.
        """
        return await self._runner.run(
            flows.delete_board(board_reference(board), delete_images)
        )
