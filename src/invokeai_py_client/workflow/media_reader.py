"""One reader for the records of images and of videos, in the caller's colour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from invokeai_py_client.image.models import ImageBase
from invokeai_py_client.video.models import VideoBase

__all__ = ["media_reader"]

ImageT = TypeVar("ImageT", bound=ImageBase)


def media_reader(
    read_image: Callable[[Any], ImageT], read_video: Callable[[Any], VideoBase]
) -> Callable[[Any], ImageT]:
    """A reader that makes a video of a record with a ``video_name``.

    For the type checker it reads images, since it is videos that are rare.
    """

    def read(record: Any) -> Any:
        is_video = isinstance(record, Mapping) and "video_name" in record
        return read_video(record) if is_video else read_image(record)

    return read
