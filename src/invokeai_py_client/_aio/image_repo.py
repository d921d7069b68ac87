# Generated from image/image_repo.py by scripts/generate_async.py; do not edit.
"""`AsyncImageRepository`: the images of a server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client._aio.image_handle import AsyncDownloadsImages, AsyncIvkImage
from invokeai_py_client._aio.image_search import AsyncSearchesImages
from invokeai_py_client._arguments import (
    Count,
    Name,
    PathLike,
    Seconds,
    checks_arguments,
)
from invokeai_py_client._core.flow import collect
from invokeai_py_client._core.send import call_model, get
from invokeai_py_client._exports import set_module
from invokeai_py_client._file_names import FileNameTemplate
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.image import bulk_flows, change_flows, flows, media_flows
from invokeai_py_client.image.board_flows import board_target
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.models import (
    BoardLike,
    Categories,
    Category,
    ImageCategory,
    ImageChanges,
    ImageLike,
    ImagesLike,
    ImageUrls,
    Origin,
    files_of,
    names_of,
)
from invokeai_py_client.image.query import Order, image_query
from invokeai_py_client.image.sources import ImageSource


@set_module("invokeai_py_client.image")
@checks_arguments
class AsyncImageRepository(
    AsyncDownloadsImages, AsyncSearchesImages, Repository[AsyncRunner]
):
    """Uploads, lists, downloads and organises the images of a server.

    A method that takes one image raises `NotFoundError` when the server has none of
    that name, and `PermissionDeniedError` when it belongs to somebody else. One that
    takes a board raises `BoardError` when no board, or more than one, has the name,
    and `NotFoundError` when no board has the id.

    Args:
        runner: What runs the flows: the client's.
        address: The server's address, under which the index for `search_images` is
            kept on disk.
    """

    def __init__(self, runner: AsyncRunner, address: str = "") -> None:
        super().__init__(runner)
        self._address = address
        self._read = AsyncIvkImage.bound_to(runner)

    async def upload_image(
        self,
        source: ImageSource,
        *,
        category: Category = ImageCategory.USER,
        board: Optional[BoardLike] = None,
        create: bool = False,
        is_intermediate: bool = False,
        metadata: Optional[Mapping[str, Any]] = None,
        resize_to: Optional[tuple[int, int]] = None,
    ) -> AsyncIvkImage:
        """Send a local image; the server stores it as PNG under a new name.

        Files are streamed. The request is never repeated by itself: after an
        `APIConnectionError` the image may or may not be there.

        Args:
            source: A path, the bytes of an image file or a ``data:`` URL, an open file,
                a Pillow image, a NumPy array of `uint8`, or an image of any server.
            category: `USER` and all but `GENERAL` appear as assets in the gallery.
            board: Where to put it; None for no board.
            create: Make a board of that name when there is none.
            is_intermediate: Hide it from the gallery.
            metadata: A JSON object of at most 1 MiB to store with the image.
            resize_to: Width and height in pixels, at most 4096 x 4096 together.

        Raises:
            ImageFileNotFoundError: There is no such file; nothing was sent.
            ImageError: No image, or one the server cannot read.
        """
        return await self._runner.run(
            flows.upload_image(
                self._read,
                source,
                category=category,
                board=board_target(board, create),
                is_intermediate=is_intermediate,
                metadata=metadata,
                resize_to=resize_to,
            )
        )

    async def get_image(self, image: ImageLike) -> AsyncIvkImage:
        """Read one image's record."""
        return await self._runner.run(
            media_flows.get_record(IMAGE, self._read, str(image))
        )

    async def get_images(self, images: ImagesLike) -> list[AsyncIvkImage]:
        """Read many records in as few requests as possible, in the order given.

        Raises:
            ImageError: Some of them are unknown; the message lists them.
        """
        return await self._runner.run(flows.get_images(self._read, names_of(images)))

    async def list_images(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Categories = None,
        origin: Optional[Origin] = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        starred_first: bool = False,
        newest_first: bool = True,
        limit: Optional[Count] = None,
        offset: Count = 0,
    ) -> list[AsyncIvkImage]:
        """List images; see `iter_images` for the arguments."""
        order = Order(starred_first, newest_first)
        query = image_query(board, categories, origin, is_intermediate, search, order)
        images = flows.list_images(self._read, query, limit, offset)
        return await self._runner.run(collect(images))

    def iter_images(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Categories = None,
        origin: Optional[Origin] = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        starred_first: bool = False,
        newest_first: bool = True,
        limit: Optional[Count] = None,
        offset: Count = 0,
    ) -> AsyncIterator[AsyncIvkImage]:
        """Iterate over images, fetching records as needed, a thousand at a time.

        The names are fixed when the iteration starts, so that deleting or adding
        images meanwhile neither skips nor repeats any.

        Args:
            board: Only this board's; ``"none"`` for the images on no board.
            categories: Only these, such as ``"general"`` or
                ``["user", "control"]``; None for all, assets included.
            origin: ``"internal"`` for generated, ``"external"`` for uploaded.
            is_intermediate: False hides intermediate images, True lists only those,
                None lists both.
            search: Text to find in the metadata or the creation time.
            starred_first: Put starred images before all others.
            newest_first: Order by time of creation, newest or oldest first.
            limit: At most this many; None for all.
            offset: Leave out this many at the beginning.
        """
        order = Order(starred_first, newest_first)
        query = image_query(board, categories, origin, is_intermediate, search, order)
        return self._runner.stream(flows.list_images(self._read, query, limit, offset))

    async def list_image_names(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Categories = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
        newest_first: bool = True,
    ) -> list[str]:
        """List all names in one request; filters as in `list_images`."""
        query = image_query(
            board,
            categories,
            None,
            is_intermediate,
            search,
            order=Order(newest_first=newest_first),
        )
        return await self._runner.run(media_flows.list_names(IMAGE, query))

    async def count_images(
        self,
        *,
        board: Optional[BoardLike] = None,
        categories: Categories = None,
        is_intermediate: Optional[bool] = False,
        search: Optional[str] = None,
    ) -> int:
        """Count images, assets included; filters as in `list_images`."""
        query = image_query(board, categories, None, is_intermediate, search)
        return await self._runner.run(media_flows.count(IMAGE, query))

    async def download_images(
        self,
        images: ImagesLike,
        folder: PathLike,
        *,
        name: Optional[Name] = None,
        overwrite: bool = True,
    ) -> list[Path]:
        """Download images into a folder, each under its own name, in the order given.

        Args:
            images: Which ones.
            folder: Made if missing. No file is outside it.
            name: A template of the names, such as ``"{index:05d}-{seed}"``; see the
                page on file names. Two that would have one name get a tag.
            overwrite: Replace files that exist already.

        Raises:
            ArgumentError: The template is wrong, or has a field that no image has; no
                image was fetched.
            FileExistsError: A file exists and `overwrite` is False.
            LocalFileError: `folder` is a file.
            NotFoundError: The server does not have one of them; those that came
                before are there.
        """
        return await self._runner.run(
            bulk_flows.download_many(
                files_of(images),
                folder,
                overwrite,
                None if name is None else FileNameTemplate.parse(name),
            )
        )

    async def download_images_as_zip(
        self,
        images: ImagesLike,
        path: PathLike,
        *,
        overwrite: bool = True,
        timeout: Optional[Seconds] = None,
    ) -> Path:
        """Download images as one zip, with an entry ``category/name`` for each.

        The server makes the zip; without an event socket, and for more than 1000
        images, it is put together here. It appears when it is complete.

        Args:
            images: Which ones; a board has a method of its own for all of it.
            path: A file, or a folder in which its name is ``images-`` with a tag that
                only these images have.
            overwrite: Replace a file that exists already.
            timeout: Seconds for making and saving it; None without a limit.

        Raises:
            FileExistsError: The file exists and `overwrite` is False.
            ImageError: The server does not know one of them, or failed.
            JobTimeoutError: The zip was not saved in time.
            ArgumentError: No image was given.
        """
        names = names_of(images)
        if not names:
            raise ArgumentError("images", images, "at least one image")
        return await self._runner.run(
            bulk_flows.download_zip(
                path, names=names, overwrite=overwrite, timeout=timeout
            )
        )

    async def image_exists(self, image: ImageLike) -> bool:
        """Find out whether the server has an image, without reading it."""
        return await self._runner.run(media_flows.exists(IMAGE, str(image)))

    async def get_image_urls(self, image: ImageLike) -> ImageUrls:
        """Read where an image and its preview are."""
        return await self._runner.run(
            media_flows.get_urls(IMAGE, str(image), ImageUrls)
        )

    async def get_image_bytes(self, image: ImageLike) -> bytes:
        """Download an image's PNG file into memory."""
        return await self._runner.run(media_flows.get_bytes(IMAGE, str(image)))

    async def get_image_thumbnail(self, image: ImageLike) -> bytes:
        """Download a small preview, a WebP file of at most 256 pixels a side."""
        return await self._runner.run(media_flows.get_thumbnail(IMAGE, str(image)))

    async def find_image_metadata(self, image: ImageLike) -> Optional[dict[str, Any]]:
        """Read the generation's metadata; None when the image has none."""
        return await self._runner.run(media_flows.get_metadata(IMAGE, str(image)))

    async def find_image_workflow(self, image: ImageLike) -> Optional[dict[str, Any]]:
        """Read the workflow embedded in an image; None when it has none.

        For an image of a sweep it holds the values of the workflow file, not those
        of the job that made the image.
        """
        return await self._runner.run(
            media_flows.get_embedded(IMAGE, str(image), "workflow")
        )

    async def find_image_graph(self, image: ImageLike) -> Optional[dict[str, Any]]:
        """Read the graph embedded in an image; None when it has none.

        It holds the batch's values, but not what an edge supplied.
        """
        return await self._runner.run(
            media_flows.get_embedded(IMAGE, str(image), "graph")
        )

    async def update_image(
        self,
        image: ImageLike,
        *,
        category: Optional[Category] = None,
        is_intermediate: Optional[bool] = None,
        starred: Optional[bool] = None,
    ) -> AsyncIvkImage:
        """Change an image's record; what is None stays as it is.

        Returns:
            The image as it is now.

        Raises:
            ArgumentError: Nothing to change was given.
        """
        return await self._runner.run(
            change_flows.update(
                IMAGE,
                self._read,
                str(image),
                category=category,
                is_intermediate=is_intermediate,
                starred=starred,
            )
        )

    async def star_images(self, images: ImagesLike) -> ImageChanges:
        """Star one image or several; the result says which the server knew."""
        return await self._runner.run(change_flows.star(IMAGE, names_of(images), True))

    async def unstar_images(self, images: ImagesLike) -> ImageChanges:
        """Take the star off one image or several; the result says which."""
        return await self._runner.run(change_flows.star(IMAGE, names_of(images), False))

    async def move_images(
        self,
        images: ImagesLike,
        *,
        board: Optional[BoardLike],
        create: bool = False,
    ) -> ImageChanges:
        """Put images on a board, and take them off any other.

        Args:
            images: Unknown ones are skipped; the result lists them.
            board: Where to; None or ``"none"`` takes them off their boards.
            create: Make a board of that name when there is none.
        """
        return await self._runner.run(
            change_flows.move_images(names_of(images), board_target(board, create))
        )

    async def delete_image(self, image: ImageLike) -> None:
        """Delete an image for good.

        Raises:
            ImageError: The server could not delete it.
        """
        return await self._runner.run(change_flows.delete_image(str(image)))

    async def delete_images(self, images: ImagesLike) -> ImageChanges:
        """Delete one image or several for good; the result says which."""
        return await self._runner.run(change_flows.delete_many(IMAGE, names_of(images)))

    async def delete_uncategorized_images(self) -> ImageChanges:
        """Delete every image that is on no board, for good: intermediate ones too.

        An administrator deletes those of all users.
        """
        return await self._runner.run(change_flows.delete_uncategorized(IMAGE))

    async def count_intermediate_images(self) -> int:
        """Count the intermediate images the server keeps."""
        return await self._runner.run(
            call_model(int, get("/api/v1/images/intermediates"))
        )

    async def delete_intermediate_images(self) -> int:
        """Delete all intermediate images, of all users; needs an administrator.

        Returns:
            How many were deleted.
        """
        return await self._runner.run(change_flows.clear_intermediates())
