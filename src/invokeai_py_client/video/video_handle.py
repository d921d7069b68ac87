"""`IvkVideo`: a video on a server, with the verbs that fetch it."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any, Optional, cast

from invokeai_py_client._io.runner import Runner
from invokeai_py_client.image import media_flows
from invokeai_py_client.image.files import PathLike
from invokeai_py_client.video import flows
from invokeai_py_client.video.files import VIDEO
from invokeai_py_client.video.models import VideoBase

__all__ = ["IvkVideo"]


class IvkVideo(VideoBase):
    """A video as the server described it, which can fetch its own content.

    It is frozen data: equal to any other with the same data, safe to keep, to dump
    and to pickle. One made by hand, or unpickled, has no connection, and its verbs
    raise `InvokeAIError`; everything a client returns is connected.
    """

    @property
    def _runner(self) -> Runner:
        return cast(Runner, self._require_runner())

    def save(self, path: PathLike, *, overwrite: bool = True) -> Path:
        """Download the video into a file: the server's MP4.

        The file appears under its name only when it is complete; a broken download
        leaves what was there before.

        Args:
            path: A file, or a folder (an existing one, or with a separator at the
                end) in which the video gets its own name. Missing folders are made.
            overwrite: Replace a file that exists already.

        Returns:
            The file that was written.

        Raises:
            FileExistsError: The file exists and `overwrite` is False.
            NotFoundError: The video was deleted on the server.
        """
        return self._runner.run(flows.save_video(self.video_name, path, overwrite))

    def bytes(self) -> builtins.bytes:
        """Download the MP4 file into memory.

        Raises:
            NotFoundError: The video was deleted on the server.
        """
        return self._runner.run(media_flows.get_bytes(VIDEO, self.video_name))

    def thumbnail(self) -> builtins.bytes:
        """Download the first frame as a small WebP picture.

        Raises:
            NotFoundError: The video was deleted on the server.
        """
        return self._runner.run(media_flows.get_thumbnail(VIDEO, self.video_name))

    def metadata(self) -> Optional[dict[str, Any]]:
        """Read the generation's metadata; None when the video has none.

        Raises:
            NotFoundError: The video was deleted on the server.
        """
        return self._runner.run(media_flows.get_metadata(VIDEO, self.video_name))

    def refresh(self) -> IvkVideo:
        """Read the record again; this snapshot stays as it is.

        Raises:
            NotFoundError: The video was deleted on the server.
        """
        return self._runner.run(
            flows.get_video(IvkVideo.bound_to(self._runner), self.video_name)
        )
