# Generated from video/video_handle.py by scripts/generate_async.py; do not edit.
"""`AsyncIvkVideo`: a video on a server, with the verbs that fetch it."""

from __future__ import annotations

from typing import ClassVar

from invokeai_py_client._aio.media_handle import AsyncMediaHandle
from invokeai_py_client._arguments import checks_arguments
from invokeai_py_client._exports import set_module
from invokeai_py_client.image.media import Media
from invokeai_py_client.video.files import VIDEO
from invokeai_py_client.video.models import VideoBase, VideoChanges


@set_module("invokeai_py_client")
@checks_arguments
class AsyncIvkVideo(AsyncMediaHandle, VideoBase):
    """A video as the server described it, which can fetch its own content.

    It is frozen data: equal to any other with the same data, safe to keep, to dump
    and to pickle. One made by hand, or unpickled, has no connection, and its verbs
    raise `InvokeAIError`; everything a client returns is connected.
    """

    _SET: ClassVar[str] = "video_repo.update_video(video, …) changes it on the server"

    _MEDIA: ClassVar[Media[VideoChanges]] = VIDEO
