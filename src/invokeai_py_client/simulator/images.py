"""Stored images: records in the database, PNG files in memory or in a folder."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Optional

from PIL import Image, PngImagePlugin

from .database import Database, Row, timestamp
from .image_moves import subfolder
from .media_filter import MediaFilter

_THUMBNAIL = 256


class ImageNotFoundError(LookupError):
    """No image has this name."""


class ImageRecordNotFoundException(Exception):  # noqa: N818 -- the server's name
    """A node asked for an image that does not exist."""

    def __init__(self, message: str = "Image record not found") -> None:
        super().__init__(message)


class ImageFileSaveException(Exception):  # noqa: N818 -- the server's name
    """The file of an image could not be written."""

    def __init__(self, message: str = "Image file not saved") -> None:
        super().__init__(message)


class ImageFiles:
    """The bytes of images and thumbnails by file name.

    Args:
        folder: Where they are kept; None keeps them in memory.
    """

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

    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            ImageNotFoundError: There is none.
        """
        try:
            if self._folder is None:
                return self._memory[name]
            return (self._folder / name).read_bytes()
        except (KeyError, FileNotFoundError):
            raise ImageNotFoundError(name) from None

    def remove(self, name: str) -> None:
        """Forget a file if it exists."""
        if self._folder is None:
            self._memory.pop(name, None)
        else:
            (self._folder / name).unlink(missing_ok=True)


class Images:
    """The images of one server.

    Args:
        database: The records.
        files: The bytes.
        on_deleted: Told the name of every image that goes, so that caches forget it.
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
        self,
        image: Image.Image,
        *,
        origin: str,
        category: str,
        is_intermediate: bool,
        board_id: Optional[str] = None,
        session_id: Optional[str] = None,
        node_id: Optional[str] = None,
        metadata: Optional[str] = None,
        workflow: Optional[str] = None,
        graph: Optional[str] = None,
        user_id: str = "system",
    ) -> dict[str, Any]:
        """Store an image as PNG.

        A board that does not exist leaves the image on no board.

        Returns:
            Its record as the API shows it.

        Raises:
            ImageFileSaveException: It cannot be written as PNG, or not to this disk.
        """
        name = f"{uuid.uuid4()}.png"
        embedded = PngImagePlugin.PngInfo()
        for key, text in (
            ("invokeai_metadata", metadata),
            ("invokeai_workflow", workflow),
            ("invokeai_graph", graph),
        ):
            if text is not None:
                embedded.add_text(key, text)
        buffer = io.BytesIO()
        try:
            self._before_write()
            image.save(buffer, "PNG", pnginfo=embedded, compress_level=1)
            self._files.write(name, buffer.getvalue())
        except (OSError, SyntaxError, ValueError) as error:
            # A full disk, broken pixels, or a mode such as CMYK that PNG does not have.
            raise ImageFileSaveException from error
        if board_id is not None and not self._database.value(
            "SELECT count(*) FROM boards WHERE board_id = ?", (board_id,)
        ):
            board_id = None
        now = timestamp()
        self._database.insert(
            "images",
            {
                "image_name": name,
                "image_origin": origin,
                "image_category": category,
                "width": image.width,
                "height": image.height,
                "session_id": session_id,
                "node_id": node_id,
                "metadata": metadata,
                "workflow": workflow,
                "graph": graph,
                "is_intermediate": int(is_intermediate),
                "created_at": now,
                "updated_at": now,
                "user_id": user_id,
                "board_id": board_id,
                "image_subfolder": subfolder(
                    self._strategy(), name, category, is_intermediate, now
                ),
            },
        )
        return self.dto(name)

    def record(self, name: str) -> Row:
        """The row of an image.

        Raises:
            ImageNotFoundError: There is none.
        """
        row = self._database.one("SELECT * FROM images WHERE image_name = ?", (name,))
        if row is None:
            raise ImageNotFoundError(name)
        return row

    def dto(self, name: str) -> dict[str, Any]:
        """An image's record as the API shows it."""
        return image_dto(self.record(name))

    def open(self, name: str) -> Image.Image:
        """The pixels of an image."""
        image = Image.open(io.BytesIO(self._files.read(name)))
        image.load()
        return image

    def full(self, name: str) -> bytes:
        """The PNG file."""
        self.record(name)
        return self._files.read(name)

    def thumbnail(self, name: str) -> bytes:
        """A WebP at most 256 pixels wide and high, made when first asked for."""
        self.record(name)
        file = f"thumbnails/{name.rsplit('.', 1)[0]}.webp"
        try:
            return self._files.read(file)
        except ImageNotFoundError:
            image = self.open(name)
            transparent = "A" in image.getbands() or "transparency" in image.info
            small = image.convert("RGBA" if transparent else "RGB")
            small.thumbnail((_THUMBNAIL, _THUMBNAIL))
            buffer = io.BytesIO()
            small.save(buffer, "WEBP")
            self._files.write(file, buffer.getvalue())
            return buffer.getvalue()

    def update(self, name: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Change category, session, intermediate flag or star of an image."""
        self.record(name)
        for key, value in changes.items():
            self._database.run(
                f"UPDATE images SET {key} = ?, updated_at = ? WHERE image_name = ?",
                (value, timestamp(), name),
            )
        return self.dto(name)

    def delete(self, name: str) -> Row:
        """Remove an image; returns the row it had."""
        row = self.record(name)
        self._database.run("DELETE FROM images WHERE image_name = ?", (name,))
        self._database.run(
            "UPDATE boards SET cover_image_name = NULL WHERE cover_image_name = ?",
            (name,),
        )
        self._files.remove(name)
        self._files.remove(f"thumbnails/{name.rsplit('.', 1)[0]}.webp")
        self._on_deleted(name)
        return row

    def delete_where(self, condition: str, parameters: Iterable[Any] = ()) -> list[str]:
        """Remove every image that matches; returns their names."""
        names = [
            row["image_name"]
            for row in self._database.all(
                f"SELECT image_name FROM images WHERE {condition}", tuple(parameters)
            )
        ]
        for name in names:
            self.delete(name)
        return names

    def count(self, chosen: MediaFilter) -> int:
        """How many images a filter selects."""
        where, parameters = chosen.condition("image")
        return int(
            self._database.value(
                f"SELECT count(*) FROM images WHERE {where}", parameters
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
    ) -> list[Row]:
        """The rows a filter selects, newest first, starred ones before others."""
        where, parameters = chosen.condition("image")
        order = (
            "created_at ASC, rowid ASC" if ascending else "created_at DESC, rowid DESC"
        )
        if starred_first:
            order = f"starred DESC, {order}"
        return self._database.all(
            f"SELECT * FROM images WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",
            (*parameters, limit, offset),
        )

    def metadata(self, name: str) -> Any:
        """The metadata object of an image, or None."""
        text = self.record(name)["metadata"]
        return None if text is None else json.loads(text)


def image_urls(name: str) -> dict[str, Any]:
    """Where an image's files are; relative, without a slash in front."""
    return {
        "image_name": name,
        "image_url": f"api/v1/images/i/{name}/full",
        "thumbnail_url": f"api/v1/images/i/{name}/thumbnail",
    }


def image_dto(row: Row) -> dict[str, Any]:
    """A row of `images` as the API shows it."""
    return {
        **image_urls(row["image_name"]),
        "image_origin": row["image_origin"],
        "image_category": row["image_category"],
        "width": row["width"],
        "height": row["height"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "deleted_at": None,
        "is_intermediate": bool(row["is_intermediate"]),
        "session_id": row["session_id"],
        "node_id": row["node_id"],
        "starred": bool(row["starred"]),
        "has_workflow": row["workflow"] is not None or row["graph"] is not None,
        "image_subfolder": row["image_subfolder"],
        "board_id": row["board_id"],
    }
