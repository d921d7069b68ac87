"""Fonts in the server's folder: their families, weights and styles."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional
from urllib.parse import quote

from PIL import ImageFont

MEDIA_TYPES = {
    ".ttf": "font/ttf",
    ".otf": "font/otf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
"""The kinds of font file that are offered."""

_FAMILY, _STYLE = (16, 1), (17, 2)
_ENGLISH = (0x0409, 0)
_NORMAL = 400

# Read in this order, because "bold" is in "semi bold" and "light" in "extra light".
_WEIGHTS = (
    (100, ("thin", "hairline")),
    (200, ("extra light", "ultra light", "extralight", "ultralight")),
    (300, ("light",)),
    (400, ("normal", "regular", "roman", "book")),
    (500, ("medium",)),
    (600, ("semi bold", "semibold", "demi bold", "demibold")),
    (800, ("extra bold", "ultra bold", "extrabold", "ultrabold")),
    (900, ("black", "heavy")),
    (700, ("bold",)),
)


class FontPathError(ValueError):
    """A path leads out of the folder, or over a link."""


@dataclass(frozen=True)
class _Face:
    path: str
    family: str
    weight: int
    style: str

    @property
    def oddity(self) -> tuple[int, int, int]:
        """How far from a family's plain face."""
        slanted = 0 if self.style == "normal" else 1
        return slanted, abs(self.weight - _NORMAL), len(Path(self.path).stem)


def list_fonts(folder: Path) -> list[dict[str, Any]]:
    """The families of a folder and of the folders in it, as the API shows them."""
    families: dict[str, list[_Face]] = {}
    for face in _faces(folder):
        families.setdefault(face.family.lower(), []).append(face)
    return [_family(key, faces) for key, faces in sorted(families.items())]


def _faces(folder: Path) -> Iterator[_Face]:
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() not in MEDIA_TYPES or not file.is_file():
            continue
        if not _over_links(file, folder):
            face = _read(file, file.relative_to(folder).as_posix())
            if face is not None:
                yield face


def _family(key: str, faces: list[_Face]) -> dict[str, Any]:
    plainest = min(faces, key=lambda face: face.oddity)
    variants: dict[tuple[int, str], _Face] = {}
    for face in sorted(faces, key=lambda face: face.oddity):
        variants.setdefault((face.weight, face.style), face)
    shown = sorted(variants.values(), key=lambda face: (*face.oddity[:2], face.weight))
    return {
        "id": f"user:{key}",
        "family": plainest.family,
        "label": plainest.family,
        "path": plainest.path,
        "url": _url(plainest.path),
        "faces": [
            {
                "path": face.path,
                "url": _url(face.path),
                "weight": face.weight,
                "style": face.style,
            }
            for face in shown
        ],
    }


def _url(path: str) -> str:
    return f"api/v1/utilities/fonts/{quote(path)}"


def find_font(folder: Path, path: str) -> Optional[Path]:
    """The file that a request names; None if there is none.

    Raises:
        FontPathError: It is outside the folder, or behind a link.
    """
    wanted = folder / path
    if ".." in Path(path).parts or not wanted.is_relative_to(folder):
        raise FontPathError(path)
    if _over_links(wanted, folder):
        raise FontPathError(path)
    return wanted if wanted.is_file() else None


def _over_links(file: Path, folder: Path) -> bool:
    steps = [file, *file.parents]
    return any(step.is_symlink() for step in steps[: steps.index(folder) + 1])


def _read(file: Path, path: str) -> Optional[_Face]:
    """What a font file says of itself; None for what is no font."""
    try:
        tables = _tables(file.read_bytes())
        family, style = _name(tables, _FAMILY), _name(tables, _STYLE)
        (weight,) = struct.unpack_from(">H", tables.get("OS/2", bytes(78)), 4)
        slanted = _slanted(tables)
    except (OSError, ValueError, struct.error, zlib.error):
        family, style, weight, slanted = "", "", 0, False
    if not family:
        try:
            named = ImageFont.truetype(str(file), size=16).getname()
        except (OSError, ValueError):
            return None
        family, style = ((part or "").strip() for part in named)
        weight, slanted = 0, False
    if not family:
        return None
    hints = _words(f"{style} {file.stem}")
    if not 1 <= weight <= 1000:
        weight = _weight(hints)
    slanted = slanted or "italic" in hints or "oblique" in hints
    return _Face(path, family, weight, "italic" if slanted else "normal")


def _tables(data: bytes) -> dict[str, bytes]:
    """The tables of an OpenType file or of a WOFF.

    Raises:
        ValueError: It is neither; WOFF2 and collections are left to Pillow.
    """
    if data[:4] == b"wOFF":
        (count,) = struct.unpack_from(">H", data, 12)
        found = {}
        for index in range(count):
            entry = struct.unpack_from(">4sIII", data, 44 + 20 * index)
            tag, offset, packed, length = entry
            part = data[offset : offset + packed]
            found[tag.decode("latin-1")] = (
                zlib.decompress(part) if packed < length else part
            )
        return found
    if data[:4] not in (b"\0\1\0\0", b"OTTO", b"true"):
        raise ValueError("no OpenType file")
    (count,) = struct.unpack_from(">H", data, 4)
    entries = [
        struct.unpack_from(">4sIII", data, 12 + 16 * index) for index in range(count)
    ]
    return {
        tag.decode("latin-1"): data[offset : offset + length]
        for tag, _, offset, length in entries
    }


def _name(tables: dict[str, bytes], wanted: tuple[int, ...]) -> str:
    """The first text of these kinds, English and Windows' own before others."""
    table = tables.get("name", bytes(6))
    _, count, storage = struct.unpack_from(">HHH", table)
    records = [struct.unpack_from(">6H", table, 6 + 12 * i) for i in range(count)]

    def rank(record: tuple[int, ...]) -> tuple[int, int]:
        platform, _, language = record[:3]
        if platform == 3:
            return (0 if language in _ENGLISH else 1), 0
        return (2, 0) if platform == 0 else (3, language)

    for kind in wanted:
        for record in sorted((r for r in records if r[3] == kind), key=rank):
            platform, _, _, _, length, offset = record
            raw = table[storage + offset : storage + offset + length]
            encoding = "mac_roman" if platform == 1 else "utf-16-be"
            text = raw.decode(encoding, "replace").strip()
            if text:
                return text
    return ""


def _slanted(tables: dict[str, bytes]) -> bool:
    (selection,) = struct.unpack_from(">H", tables.get("OS/2", bytes(78)), 62)
    (style,) = struct.unpack_from(">H", tables.get("head", bytes(54)), 44)
    (angle,) = struct.unpack_from(">i", tables.get("post", bytes(32)), 4)
    return bool(selection & 1 or style & 2 or angle)


def _words(text: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return " ".join(re.split(r"[\s_-]+", spaced)).strip().lower()


def _weight(hints: str) -> int:
    for weight, words in _WEIGHTS:
        if any(word in hints for word in words):
            return weight
    return _NORMAL
