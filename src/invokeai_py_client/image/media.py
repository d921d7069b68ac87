"""The kinds of file that a gallery holds, and how the server calls each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Generic, Optional, TypeVar

from invokeai_py_client._core.send import route
from invokeai_py_client.exceptions import (
    ImageError,
    ImageFileNotFoundError,
    InvokeAIError,
)
from invokeai_py_client.image.image_file import image_damage
from invokeai_py_client.image.models import ImageBase, ImageChanges, MediaBase

ChangesT = TypeVar("ChangesT", bound=ImageChanges)


@dataclass(frozen=True)
class Media(Generic[ChangesT]):
    """A kind of file; the server has the same routes for each, under its name.

    Attributes:
        noun: What routes, records and messages call it: ``"image"``.
        base: Its record.
        error: What is wrong with one.
        damage: What is wrong with the file that it is given; None for a whole one.
        changes: What a change of many reports.
        not_found_error: There is no such local file.
        accepted: What the server accepts, as a phrase.
        content_type: Of the files that the server keeps.
        suffix: Of the files that the server keeps.
        other_suffixes: Of formats that it does not keep.
    """

    noun: str
    base: type[MediaBase]
    error: type[InvokeAIError]
    not_found_error: type[InvokeAIError]
    damage: Callable[[BinaryIO], Optional[str]]
    changes: type[ChangesT]
    accepted: str
    content_type: str
    suffix: str
    other_suffixes: frozenset[str]

    @property
    def routes(self) -> str:
        """Where the routes of this kind begin."""
        return f"/api/v1/{self.noun}s"

    def path(self, name: str, tail: str = "") -> str:
        """The route of one file, or of a part of it such as ``"/metadata"``."""
        return route(f"{self.routes}/i/{{}}{tail}", name)


IMAGE = Media(
    noun="image",
    base=ImageBase,
    error=ImageError,
    not_found_error=ImageFileNotFoundError,
    damage=image_damage,
    changes=ImageChanges,
    accepted="PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF",
    content_type="image/png",
    suffix=".png",
    other_suffixes=frozenset(
        {".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}
    ),
)
