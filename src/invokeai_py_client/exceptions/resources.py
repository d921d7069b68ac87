"""Errors of the things a server holds, and of a server on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from invokeai_py_client.exceptions.base import InvokeAIError

__all__ = [
    "BoardError",
    "ImageError",
    "ImageFileNotFoundError",
    "LocalServerError",
    "ModelError",
    "NodePackError",
    "VideoError",
    "VideoFileNotFoundError",
]


class BoardError(InvokeAIError):
    """A board could not be found by that name, or the name is not unique."""


class ImageError(InvokeAIError):
    """A picture cannot be read, sent or saved, or the server did not do as asked."""


class ImageFileNotFoundError(ImageError, FileNotFoundError):
    """There is no such local image file; nothing was sent."""

    # OSError would print errno and strerror.
    def __str__(self) -> str:
        return InvokeAIError.__str__(self)


class VideoError(InvokeAIError):
    """A video cannot be read, sent or saved, or the server did not do as asked."""


class VideoFileNotFoundError(VideoError, FileNotFoundError):
    """There is no such local video file; nothing was sent."""

    # OSError would print errno and strerror.
    def __str__(self) -> str:
        return InvokeAIError.__str__(self)


class ModelError(InvokeAIError):
    """A model could not be found, is ambiguous, or could not be installed.

    Attributes:
        candidates: Model names that come near, or the several that match.
    """

    def __init__(
        self,
        message: str,
        *,
        candidates: Sequence[str] = (),
        hint: Optional[str] = None,
    ) -> None:
        self.candidates: tuple[str, ...] = tuple(candidates)
        super().__init__(message, hint=hint)


class NodePackError(InvokeAIError):
    """A pack of custom nodes could not be installed or removed, and why."""


class LocalServerError(InvokeAIError):
    """A real server could not be installed, started or stopped on this machine.

    The message ends with the last lines of the log where there is one.
    """
