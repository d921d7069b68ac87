# Generated from image/media_handle.py by scripts/generate_async.py; do not edit.
"""What an image and a video on a server have in common: the verbs that fetch it."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Optional, cast

from invokeai_py_client._arguments import PathLike, checks_arguments
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client.image import bulk_flows, media_flows
from invokeai_py_client.image.media import Media
from invokeai_py_client.image.models import MediaBase

if TYPE_CHECKING:
    from typing_extensions import Self


@checks_arguments
class AsyncMediaHandle(MediaBase):
    """A file as the server described it, which can fetch its own content.

    It is frozen data: equal to any other with the same data, safe to keep, to dump
    and to pickle. One made by hand, or unpickled, has no connection, and its verbs
    raise `InvokeAIError`; everything a client returns is connected. A verb raises
    `NotFoundError` when the image or video was deleted on the server.
    """

    _MEDIA: ClassVar[Media[Any]]

    @property
    def _runner(self) -> AsyncRunner:
        return cast(AsyncRunner, self._require_runner())

    async def save(self, path: PathLike, *, overwrite: bool = True) -> Path:
        """Download the file: the server's PNG, workflow included, or its MP4.

        The file appears under its name only when it is complete; a broken download
        leaves what was there before.

        Args:
            path: A file, or a folder (an existing one, or with a separator at the
                end) in which the file gets its own name. Missing folders are made.
                It may have fields, such as ``"out/{index:05d}-{seed}.png"``; see
                the page on file names.
            overwrite: Replace a file that exists already.

        Returns:
            The file that was written.

        Raises:
            FileExistsError: The file exists and `overwrite` is False.
            ImageError: The name asks for another format, such as ``.jpg``; use
                `pil` to convert. For a video it is a `VideoError`.
            APIResponseError: What came is damaged; nothing was saved.
            ArgumentError: The path has a field that there is not, or a format that
                does not fit.
        """
        return await self._runner.run(
            bulk_flows.save_file(self._MEDIA, self, path, overwrite)
        )

    async def bytes(self) -> builtins.bytes:
        """Download into memory: the server's PNG, workflow included, or MP4."""
        return await self._runner.run(media_flows.get_bytes(self._MEDIA, str(self)))

    async def thumbnail(self) -> builtins.bytes:
        """Download a small preview, a WebP file of at most 256 pixels a side.

        Of a video it shows the first frame.
        """
        return await self._runner.run(media_flows.get_thumbnail(self._MEDIA, str(self)))

    async def metadata(self) -> Optional[dict[str, Any]]:
        """Read the generation's metadata; None when there is none."""
        return await self._runner.run(media_flows.get_metadata(self._MEDIA, str(self)))

    async def refresh(self) -> Self:
        """Read the record again; this snapshot stays as it is."""
        read = type(self).bound_to(self._runner)
        return await self._runner.run(
            media_flows.get_record(self._MEDIA, read, str(self))
        )
