"""Images and videos: names on the server, and files that have to go there first.

A text is a file when it has a folder in it (``out/a.png``, ``./a.png``, ``~/a.png``) or
when a file of that name is there; else it is a name on the server, such as
``8a2b….png``. A `Path` is always a file. A file must exist when it is set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from invokeai_py_client.ivk_fields.faults import Fault, list_faults, shown
from invokeai_py_client.ivk_fields.references import (
    ImageReference,
    Reference,
    VideoReference,
)
from invokeai_py_client.ivk_fields.template_field import RefusedError, TemplateField


@dataclass(frozen=True)
class _Kind:
    """Images or videos.

    Attributes:
        noun: What results call one; a result with several has `noun` plus ``s``.
        reference: What stands for one that is not on the server yet.
        allowed: What is taken, in words.
    """

    noun: str
    reference: Callable[[Any], Reference]
    allowed: str

    @property
    def key(self) -> str:
        """The one key of the object that goes on the wire."""
        return f"{self.noun}_name"


IMAGE = _Kind(
    "image",
    ImageReference,
    "an image file's path, a picture's bytes, a PIL image, an image name on the "
    "server, an IvkImage or a RunResult with one image",
)
VIDEO = _Kind(
    "video",
    VideoReference,
    "a video file's path, its bytes, a video name on the server, an IvkVideo or a "
    "RunResult with one video",
)


def media_from(value: Any, kind: _Kind) -> Any:
    """An image or a video as the wire has it, or a reference.

    Raises:
        RefusedError: It is none, or a file that is not there.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return kind.reference(_content(bytes(value), kind.allowed))
    if kind is IMAGE and _is_picture(value):
        return kind.reference(value)
    if not isinstance(value, (str, Path, Mapping, Reference)):
        if _has_name(value, kind.key):
            return kind.reference(value)
        # A result with several raises its own error, which lists them.
        only = getattr(value, kind.noun, None)
        if only is not None and _has_name(only, kind.key):
            return kind.reference(only)
    return _named_or_file(value, kind)


def _named_or_file(value: Any, kind: _Kind) -> Any:
    key, allowed = kind.key, kind.allowed
    if isinstance(value, (ImageReference, VideoReference)):
        return value
    if isinstance(value, Mapping):
        name = value.get(key)
        if isinstance(name, str) and name.strip():
            return {key: name.strip()}
        raise RefusedError("type", f"must have {key}, got {shown(value)}", allowed)
    if isinstance(value, Path):
        return kind.reference(_existing(value))
    if isinstance(value, str):
        text = value.strip()
        if not text:
            raise RefusedError("type", "must not be an empty text", allowed)
        if "://" in text:
            raise RefusedError(
                "type", f"no addresses, download it first: {text}", allowed
            )
        if "/" in text or "\\" in text or _is_file(Path(text)):
            return kind.reference(_existing(Path(text)))
        return {key: text}
    raise RefusedError("type", f"cannot be made of {shown(value)}", allowed)


def _existing(path: Path) -> Path:
    try:
        path = path.expanduser()
    except RuntimeError as error:  # ~somebody who has no home here
        raise RefusedError("file", f"no such file: {shown_path(path)}") from error
    # The working directory may be another one when the file is read.
    path = path if path.is_absolute() else Path.cwd() / path
    if not _is_file(path):
        words = "is a folder, not a file" if _is_folder(path) else "no such file"
        raise RefusedError("file", f"{words}: {shown_path(path)}")
    return path


def shown_path(path: Path) -> str:
    """A path in a message; a whole picture as text may have been taken for one."""
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


def _content(data: bytes, allowed: str) -> bytes:
    if not data:
        raise RefusedError("file", "the bytes are empty", allowed)
    return data


def _is_picture(value: Any) -> bool:
    """A PIL image, without importing PIL."""
    return any(kind.__module__.startswith("PIL.") for kind in type(value).__mro__)


def _has_name(value: Any, attribute: str) -> bool:
    name = getattr(value, attribute, None)
    return isinstance(name, str) and bool(name)


def name_faults(value: Any, kind: _Kind) -> Iterator[Fault]:
    """Faults of ``{key: name}``; references count as right."""
    if isinstance(value, (ImageReference, VideoReference)):
        return
    name = value.get(kind.key) if isinstance(value, Mapping) else None
    if not isinstance(name, str) or not name.strip():
        yield Fault("type", f"must have {kind.key}, got {shown(value)}", kind.allowed)


class _MediaField(TemplateField[Any]):
    """One image or video."""

    KIND: ClassVar[_Kind]

    def _accept(self, value: Any) -> Any:
        if self.takes_list and isinstance(value, (list, tuple)):
            return [media_from(item, self.KIND) for item in value]
        return media_from(value, self.KIND)

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        return name_faults(value, self.KIND)

    @property
    def allowed(self) -> str:
        """What is taken."""
        return self.KIND.allowed


class IvkImageField(_MediaField):
    """An image: a file, bytes, a PIL image, a name, an `IvkImage` or a `RunResult`."""

    TYPE: ClassVar[str] = "ImageField"
    KIND: ClassVar[_Kind] = IMAGE


class IvkVideoField(_MediaField):
    """A video: a file, bytes, a name, an `IvkVideo` or a `RunResult`."""

    TYPE: ClassVar[str] = "VideoField"
    KIND: ClassVar[_Kind] = VIDEO


class _MediaListField(TemplateField["list[Any]"]):
    """A list of images or videos."""

    KIND: ClassVar[_Kind]

    def _accept(self, value: Any) -> Any:
        several = getattr(value, f"{self.KIND.noun}s", None)
        if isinstance(several, (list, tuple)) and not _has_name(value, self.KIND.key):
            value = several
        items = value if isinstance(value, (list, tuple)) else [value]
        return [media_from(item, self.KIND) for item in items]

    def _faults_of(self, value: Any) -> Iterator[Fault]:
        return list_faults(value, self.limits, self._wire_faults)

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        return name_faults(value, self.KIND)


class IvkImageCollectionField(_MediaListField):
    """A list of images, each as for `IvkImageField`; one image is a list of one."""

    TYPE: ClassVar[str] = "ImageField"
    KIND: ClassVar[_Kind] = IMAGE


class IvkVideoCollectionField(_MediaListField):
    """A list of videos, each as for `IvkVideoField`; one video is a list of one."""

    TYPE: ClassVar[str] = "VideoField"
    KIND: ClassVar[_Kind] = VIDEO
