"""Stored images: PNG files and their records."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from PIL import Image, PngImagePlugin

from .database import Row
from .media_store import MediaOrigin, MediaStore, new_name


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


class Images(MediaStore):
    """The images of one server."""

    kind = "image"
    not_found = ImageNotFoundError

    def create(self, image: Image.Image, source: MediaOrigin) -> dict[str, Any]:
        """Store an image as PNG.

        A board that does not exist leaves the image on no board.

        Returns:
            Its record as the API shows it.

        Raises:
            ImageFileSaveException: It cannot be written as PNG, or not to this disk.
        """
        name = new_name("png")
        embedded = PngImagePlugin.PngInfo()
        for key, text in (
            ("invokeai_metadata", source.metadata),
            ("invokeai_workflow", source.workflow),
            ("invokeai_graph", source.graph),
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
        size = {"width": image.width, "height": image.height}
        return self._insert(name, source, size)

    def _shown(self, row: Row) -> dict[str, Any]:
        return image_dto(row)

    def _picture(self, row: Row) -> Image.Image:
        return self.open(row["image_name"])

    def open(self, name: str) -> Image.Image:
        """The pixels of an image."""
        image = Image.open(io.BytesIO(self.full(name)))
        image.load()
        return image

    def delete(self, name: str) -> Row:
        """Remove an image, also as the cover of boards; returns the row it had."""
        row = super().delete(name)
        self._database.run(
            "UPDATE boards SET cover_image_name = NULL WHERE cover_image_name = ?",
            (name,),
        )
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
