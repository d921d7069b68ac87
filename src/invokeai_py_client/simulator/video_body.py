"""The body of a video upload, read part by part as the real server reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Optional

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from .wire import ApiError

_LARGEST = 1024**3
_LARGEST_METADATA = 1024**2


@dataclass
class VideoBody:
    """What an upload brings.

    Attributes:
        data: The file.
        metadata: The text of the field `metadata`; None without one.
    """

    data: bytes
    metadata: Optional[str]


def read_video_body(content_type: str, body: bytes) -> VideoBody:
    """Take a body apart.

    Raises:
        ApiError: It is not what the server takes.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind.lower() != b"multipart/form-data" or boundary is None:
        raise ApiError(422, "Expected a multipart/form-data video upload")
    parts = _Parts()
    try:
        parser = MultipartParser(boundary, parts.callbacks())  # type: ignore[arg-type]
        parser.write(body)
        parser.finalize()
    except MultipartParseError as error:
        raise ApiError(422, "Malformed multipart body") from error
    if not parts.is_whole:
        raise ApiError(422, "Incomplete multipart body")
    if parts.file is None:
        raise ApiError(422, "Expected a video file in the upload")
    return VideoBody(bytes(parts.file), parts.metadata)


@dataclass
class _Parts:
    """Collects the parts while the parser meets them."""

    file: Optional[bytearray] = None
    metadata: Optional[str] = None
    is_whole: bool = False
    _headers: dict[bytes, bytes] = field(default_factory=dict)
    _key: bytes = b""
    _value: bytes = b""
    _name: bytes = b""
    _text: bytearray = field(default_factory=bytearray)

    def callbacks(self) -> dict[str, Callable[..., Any]]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_key,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._headers, self._name, self._text = {}, b"", bytearray()

    def _header_key(self, data: bytes, start: int, end: int) -> None:
        self._key += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._key.lower()] = self._value
        self._key = self._value = b""

    def _headers_end(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        self._name = options.get(b"name", b"")
        if self._name != b"file":
            return
        if self.file is not None:
            raise ApiError(422, "Expected exactly one video file")
        self.file = bytearray()
        name = options.get(b"filename", b"").lower()
        kind = self._headers.get(b"content-type", b"")
        if not (kind.startswith(b"video/mp4") or name.endswith(b".mp4")):
            raise ApiError(415, "Not a supported video file")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._name == b"file" and self.file is not None:
            self.file += data[start:end]
            if len(self.file) > _LARGEST:
                raise ApiError(
                    413, f"Video upload exceeds maximum size ({_LARGEST} bytes)"
                )
        elif self._name == b"metadata":
            self._text += data[start:end]
            if len(self._text) > _LARGEST_METADATA:
                raise ApiError(
                    413,
                    f"Video metadata exceeds maximum size ({_LARGEST_METADATA} bytes)",
                )

    def _end(self) -> None:
        if self._name == b"metadata":
            try:
                self.metadata = self._text.decode("utf-8")
            except UnicodeDecodeError as error:
                raise ApiError(422, "Metadata must be UTF-8 encoded") from error
        self._name = b""

    def _finish(self) -> None:
        self.is_whole = True
