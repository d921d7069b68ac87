"""What the server says about videos: frozen snapshots, without any way to ask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Optional, Union

from pydantic import Field

from invokeai_py_client._bound import BoundSnapshot
from invokeai_py_client._snapshot import Snapshot, UtcDatetime
from invokeai_py_client.exceptions import VideoError
from invokeai_py_client.image.models import ImageCategory, ImageChanges, ImageOrigin

__all__ = [
    "VideoBase",
    "VideoChanges",
    "VideoLike",
    "VideoUrls",
    "video_name_of",
    "video_names_of",
]


class VideoBase(BoundSnapshot):
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
    width: Optional[int] = None
    height: Optional[int] = None
    duration: Optional[float] = None
    fps: Optional[float] = None
    created_at: Optional[UtcDatetime] = None
    updated_at: Optional[UtcDatetime] = None
    deleted_at: Optional[UtcDatetime] = None
    is_intermediate: bool = False
    session_id: Optional[str] = None
    node_id: Optional[str] = None
    starred: bool = False
    has_workflow: bool = False
    video_subfolder: Optional[str] = None
    board_id: Optional[str] = None
    video_url: Optional[str] = None
    thumbnail_url: Optional[str] = None

    @property
    def is_asset(self) -> bool:
        """True when the gallery shows it under "Assets", as it does uploads."""
        return self.video_category is not ImageCategory.GENERAL


VideoLike = Union[str, VideoBase]
"""A video, or its name on the server."""


def video_name_of(video: VideoLike) -> str:
    """The server's name of `video`.

    Raises:
        VideoError: The name is empty or a path.
        TypeError: `video` is neither a name nor a video.
    """
    if isinstance(video, VideoBase):
        return video.video_name
    if not isinstance(video, str):
        raise TypeError(
            f"expected a video name or an IvkVideo, not {type(video).__name__}"
        )
    if not video or "/" in video or "\\" in video:
        raise VideoError(
            f"{video!r} is no video name",
            hint="local files are uploaded first: video_repo.upload(path)",
        )
    return video


def video_names_of(videos: Union[VideoLike, Iterable[VideoLike]]) -> list[str]:
    """The server's names of one video or several."""
    if isinstance(videos, (str, VideoBase)):
        return [video_name_of(videos)]
    return [video_name_of(video) for video in videos]


class VideoUrls(Snapshot):
    """Where a video is, relative to the server's address, without a leading slash.

    Attributes:
        video_url: The video, an MP4 file.
        thumbnail_url: Its first frame, a WebP picture.
    """

    video_name: str
    video_url: str
    thumbnail_url: str


class VideoChanges(ImageChanges):
    """What an operation on many videos did; as for images, with names of videos."""
