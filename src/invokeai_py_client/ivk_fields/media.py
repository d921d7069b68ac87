"""Images and videos: names on the server, and files that have to go there first.

A text is a file when it has a folder in it (``out/a.png``, ``./a.png``, ``~/a.png``) or
when a file of that name is there; else it is a name on the server, such as
``8a2b….png``. A `Path` is always a file. A file must exist when it is set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from invokeai_py_client.ivk_fields.faults import Fault, list_faults, shown
from invokeai_py_client.ivk_fields.number import as_items
from invokeai_py_client.ivk_fields.references import (
    ImageReference,
    Reference,
    VideoReference,
)
from invokeai_py_client.ivk_fields.template_field import RefusedError, TemplateField

IMAGE_ALLOWED = (
    "an image file's path, a picture's bytes, a PIL image, an image name on the "
    "server, an IvkImage or a RunResult with one image"
)
VIDEO_ALLOWED = (
    "a video file's path, its bytes, a video name on the server, an IvkVideo or a "
    "RunResult with one video"
)


def image_from(value: Any) -> Any:
    """An image as the wire has it, or a reference.

    Raises:
        RefusedError: It is no image, or a file that is not there.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return ImageReference(_content(bytes(value), IMAGE_ALLOWED))
    if _is_picture(value):
        return ImageReference(value)
    if not isinstance(value, (str, Path, Mapping, Reference)):
        if _has_name(value, "image_name"):
            return ImageReference(value)
        # A result with several images raises its own error, which lists them.
        image = getattr(value, "image", None)
        if image is not None and _has_name(image, "image_name"):
            return ImageReference(image)
    return _named_or_file(value, "image_name", ImageReference, IMAGE_ALLOWED)


def video_from(value: Any) -> Any:
    """A video as the wire has it, or a reference.

    Raises:
        RefusedError: It is no video, or a file that is not there.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return VideoReference(_content(bytes(value), VIDEO_ALLOWED))
    if not isinstance(value, (str, Path, Mapping, Reference)):
        if _has_name(value, "video_name"):
            return VideoReference(value)
        # A result with several videos raises its own error, which lists them.
        video = getattr(value, "video", None)
        if video is not None and _has_name(video, "video_name"):
            return VideoReference(video)
    return _named_or_file(value, "video_name", VideoReference, VIDEO_ALLOWED)


def _named_or_file(
    value: Any, key: str, reference: Callable[[Any], Reference], allowed: str
) -> Any:
    if isinstance(value, (ImageReference, VideoReference)):
        return value
    if isinstance(value, Mapping):
        name = value.get(key)
        if isinstance(name, str) and name.strip():
            return {key: name.strip()}
        raise RefusedError("type", f"must have {key}, got {shown(value)}", allowed)
    if isinstance(value, Path):
        return reference(_existing(value))
    if isinstance(value, str):
        text = value.strip()
        if not text:
            raise RefusedError("type", "must not be an empty text", allowed)
        if "://" in text:
            raise RefusedError(
                "type", f"no addresses, download it first: {text}", allowed
            )
        if "/" in text or "\\" in text or _is_file(Path(text)):
            return reference(_existing(Path(text)))
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


def name_faults(value: Any, key: str, allowed: str) -> Iterator[Fault]:
    """Faults of ``{key: name}``; references count as right."""
    if isinstance(value, (ImageReference, VideoReference)):
        return
    name = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(name, str) or not name.strip():
        yield Fault("type", f"must have {key}, got {shown(value)}", allowed)


class IvkImageField(TemplateField[Any]):
    """An image: a file, bytes, a PIL image, a name, an `IvkImage` or a `RunResult`."""

    TYPE: ClassVar[str] = "ImageField"

    def _accept(self, value: Any) -> Any:
        if self.takes_list and isinstance(value, (list, tuple)):
            return [image_from(item) for item in value]
        return image_from(value)

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        return name_faults(value, "image_name", IMAGE_ALLOWED)

    @property
    def allowed(self) -> str:
        """What is taken."""
        return IMAGE_ALLOWED


class IvkVideoField(TemplateField[Any]):
    """A video: a file, bytes, a name, an `IvkVideo` or a `RunResult`."""

    TYPE: ClassVar[str] = "VideoField"

    def _accept(self, value: Any) -> Any:
        return video_from(value)

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        return name_faults(value, "video_name", VIDEO_ALLOWED)

    @property
    def allowed(self) -> str:
        """What is taken."""
        return VIDEO_ALLOWED


class IvkImageCollectionField(TemplateField["list[Any]"]):
    """A list of images, each as for `IvkImageField`; one image is a list of one."""

    TYPE: ClassVar[str] = "ImageField"

    def _accept(self, value: Any) -> Any:
        images = getattr(value, "images", None)
        if isinstance(images, (list, tuple)) and not _has_name(value, "image_name"):
            value = list(images)
        items = as_items(value) if isinstance(value, (list, tuple)) else [value]
        return [image_from(item) for item in items]

    def _faults_of(self, value: Any) -> Iterator[Fault]:
        return list_faults(value, self.limits, self._wire_faults)

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        return name_faults(value, "image_name", IMAGE_ALLOWED)


class IvkVideoCollectionField(TemplateField["list[Any]"]):
    """A list of videos, each as for `IvkVideoField`; one video is a list of one."""

    TYPE: ClassVar[str] = "VideoField"

    def _accept(self, value: Any) -> Any:
        videos = getattr(value, "videos", None)
        if isinstance(videos, (list, tuple)) and not _has_name(value, "video_name"):
            value = list(videos)
        items = list(value) if isinstance(value, (list, tuple)) else [value]
        return [video_from(item) for item in items]

    def _faults_of(self, value: Any) -> Iterator[Fault]:
        return list_faults(value, self.limits, self._wire_faults)

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        return name_faults(value, "video_name", VIDEO_ALLOWED)
