"""The kinds of file that a gallery holds, and how the server calls each."""

from __future__ import annotations

from dataclasses import dataclass

from invokeai_py_client._core.send import route
from invokeai_py_client.exceptions import (
    ImageError,
    ImageFileNotFoundError,
    InvokeAIError,
)

__all__ = ["IMAGE", "Media"]


@dataclass(frozen=True)
class Media:
    """A kind of file; the server has the same routes for each, under its name.

    Attributes:
        noun: What routes, records and messages call it: ``"image"``.
        error: What is wrong with one.
        not_found_error: There is no such local file.
        accepted: What the server takes, in words.
    """

    noun: str
    error: type[InvokeAIError]
    not_found_error: type[InvokeAIError]
    accepted: str

    @property
    def routes(self) -> str:
        """Where the routes of this kind begin."""
        return f"/api/v1/{self.noun}s"

    def path(self, name: str, tail: str = "") -> str:
        """The route of one file, or of a part of it such as ``"/metadata"``."""
        return route(f"{self.routes}/i/{{}}{tail}", name)


IMAGE = Media(
    noun="image",
    error=ImageError,
    not_found_error=ImageFileNotFoundError,
    accepted="PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF",
)
