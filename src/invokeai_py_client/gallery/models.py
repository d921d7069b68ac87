"""What the server says about the gallery, in which images and videos are mixed."""

from __future__ import annotations

from typing import Optional

from pydantic import Field

from invokeai_py_client._exports import set_module
from invokeai_py_client._snapshot import OpenEnum, Snapshot, UtcDatetime
from invokeai_py_client.image.models import ImageCategory


@set_module("invokeai_py_client.gallery")
class GalleryKind(OpenEnum):
    """What an item of the gallery is."""

    IMAGE = "image"
    VIDEO = "video"


@set_module("invokeai_py_client.gallery")
class GalleryItemRef(Snapshot):
    """An image or a video by its name.

    Attributes:
        name: What `image_repo` or `video_repo` call it.
    """

    kind: GalleryKind
    name: str = Field(min_length=1)


@set_module("invokeai_py_client.gallery")
class GalleryItem(GalleryItemRef):
    """An image or a video as the gallery shows it.

    `image_repo.get_image(item.name)` or `video_repo.get_video(item.name)` reads the
    whole record.

    Attributes:
        full_url: The PNG or MP4 file, relative to the server's address.
        thumbnail_url: A small WebP image, relative likewise.
        width: Pixels.
        height: Pixels.
        duration: Seconds; None for images.
        fps: Frames per second; None for images.
        board_id: None when it is on no board.
    """

    full_url: str
    thumbnail_url: str
    width: int
    height: int
    category: ImageCategory
    starred: bool = False
    is_intermediate: bool = False
    board_id: Optional[str] = None
    created_at: Optional[UtcDatetime] = None
    duration: Optional[float] = None
    fps: Optional[float] = None


@set_module("invokeai_py_client.gallery")
class GalleryDay(Snapshot):
    """Everything made on one day; the GUI shows it as a virtual board.

    Attributes:
        virtual_board_id: Such as ``"by_date:2026-03-18"``; not the id of a board.
        board_name: What the GUI shows.
        date: The day, such as ``"2026-03-18"``, in UTC.
        image_count: Images of category `GENERAL`.
        asset_count: Images of the other categories.
        cover_image_name: The newest item, if it is an image.
        cover_video_name: The newest item, if it is a video.
    """

    virtual_board_id: str
    board_name: str
    date: str
    image_count: int = 0
    asset_count: int = 0
    video_count: int = 0
    cover_image_name: Optional[str] = None
    cover_video_name: Optional[str] = None
