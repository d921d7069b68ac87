"""Errors of the things a server holds, and of a server on this machine."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any, Optional

from invokeai_py_client.exceptions.base import InvokeAIError


class LocalFileError(InvokeAIError, OSError):
    """A file of this machine cannot be read or written; the server is not at fault.

    `errno`, `strerror` and `filename` are those of an `OSError`.
    """

    # OSError would print errno and strerror.
    __str__ = InvokeAIError.__str__

    def __reduce__(self) -> tuple[Any, ...]:
        # An OSError has these beside its other attributes.
        restore, arguments, state = super().__reduce__()
        names = ("errno", "strerror", "filename")
        return restore, arguments, {**state, **{n: getattr(self, n) for n in names}}

    @classmethod
    def of(cls, error: OSError) -> LocalFileError:
        """The same error, of this class or of the subclass that is as special."""
        names = [str(n) for n in (error.filename, error.filename2) if n is not None]
        place = names[-1] if names else "a file"
        text = f"{place}: {error.strerror}" if error.strerror else str(error)
        kinds = (LocalFileExistsError, LocalFileNotFoundError, cls)
        kind = next(k for k in kinds if k is cls or isinstance(error, k.__bases__[1]))
        found = kind(
            text or type(error).__name__, hint=_FILE_HINTS.get(error.errno or 0)
        )
        found.errno, found.strerror = error.errno, error.strerror
        found.filename = error.filename
        return found


class LocalFileExistsError(LocalFileError, FileExistsError):
    """The file exists, and may not be replaced; with ``overwrite=True`` it is."""


class LocalFileNotFoundError(LocalFileError, FileNotFoundError):
    """There is no such local file or folder."""


_FILE_HINTS = {
    errno.EACCES: "choose a place that this user may use",
    errno.EROFS: "choose a place that is not read-only",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOSPC: "free some space, or choose another place",
    errno.ENOTDIR: "a file is where a folder would have to be",
}


class BoardError(InvokeAIError):
    """A board could not be found by that name, or the name is not unique."""


class ImageError(InvokeAIError):
    """An image cannot be read, sent or saved, or the server did not do as asked."""


class ImageFileNotFoundError(ImageError, FileNotFoundError):
    """There is no such local image file; nothing was sent."""

    # OSError would print errno and strerror.
    __str__ = InvokeAIError.__str__


class VideoError(InvokeAIError):
    """A video cannot be read, sent or saved, or the server did not do as asked."""


class VideoFileNotFoundError(VideoError, FileNotFoundError):
    """There is no such local video file; nothing was sent."""

    # OSError would print errno and strerror.
    __str__ = InvokeAIError.__str__


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


class UnknownNameError(InvokeAIError):
    """No preset, prompt or user has this name, or several have."""


class NodePackError(InvokeAIError):
    """A pack of custom nodes could not be installed or removed, and why."""


class LocalServerError(InvokeAIError):
    """A real server could not be installed, started or stopped on this machine.

    The message ends with the last lines of the log where there is one.
    """

    _has_lines = True
