"""Multipart bodies, streamed: a file is never held in memory as a whole."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterator
from io import SEEK_END

from invokeai_py_client._core.messages import FilePart, Request

__all__ = ["Multipart"]

_CHUNK = 64 * 1024


class Multipart:
    """The form fields and files of a request as one body of known length.

    Files are read from the position they have now and put back there afterwards, so
    that the request can be sent again.
    """

    def __init__(self, request: Request) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._start = f"--{boundary}\r\n"
        self._end = f"--{boundary}--\r\n".encode()
        self._form = [
            (self._head(f'name="{_quoted(name)}"') + value + "\r\n").encode()
            for name, value in request.form.items()
        ]
        self._files = [(self._file_head(part), part) for part in request.files]

    @property
    def length(self) -> int:
        """Bytes of the whole body."""
        files = sum(len(head) + _length(part) + 2 for head, part in self._files)
        return sum(map(len, self._form)) + files + len(self._end)

    def chunks(self) -> Generator[bytes, None, None]:
        """The body, piece by piece."""
        yield from self._form
        for head, part in self._files:
            yield head
            yield from _content(part)
            yield b"\r\n"
        yield self._end

    def _head(self, disposition: str) -> str:
        return f"{self._start}Content-Disposition: form-data; {disposition}\r\n\r\n"

    def _file_head(self, part: FilePart) -> bytes:
        name, filename = _quoted(part.name), _quoted(part.filename)
        disposition = f'name="{name}"; filename="{filename}"'
        kind = f"\r\nContent-Type: {_one_line(part.content_type)}"
        return self._head(disposition + kind).encode()


def _content(part: FilePart) -> Iterator[bytes]:
    if isinstance(part.content, bytes):
        yield part.content
        return
    start = part.content.tell()
    try:
        while True:
            chunk = part.content.read(_CHUNK)
            if not chunk:
                return
            yield chunk
    finally:
        part.content.seek(start)


def _length(part: FilePart) -> int:
    if isinstance(part.content, bytes):
        return len(part.content)
    start = part.content.tell()
    end = part.content.seek(0, SEEK_END)
    part.content.seek(start)
    return end - start


def _quoted(text: str) -> str:
    # As browsers do (WHATWG HTML, multipart/form-data encoding).
    text = text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace("\0", "")


def _one_line(text: str) -> str:
    return "".join(text.splitlines())
