"""Size, length and frame rate of an MP4 file, from its boxes (ISO/IEC 14496-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_LARGEST_FRAME = 64 * 1024 * 1024


class VideoFormatError(ValueError):
    """The file is not a video that can be read."""


@dataclass(frozen=True)
class VideoFacts:
    """A video, as the server sees it: size in pixels, duration in seconds."""

    width: int
    height: int
    duration: float
    fps: float


def has_mp4_brand(data: bytes) -> bool:
    """Whether the file declares itself an MP4, not a QuickTime file."""
    return data[4:8] == b"ftyp" and data[8:12] not in (b"", b"qt  ")


def read_video(data: bytes) -> VideoFacts:
    """Read size, duration and frame rate of a file."""
    try:
        for track in _boxes(_box(data, b"moov"), b"trak"):
            media = _box(track, b"mdia")
            if _box(media, b"hdlr")[8:12] == b"vide":
                return _facts(media)
    except (struct.error, StopIteration, ZeroDivisionError, IndexError) as error:
        raise VideoFormatError("the file is broken") from error
    raise VideoFormatError("the file has no video track")


def _facts(media: bytes) -> VideoFacts:
    table = _box(_box(media, b"minf"), b"stbl")
    width, height = struct.unpack_from(">HH", _box(table, b"stsd"), 40)
    times = _box(table, b"stts")
    (runs,) = struct.unpack_from(">I", times, 4)
    frames = sum(struct.unpack_from(f">{2 * runs}I", times, 8)[::2])
    header = _box(media, b"mdhd")
    long = header[0] == 1
    scale, length = struct.unpack_from(
        *((">IQ", header, 20) if long else (">II", header, 12))
    )
    fps = round(frames * scale / length, 2)
    if not (0 < width * height <= _LARGEST_FRAME and fps):
        raise VideoFormatError("the file has no frames that can be shown")
    return VideoFacts(width, height, round(length / scale, 2), fps)


def _box(data: bytes, kind: bytes) -> bytes:
    return next(_boxes(data, kind))


def _boxes(data: bytes, wanted: bytes) -> Iterator[bytes]:
    """The contents of the boxes of a kind."""
    position = 0
    while position + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, position + 8)
            head = 16
        end = position + size if size else len(data)
        if end < position + head:
            return
        if kind == wanted:
            yield data[position + head : end]
        position = end
