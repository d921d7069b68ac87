"""Videos as local files and bytes: what may be uploaded.

Everything here is local and may block; flows call it through `Local`.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Union

from invokeai_py_client.exceptions import VideoError, VideoFileNotFoundError
from invokeai_py_client.image.files import PathLike

__all__ = ["VideoSource", "VideoUpload", "is_mp4", "open_video"]

VideoSource = Union[PathLike, bytes, bytearray, memoryview]
"""A local video: a path, or the bytes of a video file."""

ALLOWED = "MP4 files with H.264 pictures, of at most 1 GiB"
MAX_BYTES = 1024**3
_SEARCHED = 64 * 1024


@dataclass
class VideoUpload:
    """A video ready to be sent; `close` it however the sending ends.

    Attributes:
        label: What messages call it: the path, or where it came from.
        filename: What the server is told; it keeps nothing of it.
        content: Bytes, or an open file that the driver streams.
    """

    label: str
    filename: str
    content: Union[bytes, BinaryIO]

    def close(self) -> None:
        """Close the file, if there is one."""
        if not isinstance(self.content, bytes):
            self.content.close()


def open_video(source: VideoSource) -> VideoUpload:
    """Open `source` and look at its first bytes.

    Raises:
        VideoFileNotFoundError: There is no such file.
        VideoError: It is a folder, cannot be read, is too large, or is no MP4.
        TypeError: `source` is nothing a video could come from.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        content = bytes(source)
        _check(io.BytesIO(content), len(content), "the given data")
        return VideoUpload("the given data", "upload.mp4", content)
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(
            f"expected a path or bytes to upload, not {type(source).__name__}"
        )
    path = Path(source).expanduser()
    try:
        # Closed by `VideoUpload.close`: the driver reads it while it sends.
        file = path.open("rb")
    except FileNotFoundError as error:
        raise VideoFileNotFoundError(
            f"there is no video file {path}", hint=f"looked in {Path.cwd()}"
        ) from error
    except OSError as error:
        raise VideoError(f"cannot read {path}: {error.strerror}") from error
    try:
        _check(file, os.fstat(file.fileno()).st_size, str(path))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return VideoUpload(str(path), path.name, file)


def _check(file: BinaryIO, size: int, label: str) -> None:
    if size > MAX_BYTES:
        raise VideoError(
            f"{label} has {size} bytes", hint=f"the server takes {ALLOWED}"
        )
    if not is_mp4(file, size):
        what = "is no MP4 video" if size else "is empty"
        raise VideoError(f"{label} {what}", hint=f"the server takes {ALLOWED}")


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
