"""Images and videos that sessions name, in the caller's colour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic

from invokeai_py_client.workflow.results import ImageT, VideoT

__all__ = ["MediaReader", "NamedMedia"]


@dataclass(frozen=True)
class MediaReader(Generic[ImageT, VideoT]):
    """Makes images and videos of the server's records of them."""

    image: Callable[[Any], ImageT]
    video: Callable[[Any], VideoT]


@dataclass(frozen=True)
class NamedMedia(Generic[ImageT, VideoT]):
    """Images and videos by name; of what was deleted since, only the name is left."""

    read: MediaReader[ImageT, VideoT]
    images: Mapping[str, ImageT] = field(default_factory=dict)
    videos: Mapping[str, VideoT] = field(default_factory=dict)

    def image(self, name: str) -> ImageT:
        """The image of that name."""
        found = self.images.get(name)
        return self.read.image({"image_name": name}) if found is None else found

    def video(self, name: str) -> VideoT:
        """The video of that name."""
        found = self.videos.get(name)
        return self.read.video({"video_name": name}) if found is None else found
