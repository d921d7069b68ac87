"""A request as it goes out and an answer as it comes in, the same for both clients."""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional, Union
from urllib.parse import quote, urlencode, urlsplit

from invokeai_py_client._core.messages import Reply, Request
from invokeai_py_client._io.multipart import Multipart
from invokeai_py_client._io.settings import Settings
from invokeai_py_client.exceptions import APIResponseError

__all__ = ["Intake", "Outgoing", "log_exchange"]

logger = logging.getLogger("invokeai_py_client")

# Of the body of a refused download only the error's text is of interest.
_MAX_ERROR_BYTES = 1024 * 1024


# How every PNG begins and ends.
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"

# The kind is told by its first bytes.
_GZIP_OR_ZLIB = 47


@dataclass(frozen=True)
class Outgoing:
    """A request ready to be sent.

    Attributes:
        url: The address without its query, which may hold secrets (the token of a
            model download): it is what logs and errors show.
        target: Path and query, as they go on the wire.
        token: The credential in `headers`, remembered for a 401.
    """

    method: str
    url: str
    target: bytes
    headers: dict[str, str] = field(repr=False)
    body: Union[bytes, Multipart, None] = field(repr=False)
    token: Optional[str] = field(repr=False)
    timeout: float

    @classmethod
    def of(cls, request: Request, settings: Settings) -> Outgoing:
        """Put `request` into the form of the wire."""
        path, _, query = request.path.partition("?")
        query = "&".join(filter(None, (query, _query(request.params))))
        url = settings.address.url(quote(path, safe="/%:@!$&'()*+,;=~"))
        raw = urlsplit(url).path
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
        )


class Intake:
    """Takes in one answer, decompressing within bounds.

    The standard library decompresses up to a hard limit, an HTTP library does not:
    a few kilobytes can claim to be gigabytes.

    Attributes:
        is_file: True when the body is the file that a download asked for.
    """

    is_file = False

    def __init__(
        self,
        request: Outgoing,
        status: int,
        headers: Mapping[str, str],
        limit: Optional[int],
    ) -> None:
        self._request = request
        self._status = status
        self._headers = {name.lower(): value for name, value in headers.items()}
        self._limit = limit
        self._option = "max_reply_bytes"
        self._total = 0
        self._ends = b""
        packed = self._headers.get("content-encoding", "").strip().lower()
        plain = packed in ("", "identity")
        self._inflate = None if plain else zlib.decompressobj(_GZIP_OR_ZLIB)

    @classmethod
    def of_download(
        cls,
        request: Outgoing,
        status: int,
        headers: Mapping[str, str],
        max_bytes: Optional[int],
    ) -> Intake:
        """Take in a file, or the error that came instead of it."""
        if status != 200:
            return cls(request, status, headers, _MAX_ERROR_BYTES)
        intake = cls(request, status, headers, max_bytes)
        intake.is_file = True
        intake._option = "max_download_bytes"
        return intake

    @property
    def breaks_connection(self) -> bool:
        """True when the server drops this connection after the answer.

        It does so after an exception it did not handle, which it reports as plain
        text; the next request on the connection would be reset.
        """
        kind = self._headers.get("content-type", "")
        return self._status >= 500 and not kind.startswith("application/json")

    def feed(self, raw: bytes) -> bytes:
        """Decompress a piece of the body.

        Raises:
            APIResponseError: The body is too long or its compression is broken.
        """
        data = raw if self._inflate is None else self._inflated(raw)
        self._total += len(data)
        self._refuse_excess(self._total)
        if self.is_file and not self._is_framed:
            # The first bytes and the last ones.
            seen = self._ends + data
            self._ends = seen if len(seen) < 20 else seen[:8] + seen[-12:]
        return data

    def announce(self) -> None:
        """Refuse a body that says itself that it is too long, before it comes.

        Raises:
            APIResponseError: `Content-Length` is more than may come.
        """
        text = self._headers.get("content-length", "")
        if text.isascii() and text.isdigit():
            # Longer numbers than these need not be compared, and cost time to read.
            self._refuse_excess(int(text[:20]))

    def end(self) -> None:
        """Refuse a body that ends before its data does.

        Raises:
            APIResponseError: Something is missing, although the framing was whole.
        """
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
        if self._limit is not None and size > self._limit:
            raise self._refusal(
                f"the answer is longer than {self._limit} bytes",
                hint=f"{self._option}= of the client allows for more",
            )

    def reply(self, content: bytes) -> Reply:
        """The answer as the flows see it."""
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
        left = None if self._limit is None else self._limit - self._total + 1
        try:
            while raw and left != 0:
                if self._inflate.eof:
                    # What comes after the end is one more compressed part.
                    self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
                parts.append(self._inflate.decompress(raw, left or 0))
                left = None if left is None else left - len(parts[-1])
                raw = self._inflate.unused_data if self._inflate.eof else b""
        except zlib.error as error:
            problem = f"the answer's compression is broken: {error}"
            raise self._refusal(problem) from error
        return b"".join(parts)

    def _refusal(self, problem: str, hint: Optional[str] = None) -> APIResponseError:
        return APIResponseError(
            f"{self._request.method} {self._request.url}: {problem}",
            method=self._request.method,
            url=self._request.url,
            hint=hint,
        )


def log_exchange(request: Outgoing, outcome: object, seconds: float) -> None:
    """Tell the log about a request: never its query, body or headers."""
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
