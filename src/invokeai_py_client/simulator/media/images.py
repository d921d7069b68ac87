"""Stored images: PNG files and their records."""

from __future__ import annotations

import io
import uuid
from typing import Any

from PIL import Image, PngImagePlugin

from ..base.database import Row
from .media_store import MediaOrigin, MediaStore


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
        """Store an image as PNG; returns its record as the API shows it."""
        name = f"{uuid.uuid4()}.png"
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

    def _image_of(self, row: Row) -> Image.Image:
        return self.open(row["image_name"])

    def open(self, name: str) -> Image.Image:
        """The pixels of an image."""
        image = Image.open(io.BytesIO(self.full(name)))
        image.load()
        return image

    def delete(self, name: str) -> Row:
        """Remove an image, also as the cover of boards; returns the row it had."""
        row = super().delete(name)
        uncovered = {"cover_image_name": None}
        self._database.update("boards", uncovered, cover_image_name=name)
        return row
