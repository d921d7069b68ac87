"""The Socket.IO library, held to what the event hub needs: order, bounds, no leaks."""

from __future__ import annotations

import logging
from typing import Any, Optional
from urllib.parse import unquote, urlsplit

import engineio
import socketio
import websocket
from socketio.exceptions import SocketIOError

from invokeai_py_client._io.settings import Settings

logger = logging.getLogger("invokeai_py_client")


class _LibraryLog(logging.LoggerAdapter):  # type: ignore[type-arg]
    """What the libraries complain of goes into our log, at DEBUG.

    Given none, they print it: a server that ends is an error to them. What they report
    besides quotes packets, and so tokens.
    """

    def log(self, level: int, msg: object, *args: object, **options: Any) -> None:
        if level >= logging.WARNING:
            super().log(logging.DEBUG, f"event socket: {msg}", *args, **options)


_LOG = _LibraryLog(logger, {})

_HANDSHAKE_TIMEOUT = 5.0

# Read at a time: many events, each of which the library asks for in three parts.
_READ_AHEAD = 16 * 1024

# What a packet that no server sends makes the library raise: empty, not JSON, without
# the fields of its kind, or nested beyond what the parser can follow.
_MALFORMED = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


class EventSocket(socketio.Client):  # type: ignore[misc]
    """One connection, made once and never again: a used client keeps broken state.

    Handlers run in the thread that reads, one after the other, in the order in which
    the server sent its events.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._transport: Optional[_BoundedWebSocket] = None
        super().__init__(
            handle_sigint=False,
            logger=_LOG,
            engineio_logger=_LOG,
            reconnection=False,
            request_timeout=_HANDSHAKE_TIMEOUT,
            websocket_extra_options=self._options(),
        )

    def open(self, token: Optional[str]) -> None:
        """Connect, as whoever `token` says.

        Raises:
            ConnectionError: There is no server, or none that speaks Socket.IO, or it
                refuses the token; nothing is left open.
        """
        settings = self._settings
        try:
            self.connect(
                settings.address.origin,
                headers=dict(settings.headers),
                auth=None if token is None else {"token": token},
                # Polling fails on servers that compress (docs/dev/server.md).
                transports=["websocket"],
                socketio_path=settings.address.prefix + "/ws/socket.io",
                wait_timeout=_HANDSHAKE_TIMEOUT,
            )
        except (SocketIOError, OSError, *_MALFORMED) as error:
            # A server that goes down in the handshake leaves an empty packet, which
            # the library takes for a mistake of the caller.
            self.shut()
            raise ConnectionError(str(error) or type(error).__name__) from None

    def ask(self, event: str, data: Any, timeout: float) -> None:
        """Send an event and wait until the server has handled it."""
        try:
            self.call(event, data, timeout=timeout)
        except SocketIOError as error:
            raise ConnectionError(repr(error)) from None

    def close(self) -> None:
        """Disconnect, and end the threads of the library."""
        self.disconnect()
        self.shut()

    def shut(self) -> None:
        """Close what the library leaves open when it is the server that hangs up."""
        if self._transport is not None:
            self._transport.shutdown()  # type: ignore[no-untyped-call]

    def _engineio_client_class(self) -> type[engineio.Client]:
        return OrderedEngine

    def _options(self) -> dict[str, Any]:
        settings = self._settings
        options: dict[str, Any] = {
            "sslopt": {"context": settings.tls},
            "class_": self._make_transport,
            # As for HTTP: a token must not follow to wherever an answer points.
            "redirect_limit": 0,
            # Text is decoded strictly anyway; the library's own check, byte by byte in
            # Python, took a third of a sweep's processor time.
            "skip_utf8_validation": True,
        }
        if settings.proxy is not None:
            proxy = urlsplit(settings.proxy)
            options.update(
                proxy_type=proxy.scheme,
                http_proxy_host=proxy.hostname,
                http_proxy_port=proxy.port or 80,
                # Else the library excepts this machine.
                http_no_proxy=["none.invalid"],
            )
            if proxy.username is not None:
                user, password = unquote(proxy.username), unquote(proxy.password or "")
                options["http_proxy_auth"] = (user, password)
        else:
            # What the environment says has been read; the library would read it again,
            # without its exceptions.
            options.update(
                http_proxy_host="unused", http_proxy_port=9, http_no_proxy=["*"]
            )
        return options

    def _make_transport(self, **options: Any) -> _BoundedWebSocket:
        self._transport = _BoundedWebSocket(self._settings.max_json_bytes, **options)
        return self._transport


class OrderedEngine(engineio.Client):  # type: ignore[misc]
    """Handles messages where it reads them.

    The library starts a thread for each message: two that come close together change
    places, and a preview costs a thread.
    """

    def start_background_task(self, target: Any, *args: Any, **kwargs: Any) -> Any:
        if target != self.handlers.get("message"):
            return super().start_background_task(target, *args, **kwargs)
        (data,) = args
        if isinstance(data, str) and data.startswith("1"):
            # The server's goodbye: the library then waits for the thread that reads.
            return super().start_background_task(target, data)
        # 5 and 6 announce binary attachments, which no InvokeAI sends: the library
        # would keep everything that comes after them.
        if not isinstance(data, str) or data.startswith(("5", "6")):
            logger.debug("event socket: a packet with binary parts is dropped")
            return None
        try:
            target(data)
        except _MALFORMED as error:
            logger.debug("event socket: a broken packet is dropped: %r", error)
        return None


class _BoundedWebSocket(websocket.WebSocket):
    """Gives up on a message that is longer than any answer may be."""

    def __init__(self, max_bytes: int, **options: Any) -> None:
        super().__init__(**options)
        self._max_bytes = max_bytes
        self._received = 0
        self._ahead = b""

    def recv(self) -> Any:
        self._received = 0
        return super().recv()

    def _recv(self, bufsize: int) -> bytes:
        if not self._ahead:
            self._ahead = super()._recv(_READ_AHEAD)  # type: ignore[no-untyped-call]
        data, self._ahead = self._ahead[:bufsize], self._ahead[bufsize:]
        self._received += len(data)
        if self._received > self._max_bytes:
            raise websocket.WebSocketPayloadException(
                f"the event is longer than {self._max_bytes} bytes"
            )
        return data
