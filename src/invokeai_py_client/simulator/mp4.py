"""What is known of an MP4 file without decoding it: size, length, frame rate, codec.

The box structure is that of ISO/IEC 14496-12. The real server asks ffmpeg and reads the
numbers from what it prints, so they are rounded as ffmpeg prints them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

_BRAND_SEARCHED = 64 * 1024
_LARGEST_FRAME = 64 * 1024 * 1024
_H264 = (b"avc1", b"avc3")


class VideoFormatError(ValueError):
    """The file is no video that the server can read; the message says why."""


@dataclass(frozen=True)
class VideoFacts:
    """A video, as the server sees it.

    Attributes:
        width: In pixels, as it is shown: a rotated video is turned upright.
        height: In pixels.
        duration: In seconds, to a hundredth.
        fps: Frames per second, to a hundredth; None when it is unknown.
        frames: How many pictures it has.
    """

    width: int
    height: int
    duration: float
    fps: Optional[float]
    frames: int


@dataclass(frozen=True)
class _Box:
    kind: bytes
    data: bytes


def has_mp4_brand(data: bytes) -> bool:
    """Whether the file says that it is an MP4, and not a QuickTime film."""
    limit = min(len(data), _BRAND_SEARCHED)
    position = 0
    while position + 8 <= limit:
        size, kind = struct.unpack_from(">I4s", data, position)
        head = 8
        if size == 1:
            if position + 16 > len(data):
                return False
            (size,) = struct.unpack_from(">Q", data, position + 8)
            head = 16
        if size < head:
            return False
        if kind == b"ftyp":
            brand = data[position + head : position + head + 4]
            return len(brand) == 4 and brand != b"qt  "
        position += size
    return False


def read_video(data: bytes) -> VideoFacts:
    """The facts of a file.

    Raises:
        VideoFormatError: It is broken, has no pictures, or another codec than H.264.
    """
    try:
        return _read(data)
    except (struct.error, IndexError, StopIteration, ZeroDivisionError) as error:
        raise VideoFormatError("the file is broken") from error


def _read(data: bytes) -> VideoFacts:
    movie = _only(data, b"moov")
    (scale,) = struct.unpack_from(">I", *_after_times(_only(movie, b"mvhd")))
    tracks = [box.data for box in _boxes(movie) if box.kind == b"trak"]
    pictures = next(track for track in tracks if _handler(track) == b"vide")
    table = _path(pictures, b"mdia", b"minf", b"stbl")
    description = _only(table, b"stsd")
    codec = description[12:16]
    if codec not in _H264:
        raise VideoFormatError(f"the codec is {codec!r}, not H.264")
    width, height = struct.unpack_from(">HH", description, 8 + 8 + 24)
    if not 0 < width * height <= _LARGEST_FRAME:
        raise VideoFormatError(f"a frame has {width}x{height} pixels")
    if _is_turned(_only(pictures, b"tkhd")):
        width, height = height, width
    frames, length = _timing(table)
    (own_scale,) = struct.unpack_from(">I", *_after_times(_media_header(pictures)))
    _check_first_sample(table, len(data))
    seconds = max(_seconds(track, scale) for track in tracks)
    fps = round(frames * own_scale / length, 2)
    return VideoFacts(width, height, _printed(seconds), fps or None, frames)


def _boxes(data: bytes) -> Iterator[_Box]:
    position = 0
    while position + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, position + 8)
            head = 16
        elif size == 0:
            size = len(data) - position
        if size < head:
            return
        yield _Box(kind, data[position + head : position + size])
        position += size


def box_content(data: bytes, kind: bytes) -> Optional[bytes]:
    """What the first box of a kind holds, on the top level; None without one."""
    return next((box.data for box in _boxes(data) if box.kind == kind), None)


def _only(data: bytes, kind: bytes) -> bytes:
    found = box_content(data, kind)
    if found is None:
        raise VideoFormatError(f"there is no {kind.decode()} in the file")
    return found


def _path(data: bytes, *kinds: bytes) -> bytes:
    for kind in kinds:
        data = _only(data, kind)
    return data


def _media_header(track: bytes) -> bytes:
    return _path(track, b"mdia", b"mdhd")


def _handler(track: bytes) -> bytes:
    return _path(track, b"mdia", b"hdlr")[8:12]


def _after_times(header: bytes) -> tuple[bytes, int]:
    """A header box, and where its time scale begins behind two points in time."""
    return header, 20 if header[0] == 1 else 12


def _is_turned(header: bytes) -> bool:
    """Whether the track's matrix turns it by a quarter."""
    start = 52 if header[0] == 1 else 40
    across, _, _, _, down = struct.unpack_from(">5i", header, start)
    return bool(across == 0 and down == 0)


def _timing(table: bytes) -> tuple[int, int]:
    """How many pictures there are, and how long they take together."""
    times = _only(table, b"stts")
    (count,) = struct.unpack_from(">I", times, 4)
    runs = [struct.unpack_from(">II", times, 8 + 8 * n) for n in range(count)]
    frames = sum(number for number, _ in runs)
    if not frames:
        raise VideoFormatError("the file has no pictures")
    return frames, sum(number * length for number, length in runs)


def _check_first_sample(table: bytes, size: int) -> None:
    (offset,) = struct.unpack_from(">I", _chunks(table), 8)
    fixed, count = struct.unpack_from(">II", _only(table, b"stsz"), 4)
    length = fixed or struct.unpack_from(">I", _only(table, b"stsz"), 12)[0]
    if not count or offset + length > size:
        raise VideoFormatError("the pictures are not in the file")


def _chunks(table: bytes) -> bytes:
    offsets = box_content(table, b"stco")
    if offsets is not None:
        return offsets
    # 64 bits each: what the first needs beyond 32 no file here has.
    long = _only(table, b"co64")
    return long[:8] + long[12:16]


def _seconds(track: bytes, movie_scale: int) -> float:
    edits = box_content(track, b"edts")
    if edits is not None:
        listed = _only(edits, b"elst")
        (count,) = struct.unpack_from(">I", listed, 4)
        form, size = (">Qq4x", 20) if listed[0] == 1 else (">Ii4x", 12)
        entries = [struct.unpack_from(form, listed, 8 + size * n) for n in range(count)]
        total = sum(length for length, start in entries if start >= 0)
        if total:
            return float(total / movie_scale)
    header, start = _after_times(_media_header(track))
    form = ">IQ" if header[0] == 1 else ">II"
    scale, length = struct.unpack_from(form, header, start)
    return float(length / scale)


def _printed(seconds: float) -> float:
    # Hundredths, a half rounded up.
    return int(seconds * 100 + 0.5) / 100
