"""A JSON form of every value that an input takes, and back.

| value | plain form |
| --- | --- |
| number, string, boolean, None, list, colour | as it is |
| local image or video | `{"$file": path, "sha256": …}`, with `"video": true` |
| image, video on a server | `{"$image": name}`, `{"$video": name}` |
| model | `{"$model": record}`; to look up: `{"$model": {"text": name, …}}` |
| board | `{"$board": record}`; to look up: `{"$board": {"text": name}}` |
| other named things | `{"$style_preset": name}` and the like |
| another mapping with keys that begin with `$` | `{"$json": mapping}` |

`short=True` writes what is looked up by its name as that name alone, which a field
reads again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client.image.sources import png_of
from invokeai_py_client.ivk_fields.references import (
    BoardReference,
    ImageReference,
    ModelReference,
    Reference,
    StylePresetReference,
    SystemPromptReference,
    VideoReference,
    WorkflowReference,
)
from invokeai_py_client.ivk_fields.server_rules import MODEL_KEYS

Keep = Callable[[bytes, str], str]
"""Stores the content of a file, given its sha256 too, and returns its path."""

SCALARS = (str, int, float, bool, type(None))
_MODEL = frozenset(MODEL_KEYS)
_NAMED: Mapping[str, Callable[[str], Reference]] = {
    "$style_preset": StylePresetReference,
    "$system_prompt": SystemPromptReference,
    "$workflow": WorkflowReference,
}
_BLOCK = 1 << 20
# Made once: an encoder for every value takes longer than the values.
_ENCODE = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


def canonical_json(value: Any) -> str:
    """JSON that is the same for equal values: sorted keys, no spaces.

    Raises:
        ValueError: JSON cannot carry the value.
        TypeError: As `ValueError`.
    """
    return _ENCODE(value)


def refuse_content(_content: bytes, _digest: str) -> str:
    """A `Keep` where there is no folder for files."""
    raise TypeError("the content of a file can only be kept in a folder")


def to_plain(value: Any, keep: Keep = refuse_content, *, short: bool = False) -> Any:
    """The JSON form of a field's value.

    Args:
        value: The value of a field, which may hold references.
        keep: Where the content of images without a file goes.
        short: Write what is looked up by its name as the name alone.

    Raises:
        TypeError: The value has no JSON form.
        OSError: A local file cannot be read.
    """
    if isinstance(value, SCALARS):
        return value
    if isinstance(value, Reference):
        return _plain_reference(value, keep, short=short)
    if isinstance(value, (list, tuple)):
        return [to_plain(item, keep, short=short) for item in value]
    if not isinstance(value, Mapping):
        raise TypeError(f"{type(value).__name__} has no JSON form")
    tagged = _tag_of(value)
    if tagged is not None:
        return tagged
    plain = {str(key): to_plain(item, keep, short=short) for key, item in value.items()}
    return {"$json": plain} if any(key.startswith("$") for key in plain) else plain


def _tag_of(value: Mapping[str, Any]) -> Optional[dict[str, Any]]:
    """The form of what a server has; None for any other mapping."""
    keys = value.keys()
    if not all(isinstance(item, (str, type(None))) for item in value.values()):
        return None
    for name, tag in (("image_name", "$image"), ("video_name", "$video")):
        if keys == {name}:
            return {tag: value[name]}
    if _MODEL <= keys <= _MODEL | {"submodel_type"}:
        return {"$model": dict(value)}
    if "board_id" in keys and keys <= {"board_id", "board_name"}:
        return {"$board": dict(value)}
    return None


def _plain_reference(value: Reference, keep: Keep, *, short: bool) -> Any:
    if isinstance(value, (ImageReference, VideoReference)):
        return _plain_media(value, keep)
    if short:
        return getattr(value, "text")  # noqa: B009  each kind but media has it
    if isinstance(value, ModelReference):
        parts = {item.name: getattr(value, item.name) for item in fields(value)}
        given = {
            name: list(part) if isinstance(part, tuple) else part
            for name, part in parts.items()
            if part
        }
        return {"$model": {"text": "", **given}}
    if isinstance(value, BoardReference):
        bare = {"bare": True} if value.bare else {}
        return {"$board": {"text": value.text, **bare}}
    for tag, kind in _NAMED.items():
        if type(value) is kind:
            return {tag: getattr(value, "text")}  # noqa: B009
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _plain_media(value: Any, keep: Keep) -> dict[str, Any]:
    source, is_video = value.source, isinstance(value, VideoReference)
    name = getattr(source, "video_name" if is_video else "image_name", None)
    if isinstance(name, str):
        return {"$video" if is_video else "$image": name}
    if isinstance(source, Path):
        path, digest = str(source), file_digest(source)
    else:
        content = source if isinstance(source, bytes) else png_of(source)
        digest = hashlib.sha256(content).hexdigest()
        path = keep(content, digest)
    plain: dict[str, Any] = {"$file": path, "sha256": digest}
    return {**plain, "video": True} if is_video else plain


def file_digest(path: Path) -> str:
    """The sha256 of a file's content; read again only when the file has changed.

    Raises:
        OSError: The file cannot be read.
    """
    state = os.stat(path)
    return _digest(os.fspath(path), state.st_size, state.st_mtime_ns, state.st_ino)


@lru_cache(maxsize=20_000)
def _digest(path: str, *_state: int) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()


def from_plain(plain: Any, folder: Optional[Path] = None) -> Any:
    """The value that `to_plain` wrote.

    Args:
        plain: The JSON form.
        folder: Where relative paths of files begin.
    """
    if isinstance(plain, list):
        return [from_plain(item, folder) for item in plain]
    if not isinstance(plain, Mapping):
        return plain
    for tag, item in plain.items():
        if tag == "$file":
            return _file(plain, folder)
        if tag == "$json":
            return {key: from_plain(inner, folder) for key, inner in item.items()}
        if tag.startswith("$"):
            return _READERS[tag](item)
    return {key: from_plain(item, folder) for key, item in plain.items()}


def _file(plain: Mapping[str, Any], folder: Optional[Path]) -> Reference:
    path = Path(plain["$file"])
    path = folder / path if folder is not None else path
    return VideoReference(path) if plain.get("video") else ImageReference(path)


def _model(record: Mapping[str, Any]) -> Any:
    if "text" not in record:
        return dict(record)
    lists: dict[str, Any] = {
        key: tuple(part) if isinstance(part, list) else part
        for key, part in record.items()
    }
    return ModelReference(**lists)


def _board(record: Mapping[str, Any]) -> Any:
    return BoardReference(**record) if "text" in record else dict(record)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "$image": lambda name: {"image_name": name},
    "$video": lambda name: {"video_name": name},
    "$model": _model,
    "$board": _board,
    **_NAMED,
}


def readable_value(plain: Any) -> Any:
    """A plain value as people write it: the path, the name, the number."""
    if isinstance(plain, list):
        return [readable_value(item) for item in plain]
    if not isinstance(plain, Mapping):
        return plain
    for tag, item in plain.items():
        if tag == "$file":
            return Path(item)
        if tag == "$json" or not tag.startswith("$"):
            continue
        if not isinstance(item, Mapping):
            return item
        names = ("text", "name", "board_name", "board_id")
        return next((item[name] for name in names if item.get(name)), dict(item))
    inner = plain.get("$json", plain)
    return {key: readable_value(item) for key, item in inner.items()}


def without_paths(plain: Any) -> Any:
    """The value with files by their content alone: it is the same wherever they are."""
    if isinstance(plain, list):
        return [without_paths(item) for item in plain]
    if not isinstance(plain, Mapping):
        return plain
    if "$json" in plain:
        return plain
    if "$file" in plain:
        return {key: item for key, item in plain.items() if key != "$file"}
    return {key: without_paths(item) for key, item in plain.items()}


INPUTS = "inputs"
"""The folder, inside that of the sweep, of images that were given as content."""


class Contents:
    """A folder for them until there is that of the sweep; it goes with this object."""

    def __init__(self) -> None:
        self._folder: Optional[Path] = None

    def keep(self, content: bytes, digest: str) -> str:
        """Store content; its path is relative to the sweep's folder."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="ivk-sweep-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        path = self._folder / digest
        if not path.exists():
            path.write_bytes(content)
        return f"{INPUTS}/{digest}"

    def hand_to(self, keep: Keep) -> None:
        """Let another folder keep all of it.

        Raises:
            OSError: It cannot be written there.
        """
        for path in self._folder.iterdir() if self._folder else ():
            keep(path.read_bytes(), path.name)
