"""What the server says about videos: frozen snapshots, without any way to ask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Optional, Union

from pydantic import Field

from invokeai_py_client._exports import set_module
from invokeai_py_client._snapshot import Snapshot
from invokeai_py_client.image.models import (
    ImageCategory,
    ImageChanges,
    ImageOrigin,
    MediaBase,
    media_name_kind,
)


@set_module("invokeai_py_client.video")
class VideoBase(MediaBase):
    """The data of a video; equal to any other snapshot with the same data.

    Attributes:
        video_name: The server's name for the video, unique on that server; it ends
            in ``.mp4``.
        video_category: As for images: `GENERAL` for what workflows make, else an
            asset.
        video_origin: `EXTERNAL` for uploads; None when unknown.
        width: Pixels; None when only the name is known.
        height: Pixels; None when only the name is known.
        duration: Seconds; None when only the name is known.
        fps: Frames per second, where the server knows.
        is_intermediate: True for a step on the way, hidden in the gallery.
        session_id: The job's session that made it.
        node_id: The *prepared* node that made it, not the workflow's node.
        has_workflow: True also when only the graph is stored with it.
        board_id: None when the video is on no board.
    """

    KIND: ClassVar[str] = "video"

    video_name: str = Field(min_length=1)
    video_category: ImageCategory = ImageCategory.GENERAL
    video_origin: Optional[ImageOrigin] = None
    duration: Optional[float] = None
    fps: Optional[float] = None
    video_subfolder: Optional[str] = None
    video_url: Optional[str] = None


_VIDEO = media_name_kind(VideoBase, "video_repo.upload_video")
VideoLike = Annotated[Union[str, VideoBase], _VIDEO]
"""A video, or its name on the server."""


VideosLike = Union[VideoLike, Iterable[VideoLike]]
"""One video or several."""


@set_module("invokeai_py_client.video")
class VideoUrls(Snapshot):
    """Where a video is, relative to the server's address, without a leading slash.

    Attributes:
        video_url: The video, an MP4 file.
        thumbnail_url: Its first frame, a WebP image.
    """

    video_name: str
    video_url: str
    thumbnail_url: str


@set_module("invokeai_py_client.video")
class VideoChanges(ImageChanges):
    """What an operation on many videos did; as for images, with names of videos."""
