# Generated from image/image_handle.py by scripts/generate_async.py; do not edit.
"""`AsyncIvkImage`: an image on a server, with the verbs that fetch it."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Optional, Union, overload

from invokeai_py_client._aio.media_handle import AsyncMediaHandle
from invokeai_py_client._arguments import PathLike, checks_arguments
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client.image import bulk_flows, flows, media_flows
from invokeai_py_client.image.media import IMAGE, Media
from invokeai_py_client.image.models import ImageBase, ImageChanges, ImageLike

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

    from invokeai_py_client.recipe.recipe import Recipe


@set_module("invokeai_py_client")
@checks_arguments
class AsyncIvkImage(AsyncMediaHandle, ImageBase):
    """An image as the server described it, which can fetch its own content.

    It is frozen data: equal to any other with the same data, safe to keep, to dump
    and to pickle. One made by hand, or unpickled, has no connection, and its verbs
    raise `InvokeAIError`; everything a client returns is connected. A verb raises
    `NotFoundError` when the image was deleted on the server.
    """

    _SET: ClassVar[str] = "image_repo.update_image(image, …) changes it on the server"

    _MEDIA: ClassVar[Media[ImageChanges]] = IMAGE

    async def pil(self) -> PilImage:
        """Download the image as a loaded Pillow image.

        Raises:
            ImageError: Pillow is missing; install the extra `images`.
        """
        return await self._runner.run(flows.open_pil(self.image_name))

    async def recipe(self) -> Recipe:
        """Find out what made the image: prompt, seed, model, steps and every input.

        Each value comes from the job's session while the queue has the job, else from
        the graph stored with the image, else from its metadata, and says so. What none
        of them tells is unknown. `Recipe.from_file` reads a local file.
        """
        # Imported here: a script may never need it.
        from invokeai_py_client.recipe.recipe_flows import recipe_of

        return await self._runner.run(recipe_of(self))


@checks_arguments
class AsyncDownloadsImages:
    """What downloads an image by its name."""

    _runner: AsyncRunner

    @overload
    async def download_image(
        self, image: ImageLike, path: None = None
    ) -> builtins.bytes: ...

    @overload
    async def download_image(
        self, image: ImageLike, path: PathLike, *, overwrite: bool = True
    ) -> Path: ...

    async def download_image(
        self,
        image: ImageLike,
        path: Optional[PathLike] = None,
        *,
        overwrite: bool = True,
    ) -> Union[Path, builtins.bytes]:
        """Download an image into a file or folder; see `AsyncIvkImage.save`.

        Args:
            image: The image or its name.
            path: A file or a folder; None for the content of the file.
            overwrite: Replace a file that exists already.

        Returns:
            The file that was written; without `path` its content.

        Raises:
            FileExistsError: The file exists and `overwrite` is False.
        """
        if path is None:
            return await self._runner.run(media_flows.get_bytes(IMAGE, str(image)))
        return await self._runner.run(
            bulk_flows.save_file(IMAGE, image, path, overwrite)
        )
