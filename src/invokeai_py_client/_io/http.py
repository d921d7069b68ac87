"""HTTP: one pooled set of connections per client, blocking and asyncio.

The transports perform a `Request` or `Download` and return a `Reply`; they choose
only what the connection itself needs (docs/dev/server.md).
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any, Optional, Union, cast
from weakref import WeakKeyDictionary

from invokeai_py_client._core.messages import Download, Reply, Request
from invokeai_py_client._io.http_client import (
    connection_of,
    httpx,
    make_asyncio_client,
    make_client,
)
from invokeai_py_client._io.http_encoding import (
    EncodedRequest,
    Multipart,
    ResponseReader,
    log_exchange,
)
from invokeai_py_client._io.network import ExchangeClock
from invokeai_py_client._io.settings import Settings
from invokeai_py_client.exceptions import APIConnectionError, APIError, APITimeoutError

logger = logging.getLogger("invokeai_py_client")

_CONNECT_TIMEOUT = 10.0
_REFRESHED_TOKEN = "x-refreshed-token"


class BlockingHttp:
    """Performs requests for blocking callers, from any number of threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = make_client(settings)

    def close(self) -> None:
        """Close every connection; further requests are refused."""
        self._client.close()

    def renew(self) -> None:
        """Leave the connections to the process that made them."""
        was_closed = self._client.is_closed
        self._client = make_client(self._settings)
        if was_closed:
            self._client.close()

    def send(
        self,
        message: Union[Request, Download],
        watch: Callable[[ExchangeClock], AbstractContextManager[Any]] = nullcontext,
    ) -> Reply:
        """Send a request; read its answer, or write it into the sink of a download.

        `watch` is entered meanwhile, with the clock that can abort it.
        """
        _refuse_closed(self._client.is_closed)
        out, download = _encode(message, self._settings)
        parts: list[bytes] = []
        clock = _clock_of(out)
        with _mapping_errors(out, clock), clock.running(), watch(clock):
            try:
                response = self._open(out)
            except RuntimeError:
                # What the library says when it was closed at this very moment.
                _refuse_closed(self._client.is_closed)
                raise
            try:
                reader = ResponseReader(out, response, self._settings, download)
                is_file = download is not None and reader.is_file
                write = download.sink.write if download and is_file else parts.append
                for chunk in cast("Iterator[bytes]", response.stream):
                    write(reader.feed(chunk))
                    _refuse_late(clock)
                reader.end()
                if reader.breaks_connection or self._client.is_closed:
                    # A pool that was closed meanwhile would never close it.
                    connection_of(response).close()
            finally:
                response.close()
        log_exchange(out, response.status_code, clock.elapsed)
        return _received(reader.reply(b"".join(parts)), self._settings)

    def _open(self, out: EncodedRequest) -> httpx.Response:
        if not isinstance(out.body, Multipart):
            request = self._client.build_request(**_options(out), content=out.body)
            return self._client.send(request, stream=True)
        chunks = out.body.chunks()
        try:
            request = self._client.build_request(**_options(out), content=chunks)
            return self._client.send(request, stream=True)
        finally:
            chunks.close()


class AsyncioHttp:
    """Performs requests on asyncio, with connections for each event loop.

    A connection belongs to the loop it was made in; a client that is used in two
    loops, one after the other, gets new ones in the second.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._is_closed = False
        if settings.http_options:
            # Each event loop's client is made later; a mistake shows now.
            make_asyncio_client(settings)
        self._clients: WeakKeyDictionary[
            asyncio.AbstractEventLoop, httpx.AsyncClient
        ] = WeakKeyDictionary()

    async def close(self) -> None:
        self._is_closed = True
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()
        # What another loop left behind cannot be closed from here.
        self._clients.clear()

    def renew(self) -> None:
        self._clients = WeakKeyDictionary()

    def _client(self) -> httpx.AsyncClient:
        _refuse_closed(self._is_closed)
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = make_asyncio_client(self._settings)
            self._clients[loop] = client
        return client

    async def send(self, message: Union[Request, Download]) -> Reply:
        client = self._client()
        out, download = _encode(message, self._settings)
        clock = _clock_of(out)
        # In a task of its own, so that a cancellation does not pass through the scopes
        # of anyio: on Python 3.9 and 3.10 a scope that ends in the same step of the
        # loop, as when a connection is made, takes it for its own and swallows it.
        exchange = asyncio.ensure_future(self._exchange(client, out, download, clock))
        try:
            await asyncio.wait({exchange})
        except BaseException:
            await _connection_made(clock)
            while not exchange.done():
                exchange.cancel()
                await asyncio.wait({exchange}, timeout=0.1)
            if not exchange.cancelled():
                exchange.exception()  # nobody else will ask for it
            raise
        return exchange.result()

    async def _exchange(
        self,
        client: httpx.AsyncClient,
        out: EncodedRequest,
        download: Optional[Download],
        clock: ExchangeClock,
    ) -> Reply:
        parts: list[bytes] = []
        with _mapping_errors(out, clock), clock.running():
            response = await _open_async(client, out)
            try:
                reader = ResponseReader(out, response, self._settings, download)
                async for chunk in cast("AsyncIterator[bytes]", response.stream):
                    data = reader.feed(chunk)
                    if download and reader.is_file:
                        # Disks can be slow; the loop must not wait for them.
                        await asyncio.to_thread(download.sink.write, data)
                    else:
                        parts.append(data)
                    _refuse_late(clock)
                reader.end()
                if reader.breaks_connection or client.is_closed:
                    await connection_of(response).aclose()
            finally:
                await response.aclose()
        log_exchange(out, response.status_code, clock.elapsed)
        return _received(reader.reply(b"".join(parts)), self._settings)


async def _connection_made(clock: ExchangeClock) -> None:
    """Let a connection be made, if that takes no more than a second.

    On Python 3.9 and 3.10 a connection is lost, unclosed, whose task is cancelled in
    the step that made it.
    """
    for _ in range(100 if sys.version_info < (3, 11) else 0):
        if not clock.is_connecting:
            return
        await asyncio.sleep(0.01)


async def _open_async(client: httpx.AsyncClient, out: EncodedRequest) -> httpx.Response:
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


def _clock_of(out: EncodedRequest) -> ExchangeClock:
    return ExchangeClock(out.timeout, out.deadline, is_strict=out.limits_whole)


def _options(out: EncodedRequest) -> dict[str, Any]:
    connect = min(_CONNECT_TIMEOUT, out.timeout)
    # Without a time for the whole, none for getting a connection: the requests before
    # have theirs.
    has_end = out.limits_whole or out.deadline is not None
    pool = min(out.timeout, _clock_of(out).left) if has_end else None
    return {
        "method": out.method,
        "url": out.url,
        "headers": out.headers,
        "timeout": httpx.Timeout(out.timeout, connect=connect, pool=pool),
        # The query goes on the wire by this extension, and so not into the log of
        # the HTTP library, which shows whole addresses.
        "extensions": {"target": out.target},
    }


def _encode(
    message: Union[Request, Download], settings: Settings
) -> tuple[EncodedRequest, Optional[Download]]:
    if isinstance(message, Request):
        return EncodedRequest.of(message, settings), None
    return EncodedRequest.of(message.request, settings), message


def _refuse_late(clock: ExchangeClock) -> None:
    """End an answer that comes too slowly, also over a transport of the user's."""
    if clock.left <= 0:
        raise httpx.ReadTimeout("the answer came too slowly")


def _received(reply: Reply, settings: Settings) -> Reply:
    """Keep the new token that the server sends along with what changes something.

    An answer that becomes an error may show what was sent.
    """
    credentials = settings.credentials
    fresh = reply.headers.get(_REFRESHED_TOKEN)
    if 200 <= reply.status < 300:
        if fresh:
            credentials.replace_token(reply.token, fresh)
        return reply
    credentials.hide(fresh)
    text = credentials.scrub(reply.content.decode("utf-8", errors="replace"))
    headers = credentials.scrub(reply.headers)
    return replace(reply, content=text.encode("utf-8"), headers=headers)


def _refuse_closed(is_closed: bool) -> None:
    if is_closed:
        raise APIError("this client is closed", hint="make a new one")


@contextmanager
def _mapping_errors(out: EncodedRequest, clock: ExchangeClock) -> Iterator[None]:
    """Turn the HTTP library's errors into ours, at this one boundary."""
    try:
        yield
    except httpx.TransportError as error:
        # Its own holds every header, for whoever pickles a chain of errors.
        error.request = httpx.Request(out.method, out.url)
        log_exchange(out, type(error).__name__, clock.elapsed)
        if not _is_quotation(error):
            logger.debug("the HTTP library's error", exc_info=error)
        raise _connection_error(out, error, clock) from None
    except httpx.InvalidURL as error:
        raise APIError(
            f"{out.method}: the address of this request cannot be sent: {error}",
            method=out.method,
            hint="a name or id in it is too long",
        ) from None


def _is_quotation(error: httpx.TransportError) -> bool:
    """True when the text may quote a header, and so a token."""
    return isinstance(error, httpx.ProtocolError)


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
    # The messages of Linux, macOS and Windows.
    if any(word in reason for word in _NO_SUCH_HOST):
        return "no host of this name is known here: check the address"
    return "is the server running at this address?"


def _reason(error: httpx.TransportError) -> str:
    """The operating system's message; the HTTP library replaces it on asyncio."""
    link: Optional[BaseException] = error
    while link is not None:
        if isinstance(link, OSError) and link.errno is not None:
            return str(link)
        link = link.__cause__ or link.__context__
    return str(error) or type(error).__name__


def _connection_error(
    out: EncodedRequest, error: httpx.TransportError, clock: ExchangeClock
) -> APIConnectionError:
    if isinstance(error, httpx.TimeoutException):
        problem = f"no answer within {out.timeout:g} s"
        if not out.limits_whole and clock.left <= 0:
            problem = f"no whole answer within {clock.elapsed:.1f} s"
        late = APITimeoutError(
            f"{out.method} {out.url}: {problem}",
            method=out.method,
            url=out.url,
            hint="request_timeout= allows for more",
        )
        late.sent = not isinstance(error, (httpx.ConnectTimeout, httpx.PoolTimeout))
        return late
    if isinstance(error, httpx.ConnectError):
        problem, hint = "cannot be reached", _connect_hint(str(error))
    else:
        problem, hint = "the connection broke", None
    reason = type(error).__name__ if _is_quotation(error) else _reason(error)
    fault = APIConnectionError(
        f"{out.method} {out.url}: {problem}: {reason}",
        method=out.method,
        url=out.url,
        hint=hint,
    )
    fault.sent = not isinstance(error, httpx.ConnectError)
    return fault
