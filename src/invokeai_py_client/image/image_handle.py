"""`IvkImage`: an image on a server, with the verbs that fetch it."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, cast

from invokeai_py_client._io.runner import Runner
from invokeai_py_client.image import flows, media_flows
from invokeai_py_client.image.display import display_png
from invokeai_py_client.image.files import PathLike
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.models import ImageBase

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

__all__ = ["IvkImage"]


class IvkImage(ImageBase):
    """An image as the server described it, which can fetch its own content.

    It is frozen data: equal to any other with the same data, safe to keep, to dump
    and to pickle. One made by hand, or unpickled, has no connection, and its verbs
    raise `InvokeAIError`; everything a client returns is connected.
    """

    @property
    def _runner(self) -> Runner:
        return cast(Runner, self._require_runner())

    def save(self, path: PathLike, *, overwrite: bool = True) -> Path:
        """Download the image into a file: the server's PNG, workflow included.

        The file appears under its name only when it is complete; a broken download
        leaves what was there before.

        Args:
            path: A file, or a folder (an existing one, or with a separator at the
                end) in which the image gets its own name. Missing folders are made.
            overwrite: Replace a file that exists already.

        Returns:
            The file that was written.

        Raises:
            FileExistsError: The file exists and `overwrite` is False.
            ImageError: The name asks for another format, such as ``.jpg``; use
                `pil` to convert.
            NotFoundError: The image was deleted on the server.
        """
        return self._runner.run(flows.save_image(self.image_name, path, overwrite))

    def bytes(self) -> builtins.bytes:
        """Download the image file: the server's PNG, workflow included.

        Raises:
            NotFoundError: The image was deleted on the server.
        """
        return self._runner.run(media_flows.get_bytes(IMAGE, self.image_name))

    def thumbnail(self) -> builtins.bytes:
        """Download a small preview, a WebP file of at most 256 pixels a side.

        Raises:
            NotFoundError: The image was deleted on the server.
        """
        return self._runner.run(media_flows.get_thumbnail(IMAGE, self.image_name))

    def pil(self) -> PilImage:
        """Download the image as a loaded Pillow image.

        Raises:
            ImageError: Pillow is missing; install the extra `images`.
            NotFoundError: The image was deleted on the server.
        """
        return self._runner.run(flows.open_pil(self.image_name))

    def metadata(self) -> Optional[dict[str, Any]]:
        """Read the generation's metadata; None when the image has none.

        Raises:
            NotFoundError: The image was deleted on the server.
        """
        return self._runner.run(media_flows.get_metadata(IMAGE, self.image_name))

    def refresh(self) -> IvkImage:
        """Read the record again; this snapshot stays as it is.

        Raises:
            NotFoundError: The image was deleted on the server.
        """
        return self._runner.run(
            flows.get_image(IvkImage.bound_to(self._runner), self.image_name)
        )

    def _repr_png_(self) -> Optional[builtins.bytes]:  # blocking only
        # A notebook does not await.
        return display_png(self)
