"""Videos: upload, list, download, organise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._exports import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client._aio.video_handle import AsyncIvkVideo as AsyncIvkVideo
    from invokeai_py_client._aio.video_repo import (
        AsyncVideoRepository as AsyncVideoRepository,
    )
    from invokeai_py_client.video.models import (
        VideoBase as VideoBase,
        VideoChanges as VideoChanges,
        VideoUrls as VideoUrls,
    )
    from invokeai_py_client.video.video_handle import IvkVideo as IvkVideo
    from invokeai_py_client.video.video_repo import VideoRepository as VideoRepository
else:
    _HOMES = {
        "_aio.video_handle": "AsyncIvkVideo",
        "_aio.video_repo": "AsyncVideoRepository",
        "video.models": "VideoBase VideoChanges VideoUrls",
        "video.video_handle": "IvkVideo",
        "video.video_repo": "VideoRepository",
    }
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
