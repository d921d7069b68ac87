"""`ImageDownloads`: from the images of a server to files and bytes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Optional, Union

from invokeai_py_client._io.runner import Runner
from invokeai_py_client.image import bulk_flows, flows, media_flows
from invokeai_py_client.image.files import PathLike
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.models import (
    ImageLike,
    ImageUrls,
    image_name_of,
    image_names_of,
)

__all__ = ["ImageDownloads"]


class ImageDownloads:
    """The part of `ImageRepository` that fetches what images consist of."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def download(
        self, image: ImageLike, path: PathLike, *, overwrite: bool = True
    ) -> Path:
        """Download an image into a file or folder; see `IvkImage.save`.

        Raises:
            FileExistsError: The file exists and `overwrite` is False.
            NotFoundError: The server has no image of that name.
        """
        return self._runner.run(flows.save_image(image_name_of(image), path, overwrite))

    def download_many(
        self,
        images: Union[ImageLike, Iterable[ImageLike]],
        folder: PathLike,
        *,
        overwrite: bool = True,
    ) -> list[Path]:
        """Download images into a folder, each under its own name, in the order given.

        Whatever the server calls an image, its file is directly in `folder`.

        Raises:
            FileExistsError: A file exists and `overwrite` is False.
            NotADirectoryError: `folder` is a file.
            NotFoundError: The server does not have one of them; those that came
                before are there.
        """
        return self._runner.run(
            bulk_flows.download_many(image_names_of(images), folder, overwrite)
        )

    def download_zip(
        self,
        images: Union[ImageLike, Iterable[ImageLike]],
        path: PathLike,
        *,
        overwrite: bool = True,
        timeout: Optional[float] = None,
    ) -> Path:
        """Download images as one zip, with an entry ``category/name`` for each.

        The server makes the zip; without an event socket, and for more than 1000
        images, it is put together here. It appears when it is complete.

        Args:
            images: Which ones; see `BoardHandle.download_zip` for a whole board.
            path: A file, or a folder in which it is called ``images.zip``.
            overwrite: Replace a file that exists already.
            timeout: Seconds that the server may take to make it; None for any time.

        Raises:
            FileExistsError: The file exists and `overwrite` is False.
            ImageError: The server does not know one of them, or failed.
            JobTimeoutError: The zip was not made in time.
            ValueError: No image was given.
        """
        names = image_names_of(images)
        return self._runner.run(
            bulk_flows.download_zip(
                path, names=names, overwrite=overwrite, timeout=timeout
            )
        )

    def exists(self, image: ImageLike) -> bool:
        """Find out whether the server has an image, without reading it.

        Raises:
            PermissionDeniedError: It belongs to somebody else.
        """
        return self._runner.run(media_flows.exists(IMAGE, image_name_of(image)))

    def get_urls(self, image: ImageLike) -> ImageUrls:
        """Read where an image and its preview are.

        Raises:
            NotFoundError: The server has no image of that name.
        """
        return self._runner.run(
            media_flows.get_urls(IMAGE, image_name_of(image), ImageUrls)
        )

    def get_bytes(self, image: ImageLike) -> bytes:
        """Download an image's PNG file into memory.

        Raises:
            NotFoundError: There is no such image.
        """
        return self._runner.run(media_flows.get_bytes(IMAGE, image_name_of(image)))

    def get_thumbnail(self, image: ImageLike) -> bytes:
        """Download a small preview, a WebP file of at most 256 pixels a side.

        Raises:
            NotFoundError: There is no such image.
        """
        return self._runner.run(media_flows.get_thumbnail(IMAGE, image_name_of(image)))
