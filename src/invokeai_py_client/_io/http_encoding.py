"""A request as it goes out and an answer as it comes in, the same for both clients."""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import zlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from io import SEEK_END
from typing import Any, Optional, Union
from urllib.parse import quote, urlencode, urlsplit

from invokeai_py_client._core.decode import has_more_values
from invokeai_py_client._core.messages import Download, FilePart, Reply, Request
from invokeai_py_client._io.http_client import httpx
from invokeai_py_client._io.settings import Settings
from invokeai_py_client.exceptions import APIResponseError

logger = logging.getLogger("invokeai_py_client")

# Of the body of a refused download only the error's text is of interest.
_MAX_ERROR_BYTES = 1024 * 1024


_TEXT = re.compile(r"\s*(text/|application/([\w.-]+\+)?json)", re.IGNORECASE)

# How every PNG begins and ends.
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"

# zlib tells the two apart by their first bytes.
_GZIP_OR_ZLIB = 47


# The `httpx` of Python 3.9 sends our target as it is, to a proxy as well; its successor
# makes an address of it.
_TARGET_IS_FINAL = sys.version_info < (3, 10)


# What is read of an uploaded file at a time.
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


@dataclass(frozen=True)
class EncodedRequest:
    """A request ready to be sent.

    Attributes:
        url: The address without its query, which may hold secrets (the token of a
            model download): it is what logs and errors show.
        target: Path and query, as they are sent.
        token: The credential in `headers`, remembered for a 401.
        timeout: Seconds without any progress.
        limits_whole: True when `timeout` is for the whole exchange, too.
    """

    method: str
    url: str
    target: bytes
    headers: dict[str, str] = field(repr=False)
    body: Union[bytes, Multipart, None] = field(repr=False)
    token: Optional[str] = field(repr=False)
    timeout: float
    limits_whole: bool
    deadline: Optional[float]

    @classmethod
    def of(cls, request: Request, settings: Settings) -> EncodedRequest:
        """Encode `request` as it is sent."""
        for values in (request.params, request.json, request.form):
            settings.credentials.hide_values(values)
        path, _, query = request.path.partition("?")
        query = "&".join(filter(None, (query, _query(request.params))))
        url = settings.address.url(quote(path, safe="/%:@!$&'()*+,;=~"))
        raw = urlsplit(url).path
        if settings.proxy is not None and _TARGET_IS_FINAL and url.startswith("http:"):
            raw = url  # What a proxy of plain HTTP is asked for: the whole address.
        token = None if request.anonymous else settings.credentials.token
        body, kind = _body(request)
        headers = {
            # Some answers without content fail on the server when it may compress.
            "Accept-Encoding": "identity" if request.identity else "gzip",
            "Accept": "*/*",
            **settings.headers,
        }
        if kind is not None:
            headers["Content-Type"] = kind
        if isinstance(body, Multipart):
            headers["Content-Length"] = str(body.length)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        timeout = request.timeout
        return cls(
            method=request.method,
            url=url,
            target=(f"{raw}?{query}" if query else raw).encode("ascii"),
            headers=headers,
            body=body,
            token=token,
            timeout=settings.request_timeout if timeout is None else timeout,
            limits_whole=timeout is not None,
            deadline=request.deadline,
        )


class ResponseReader:
    """Takes in one answer, decompressing within bounds.

    The standard library decompresses up to a hard limit, an HTTP library does not:
    a few kilobytes can claim to be gigabytes.

    Attributes:
        is_file: True when the body is the file that a download asked for.
    """

    def __init__(
        self,
        request: EncodedRequest,
        response: httpx.Response,
        settings: Settings,
        download: Optional[Download] = None,
    ) -> None:
        self._request = request
        self._settings = settings
        self._status = response.status_code
        headers = response.headers.items()
        self._headers = {name.lower(): value for name, value in headers}
        self.is_file = download is not None and self._status == 200
        self._option = "max_download_bytes" if self.is_file else "max_reply_bytes"
        self._limit = self._longest(download)
        self._total = 0
        self._ends = b""
        packed = self._headers.get("content-encoding", "").strip().lower()
        plain = packed in ("", "identity")
        self._inflate = None if plain else zlib.decompressobj(_GZIP_OR_ZLIB)
        announced = self._headers.get("content-length", "")
        if request.method != "HEAD" and announced.isascii() and announced.isdigit():
            # Longer numbers than these need not be compared, and cost time to read.
            self._refuse_excess(int(announced[:20]))

    def _longest(self, download: Optional[Download]) -> int:
        settings = self._settings
        if download is None:
            is_text = bool(_TEXT.match(self._headers.get("content-type", "")))
            return settings.max_json_bytes if is_text else settings.max_reply_bytes
        if not self.is_file:
            return _MAX_ERROR_BYTES
        limits = (settings.max_download_bytes, download.max_bytes)
        return min(limit for limit in limits if limit is not None)

    @property
    def breaks_connection(self) -> bool:
        """True when the server drops this connection after the answer.

        It does so after an exception it did not handle, which it reports as plain
        text; the next request on the connection would be reset.
        """
        kind = self._headers.get("content-type", "")
        return self._status >= 500 and not kind.startswith("application/json")

    def feed(self, raw: bytes) -> bytes:
        """Decompress a piece of the body."""
        data = raw if self._inflate is None else self._inflated(raw)
        self._total += len(data)
        self._refuse_excess(self._total)
        if self.is_file and not self._is_framed:
            # The first bytes and the last ones.
            seen = self._ends + data
            self._ends = seen if len(seen) < 20 else seen[:8] + seen[-12:]
        return data

    def end(self) -> None:
        """Refuse a body that ends before its data does."""
        if self._inflate is not None and self._total and not self._inflate.eof:
            raise self._refusal("the answer's compression ends too early")
        if self._ends.startswith(_PNG_HEAD) and not self._ends.endswith(_PNG_END):
            raise self._refusal("the image ends too early")

    @property
    def _is_framed(self) -> bool:
        """False when the body ends where the connection does, be it broken or not."""
        coding = self._headers.get("transfer-encoding", "")
        return "content-length" in self._headers or "chunked" in coding.lower()

    def _refuse_excess(self, size: int) -> None:
        if size > self._limit:
            raise self._refusal(
                f"the answer is longer than {self._limit} bytes",
                hint=f"{self._option}= of the client allows for more",
            )

    def reply(self, content: bytes) -> Reply:
        """The answer as the flows see it."""
        is_file = not _TEXT.match(self._headers.get("content-type", ""))
        is_error = self._status >= 300
        most = self._settings.max_json_values
        if (is_error or not is_file) and has_more_values(content, most):
            if not is_error:
                raise self._refusal(
                    f"the answer has more than {most} JSON values",
                    hint="max_reply_bytes= of the client allows for more",
                )
            # Its status says enough.
            content = b""
        return Reply(
            status=self._status,
            headers=self._headers,
            content=content,
            url=self._request.url,
            method=self._request.method,
            token=self._request.token,
        )

    def _inflated(self, raw: bytes) -> bytes:
        assert self._inflate is not None
        parts: list[bytes] = []
        left = self._limit - self._total + 1
        try:
            while raw and left:
                if self._inflate.eof:
                    # What comes after the end is one more compressed part.
                    self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
                parts.append(self._inflate.decompress(raw, left))
                left -= len(parts[-1])
                raw = self._inflate.unused_data if self._inflate.eof else b""
        except zlib.error as error:
            problem = f"the answer's compression is broken: {error}"
            raise self._refusal(problem) from None
        return b"".join(parts)

    def _refusal(self, problem: str, hint: Optional[str] = None) -> APIResponseError:
        return APIResponseError(
            f"{self._request.method} {self._request.url}: {problem}",
            method=self._request.method,
            url=self._request.url,
            hint=hint,
        )


def log_exchange(request: EncodedRequest, outcome: object, seconds: float) -> None:
    """Log a request: never its query, body or headers."""
    path = urlsplit(request.url).path
    milliseconds = seconds * 1000
    logger.debug("%s %s: %s, %.0f ms", request.method, path, outcome, milliseconds)


def _query(params: Mapping[str, Any]) -> str:
    pairs = []
    for name, value in params.items():
        values = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
        pairs += [(name, _text(item)) for item in values if item is not None]
    return urlencode(pairs, quote_via=quote)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _body(request: Request) -> tuple[Union[bytes, Multipart, None], Optional[str]]:
    if request.form or request.files:
        body = Multipart(request)
        return body, body.content_type
    if request.json is not None or request.has_json:
        text = json.dumps(request.json, ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8", errors="surrogatepass"), "application/json"
    return None, None
