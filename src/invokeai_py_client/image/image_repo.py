"""`ImageRepository`: the images of a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional, Union

from invokeai_py_client._io.runner import Runner
from invokeai_py_client.image import change_flows, flows, media_flows
from invokeai_py_client.image.files import ImageSource
from invokeai_py_client.image.image_downloads import ImageDownloads
from invokeai_py_client.image.image_handle import IvkImage
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.models import (
    BoardLike,
    ImageCategory,
    ImageChanges,
    ImageLike,
    ImageOrigin,
    board_id_of,
    image_name_of,
    image_names_of,
)
from invokeai_py_client.image.query import image_query

__all__ = ["ImageRepository"]


class ImageRepository(ImageDownloads):
    """Uploads, lists, downloads and organises the images of a server.

    Args:
        runner: What runs the flows: the client's.
    """

    def __init__(self, runner: Runner) -> None:
        super().__init__(runner)
        self._read = IvkImage.bound_to(runner)

    def upload(
        self,
        source: ImageSource,
        *,
        category: ImageCategory = ImageCategory.USER,
        board: Optional[BoardLike] = None,
        is_intermediate: bool = False,
        metadata: Optional[Mapping[str, Any]] = None,
        resize_to: Optional[tuple[int, int]] = None,
    ) -> IvkImage:
        """Send a local picture; the server stores it as PNG under a name of its own.

        Files are streamed. The request is never repeated by itself: after an
        `APIConnectionError` the image may or may not be there.

        Args:
            source: A path, the bytes of an image file, or a Pillow image.
            category: `USER` and all but `GENERAL` appear as assets in the gallery.
            board: A board or its id; None for no board.
            is_intermediate: Hide it from the gallery.
            metadata: A JSON object of at most 1 MiB to store with the image.
            resize_to: Width and height in pixels, at most 4096 x 4096 together.

        Raises:
            ImageFileNotFoundError: There is no such file; nothing was sent.
            ImageError: No picture, or one the server cannot read.
            NotFoundError: There is no such board.
        """
        return self._runner.run(
            flows.upload_image(
                self._read,
                source,
                category=category,
                board_id=None if board is None else board_id_of(board),
                is_intermediate=is_intermediate,
                metadata=metadata,
                resize_to=resize_to,
            )
        )

    def get_image(self, image: ImageLike) -> IvkImage:
        """Read one image's record.

        Raises:
            NotFoundError: The server has no image of that name.
            PermissionDeniedError: It belongs to somebody else.
        """
        return self._runner.run(flows.get_image(self._read, image_name_of(image)))

    def get_images(
        self, images: Union[ImageLike, Iterable[ImageLike]]
    ) -> list[IvkImage]:
        """Read many records in as few requests as possible, in the order given.

        Raises:
            ImageError: Some of them are unknown; the message lists them.
        """
        return self._runner.run(flows.get_images(self._read, image_names_of(images)))

    def list_images(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Union[str, Sequence[str], None] = None,
        origin: Union[str, ImageOrigin, None] = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        starred_first: bool = False,
        newest_first: bool = True,
        limit: Optional[int] = None,
        offset: int = 0,
    ) -> Iterator[IvkImage]:
        """Iterate over images, fetching records as needed, a thousand at a time.

        The names are fixed when the iteration starts, so that deleting or adding
        images meanwhile neither skips nor repeats any.

        Args:
            board: Only this board's; ``"none"`` for the images on no board.
            categories: Only these, such as ``"general"`` or
                ``["user", "control"]``; None for all, assets included.
            origin: ``"internal"`` for generated, ``"external"`` for uploaded.
            is_intermediate: False hides intermediate images, True gives only those,
                None gives both.
            search: Text to find in the metadata or the creation time.
            starred_first: Put starred images before all others.
            newest_first: Order by time of creation, newest or oldest first.
            limit: At most this many; None for all.
            offset: Leave out this many at the beginning.

        Raises:
            NotFoundError: There is no such board.
            UnprocessableEntityError: A filter has a value the server does not know.
            ValueError: `limit` or `offset` is negative.
        """
        return self._runner.stream(
            flows.list_images(
                self._read,
                image_query(
                    board=board,
                    categories=categories,
                    origin=origin,
                    is_intermediate=is_intermediate,
                    search=search,
                    starred_first=starred_first,
                    newest_first=newest_first,
                ),
                limit,
                offset,
            )
        )

    def list_image_names(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Union[str, Sequence[str], None] = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        newest_first: bool = True,
    ) -> list[str]:
        """List all names in one request; filters as in `list_images`."""
        return self._runner.run(
            media_flows.list_names(
                IMAGE,
                image_query(
                    board=board,
                    categories=categories,
                    is_intermediate=is_intermediate,
                    search=search,
                    newest_first=newest_first,
                ),
            )
        )

    def count_images(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Union[str, Sequence[str], None] = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
    ) -> int:
        """Count images, assets included; filters as in `list_images`."""
        return self._runner.run(
            media_flows.count(
                IMAGE,
                image_query(
                    board=board,
                    categories=categories,
                    is_intermediate=is_intermediate,
                    search=search,
                ),
            )
        )

    def get_metadata(self, image: ImageLike) -> Optional[dict[str, Any]]:
        """Read the generation's metadata; None when the image has none.

        Raises:
            NotFoundError: There is no such image.
        """
        return self._runner.run(media_flows.get_metadata(IMAGE, image_name_of(image)))

    def get_workflow(self, image: ImageLike) -> Optional[dict[str, Any]]:
        """Read the workflow embedded in an image; None when it has none.

        In a picture of a sweep this holds the values of the file, not the ones of
        the job that made it.

        Raises:
            NotFoundError: There is no such image.
        """
        return self._runner.run(
            media_flows.get_embedded(IMAGE, image_name_of(image), "workflow")
        )

    def get_graph(self, image: ImageLike) -> Optional[dict[str, Any]]:
        """Read the graph embedded in an image; None when it has none.

        It holds the batch's values, but not what an edge supplied.

        Raises:
            NotFoundError: There is no such image.
        """
        return self._runner.run(
            media_flows.get_embedded(IMAGE, image_name_of(image), "graph")
        )

    def update_image(
        self,
        image: ImageLike,
        *,
        category: Optional[ImageCategory] = None,
        is_intermediate: Optional[bool] = None,
        starred: Optional[bool] = None,
    ) -> IvkImage:
        """Change an image's record; what is None stays as it is.

        Returns:
            The image as it is now.

        Raises:
            NotFoundError: The server has no image of that name.
            ValueError: Nothing to change was given.
        """
        return self._runner.run(
            media_flows.update(
                IMAGE,
                self._read,
                image_name_of(image),
                category=category,
                is_intermediate=is_intermediate,
                starred=starred,
            )
        )

    def star(self, images: Union[ImageLike, Iterable[ImageLike]]) -> ImageChanges:
        """Star one image or several; the result says which the server knew."""
        return self._runner.run(media_flows.star(IMAGE, image_names_of(images), True))

    def unstar(self, images: Union[ImageLike, Iterable[ImageLike]]) -> ImageChanges:
        """Take the star off one image or several; the result says which."""
        return self._runner.run(media_flows.star(IMAGE, image_names_of(images), False))

    def move(
        self, images: Union[ImageLike, Iterable[ImageLike]], board: BoardLike
    ) -> ImageChanges:
        """Put images on a board, off whatever board they are on.

        Args:
            images: Unknown ones are skipped; the result lists them.
            board: A board or its id; ``"none"`` takes them off their boards.

        Raises:
            NotFoundError: There is no such board.
        """
        return self._runner.run(
            change_flows.move_images(image_names_of(images), board_id_of(board))
        )

    def delete(self, image: ImageLike) -> None:
        """Delete an image for good.

        Raises:
            NotFoundError: The server has no image of that name.
            ImageError: The server could not delete it.
        """
        return self._runner.run(change_flows.delete_image(image_name_of(image)))

    def delete_many(
        self, images: Union[ImageLike, Iterable[ImageLike]]
    ) -> ImageChanges:
        """Delete one image or several for good; the result says which it was."""
        return self._runner.run(media_flows.delete_many(IMAGE, image_names_of(images)))

    def delete_uncategorized(self) -> ImageChanges:
        """Delete every image that is on no board, for good: intermediate ones too.

        An administrator deletes those of all users.
        """
        return self._runner.run(media_flows.delete_uncategorized(IMAGE))

    def count_intermediates(self) -> int:
        """Count the intermediate images the server keeps."""
        return self._runner.run(change_flows.count_intermediates())

    def clear_intermediates(self) -> int:
        """Delete all intermediate images, of all users; needs an administrator.

        Returns:
            How many were deleted.
        """
        return self._runner.run(change_flows.clear_intermediates())
