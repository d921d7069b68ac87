"""Small files that are whole: what a server keeps, and what people upload."""

from __future__ import annotations

import struct
import zlib


def png_chunk(kind: bytes, data: bytes = b"") -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


def png(width: int = 1, height: int = 1, *chunks: bytes, grey: int = 0) -> bytes:
    """A grey PNG, with these chunks before its pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + bytes([grey]) * width) * height)
    parts = (png_chunk(b"IHDR", head), *chunks, png_chunk(b"IDAT", pixels))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + png_chunk(b"IEND")


def mp4_box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


PNG = png()
FTYP = mp4_box(b"ftyp", b"isom\x00\x00\x02\x00isom")
MP4 = FTYP + mp4_box(b"moov") + mp4_box(b"mdat", b"frames")
