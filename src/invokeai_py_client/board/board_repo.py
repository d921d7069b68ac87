"""`BoardRepository`: the boards of a server."""

from __future__ import annotations

from typing import Literal, Optional

from invokeai_py_client._io.runner import Runner
from invokeai_py_client.board import flows
from invokeai_py_client.board.board_handle import BoardHandle
from invokeai_py_client.board.models import Board, BoardVisibility, DeletedBoard
from invokeai_py_client.image.models import (
    UNCATEGORIZED,
    BoardLike,
    ImageLike,
    board_id_of,
    image_name_of,
)

__all__ = ["BoardRepository"]


class BoardRepository:
    """Lists, finds, makes and changes the boards of a server.

    Args:
        runner: What runs the flows: the client's.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def _handle(self, board: Board) -> BoardHandle:
        return BoardHandle(self._runner, board)

    def list_boards(
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
        return self._runner.run(
            flows.list_boards(include_archived, order_by, newest_first)
        )

    def get_board_by_id(self, board_id: str) -> Board:
        """Read one board; ``"none"`` gives the place of the images on no board.

        Raises:
            NotFoundError: There is no such board.
        """
        return self._runner.run(flows.get_board(board_id))

    def get_boards_by_name(self, name: str) -> list[Board]:
        """List the boards of exactly this name, archived ones included.

        Names need not be unique; the list may be empty.
        """
        return self._runner.run(flows.get_boards_by_name(name))

    def find_board_by_name(self, name: str) -> Optional[Board]:
        """Find the board of this name, archived ones included.

        Returns:
            The board of exactly this name, else the only one of that name in other
            letter case, else None.

        Raises:
            BoardError: Several boards have this name.
        """
        return self._runner.run(flows.find_board_by_name(name))

    def get_board_handle(self, board: BoardLike) -> BoardHandle:
        """Get the handle of a board by its id.

        Raises:
            NotFoundError: There is no such board.
        """
        return self._runner.run(flows.get_handle(self._handle, board_id_of(board)))

    def get_board_handle_by_name(self, name: str) -> BoardHandle:
        """Get the handle of the one board of this name.

        Raises:
            BoardError: No board has this name, and which come near; or several have.
        """
        return self._runner.run(flows.get_handle_by_name(self._handle, name))

    def get_uncategorized_board(self) -> Board:
        """Read the place of the images on no board, with its counts."""
        return self._runner.run(flows.get_uncategorized())

    def get_uncategorized_handle(self) -> BoardHandle:
        """Get the handle of the place of the images on no board."""
        return self._runner.run(flows.get_handle(self._handle, UNCATEGORIZED))

    def create_board(
        self, name: str, *, visibility: Optional[BoardVisibility] = None
    ) -> BoardHandle:
        """Make a board; a second one of the same name is fine for the server.

        Args:
            name: At most 300 characters.
            visibility: Who sees it; None for the server's default, private.

        Raises:
            UnprocessableEntityError: The name is too long.
        """
        return self._runner.run(flows.create_board(self._handle, name, visibility))

    def update_board(
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
        return self._runner.run(
            flows.update_board(
                board_id_of(board),
                name=name,
                archived=archived,
                visibility=visibility,
                cover_image=None if cover_image is None else image_name_of(cover_image),
            )
        )

    def delete_board(
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
        return self._runner.run(flows.delete_board(board_id_of(board), delete_images))
