"""Stored videos: MP4 files and their records."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Optional

from PIL import Image

from ..base.database import Row
from .media_store import MediaOrigin, MediaStore
from .mp4 import VideoFacts
from .placeholder import placeholder


class VideoNotFoundError(LookupError):
    """No video has this name."""


class VideoRecordNotFoundException(Exception):  # noqa: N818 -- the server's name
    """A node asked for a video that does not exist."""

    def __init__(self, message: str = "Video record not found") -> None:
        super().__init__(message)


class VideoFileSaveException(Exception):  # noqa: N818 -- the server's name
    """The file of a video could not be written."""

    def __init__(self, message: str = "Video file not saved") -> None:
        super().__init__(message)


class Videos(MediaStore):
    """The videos of one server."""

    kind = "video"
    not_found = VideoNotFoundError

    def create(
        self, data: bytes, facts: VideoFacts, source: MediaOrigin
    ) -> dict[str, Any]:
        """Store a video; returns its record as the API shows it."""
        name = f"{uuid.uuid4()}.mp4"
        try:
            self._before_write()
            self._files.write(name, data)
        except OSError as error:
            raise VideoFileSaveException from error
        return self._insert(name, source, asdict(facts))

    def _image_of(self, row: Row) -> Image.Image:
        facts = {"video": row["video_name"]}
        return placeholder(facts, row["width"], row["height"])

    def place(self, name: str, board_id: Optional[str]) -> None:
        """Put a video on a board, or on none; the video's record does not change."""
        self._database.update("videos", {"board_id": board_id}, video_name=name)


@cache
def bundled_video() -> bytes:
    """The file of every video that a node makes: H.264, red, 16 by 16 pixels."""
    return (Path(__file__).parents[1] / "data" / "video.mp4").read_bytes()
