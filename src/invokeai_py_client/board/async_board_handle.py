# Generated from board_handle.py by scripts/generate_async.py; do not edit.
"""`AsyncBoardHandle`: one board and what can be done with its images."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union

from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client.board import flows
from invokeai_py_client.board.models import Board
from invokeai_py_client.image import bulk_flows
from invokeai_py_client.image import flows as image_flows
from invokeai_py_client.image.async_image_handle import AsyncIvkImage
from invokeai_py_client.image.files import PathLike
from invokeai_py_client.image.models import (
    UNCATEGORIZED,
    BoardLike,
    ImageCategory,
    ImageLike,
    board_id_of,
    image_name_of,
)
from invokeai_py_client.image.query import image_query

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

__all__ = ["AsyncBoardHandle"]


class AsyncBoardHandle:
    """A board to work with: an identity and verbs, no state of its own.

    The place of the images on no board has a handle as well; see
    `AsyncBoardRepository.get_uncategorized_handle`.

    Verbs that change an image require it to be on this board and raise `BoardError`
    otherwise.

    Args:
        runner: What runs the flows: the client's.
        board: The board as it was read.
    """

    def __init__(self, runner: AsyncRunner, board: Board) -> None:
        self._runner = runner
        self._board = board
        self._read = AsyncIvkImage.bound_to(runner)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.board_id!r}, {self.board_name!r})"

    @property
    def board_id(self) -> str:
        """The server's id; ``"none"`` for the images on no board."""
        return self._board.board_id

    @property
    def board_name(self) -> str:
        """The name the board had when the handle was made."""
        return self._board.board_name

    @property
    def board(self) -> Board:
        """The snapshot the handle was made from; `get_board` reads a new one."""
        return self._board

    @property
    def is_uncategorized(self) -> bool:
        """True for the place of the images on no board."""
        return self.board_id == UNCATEGORIZED

    async def get_board(self) -> Board:
        """Read the board as it is now.

        Raises:
            NotFoundError: It was deleted.
        """
        return await self._runner.run(flows.get_board(self.board_id))

    async def get_image_count(self) -> int:
        """Count the board's images, assets such as uploads included.

        Raises:
            NotFoundError: The board was deleted.
        """
        return await self._runner.run(flows.image_count(self.board_id))

    def list_images(
        self,
        *,
        categories: Union[str, Sequence[str], None] = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        starred_first: bool = False,
        newest_first: bool = True,
        limit: Optional[int] = None,
        offset: int = 0,
    ) -> AsyncIterator[AsyncIvkImage]:
        """Iterate over the board's images and assets, fetched as needed.

        Args:
            categories: Only these: ``"general"`` gives what the gallery shows under
                "Images", ``["user", "control", "mask", "other"]`` its assets.
            is_intermediate: False hides intermediate images, True gives only those,
                None gives both.
            search: Text to find in the metadata or the creation time.
            starred_first: Put starred images before all others.
            newest_first: Order by time of creation, newest or oldest first.
            limit: At most this many; None for all.
            offset: Leave out this many at the beginning.

        Raises:
            NotFoundError: The board was deleted.
        """
        return self._runner.stream(
            image_flows.list_images(
                self._read,
                image_query(
                    board=self.board_id,
                    categories=categories,
                    is_intermediate=is_intermediate,
                    search=search,
                    starred_first=starred_first,
                    newest_first=newest_first,
                ),
                limit,
                offset,
            )
        )

    async def list_image_names(
        self,
        *,
        categories: Union[str, Sequence[str], None] = None,
        is_intermediate: Optional[bool] = None,
    ) -> list[str]:
        """List the names of the board's images in one request, in no special order.

        Args:
            categories: Only these; None for all, assets included.
            is_intermediate: False leaves intermediate images out, True gives only
                those, None gives both.

        Raises:
            NotFoundError: The board was deleted.
        """
        if isinstance(categories, str):
            categories = [categories]
        return await self._runner.run(
            flows.list_image_names(self.board_id, categories, is_intermediate)
        )

    async def download_zip(
        self,
        path: PathLike,
        *,
        overwrite: bool = True,
        timeout: Optional[float] = None,
    ) -> Path:
        """Download all images of the board as one zip; see the image repository's.

        Intermediate images and assets are in it, videos are not.

        Args:
            path: A file, or a folder in which it is called ``images.zip``.
            overwrite: Replace a file that exists already.
            timeout: Seconds that the server may take to make it; None for any time.

        Raises:
            FileExistsError: The file exists and `overwrite` is False.
            ImageError: The server could not make it.
            JobTimeoutError: The zip was not made in time.
            NotFoundError: The board was deleted.
        """
        return await self._runner.run(
            bulk_flows.download_zip(
                path, board_id=self.board_id, overwrite=overwrite, timeout=timeout
            )
        )

    async def upload_image_file(
        self,
        path: PathLike,
        *,
        category: ImageCategory = ImageCategory.USER,
        is_intermediate: bool = False,
        metadata: Optional[Mapping[str, Any]] = None,
        resize_to: Optional[tuple[int, int]] = None,
    ) -> AsyncIvkImage:
        """Send an image file to this board; see `AsyncImageRepository.upload`.

        Raises:
            ImageFileNotFoundError: There is no such file; nothing was sent.
            ImageError: No picture, or one the server cannot read.
            NotFoundError: The board was deleted.
        """
        return await self._runner.run(
            image_flows.upload_image(
                self._read,
                path,
                category=category,
                board_id=self.board_id,
                is_intermediate=is_intermediate,
                metadata=metadata,
                resize_to=resize_to,
            )
        )

    async def upload_image_data(
        self,
        data: Union[bytes, bytearray, memoryview, PilImage],
        *,
        category: ImageCategory = ImageCategory.USER,
        is_intermediate: bool = False,
        metadata: Optional[Mapping[str, Any]] = None,
        resize_to: Optional[tuple[int, int]] = None,
    ) -> AsyncIvkImage:
        """Send the bytes of an image file, or a Pillow image, to this board.

        Raises:
            ImageError: No picture, or one the server cannot read.
            NotFoundError: The board was deleted.
        """
        return await self._runner.run(
            image_flows.upload_image(
                self._read,
                data,
                category=category,
                board_id=self.board_id,
                is_intermediate=is_intermediate,
                metadata=metadata,
                resize_to=resize_to,
            )
        )

    async def download_image(
        self, image: ImageLike, path: PathLike, *, overwrite: bool = True
    ) -> Path:
        """Download an image into a file or folder; see `AsyncIvkImage.save`.

        Raises:
            FileExistsError: The file exists and `overwrite` is False.
            NotFoundError: The server has no image of that name.
        """
        return await self._runner.run(
            image_flows.save_image(image_name_of(image), path, overwrite)
        )

    async def move_image_to(self, image: ImageLike, board: BoardLike) -> None:
        """Move an image of this board to another one.

        Args:
            image: The image or its name.
            board: A board or its id; ``"none"`` takes it off this board.

        Raises:
            NotFoundError: There is no such image or board; nothing was moved.
            BoardError: The image is not on this board.
        """
        return await self._runner.run(
            flows.move_image(self.board_id, image_name_of(image), board_id_of(board))
        )

    async def remove_image(self, image: ImageLike) -> None:
        """Take an image off this board; it stays on the server.

        Raises:
            NotFoundError: The server has no image of that name.
            BoardError: The image is not on this board.
        """
        return await self._runner.run(
            flows.move_image(self.board_id, image_name_of(image), UNCATEGORIZED)
        )

    async def delete_image(self, image: ImageLike) -> None:
        """Delete an image of this board for good.

        Raises:
            NotFoundError: The server has no image of that name.
            BoardError: The image is not on this board.
        """
        return await self._runner.run(
            flows.delete_image(self.board_id, image_name_of(image))
        )

    async def star_image(self, image: ImageLike) -> None:
        """Star an image of this board.

        Raises:
            NotFoundError: The server has no image of that name.
            BoardError: The image is not on this board.
        """
        return await self._runner.run(
            flows.star_image(self.board_id, image_name_of(image), True)
        )

    async def unstar_image(self, image: ImageLike) -> None:
        """Take the star off an image of this board.

        Raises:
            NotFoundError: The server has no image of that name.
            BoardError: The image is not on this board.
        """
        return await self._runner.run(
            flows.star_image(self.board_id, image_name_of(image), False)
        )
