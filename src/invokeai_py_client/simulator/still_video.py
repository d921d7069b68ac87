"""A video of a picture that stands still: real H.264 in an MP4, made without ffmpeg.

The first frame is coded as raw samples (I_PCM macroblocks), every later one as "as
before" (skipped macroblocks), so a long video costs little more than one frame. Players
and the real server read it. The picture itself lies beside it in a `free` box, which
readers pass over: this is how the simulator gets it back (ITU-T H.264, sections 7.3 and
7.4; ISO/IEC 14496-12 and -15 for the file).
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterable
from typing import Any, Optional

import numpy as np
from PIL import Image

from .mp4 import box_content

Plane = np.ndarray[Any, Any]

_MARK = b"simulated picture\0"
_TICKS = 1000  # of a frame, in the time scale of the file
_BLOCK = 16
_I_PCM = b"\x0d\x00"  # the type of the macroblock, and zeros up to the next byte
_IDR, _LATER, _SPS, _PPS = 0x65, 0x41, 0x67, 0x68  # headers of NAL units
_FRAME_NUMBER_BITS = 4
_MATRIX = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def still_video(picture: Image.Image, frames: int, fps: float) -> bytes:
    """An MP4 that shows a picture for a number of frames.

    Args:
        picture: Both sides must be even.
        frames: At least one.
        fps: Frames per second.

    Raises:
        ValueError: A side is odd, or there are no frames.
    """
    width, height = picture.size
    if width % 2 or height % 2 or frames < 1:
        raise ValueError(f"no video of {frames} frames in {width}x{height}")
    samples = [_raw_frame(picture)]
    samples += [_repeated_frame(number, picture.size) for number in range(1, frames)]
    stored = io.BytesIO()
    picture.save(stored, "PNG")
    head = _box(b"ftyp", b"isom", _u32(0x200), b"isomiso2avc1mp41")
    aside = _box(b"free", _MARK, stored.getvalue())
    data = _box(b"mdat", *samples)
    start = len(head) + len(aside) + 8
    sizes = [len(sample) for sample in samples]
    return head + aside + data + _movie(picture.size, sizes, start, fps)


def still_picture(video: bytes) -> Optional[Image.Image]:
    """The picture of a video made here; None for any other video."""
    aside = box_content(video, b"free")
    if aside is None or not aside.startswith(_MARK):
        return None
    picture = Image.open(io.BytesIO(aside[len(_MARK) :]))
    picture.load()
    return picture


class _Bits:
    """Bits in the order of the standard, with its variable-length numbers."""

    def __init__(self) -> None:
        self._text = ""

    def put(self, value: int, width: int) -> _Bits:
        self._text += format(value, f"0{width}b") if width else ""
        return self

    def numbers(self, *values: int) -> _Bits:
        """Unsigned Exp-Golomb codes."""
        for value in values:
            digits = format(value + 1, "b")
            self._text += "0" * (len(digits) - 1) + digits
        return self

    def aligned(self) -> bytes:
        """What there is, filled with zeros to whole bytes."""
        text = self._text + "0" * (-len(self._text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big")

    def ended(self) -> bytes:
        """The bits with the one that marks their end."""
        return self.put(1, 1).aligned()


def _unit(header: int, payload: bytes) -> bytes:
    """A NAL unit; what looks like a start code is broken up."""
    escaped = re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", payload)
    return bytes([header]) + escaped


def _sized(unit: bytes) -> bytes:
    return _u32(len(unit)) + unit


def _blocks(size: tuple[int, int]) -> tuple[int, int]:
    return -(-size[0] // _BLOCK), -(-size[1] // _BLOCK)


def _sequence_parameters(size: tuple[int, int]) -> bytes:
    across, down = _blocks(size)
    bits = _Bits().put(66, 8).put(0xC0, 8).put(51, 8)  # Constrained Baseline, 5.1
    # Set 0, 4 bits of frame number, output in decoding order, one reference frame.
    bits.numbers(0, _FRAME_NUMBER_BITS - 4, 2, 1).put(0, 1)
    bits.numbers(across - 1, down - 1).put(0b11, 2)
    right, bottom = across * _BLOCK - size[0], down * _BLOCK - size[1]
    bits.put(int(bool(right or bottom)), 1)
    if right or bottom:
        bits.numbers(0, right // 2, 0, bottom // 2)
    return _unit(_SPS, bits.put(0, 1).ended())


def _picture_parameters() -> bytes:
    bits = _Bits().numbers(0, 0).put(0, 2).numbers(0, 0, 0).put(0, 3)
    # Three differences of zero; the deblocking filter may be switched off.
    return _unit(_PPS, bits.numbers(0, 0, 0).put(0b100, 3).ended())


def _raw_frame(picture: Image.Image) -> bytes:
    bits = _Bits().numbers(0, 7, 0).put(0, _FRAME_NUMBER_BITS).numbers(0).put(0, 2)
    bits.numbers(0, 1)  # no change of quantiser, no deblocking
    across, down = _blocks(picture.size)
    width, height = picture.size
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float32)
    padding = ((0, down * _BLOCK - height), (0, across * _BLOCK - width), (0, 0))
    luma, blue, red = _planes(np.pad(pixels, padding, mode="edge"))
    parts = [_split(luma, 16), _split(blue, 8), _split(red, 8)]
    blocks = np.concatenate(parts, axis=1)
    # The type of the first block comes right behind the slice header.
    first = bits.put(int.from_bytes(_I_PCM, "big") >> 7, 9).aligned()
    body = _I_PCM.join(block.tobytes() for block in blocks)
    return _sized(_unit(_IDR, first + body + b"\x80"))


def _planes(rgb: Plane) -> tuple[Plane, Plane, Plane]:
    """Luma and quarter-size chroma after ITU-R BT.601, in its limited range."""
    r, g, b = rgb[..., 0] / 255, rgb[..., 1] / 255, rgb[..., 2] / 255
    luma = 0.299 * r + 0.587 * g + 0.114 * b
    planes = (
        16 + 219 * luma,
        _halved(128 + 224 * (b - luma) / 1.772),
        _halved(128 + 224 * (r - luma) / 1.402),
    )
    whole = [np.clip(np.rint(plane), 16, 240).astype(np.uint8) for plane in planes]
    return whole[0], whole[1], whole[2]


def _halved(plane: Plane) -> Plane:
    height, width = plane.shape
    means: Plane = plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return means


def _split(plane: Plane, side: int) -> Plane:
    """The macroblocks of a plane in reading order, each in one row."""
    height, width = plane.shape
    squares = plane.reshape(height // side, side, width // side, side)
    return squares.transpose(0, 2, 1, 3).reshape(-1, side * side)


def _repeated_frame(number: int, size: tuple[int, int]) -> bytes:
    across, down = _blocks(size)
    bits = _Bits().numbers(0, 5, 0)
    bits.put(number % (1 << _FRAME_NUMBER_BITS), _FRAME_NUMBER_BITS).put(0, 3)
    bits.numbers(0, 1, across * down)  # quantiser, deblocking, blocks to skip
    return _sized(_unit(_LATER, bits.ended()))


def _u32(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return _u32(len(content) + 8) + kind + content


def _movie(size: tuple[int, int], sizes: list[int], start: int, fps: float) -> bytes:
    width, height = size
    scale, length = round(fps * _TICKS), len(sizes) * _TICKS
    movie_header = _box(
        b"mvhd", _u32(0, 0, 0, scale, length, 0x10000, 0x1000000, 0, 0), _MATRIX,
        bytes(24), _u32(2),
    )  # fmt: skip
    track_header = _box(
        b"tkhd", _u32(3, 0, 0, 1, 0, length, 0, 0, 0, 0), _MATRIX,
        _u32(width << 16, height << 16),
    )  # fmt: skip
    media = _box(
        b"mdia",
        _box(b"mdhd", _u32(0, 0, 0, scale, length), struct.pack(">HH", 0x55C4, 0)),
        _box(b"hdlr", _u32(0, 0), b"vide", bytes(12), b"VideoHandler\0"),
        _box(
            b"minf",
            _box(b"vmhd", _u32(1, 0, 0)),
            _box(b"dinf", _box(b"dref", _u32(0, 1), _box(b"url ", _u32(1)))),
            _samples(size, sizes, start),
        ),
    )
    return _box(b"moov", movie_header, _box(b"trak", track_header, media))


def _samples(size: tuple[int, int], sizes: list[int], start: int) -> bytes:
    number = len(sizes)
    return _box(
        b"stbl",
        _box(b"stsd", _u32(0, 1), _description(size)),
        _box(b"stts", _u32(0, 1, number, _TICKS)),
        _box(b"stss", _u32(0, 1, 1)),
        _box(b"stsc", _u32(0, 1, 1, number, 1)),
        _box(b"stsz", _u32(0, 0, number, *sizes)),
        _box(b"stco", _u32(0, 1, start)),
    )


def _description(size: tuple[int, int]) -> bytes:
    sequence, picture = _sequence_parameters(size), _picture_parameters()
    configuration = _box(
        b"avcC", bytes([1]), sequence[1:4], b"\xff\xe1", *_counted([sequence]),
        b"\x01", *_counted([picture]),
    )  # fmt: skip
    return _box(
        b"avc1", bytes(6), struct.pack(">H", 1), bytes(16), struct.pack(">HH", *size),
        _u32(0x480000, 0x480000, 0), struct.pack(">H", 1), bytes(32),
        struct.pack(">Hh", 24, -1), configuration,
    )  # fmt: skip


def _counted(units: Iterable[bytes]) -> list[bytes]:
    return [struct.pack(">H", len(unit)) + unit for unit in units]
