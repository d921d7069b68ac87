"""Stored videos: MP4 files and their records."""

from __future__ import annotations

import hashlib
from typing import Any, Optional

from PIL import Image

from .database import Row
from .media_store import MediaOrigin, MediaStore, new_name
from .mp4 import VideoFacts
from .placeholder import placeholder
from .still_video import still_picture


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
        """Store a video.

        A board that does not exist leaves it on no board.

        Returns:
            Its record as the API shows it.

        Raises:
            VideoFileSaveException: The disk is full.
        """
        name = new_name("mp4")
        try:
            self._before_write()
            self._files.write(name, data)
        except OSError as error:
            raise VideoFileSaveException from error
        columns = {
            "width": facts.width,
            "height": facts.height,
            "duration": facts.duration,
            "fps": facts.fps,
        }
        return self._insert(name, source, columns)

    def _shown(self, row: Row) -> dict[str, Any]:
        return video_dto(row)

    def _picture(self, row: Row) -> Image.Image:
        video = self.full(row["video_name"])
        return picture_of(video, (row["width"], row["height"]))

    def place(self, name: str, board_id: Optional[str]) -> None:
        """Put a video on a board, or on none; that is no change of the video."""
        self._database.run(
            "UPDATE videos SET board_id = ? WHERE video_name = ?", (board_id, name)
        )


def picture_of(video: bytes, size: tuple[int, int]) -> Image.Image:
    """A frame: the picture of a simulated video, or a placeholder for any other.

    H.264 is not decoded here.
    """
    picture = still_picture(video)
    if picture is not None:
        return picture
    digest = hashlib.sha256(video).hexdigest()[:12]
    return placeholder({"video": digest}, *size)


def video_urls(name: str) -> dict[str, Any]:
    """Where a video's files are; relative, without a slash in front."""
    return {
        "video_name": name,
        "video_url": f"api/v1/videos/i/{name}/full",
        "thumbnail_url": f"api/v1/videos/i/{name}/thumbnail",
    }


def video_dto(row: Row) -> dict[str, Any]:
    """A row of `videos` as the API shows it."""
    return {
        **video_urls(row["video_name"]),
        "video_origin": row["video_origin"],
        "video_category": row["video_category"],
        "width": row["width"],
        "height": row["height"],
        "duration": row["duration"],
        "fps": row["fps"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "deleted_at": None,
        "is_intermediate": bool(row["is_intermediate"]),
        "session_id": row["session_id"],
        "node_id": row["node_id"],
        "starred": bool(row["starred"]),
        "has_workflow": row["workflow"] is not None or row["graph"] is not None,
        "video_subfolder": row["video_subfolder"],
        "board_id": row["board_id"],
    }
