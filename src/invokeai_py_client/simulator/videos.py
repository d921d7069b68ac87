"""Stored videos: records in the database, MP4 files in memory or in a folder."""

from __future__ import annotations

import hashlib
import io
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from PIL import Image

from .database import Database, Row, timestamp
from .image_moves import subfolder
from .images import ImageFiles, ImageNotFoundError
from .media_filter import MediaFilter
from .mp4 import VideoFacts
from .placeholder import placeholder
from .still_video import still_picture

_THUMBNAIL = 256


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


@dataclass(frozen=True)
class VideoOrigin:
    """Where a video comes from and what is stored with it."""

    origin: str
    category: str
    is_intermediate: bool
    board_id: Optional[str] = None
    session_id: Optional[str] = None
    node_id: Optional[str] = None
    metadata: Optional[str] = None
    workflow: Optional[str] = None
    graph: Optional[str] = None
    user_id: str = "system"


class Videos:
    """The videos of one server.

    Args:
        database: The records.
        files: The bytes.
        on_deleted: Told the name of every video that goes, so that caches forget it.
        before_write: Called before a file is written; raises OSError when the disk is
            to be full.
        strategy: The setting that decides in which subfolder a file belongs.
    """

    def __init__(
        self,
        database: Database,
        files: ImageFiles,
        on_deleted: Callable[[str], None],
        before_write: Callable[[], None],
        strategy: Callable[[], str],
    ) -> None:
        self._database = database
        self._files = files
        self._on_deleted = on_deleted
        self._before_write = before_write
        self._strategy = strategy

    def create(
        self, data: bytes, facts: VideoFacts, source: VideoOrigin
    ) -> dict[str, Any]:
        """Store a video.

        A board that does not exist leaves it on no board.

        Returns:
            Its record as the API shows it.

        Raises:
            VideoFileSaveException: The disk is full.
        """
        name = f"{uuid.uuid4()}.mp4"
        try:
            self._before_write()
            self._files.write(name, data)
        except OSError as error:
            raise VideoFileSaveException from error
        now = timestamp()
        self._database.insert(
            "videos",
            {
                "video_name": name,
                "video_origin": source.origin,
                "video_category": source.category,
                "width": facts.width,
                "height": facts.height,
                "duration": facts.duration,
                "fps": facts.fps,
                "session_id": source.session_id,
                "node_id": source.node_id,
                "metadata": source.metadata,
                "workflow": source.workflow,
                "graph": source.graph,
                "is_intermediate": int(source.is_intermediate),
                "created_at": now,
                "updated_at": now,
                "user_id": source.user_id,
                "board_id": self._known_board(source.board_id),
                "video_subfolder": subfolder(
                    self._strategy(),
                    name,
                    source.category,
                    source.is_intermediate,
                    now,
                ),
            },
        )
        return self.dto(name)

    def _known_board(self, board_id: Optional[str]) -> Optional[str]:
        found = self._database.value(
            "SELECT board_id FROM boards WHERE board_id = ?", (board_id,)
        )
        return None if found is None else str(found)

    def record(self, name: str) -> Row:
        """The row of a video.

        Raises:
            VideoNotFoundError: There is none.
        """
        row = self._database.one("SELECT * FROM videos WHERE video_name = ?", (name,))
        if row is None:
            raise VideoNotFoundError(name)
        return row

    def dto(self, name: str) -> dict[str, Any]:
        """A video's record as the API shows it."""
        return video_dto(self.record(name))

    def full(self, name: str) -> bytes:
        """The MP4 file."""
        self.record(name)
        try:
            return self._files.read(name)
        except ImageNotFoundError:
            raise VideoNotFoundError(name) from None

    def thumbnail(self, name: str) -> bytes:
        """A WebP at most 256 pixels wide and high, made when first asked for."""
        file = f"thumbnails/{name.rsplit('.', 1)[0]}.webp"
        row = self.record(name)
        try:
            return self._files.read(file)
        except ImageNotFoundError:
            small = picture_of(self.full(name), (row["width"], row["height"]))
            small.thumbnail((_THUMBNAIL, _THUMBNAIL))
            buffer = io.BytesIO()
            small.save(buffer, "WEBP")
            self._files.write(file, buffer.getvalue())
            return buffer.getvalue()

    def update(self, name: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Change category, session, intermediate flag, star or board of a video."""
        self.record(name)
        for key, value in changes.items():
            self._database.run(
                f"UPDATE videos SET {key} = ?, updated_at = ? WHERE video_name = ?",
                (value, timestamp(), name),
            )
        return self.dto(name)

    def place(self, name: str, board_id: Optional[str]) -> None:
        """Put a video on a board, or on none; that is no change of the video."""
        self._database.run(
            "UPDATE videos SET board_id = ? WHERE video_name = ?", (board_id, name)
        )

    def delete(self, name: str) -> Row:
        """Remove a video; returns the row it had."""
        row = self.record(name)
        self._database.run("DELETE FROM videos WHERE video_name = ?", (name,))
        self._files.remove(name)
        self._files.remove(f"thumbnails/{name.rsplit('.', 1)[0]}.webp")
        self._on_deleted(name)
        return row

    def count(self, chosen: MediaFilter) -> int:
        """How many videos a filter selects."""
        where, parameters = chosen.condition("video")
        return int(
            self._database.value(
                f"SELECT count(*) FROM videos WHERE {where}", parameters
            )
        )

    def list(
        self,
        chosen: MediaFilter,
        *,
        offset: int = 0,
        limit: int = -1,
        ascending: bool = False,
        starred_first: bool = True,
    ) -> Sequence[Row]:
        """The rows a filter selects, newest first, starred ones before others."""
        where, parameters = chosen.condition("video")
        direction = "ASC" if ascending else "DESC"
        order = f"created_at {direction}, rowid {direction}"
        if starred_first:
            order = f"starred DESC, {order}"
        return self._database.all(
            f"SELECT * FROM videos WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",
            (*parameters, limit, offset),
        )

    def metadata(self, name: str) -> Any:
        """The metadata object of a video, or None."""
        text = self.record(name)["metadata"]
        return None if text is None else json.loads(text)


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
