"""Videos as local files and bytes: what may be uploaded.

Everything here is local and may block; flows call it through `Local`.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO, Union

from invokeai_py_client.exceptions import VideoError, VideoFileNotFoundError
from invokeai_py_client.image.files import PathLike, Upload, open_file
from invokeai_py_client.image.media import Media

__all__ = ["VIDEO", "VideoSource", "is_mp4", "open_video"]

VideoSource = Union[PathLike, bytes, bytearray, memoryview]
"""A local video: a path, or the bytes of a video file."""

VIDEO = Media(
    noun="video",
    error=VideoError,
    not_found_error=VideoFileNotFoundError,
    accepted="MP4 files with H.264 pictures, of at most 1 GiB",
)
MAX_BYTES = 1024**3
_SEARCHED = 64 * 1024


def open_video(source: VideoSource) -> Upload:
    """Open `source` and look at its first bytes.

    Raises:
        VideoFileNotFoundError: There is no such file.
        VideoError: It is a folder, cannot be read, is too large, or is no MP4.
        TypeError: `source` is nothing a video could come from.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        content = bytes(source)
        label = "the given data"
        kind = _look(io.BytesIO(content), len(content), label)
        return Upload(label, "upload.mp4", content, kind)
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(
            f"expected a path or bytes to upload, not {type(source).__name__}"
        )
    return open_file(Path(source).expanduser(), VIDEO, _look)


def _look(file: BinaryIO, size: int, label: str) -> str:
    if size > MAX_BYTES:
        raise VideoError(
            f"{label} has {size} bytes", hint=f"the server takes {VIDEO.accepted}"
        )
    if not is_mp4(file, size):
        what = "is no MP4 video" if size else "is empty"
        raise VideoError(f"{label} {what}", hint=f"the server takes {VIDEO.accepted}")
    return "video/mp4"


def is_mp4(file: BinaryIO, size: int) -> bool:
    """True when one of the first boxes says MP4, in the 64 KiB the server reads.

    QuickTime files have the same boxes and are refused, as the server does.
    """
    position = 0
    while position + 8 <= min(size, _SEARCHED):
        file.seek(position)
        header = file.read(16)
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        head = 8
        if length == 1:  # the length is in the eight bytes that follow
            length, head = int.from_bytes(header[8:16], "big"), 16
        if length < head:
            return False
        if kind == b"ftyp":
            return header[head : head + 4] not in (b"", b"qt  ") if head == 8 else True
        position += length
    return False
