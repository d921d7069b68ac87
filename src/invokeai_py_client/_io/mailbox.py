"""Mailboxes: where events wait until the flow that asked for them takes them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Optional

from invokeai_py_client._core.events import InvocationProgressEvent, ServerEvent
from invokeai_py_client._core.messages import Subscribe
from invokeai_py_client.exceptions import APIError

# A flow that does not read for so long catches up by REST; progress goes
# first, because it says nothing about how things end.
_CAPACITY = 2000

# Ctrl-C reaches a thread that waits for a lock only between waits on Windows.
LONGEST_BLOCK = 0.5


class AnyMailbox:
    """What both kinds share: filtering, bounding and closing. Thread-safe.

    Attributes:
        is_closed: True when nothing is delivered any more.
    """

    def __init__(
        self, subscription: Subscribe, forget: Callable[[AnyMailbox], None]
    ) -> None:
        self.queue_id = subscription.queue_id
        self.bulk_downloads = subscription.bulk_downloads
        self.patience = subscription.patience
        self.is_closed = False
        self._accepts = subscription.accepts
        self._forget = forget
        # Reentrant: a client that is collected while this is held closes its hub.
        self._lock = threading.RLock()
        self._events: deque[ServerEvent] = deque()
        self._begin()

    def accepts(self, event: ServerEvent) -> bool:
        """True when the flow wants to see this event."""
        return bool(self._accepts(event))

    def post(self, event: ServerEvent) -> None:
        """Put an event in and wake who waits for it."""
        with self._lock:
            if self.is_closed:
                return
            if len(self._events) >= _CAPACITY:
                self._drop_one()
            self._events.append(event)
        self._wake()

    def close(self) -> None:
        """Stop the delivery of events; closing twice is fine."""
        with self._lock:
            if self.is_closed:
                return
            self.is_closed = True
            self._events.clear()
        self._forget(self)
        self._wake()

    def _drop_one(self) -> None:
        for index, event in enumerate(self._events):
            if isinstance(event, InvocationProgressEvent):
                del self._events[index]
                return
        self._events.popleft()

    def _take(self) -> Optional[ServerEvent]:
        with self._lock:
            if self.is_closed:
                # The driver ends a cancelled flow here too, after any error.
                raise APIError("this client is closed", hint="make a new one")
            return self._events.popleft() if self._events else None

    def _begin(self) -> None:
        raise NotImplementedError

    def _wake(self) -> None:
        raise NotImplementedError


class BlockingMailbox(AnyMailbox):
    """A mailbox that a thread waits at."""

    def _begin(self) -> None:
        self._something = threading.Event()

    def take(self, timeout: float) -> Optional[ServerEvent]:
        """Wait for the next event; None after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            self._something.clear()
            event = self._take()
            left = deadline - time.monotonic()
            if event is not None or left <= 0:
                return event
            self._something.wait(min(left, LONGEST_BLOCK))

    def _wake(self) -> None:
        self._something.set()


class AsyncioMailbox(AnyMailbox):
    """A mailbox that a task of the loop it was made in waits at."""

    def _begin(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiter: Optional[asyncio.Future[None]] = None

    async def take(self, timeout: float) -> Optional[ServerEvent]:
        """Wait for the next event; None after `timeout` seconds."""
        deadline = self._loop.time() + timeout
        while True:
            self._waiter = self._loop.create_future()
            event = self._take()
            left = deadline - self._loop.time()
            if event is not None or left <= 0:
                return event
            # asyncio.wait_for would swallow a cancellation that comes together
            # with an event (before Python 3.12).
            timer = self._loop.call_later(left, self._rouse)
            try:
                await self._waiter
            finally:
                timer.cancel()

    def _rouse(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._rouse)
        except RuntimeError:
            # The loop is closed: nobody will read from here again.
            self.close()
