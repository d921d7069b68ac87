"""`BoardHandle`: one board and what can be done with its images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client._arguments import (
    Count,
    KnownId,
    PathLike,
    Seconds,
    checks_arguments,
)
from invokeai_py_client._core.flow import Flow, collect
from invokeai_py_client._exports import one_line, set_module
from invokeai_py_client._io.runner import Runner
from invokeai_py_client._objects.handle import Handle
from invokeai_py_client.board import flows
from invokeai_py_client.board.models import Board
from invokeai_py_client.image import (
    bulk_flows,
    change_flows,
    flows as image_flows,
)
from invokeai_py_client.image.board_flows import BoardTarget
from invokeai_py_client.image.image_handle import DownloadsImages, IvkImage
from invokeai_py_client.image.models import (
    UNCATEGORIZED,
    BoardLike,
    Categories,
    Category,
    ImageCategory,
    ImageLike,
    board_reference,
)
from invokeai_py_client.image.query import Order, image_query
from invokeai_py_client.image.sources import ImageSource


@set_module("invokeai_py_client")
@checks_arguments
class BoardHandle(DownloadsImages, Handle):
    """A board to work with: an identity and verbs, no state of its own.

    The place of the images on no board has a handle as well; see
    `BoardRepository.get_board_handle`.

    Every method raises `NotFoundError` when the board, or the image, does not exist
    any more. Verbs that change an image require it to be on this board and raise
    `BoardError` otherwise.

    Args:
        runner: What runs the flows: the client's.
        board: The board as it was read.
    """

    _KEEP = "its board_id"

    def __init__(self, runner: Runner, board: Board) -> None:
        self._runner = runner
        self._board = board
        self._read = IvkImage.bound_to(runner)

    def __repr__(self) -> str:
        return one_line(
            f"<{type(self).__name__} {self.board_name!r} ({self.board_id})>"
        )

    @property
    def _id(self) -> KnownId:
        return KnownId(self.board_id)

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

    def get_board(self) -> Board:
        """Read the board as it is now."""
        return self._runner.run(flows.get_board(self._id))

    def count_images(self) -> int:
        """Count the board's images, assets such as uploads included."""
        return self._runner.run(flows.get_board(self._id)).total_count

    def list_images(
        self,
        *,
        categories: Categories = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        starred_first: bool = False,
        newest_first: bool = True,
        limit: Optional[Count] = None,
        offset: Count = 0,
    ) -> list[IvkImage]:
        """List images; see `iter_images` for the arguments."""
        order = Order(starred_first, newest_first)
        query = image_query(self._id, categories, None, is_intermediate, search, order)
        images = image_flows.list_images(self._read, query, limit, offset)
        return self._runner.run(collect(images))

    def iter_images(
        self,
        *,
        categories: Categories = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        starred_first: bool = False,
        newest_first: bool = True,
        limit: Optional[Count] = None,
        offset: Count = 0,
    ) -> Iterator[IvkImage]:
        """Iterate over the board's images and assets, fetched as needed.

        Args:
            categories: Only these: ``"general"`` lists what the gallery shows under
                "Images", ``["user", "control", "mask", "other"]`` its assets.
            is_intermediate: False hides intermediate images, True lists only those,
                None lists both.
            search: Text to find in the metadata or the creation time.
            starred_first: Put starred images before all others.
            newest_first: Order by time of creation, newest or oldest first.
            limit: At most this many; None for all.
            offset: Leave out this many at the beginning.
        """
        order = Order(starred_first, newest_first)
        query = image_query(self._id, categories, None, is_intermediate, search, order)
        return self._runner.stream(
            image_flows.list_images(self._read, query, limit, offset)
        )

    def list_image_names(
        self, *, categories: Categories = None, is_intermediate: Optional[bool] = None
    ) -> list[str]:
        """List the names of the board's images in one request, in no special order.

        Args:
            categories: Only these; None for all, assets included.
            is_intermediate: False leaves intermediate images out, True gives only
                those, None lists both.
        """
        return self._runner.run(
            flows.list_image_names(
                image_query(
                    board=self._id,
                    categories=categories,
                    is_intermediate=is_intermediate,
                )
            )
        )

    def download_images_as_zip(
        self,
        path: PathLike,
        *,
        overwrite: bool = True,
        timeout: Optional[Seconds] = None,
    ) -> Path:
        """Download all images of the board as one zip; see the image repository's.

        Intermediate images and assets are in it, videos are not.

        Args:
            path: A file, or a folder in which it is called after the board, with a tag
                that no other board has.
            overwrite: Replace a file that exists already.
            timeout: Seconds for making and saving it; None without a limit.

        Raises:
            FileExistsError: The file exists and `overwrite` is False.
            ImageError: The server could not make it.
            JobTimeoutError: The zip was not saved in time.
        """
        return self._runner.run(
            bulk_flows.download_zip(
                path,
                board_id=self._id,
                board_name=self.board_name,
                overwrite=overwrite,
                timeout=timeout,
            )
        )

    def upload_image_file(
        self,
        path: ImageSource,
        *,
        category: Category = ImageCategory.USER,
        is_intermediate: bool = False,
        metadata: Optional[Mapping[str, Any]] = None,
        resize_to: Optional[tuple[int, int]] = None,
    ) -> IvkImage:
        """Send an image file to this board; see `ImageRepository.upload_image`.

        Raises:
            ImageFileNotFoundError: There is no such file; nothing was sent.
            ImageError: No image, or one the server cannot read.
        """
        return self._runner.run(
            image_flows.upload_image(
                self._read,
                path,
                category=category,
                board=BoardTarget(self._id),
                is_intermediate=is_intermediate,
                metadata=metadata,
                resize_to=resize_to,
            )
        )

    def upload_image_data(
        self,
        data: ImageSource,
        *,
        category: Category = ImageCategory.USER,
        is_intermediate: bool = False,
        metadata: Optional[Mapping[str, Any]] = None,
        resize_to: Optional[tuple[int, int]] = None,
    ) -> IvkImage:
        """Send an image to this board; see `ImageRepository.upload_image`.

        Raises:
            ImageError: No image, or one the server cannot read.
        """
        return self.upload_image_file(
            data,
            category=category,
            is_intermediate=is_intermediate,
            metadata=metadata,
            resize_to=resize_to,
        )

    def move_image_to(self, image: ImageLike, board: Optional[BoardLike]) -> None:
        """Move an image of this board to another one.

        Args:
            image: The image or its name.
            board: A board, its name or its id; None or ``"none"`` takes it off this
                board.

        Raises:
            NotFoundError: There is no such image or board; nothing was moved.
        """
        return self._change(
            image, change_flows.move_image(str(image), board_reference(board))
        )

    def remove_image(self, image: ImageLike) -> None:
        """Take an image off this board; it stays on the server."""
        return self._change(image, change_flows.move_image(str(image), UNCATEGORIZED))

    def delete_image(self, image: ImageLike) -> None:
        """Delete an image of this board for good."""
        return self._change(image, change_flows.delete_image(str(image)))

    def star_image(self, image: ImageLike) -> None:
        """Star an image of this board."""
        return self._change(image, change_flows.star_image(str(image), True))

    def unstar_image(self, image: ImageLike) -> None:
        """Take the star off an image of this board."""
        return self._change(image, change_flows.star_image(str(image), False))

    def _change(self, image: ImageLike, change: Flow[None]) -> None:
        return self._runner.run(flows.on_board(self.board_id, str(image), change))
