"""HTTP: one pooled set of connections per client, blocking and asyncio.

The transports perform a `Request` or `Download` and give back a `Reply`; they choose
nothing but what the connection itself needs (docs/dev/server.md). This module alone
knows which HTTP library is in use.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from typing import Any, BinaryIO, Optional, cast
from weakref import WeakKeyDictionary

from invokeai_py_client._core.messages import Reply, Request
from invokeai_py_client._io.multipart import Multipart
from invokeai_py_client._io.settings import Settings
from invokeai_py_client._io.wire import Intake, Outgoing, log_exchange
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    APITimeoutError,
)

if sys.version_info >= (3, 10):
    import httpx2 as httpx
else:
    import httpx

__all__ = ["AsyncHttp", "SyncHttp"]

# More than 8 requests at a time buy nothing on the server; the rest is room for
# slow transfers. It closes idle connections after 5.0 s, so we do so before: a
# request sent into a closing connection could not be told from one that was done.
_LIMITS = httpx.Limits(
    max_connections=16, max_keepalive_connections=16, keepalive_expiry=4.0
)
_CONNECT_TIMEOUT = 10.0
USER_AGENT = f"invokeai-py-client/{version('invokeai-py-client')}"
_REFRESHED_TOKEN = "x-refreshed-token"


class SyncHttp:
    """Performs requests for blocking callers, from any number of threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = httpx.Client(**_client_options(settings))

    def exchange(self, request: Request) -> Reply:
        """Send `request` and read the whole answer."""
        return self._perform(request, None, self._settings.max_reply_bytes)

    def download(
        self, request: Request, sink: BinaryIO, max_bytes: Optional[int]
    ) -> Reply:
        """Send `request` and write the file that comes into `sink`."""
        limit = _lower(max_bytes, self._settings.max_download_bytes)
        return self._perform(request, sink, limit)

    def close(self) -> None:
        """Close every connection; further requests are refused."""
        self._client.close()

    def renew(self) -> None:
        """Leave the connections to the process that made them."""
        was_closed = self._client.is_closed
        self._client = httpx.Client(**_client_options(self._settings))
        if was_closed:
            self._client.close()

    def _perform(self, request: Request, sink: Optional[BinaryIO], limit: int) -> Reply:
        _refuse_closed(self._client.is_closed)
        out = Outgoing.of(request, self._settings)
        parts: list[bytes] = []
        started = time.monotonic()
        with _mapping_errors(out, started):
            try:
                response = self._send(out)
            except RuntimeError:
                # What the library says when it was closed at this very moment.
                _refuse_closed(self._client.is_closed)
                raise
            try:
                intake = _intake(out, response, sink is not None, limit)
                write = sink.write if sink and intake.is_file else parts.append
                for chunk in cast("Iterator[bytes]", response.stream):
                    write(intake.feed(chunk))
                    _refuse_dripping(request, started)
                intake.end()
                if intake.breaks_connection or self._client.is_closed:
                    # A pool that was closed meanwhile would keep it open for ever.
                    response.extensions["network_stream"].close()
            finally:
                response.close()
        log_exchange(out, response.status_code, time.monotonic() - started)
        return _remembered(intake.reply(b"".join(parts)), self._settings)

    def _send(self, out: Outgoing) -> httpx.Response:
        if not isinstance(out.body, Multipart):
            request = self._client.build_request(**_options(out), content=out.body)
            return self._client.send(request, stream=True)
        chunks = out.body.chunks()
        try:
            request = self._client.build_request(**_options(out), content=chunks)
            return self._client.send(request, stream=True)
        finally:
            chunks.close()


class AsyncHttp:
    """Performs requests on asyncio, with connections for each event loop.

    A connection belongs to the loop it was made in; a client that is used in two
    loops, one after the other, gets new ones in the second.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._is_closed = False
        self._clients: WeakKeyDictionary[
            asyncio.AbstractEventLoop, httpx.AsyncClient
        ] = WeakKeyDictionary()

    async def exchange(self, request: Request) -> Reply:
        """Send `request` and read the whole answer."""
        return await self._perform(request, None, self._settings.max_reply_bytes)

    async def download(
        self, request: Request, sink: BinaryIO, max_bytes: Optional[int]
    ) -> Reply:
        """Send `request` and write the file that comes into `sink`."""
        limit = _lower(max_bytes, self._settings.max_download_bytes)
        return await self._perform(request, sink, limit)

    async def close(self) -> None:
        """Close this loop's connections; further requests are refused."""
        self._is_closed = True
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()
        # What another loop left behind cannot be closed from here.
        self._clients.clear()

    def renew(self) -> None:
        """Leave the connections to the process that made them."""
        self._clients = WeakKeyDictionary()

    def _client(self) -> httpx.AsyncClient:
        _refuse_closed(self._is_closed)
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = httpx.AsyncClient(**_client_options(self._settings))
            self._clients[loop] = client
        return client

    async def _perform(
        self, request: Request, sink: Optional[BinaryIO], limit: int
    ) -> Reply:
        client = self._client()
        out = Outgoing.of(request, self._settings)
        parts: list[bytes] = []
        started = time.monotonic()
        with _mapping_errors(out, started):
            response = await _send_async(client, out)
            try:
                intake = _intake(out, response, sink is not None, limit)
                async for chunk in cast("AsyncIterator[bytes]", response.stream):
                    data = intake.feed(chunk)
                    if sink and intake.is_file:
                        # Disks can be slow; the loop must not wait for them.
                        await asyncio.to_thread(sink.write, data)
                    else:
                        parts.append(data)
                    _refuse_dripping(request, started)
                intake.end()
                if intake.breaks_connection or client.is_closed:
                    await response.extensions["network_stream"].aclose()
            finally:
                await response.aclose()
        log_exchange(out, response.status_code, time.monotonic() - started)
        return _remembered(intake.reply(b"".join(parts)), self._settings)


async def _send_async(client: httpx.AsyncClient, out: Outgoing) -> httpx.Response:
    if not isinstance(out.body, Multipart):
        request = client.build_request(**_options(out), content=out.body)
        return await client.send(request, stream=True)
    chunks = out.body.chunks()

    async def read() -> AsyncIterator[bytes]:
        while True:
            chunk = await asyncio.to_thread(next, chunks, None)
            if chunk is None:
                return
            yield chunk

    try:
        request = client.build_request(**_options(out), content=read())
        return await client.send(request, stream=True)
    finally:
        chunks.close()


def _client_options(settings: Settings) -> dict[str, Any]:
    return {
        "verify": settings.tls,
        "limits": _LIMITS,
        # A proxy of the environment is never meant for this machine's own server.
        "trust_env": not settings.is_loopback,
        # The log-in sets a cookie for browsers; the token is all we send.
        "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=())),
        "headers": {"User-Agent": USER_AGENT},
        "follow_redirects": False,
    }


def _options(out: Outgoing) -> dict[str, Any]:
    connect = min(_CONNECT_TIMEOUT, out.timeout)
    return {
        "method": out.method,
        "url": out.url,
        "headers": out.headers,
        # No limit for getting a connection: the requests before have theirs.
        "timeout": httpx.Timeout(out.timeout, connect=connect, pool=None),
        # The query goes on the wire by this extension, and so not into the log of
        # the HTTP library, which shows whole addresses.
        "extensions": {"target": out.target},
    }


def _intake(
    out: Outgoing, response: httpx.Response, is_download: bool, limit: int
) -> Intake:
    make = Intake.of_download if is_download else Intake
    intake = make(out, response.status_code, response.headers, limit)
    if out.method != "HEAD":
        intake.announce()
    return intake


def _lower(asked: Optional[int], limit: int) -> int:
    return limit if asked is None else min(asked, limit)


def _refuse_dripping(request: Request, started: float) -> None:
    """End an answer that comes too slowly, where the caller has set a time.

    The HTTP library's own limit is for each piece; a server that sends byte by byte
    would keep a wait for ever.
    """
    if request.timeout is not None and time.monotonic() - started > request.timeout:
        raise httpx.ReadTimeout("the answer came too slowly")


def _remembered(reply: Reply, settings: Settings) -> Reply:
    """Keep the new token that the server sends along with what changes something."""
    fresh = reply.headers.get(_REFRESHED_TOKEN)
    if fresh and 200 <= reply.status < 300:
        settings.credentials.replace_token(reply.token, fresh)
    return reply


def _refuse_closed(is_closed: bool) -> None:
    if is_closed:
        raise APIError("this client is closed", hint="make a new one")


@contextmanager
def _mapping_errors(out: Outgoing, started: float) -> Iterator[None]:
    """Turn the HTTP library's errors into ours, at this one boundary."""
    try:
        yield
    except httpx.TimeoutException as error:
        _forget_request(error, out)
        message = f"{out.method} {out.url}: no answer within {out.timeout:g} s"
        log_exchange(out, type(error).__name__, time.monotonic() - started)
        fault = APITimeoutError(
            message,
            method=out.method,
            url=out.url,
            hint="request_timeout= allows for more",
        )
        fault.sent = not isinstance(error, httpx.ConnectTimeout)
        raise fault from error
    except httpx.TransportError as error:
        _forget_request(error, out)
        log_exchange(out, type(error).__name__, time.monotonic() - started)
        raise _connection_error(out, error) from error


def _forget_request(error: httpx.TransportError, out: Outgoing) -> None:
    """Take the credentials out of what becomes the cause of our error.

    It holds the request with every header, for whoever pickles a chain of errors.
    """
    error.request = httpx.Request(out.method, out.url)


_NO_SUCH_HOST = (
    "Name or service not known",
    "nodename nor servname",
    "getaddrinfo failed",
    "name resolution",
    "No address associated",
)


def _connect_hint(reason: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return "verify= takes the file of a certificate that is to be trusted"
    if "WRONG_VERSION_NUMBER" in reason or "UNKNOWN_PROTOCOL" in reason:
        return "the server may speak plain http at this port"
    # The words of Linux, macOS and Windows.
    if any(word in reason for word in _NO_SUCH_HOST):
        return "no host of this name is known here: check the address"
    return "is the server running at this address?"


def _connection_error(out: Outgoing, error: httpx.TransportError) -> APIConnectionError:
    if isinstance(error, httpx.ConnectError):
        problem, hint = "cannot be reached", _connect_hint(str(error))
    else:
        problem, hint = "the connection broke", None
    # The text of a protocol error may quote a header, and so a token.
    quiet = isinstance(error, httpx.ProtocolError) or not str(error)
    reason = type(error).__name__ if quiet else str(error)
    fault = APIConnectionError(
        f"{out.method} {out.url}: {problem}: {reason}",
        method=out.method,
        url=out.url,
        hint=hint,
    )
    fault.sent = not isinstance(error, httpx.ConnectError)
    return fault
