"""The network under the HTTP library, with limits for one exchange as a whole.

The library's own limits are for each piece: a server that sends byte by byte, or one
informational answer after the other, would keep a caller without a limit. And it takes
for silence what an upload needs to leave this machine once it was handed over.
"""

from __future__ import annotations

import math
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Optional

if sys.version_info >= (3, 10):
    import httpcore2 as httpcore
else:
    import httpcore

# An exchange that moves slower than this is not one that moves.
SLOWEST_PACE = 4096
"""Bytes in a second."""

WHOLE_FACTOR = 5
"""How much longer than a silence a whole exchange may take, however much moved."""

# So much at a time, because the limit for silence is for each piece.
_PIECE = 64 * 1024

# Hand the system no more than it can send soon: else it takes megabytes at once, and
# then, for as long as a slow link needs for them, nothing.
SOCKET_OPTIONS = (
    [(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _PIECE)]
    if hasattr(socket, "TCP_NOTSENT_LOWAT")
    else []
)

_SO_NWRITE = 0x1024  # <sys/socket.h> of macOS


class ExchangeClock:
    """What time one request has: for each silence, and for the whole of it.

    Args:
        silence: Seconds without any progress.
        deadline: When the whole has to be over; None without such a moment.
        is_strict: True when `silence` is for the whole, too; else it is
            `WHOLE_FACTOR` as much, and more for what moved.
    """

    def __init__(
        self, silence: float, deadline: Optional[float] = None, *, is_strict: bool
    ) -> None:
        self._started = time.monotonic()
        self._silence = silence
        self._deadline = math.inf if deadline is None else deadline
        self._is_strict = is_strict
        self.moved = 0
        self.socket: Any = None
        self.is_connecting = False

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def left(self) -> float:
        """Seconds that are left of the whole; below zero when it is over."""
        whole = self._silence
        if not self._is_strict:
            whole = whole * WHOLE_FACTOR + self.moved / SLOWEST_PACE
        return min(self._started + whole, self._deadline) - time.monotonic()

    def abort(self) -> None:
        """End the exchange at once, from another thread."""
        self._deadline = -math.inf
        sock = self.socket
        if sock is not None:
            # Who waits in it wakes up; it is closed by whoever uses it.
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Limit what this thread or task does with the network meanwhile."""
        token = _clock.set(self)
        try:
            yield
        finally:
            _clock.reset(token)


_clock: ContextVar[Optional[ExchangeClock]] = ContextVar("ivk_clock", default=None)


def _count(size: int) -> None:
    clock = _clock.get()
    if clock is not None:
        clock.moved += size


@contextmanager
def _connecting() -> Iterator[None]:
    clock = _clock.get()
    if clock is None:
        yield
        return
    clock.is_connecting = True
    try:
        yield
    finally:
        clock.is_connecting = False


def _limit(timeout: Optional[float], late: type[Exception]) -> Optional[float]:
    """`timeout`, or what is left of the whole when that is less."""
    clock = _clock.get()
    if clock is None:
        return timeout
    left = clock.left
    if left <= 0:
        raise late("the exchange as a whole takes too long")
    return left if timeout is None else min(timeout, left)


class _Stream:
    """One connection, blocking or asyncio: what both do alike."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._unsent = 0

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def _limit(
        self, timeout: Optional[float], late: type[Exception]
    ) -> Optional[float]:
        clock = _clock.get()
        if clock is not None:
            clock.socket = self._inner.get_extra_info("socket")
        return _limit(timeout, late)

    def _is_leaving(self) -> bool:
        """True when the system has sent more of what it was handed over."""
        before, self._unsent = self._unsent, self._read_unsent()
        _count(max(before - self._unsent, 0))
        return self._unsent < before

    def _read_unsent(self) -> int:
        """Bytes that the system has yet to send; 0 where it does not say."""
        sock = self._inner.get_extra_info("socket")
        try:
            if sys.platform == "darwin":
                return int(sock.getsockopt(0xFFFF, _SO_NWRITE))
            if sys.platform == "linux":
                import fcntl
                import termios

                answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
                return int(struct.unpack("i", answer)[0])
        except (OSError, AttributeError, ValueError):
            pass
        return 0


class _BlockingStream(_Stream, httpcore.NetworkStream):
    def read(self, max_bytes: int, timeout: Optional[float] = None) -> bytes:
        while True:
            limit = self._limit(timeout, httpcore.ReadTimeout)
            try:
                data: bytes = self._inner.read(max_bytes, limit)
            except httpcore.ReadTimeout:
                if not self._is_leaving():
                    raise
            else:
                _count(len(data))
                return data

    def write(self, buffer: bytes, timeout: Optional[float] = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            piece = buffer[start : start + _PIECE]
            self._inner.write(piece, self._limit(timeout, httpcore.WriteTimeout))
            _count(len(piece))
        if buffer:
            self._unsent = self._read_unsent()

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: Any = None, timeout: Any = None
    ) -> _BlockingStream:
        limit = self._limit(timeout, httpcore.ConnectTimeout)
        inner = self._inner.start_tls(ssl_context, server_hostname, limit)
        return _BlockingStream(inner)


class _AsyncioStream(_Stream, httpcore.AsyncNetworkStream):
    async def read(self, max_bytes: int, timeout: Optional[float] = None) -> bytes:
        while True:
            limit = self._limit(timeout, httpcore.ReadTimeout)
            try:
                data: bytes = await self._inner.read(max_bytes, limit)
            except httpcore.ReadTimeout:
                if not self._is_leaving():
                    raise
            else:
                _count(len(data))
                return data

    async def write(self, buffer: bytes, timeout: Optional[float] = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            piece = buffer[start : start + _PIECE]
            await self._inner.write(piece, self._limit(timeout, httpcore.WriteTimeout))
            _count(len(piece))
        if buffer:
            self._unsent = self._read_unsent()

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: Any, server_hostname: Any = None, timeout: Any = None
    ) -> _AsyncioStream:
        limit = self._limit(timeout, httpcore.ConnectTimeout)
        inner = await self._inner.start_tls(ssl_context, server_hostname, limit)
        return _AsyncioStream(inner)


class _BlockingNetwork(httpcore.NetworkBackend):
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Optional[float] = None,
        local_address: Any = None,
        socket_options: Any = None,
    ) -> _BlockingStream:
        limit = _limit(timeout, httpcore.ConnectTimeout)
        return _BlockingStream(
            self._inner.connect_tcp(host, port, limit, local_address, socket_options)
        )


class _AsyncioNetwork(httpcore.AsyncNetworkBackend):
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Optional[float] = None,
        local_address: Any = None,
        socket_options: Any = None,
    ) -> _AsyncioStream:
        limit = _limit(timeout, httpcore.ConnectTimeout)
        with _connecting():
            stream = await self._inner.connect_tcp(
                host, port, limit, local_address, socket_options
            )
        return _AsyncioStream(stream)


def limit_network(pool: Any) -> None:
    """Let the clocks of exchanges apply to the connections that `pool` will make."""
    # It is an argument of the pool, which the HTTP library does not pass on.
    is_blocking = isinstance(pool, httpcore.ConnectionPool)
    network = _BlockingNetwork if is_blocking else _AsyncioNetwork
    pool._network_backend = network(pool._network_backend)
