"""Images and videos: names on the server, and files that are uploaded first.

A string is a file when it has a folder in it (``out/a.png``, ``./a.png``,
``~/a.png``) or when a file of that name exists; otherwise it is a name on the server,
such as ``8a2b….png``. A `Path` is always a file. A file must exist when it is set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from invokeai_py_client._arguments import NotAllowedError
from invokeai_py_client._arguments.uploads import (
    array_fault,
    file_source,
    is_array,
    is_content,
    is_pillow,
)
from invokeai_py_client.exceptions.workflow import shown
from invokeai_py_client.ivk_fields.references import (
    ImageReference,
    Reference,
    VideoReference,
)
from invokeai_py_client.ivk_fields.resource import Resource, ResourceField
from invokeai_py_client.ivk_fields.template_field import RefusedError


@dataclass(frozen=True)
class _Media(Resource):
    """Images or videos; a result with several has `noun` plus ``s``."""

    noun: str


IMAGE = _Media(
    "image_name",
    ImageReference,
    "The path of a local file, or the name of an image on the server",
    "an image file's path, an image's bytes, an open file, a PIL image, a NumPy array, "
    "an image name on the server, an IvkImage or a RunResult with one image",
    "image",
)
VIDEO = _Media(
    "video_name",
    VideoReference,
    "The path of a local file, or the name of a video on the server",
    "a video file's path, its bytes, an open file, a video name on the server, an "
    "IvkVideo or a RunResult with one video",
    "video",
)


def _media_from(value: Any, kind: _Media) -> Any:
    """An image or a video as the wire has it, or a reference."""
    if kind is IMAGE and (is_pillow(value) or is_array(value)):
        fault = None if is_pillow(value) else array_fault(value)
        if fault:
            raise RefusedError(f"is not an image: {fault}")
        return kind.reference(value)
    if is_content(value):
        try:
            content = file_source(value)
        except NotAllowedError as error:
            raise RefusedError(str(error.hint), "file") from None
        if not content:
            raise RefusedError("the bytes are empty", "file")
        return kind.reference(content)
    if not isinstance(value, (str, Path, Mapping, Reference)):
        if _has_name(value, kind.key):
            return kind.reference(value)
        # A result with several raises its own error, which lists them.
        only = getattr(value, kind.noun, None)
        if _has_name(only, kind.key):
            return kind.reference(only)
    return _named_or_file(value, kind)


def _named_or_file(value: Any, kind: _Media) -> Any:
    key = kind.key
    if isinstance(value, (ImageReference, VideoReference)):
        return value
    if isinstance(value, Mapping):
        name = value.get(key)
        if isinstance(name, str) and name.strip():
            return {key: name.strip()}
        raise RefusedError(f"must have {key}, got {shown(value)}")
    if isinstance(value, Path):
        return kind.reference(_existing(value))
    if isinstance(value, str):
        text = value.strip()
        if not text:
            raise RefusedError("must not be an empty string")
        if "/" in text or "\\" in text or _is_file(Path(text)):
            return kind.reference(_existing(Path(text)))
        return {key: text}
    raise RefusedError(f"cannot be made of {shown(value)}")


def _existing(path: Path) -> Path:
    try:
        path = path.expanduser()
    except RuntimeError as error:  # ~name without such a user
        raise RefusedError(f"no such file: {_shortened(path)}", "file") from error
    # The working directory may be another one when the file is read.
    path = path if path.is_absolute() else Path.cwd() / path
    if not _is_file(path):
        words = "is a folder, not a file" if _is_folder(path) else "no such file"
        raise RefusedError(f"{words}: {_shortened(path)}", "file")
    return path


def _shortened(path: Path) -> str:
    # A whole image as a string may have been taken for a path.
    text = str(path)
    return text if len(text) <= 300 else f"{text[:300]}..."


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long for a name, a null character
        return False


def _has_name(value: Any, attribute: str) -> bool:
    name = getattr(value, attribute, None)
    return isinstance(name, str) and bool(name)


class _MediaField(ResourceField):
    _RESOURCE: ClassVar[_Media]

    def _accept(self, value: Any) -> Any:
        kind = self._RESOURCE
        if self._IS_LIST:
            several = getattr(value, f"{kind.noun}s", None)
            if isinstance(several, (list, tuple)) and not _has_name(value, kind.key):
                value = several
            value = value if isinstance(value, (list, tuple)) else [value]
        if isinstance(value, (list, tuple)) and (self._IS_LIST or self.takes_list):
            return [_media_from(item, kind) for item in value]
        return _media_from(value, kind)

    @property
    def allowed(self) -> str:
        """What is taken."""
        allowed = self._RESOURCE.allowed
        if self._IS_LIST:
            return f"a list of {self._RESOURCE.noun}s, each {allowed}"
        return allowed


class IvkImageField(_MediaField):
    """An image: all that can be uploaded, a name, an `IvkImage` or a `RunResult`."""

    _RESOURCE: ClassVar[_Media] = IMAGE


class IvkVideoField(_MediaField):
    """A video: a file, bytes, a name, an `IvkVideo` or a `RunResult`."""

    _RESOURCE: ClassVar[_Media] = VIDEO


class IvkImageCollectionField(_MediaField):
    """A list of images, each as for `IvkImageField`; one image is a list of one."""

    _RESOURCE: ClassVar[_Media] = IMAGE
    _IS_LIST: ClassVar[bool] = True


class IvkVideoCollectionField(_MediaField):
    """A list of videos, each as for `IvkVideoField`; one video is a list of one."""

    _RESOURCE: ClassVar[_Media] = VIDEO
    _IS_LIST: ClassVar[bool] = True
