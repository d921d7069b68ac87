"""Videos as local files and bytes: what may be uploaded.

Everything here is local and may block; flows call it through `RunBlocking`.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Annotated, BinaryIO, Optional, Union

from invokeai_py_client._arguments import Kind, PathLike
from invokeai_py_client._arguments.uploads import file_source
from invokeai_py_client.exceptions import VideoError, VideoFileNotFoundError
from invokeai_py_client.image.media import IMAGE, Media
from invokeai_py_client.image.sources import Upload, open_file
from invokeai_py_client.video.models import VideoBase, VideoChanges

_SOURCE = Kind(
    "a path, the bytes of a video file, an open file or an IvkVideo",
    lambda value: value if isinstance(value, VideoBase) else file_source(value),
)
VideoSource = Annotated[
    Union[PathLike, bytes, bytearray, memoryview, IO[bytes], VideoBase], _SOURCE
]
"""A video: a path, the bytes of a video file, an open file, or an `IvkVideo`, which
may be on another server."""


def video_damage(file: BinaryIO) -> Optional[str]:
    """What is wrong with an MP4 file by its boxes; None for a whole one."""
    size = file.seek(0, io.SEEK_END)
    if not is_mp4(file, size):
        return "it is not an MP4 video" if size else "it is empty"
    position, kinds = 0, set()
    while position < size:
        file.seek(position)
        header = file.read(16)
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if length == 1:  # the length is in the eight bytes that follow
            length = int.from_bytes(header[8:16], "big")
        kinds.add(kind)
        # A last box may say 0: as far as the file goes.
        position = size if length == 0 else position + max(length, 8)
    if position > size or not {b"moov", b"mdat"} <= kinds:
        return "it is cut off: the end is missing"
    return None


VIDEO = Media(
    noun="video",
    base=VideoBase,
    error=VideoError,
    not_found_error=VideoFileNotFoundError,
    damage=video_damage,
    changes=VideoChanges,
    accepted="MP4 files with H.264 video, of at most 1 GiB",
    content_type="video/mp4",
    suffix=".mp4",
    other_suffixes=IMAGE.other_suffixes
    | {".avi", ".mkv", ".mov", ".webm", ".wmv", ".png"},
)
MAX_BYTES = 1024**3
_SEARCHED = 64 * 1024


def open_video(source: VideoSource) -> Upload:
    """Open `source` and look whether it is a video that the server takes."""
    source = _SOURCE.read("source", source)
    if isinstance(source, bytes):
        upload = Upload("the given data", "upload.mp4", source, VIDEO.content_type)
        _check_video(io.BytesIO(source), upload.label)
        return upload
    upload = open_file(Path(str(source)), VIDEO)
    assert not isinstance(upload.content, bytes)
    try:
        _check_video(upload.content, upload.label)
        upload.content.seek(0)
    except BaseException:
        upload.close()
        raise
    return upload


def _check_video(file: BinaryIO, label: str) -> None:
    size = file.seek(0, io.SEEK_END)
    if size > MAX_BYTES:
        raise VideoError(
            f"{label} has {size} bytes", hint=f"the server takes {VIDEO.accepted}"
        )
    if not is_mp4(file, size):
        what = "is not an MP4 video" if size else "is empty"
        raise VideoError(f"{label} {what}", hint=f"the server takes {VIDEO.accepted}")


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
