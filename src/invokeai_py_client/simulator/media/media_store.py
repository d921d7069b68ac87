"""The common part of stored images and videos: database records and files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Optional

from PIL import Image

from ..base.database import Database, Row, timestamp
from .media_filter import STARRED_FIRST, MediaFilter, MediaOrder
from .resizing import thumbnail_of

_SHOWN = (
    "width", "height", "duration", "fps", "created_at", "updated_at", "session_id",
    "node_id", "board_id",
)  # fmt: skip


class MediaFiles:
    """Files of images or videos and thumbnails; in memory if there is no folder."""

    def __init__(self, folder: Optional[Path] = None) -> None:
        self._folder = folder
        self._memory: dict[str, bytes] = {}
        if folder is not None:
            (folder / "thumbnails").mkdir(parents=True, exist_ok=True)

    def write(self, name: str, data: bytes) -> None:
        """Store a file, whole or not at all."""
        if self._folder is None:
            self._memory[name] = data
            return
        target = self._folder / name
        partial = target.with_name(target.name + ".part")
        partial.write_bytes(data)
        partial.replace(target)

    def find(self, name: str) -> Optional[bytes]:
        """The bytes of a file; None if there is none."""
        if self._folder is None:
            return self._memory.get(name)
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        """Delete a file if it exists."""
        if self._folder is None:
            self._memory.pop(name, None)
        else:
            (self._folder / name).unlink(missing_ok=True)


@dataclass(frozen=True)
class MediaOrigin:
    """Where an image or a video comes from and what is stored with it."""

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


class MediaStore:
    """The images or the videos of one server.

    Attributes:
        kind: `image` or `video`; the table and its columns are named after it.
        not_found: Raised for an unknown name.
    """

    kind: ClassVar[str]
    not_found: ClassVar[type[LookupError]]

    def __init__(
        self,
        database: Database,
        files: MediaFiles,
        on_deleted: Callable[[str], None],
        before_write: Callable[[], None],
    ) -> None:
        self._database = database
        self._files = files
        self._on_deleted = on_deleted
        self._before_write = before_write

    def _image_of(self, row: Row) -> Image.Image:
        """What the thumbnail shows."""
        raise NotImplementedError

    def _insert(
        self, name: str, source: MediaOrigin, facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Create the record; an unknown board leaves it on none."""
        now, kind = timestamp(), self.kind
        self._database.insert(
            f"{kind}s",
            {
                f"{kind}_name": name,
                f"{kind}_origin": source.origin,
                f"{kind}_category": source.category,
                **facts,
                "session_id": source.session_id,
                "node_id": source.node_id,
                "metadata": source.metadata,
                "workflow": source.workflow,
                "graph": source.graph,
                "is_intermediate": int(source.is_intermediate),
                "created_at": now,
                "updated_at": now,
                "user_id": source.user_id,
                "board_id": self._database.value(
                    "SELECT board_id FROM boards WHERE board_id = ?", (source.board_id,)
                ),
            },
        )
        return self.dto(name)

    def record(self, name: str) -> Row:
        """The row of an image or a video."""
        row = self._database.one(
            f"SELECT * FROM {self.kind}s WHERE {self.kind}_name = ?", (name,)
        )
        if row is None:
            raise self.not_found(name)
        return row

    def dto(self, name: str) -> dict[str, Any]:
        """A record as the API shows it."""
        return media_dto(self.kind, self.record(name))

    def metadata(self, name: str) -> Any:
        """The metadata object, or None."""
        text = self.record(name)["metadata"]
        return None if text is None else json.loads(text)

    def full(self, name: str) -> bytes:
        """The PNG or MP4 file."""
        self.record(name)
        data = self._files.find(name)
        if data is None:
            raise self.not_found(name)
        return data

    def thumbnail(self, name: str) -> bytes:
        """A WebP at most 256 pixels wide and high, made on the first request."""
        row, file = self.record(name), _thumbnail_file(name)
        data = self._files.find(file)
        if data is None:
            data = thumbnail_of(self._image_of(row))
            self._files.write(file, data)
        return data

    def update(self, name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change category, session, intermediate flag or star."""
        self.record(name)
        if changes:
            changes = {**changes, "updated_at": timestamp()}
        where = {f"{self.kind}_name": name}
        self._database.update(f"{self.kind}s", changes, **where)
        return self.dto(name)

    def delete(self, name: str) -> Row:
        """Remove an image or a video; returns the row it had."""
        row = self.record(name)
        self._database.run(
            f"DELETE FROM {self.kind}s WHERE {self.kind}_name = ?", (name,)
        )
        self._files.remove(name)
        self._files.remove(_thumbnail_file(name))
        self._on_deleted(name)
        return row

    def count(self, chosen: MediaFilter) -> int:
        """How many a filter selects."""
        where, parameters = chosen.condition(self.kind)
        query = f"SELECT count(*) FROM {self.kind}s WHERE {where}"
        return int(self._database.value(query, parameters))

    def rows(
        self, chosen: MediaFilter, order: MediaOrder = STARRED_FIRST
    ) -> Sequence[Row]:
        """The rows a filter selects."""
        where, parameters = chosen.condition(self.kind)
        return self._database.all(
            f"SELECT * FROM {self.kind}s WHERE {where} {order.clause('rowid')}",
            parameters,
        )


def media_urls(kind: str, name: str) -> dict[str, Any]:
    """The relative URLs of an image or a video, without a leading slash."""
    path = f"api/v1/{kind}s/i/{name}"
    return {
        f"{kind}_name": name,
        f"{kind}_url": f"{path}/full",
        "thumbnail_url": f"{path}/thumbnail",
    }


def media_dto(kind: str, row: Row) -> dict[str, Any]:
    """A row of `images` or `videos` as the API shows it."""
    own = (f"{kind}_origin", f"{kind}_category", *_SHOWN)
    return {
        **media_urls(kind, row[f"{kind}_name"]),
        **{key: row[key] for key in own if key in row},
        "deleted_at": None,
        "is_intermediate": bool(row["is_intermediate"]),
        "starred": bool(row["starred"]),
        "has_workflow": row["workflow"] is not None or row["graph"] is not None,
        f"{kind}_subfolder": "",
    }


def _thumbnail_file(name: str) -> str:
    return f"thumbnails/{name.rsplit('.', 1)[0]}.webp"
