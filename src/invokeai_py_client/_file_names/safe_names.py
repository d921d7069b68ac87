"""Names that every file system takes, and that no two files share."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable

# Devices, with any suffix; spaces before it do not count.
_WINDOWS_NAMES = re.compile(
    r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)"
)
# A server must not choose what else a folder gets, such as a start-up file.
_KNOWN_SUFFIXES = frozenset(
    (
        *(".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"),
        *(".mp4", ".webm", ".mov", ".zip"),
    )
)
# Controls, what changes the direction of text, what is invisible, separators of
# lines, and halves of characters.
_ODD = re.compile(
    r'[\x00-\x1f\x7f-\x9f<>:"|?*\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff'
    r"\ud800-\udfff\ufffe\uffff]"
)
_SEPARATORS = re.compile(r"[/\\]")
# 255 bytes is the limit of common file systems; a tag and more may follow.
MOST_BYTES = 240


def odd_character(text: str) -> str:
    """The first character that some file system refuses; empty when there is none.

    Separators are not looked for.
    """
    found = _ODD.search(text)
    return found[0] if found else ""


def plain(text: str) -> str:
    """`text` without separators and without what some file system refuses."""
    return _ODD.sub("_", _SEPARATORS.sub("_", unicodedata.normalize("NFC", text)))


def as_component(text: str, *, may_hide: bool = False) -> str:
    """A name for one file or folder, of text that went through `plain`.

    Args:
        text: Any text without separators.
        may_hide: Let a dot at the beginning be.
    """
    name = text.lstrip(" ").rstrip(". ")
    if not name:
        return "_"
    if name.startswith(".") and not may_hide:
        name = f"_{name}"
    return f"_{name}" if _WINDOWS_NAMES.match(name) else name


def cut_bytes(text: str, most: int) -> str:
    """The beginning of `text` that has at most so many bytes, in whole characters."""
    data = text.encode("utf-8", "replace")
    if len(data) <= most:
        return text
    short = data[: max(most, 0)].decode("utf-8", "ignore")
    # A mark belongs to the letter before it.
    while short and unicodedata.category(text[len(short)])[0] == "M":
        short = short[:-1]
    return short


def tag(identity: str) -> str:
    """A few characters that distinguish files whose names are alike."""
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def with_tag(name: str, identity: str) -> str:
    """`name` with a tag before its suffix: ``"cats/a-1f2e3d4c.png"``."""
    folder, slash, file_name = name.rpartition("/")
    stem, suffix = os.path.splitext(file_name)
    return f"{folder}{slash}{stem}-{tag(identity)}{suffix}"


# -- names that a server chooses -----------------------------------------------------


def safe_file_name(name: str) -> str:
    """`name`, or a name made of its last part, fit for a file on any system.

    For any name that a server chooses, the result has no separator, no drive, no
    control character, is not hidden, and has the suffix of an image, a video or a
    zip; else it gets ``.png``. One that had to be changed gets a `tag`, so that no
    two names give the same file.
    """
    clean = _cleaned(name)
    return clean if clean == name else tagged(clean, name)


def tagged(file_name: str, identity: str) -> str:
    """A safe file name with the tag of what it is for: ``"Cats-1f2e3d4c.zip"``."""
    stem, dot, suffix = _cleaned(file_name).rpartition(".")
    return f"{stem}-{tag(identity)}{dot}{suffix}"


def distinct_file_names(names: Iterable[str]) -> dict[str, str]:
    """The file name of each of several, also where a system ignores letter case."""
    taken = TakenNames()
    return {name: taken.claim(safe_file_name(name), name) for name in names}


def _cleaned(name: str) -> str:
    # More characters than this cannot stay anyway.
    last = _SEPARATORS.split(name)[-1][-300:]
    clean = _ODD.sub("_", last).strip(" ").rstrip(". ")
    if not clean or set(clean) == {"."}:
        return "image.png"
    if clean.startswith("."):
        clean = f"_{clean}"
    if os.path.splitext(clean)[1].lower() not in _KNOWN_SUFFIXES:
        clean += ".png"
    while len(clean.encode("utf-8")) > 190:
        stem, dot, suffix = clean.rpartition(".")
        clean = f"{stem[:-1]}{dot}{suffix}"
    return f"_{clean}" if _WINDOWS_NAMES.match(clean) else clean


# -- names that are taken ------------------------------------------------------------


class TakenNames:
    """Names given out so far: no two are one file, also where case does not count."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        # Numbers: a million names stay within some ten megabytes.
        self._taken = {_folded(name) for name in names}

    def claim(self, name: str, identity: str) -> str:
        """Take `name`, or one like it with a tag when somebody has it.

        Args:
            name: A file name or a relative path with ``/``.
            identity: What the file is for: its tag is made of this, so that the name
                is the same again when things come in another order.
        """
        own, count = name, 0
        while _folded(own) in self._taken:
            own = with_tag(name, f"{identity}#{count}" if count else identity)
            count += 1
        self._taken.add(_folded(own))
        return own


def _folded(name: str) -> int:
    folded = unicodedata.normalize("NFD", name).casefold()
    return hash(unicodedata.normalize("NFC", folded))
