"""Videos: upload, list, download, organise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._lazy import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client.video.async_video_handle import AsyncIvkVideo
    from invokeai_py_client.video.async_video_repo import AsyncVideoRepository
    from invokeai_py_client.video.models import VideoChanges, VideoUrls
    from invokeai_py_client.video.video_handle import IvkVideo
    from invokeai_py_client.video.video_repo import VideoRepository
else:
    _HOMES = {
        "async_video_handle": ("AsyncIvkVideo",),
        "async_video_repo": ("AsyncVideoRepository",),
        "models": ("VideoChanges", "VideoUrls"),
        "video_handle": ("IvkVideo",),
        "video_repo": ("VideoRepository",),
    }
    __getattr__, __dir__ = lazy_exports(__name__, _HOMES)

__all__ = [
    "AsyncIvkVideo",
    "AsyncVideoRepository",
    "IvkVideo",
    "VideoChanges",
    "VideoRepository",
    "VideoUrls",
]
