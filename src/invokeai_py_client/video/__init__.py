"""Videos: upload, list, download, organise."""

from __future__ import annotations

from invokeai_py_client.video.async_video_handle import AsyncIvkVideo
from invokeai_py_client.video.async_video_repo import AsyncVideoRepository
from invokeai_py_client.video.models import VideoChanges, VideoUrls
from invokeai_py_client.video.video_handle import IvkVideo
from invokeai_py_client.video.video_repo import VideoRepository

__all__ = [
    "AsyncIvkVideo",
    "AsyncVideoRepository",
    "IvkVideo",
    "VideoChanges",
    "VideoRepository",
    "VideoUrls",
]
