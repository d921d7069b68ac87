"""A file that was saved: how long it is, its checksum, its size in pixels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import BinaryIO, Optional

PIECE = 1 << 20
_PNG_HEAD = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


@dataclass(frozen=True)
class SavedFile:
    """What a saved file is, apart from where it is.

    Attributes:
        sha256: Of its content, in hexadecimal digits.
        bytes: How long it is.
        width: Pixels; None when the file does not say so at its beginning.
        height: Pixels, likewise.
    """

    sha256: str
    bytes: int
    width: Optional[int] = None
    height: Optional[int] = None


def describe(content: BinaryIO) -> SavedFile:
    """Read a file from its beginning to its end."""
    content.seek(0)
    digest, size, head = hashlib.sha256(), 0, b""
    while piece := content.read(PIECE):
        head = head or piece[:24]
        size += len(piece)
        digest.update(piece)
    width = height = None
    if head.startswith(_PNG_HEAD) and len(head) == 24:
        width = int.from_bytes(head[16:20], "big")
        height = int.from_bytes(head[20:24], "big")
    return SavedFile(digest.hexdigest(), size, width, height)
