"""One Socket.IO connection per client, which fills any number of mailboxes.

The connection is made in a thread of its own when the first flow listens, and made
again whenever it breaks, until the hub is closed. Events that were missed meanwhile
are lost: mailboxes get a ``disconnect`` and a ``connect``, so that flows poll again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from invokeai_py_client._core.server_events import parse_event
from invokeai_py_client._io.mailbox import AnyMailbox
from invokeai_py_client._io.settings import Settings

if TYPE_CHECKING:
    from invokeai_py_client._io.event_socket import EventSocket

logger = logging.getLogger("invokeai_py_client")

_SUBSCRIBE_TIMEOUT = 2.0
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 15.0
_CLOSE_TIMEOUT = 5.0


class EventHub:
    """Connects lazily, stays connected, and passes events on to mailboxes.

    All state is guarded by one condition, but for the subscriptions, which have a lock
    of their own; neither mailboxes nor the server are ever called while it is held.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._is_closed = False
        self._begin()

    def _begin(self) -> None:
        self._state = threading.Condition()
        self._mailboxes: set[AnyMailbox] = set()
        self._thread: Optional[threading.Thread] = None
        self._socket: Optional[EventSocket] = None
        self._failures = 0
        self._tried_token: Optional[str] = None
        self._refused = False
        self._subscribing = threading.Lock()
        self._subscribed: set[tuple[str, str]] = set()

    def renew(self) -> None:
        """Begin anew in a forked process; waits of the parent get no events here."""
        self._begin()

    def deliver_to(self, mailbox: AnyMailbox) -> bool:
        """Start filling `mailbox`; False (and it is closed) when there is no socket.

        Blocks until the server has confirmed the subscription: some milliseconds
        once the hub is connected, its patience at most while it connects, and
        not at all while its attempts fail, which go on in the background.
        """
        # Its library takes a third of the time of importing this client, which what
        # never listens does without; on a cold disk it is more than the patience.
        import invokeai_py_client._io.event_socket  # noqa: F401

        with self._state:
            self._start()
            # There may be a new token, which is worth another try at once.
            self._state.notify_all()
            self._state.wait_for(self._is_decided, mailbox.patience)
            socket = self._socket
            if socket is not None and not mailbox.is_closed:
                self._mailboxes.add(mailbox)
        if socket is None:
            mailbox.close()
            return False
        self._subscribe(socket, {_wish(mailbox)})
        return True

    def forget(self, mailbox: AnyMailbox) -> None:
        """Stop filling `mailbox`."""
        with self._state:
            self._mailboxes.discard(mailbox)

    def close(self, *, wait: bool = True) -> None:
        """Disconnect, close every mailbox and end every thread.

        Args:
            wait: Return only when the threads have ended.
        """
        with self._state:
            self._is_closed = True
            self._state.notify_all()
            mailboxes, thread = list(self._mailboxes), self._thread
        for mailbox in mailboxes:
            mailbox.close()
        if wait and thread is not None:
            thread.join(_CLOSE_TIMEOUT)

    def _is_decided(self) -> bool:
        has_failed = self._failures > 0 and not self._has_new_token()
        return self._socket is not None or has_failed or self._is_closed

    def _has_new_token(self) -> bool:
        """True when the server refused a token that has been replaced since."""
        return self._refused and self._settings.credentials.token != self._tried_token

    def _start(self) -> None:
        if self._thread is None and not self._is_closed:
            self._thread = threading.Thread(
                target=self._stay_connected, name="ivk-events", daemon=True
            )
            self._thread.start()

    def _stay_connected(self) -> None:
        while not self._is_closed:
            gone = threading.Event()
            socket = self._connect(gone)
            if socket is None:
                self._pause()
                continue
            self._announce(socket)
            with self._state:
                self._state.wait_for(lambda: gone.is_set() or self._is_closed)  # noqa: B023
            self._retire(socket)

    def _connect(self, gone: threading.Event) -> Optional[EventSocket]:
        """Open one connection; None when it failed."""
        from invokeai_py_client._io.event_socket import EventSocket

        socket = EventSocket(self._settings)

        def on_disconnect(*_: object) -> None:
            gone.set()
            with self._state:
                self._state.notify_all()

        socket.on("*", self._receive)
        socket.on("disconnect", on_disconnect)
        socket.on("connect_error", self._note_refusal)
        with self._state:
            token = self._tried_token = self._settings.credentials.token
            self._refused = False
        try:
            socket.open(token)
        except ConnectionError as error:
            # Also how a multi-user server refuses a missing or stale token.
            scrub = self._settings.credentials.scrub
            logger.debug("event socket: cannot connect: %s", scrub(str(error)))
            return None
        logger.debug("event socket: connected")
        return socket

    def _note_refusal(self, reason: object = None) -> None:
        # The server itself gives an object; what could not be reached, a string.
        with self._state:
            self._refused = isinstance(reason, Mapping)

    def _pause(self) -> None:
        with self._state:
            seconds = min(_FIRST_PAUSE * 2.0**self._failures, _LONGEST_PAUSE)
            self._failures += 1
            self._state.notify_all()
            self._state.wait_for(
                lambda: self._is_closed or self._has_new_token(), seconds
            )
            if self._has_new_token():
                # What failed before says nothing about the next try.
                self._failures = 0

    def _announce(self, socket: EventSocket) -> None:
        """Subscribe again to everything, and only then tell the mailboxes."""
        with self._subscribing:
            self._subscribed.clear()
        with self._state:
            wishes = {_wish(mailbox) for mailbox in self._mailboxes}
        self._subscribe(socket, wishes)
        with self._state:
            self._socket = socket
            self._failures = 0
            mailboxes = list(self._mailboxes)
            self._state.notify_all()
        for mailbox in mailboxes:
            mailbox.post(parse_event("connect", {}))

    def _retire(self, socket: EventSocket) -> None:
        """Let go of a connection that broke, or that is not wanted any more."""
        with self._state:
            self._socket = None
            mailboxes = list(self._mailboxes)
        for mailbox in mailboxes:
            mailbox.post(parse_event("disconnect", {}))
        socket.close()
        logger.debug("event socket: disconnected")

    def _subscribe(self, socket: EventSocket, wishes: set[tuple[str, str]]) -> None:
        """Ask for rooms and wait until the server confirms, so that no event is missed.

        One at a time: the library's `call` is not meant for several threads.
        """
        with self._subscribing:
            for event, name in sorted(wishes - self._subscribed):
                key = "queue_id" if event == "subscribe_queue" else "bulk_download_id"
                try:
                    socket.ask(event, {key: name}, _SUBSCRIBE_TIMEOUT)
                except ConnectionError as error:
                    logger.debug("event socket: %s %s: %r", event, name, error)
                self._subscribed.add((event, name))

    def _receive(self, name: str, *data: Any) -> None:
        payload = data[0] if data and isinstance(data[0], Mapping) else {}
        event = parse_event(name, payload)
        # As literals: half a surrogate pair in them could not be written to a log.
        logger.debug("event %r item=%r", name, payload.get("item_id"))
        with self._state:
            mailboxes = list(self._mailboxes)
        for mailbox in mailboxes:
            try:
                wanted = mailbox.accepts(event)
            except Exception:
                # One flow's mistake must not cost the others their events.
                logger.exception("a filter failed on event %r", name)
                continue
            if wanted:
                mailbox.post(event)


def _wish(mailbox: AnyMailbox) -> tuple[str, str]:
    if mailbox.bulk_downloads:
        return ("subscribe_bulk_download", "default")
    return ("subscribe_queue", mailbox.queue_id)
