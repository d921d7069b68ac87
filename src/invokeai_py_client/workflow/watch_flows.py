"""Watching the jobs of a submission until all are over.

A watch subscribes, then asks, then listens: events only say when something may have
happened, the server's answers are the truth. So a socket that is missing, cut, late
or repeating itself costs at most one pause between two looks. A look that fails is
made again; only several failures in a row over a minute end a watch, because a server
that restarts is away for about twenty seconds and brings its queue back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional, TypeVar

from invokeai_py_client._core.flow import Flow, listen, next_event, now, pause
from invokeai_py_client._core.messages import Listen, Mailbox, RawEvent
from invokeai_py_client._core.outage import GIVE_UP_SECONDS, Outage, may_pass
from invokeai_py_client._core.tracker import (
    LOOK_AGAIN,
    JobTracker,
    Signal,
    read_look,
)
from invokeai_py_client.exceptions import APIConnectionError, APIError
from invokeai_py_client.workflow import queue_calls
from invokeai_py_client.workflow.stillness import why_nothing_moves

logger = logging.getLogger("invokeai_py_client")

T = TypeVar("T")

__all__ = ["Watch", "WatchTimeout", "patiently"]

FIRST_PAUSE = 0.25
PAUSE_GROWTH = 1.5
LONGEST_PAUSE = 2.0
LONGEST_PAUSE_WITH_EVENTS = 5.0
LOOK_TIMEOUT = 10.0
LAST_LOOK_TIMEOUT = 1.0

# Looks may take a quarter of the time.
REST_SHARE = 3.0

# Up to here a look asks for every job; above, it asks for the batch's counts first.
FEW_JOBS = 20
# Counts can hide a change behind another one, so every so often all jobs are read.
FULL_LOOK_EVERY = 5

LONGEST_FAILURE_PAUSE = 5.0
# A single hiccup is not worth telling the caller.
REPORTED_FAILURES = 2

STILL_AFTER = 5.0
STILL_AGAIN = 15.0


class WatchTimeout(Exception):  # noqa: N818 - never leaves this package
    """The time given to a watch is over."""


Heed = Callable[[Optional[RawEvent]], Flow[None]]
"""Called after each event, and with None after a look that moved a job."""


@dataclass
class Watch:
    """The jobs being watched and what is known of them so far.

    Attributes:
        why: Why nothing moves, in words; None while jobs move.
        failure: Why the latest look failed; None when it did not.
    """

    batch_id: str
    queue_id: str
    tracker: JobTracker
    heed: Heed
    deadline: Optional[float] = None
    why: Optional[str] = None
    failure: Optional[APIError] = None
    _mailbox: Optional[Mailbox] = None
    _looks: int = 0
    _counts: Optional[Mapping[str, int]] = None
    _outage: Outage = field(default_factory=lambda: Outage(may_pass))
    _moved_at: float = 0.0
    _still_due: float = 0.0

    def follow(self) -> Flow[None]:
        """Return when every job is over.

        Raises:
            WatchTimeout: The deadline passed first.
            APIConnectionError: The server stayed out of reach.
        """
        if self._is_over():
            return
        self._moved_at = yield from now()
        self._still_due = self._moved_at + STILL_AFTER
        self._mailbox = yield from listen(
            Listen(accepts=self._accepts, queue_id=self.queue_id)
        )
        delay, told = FIRST_PAUSE, Signal.NOTHING
        while True:
            started = yield from now()
            moved = yield from self._look()
            if self._is_over():
                return
            # What events tell of needs no look soon. Looks go on, ever more rarely,
            # because an event can get lost.
            hurry = moved and told is not Signal.MOVED
            delay = FIRST_PAUSE if hurry else self._slower(delay)
            rest = max(delay, self._share((yield from now()) - started))
            logger.debug(
                "batch %s: %s; next look in %.2f s at the latest",
                self.batch_id,
                self.tracker.counts,
                rest,
            )
            told = yield from self._listen(rest)
            if told is Signal.LOOK:
                delay = FIRST_PAUSE
            if self._is_over():
                return
            yield from self._check_deadline()

    def drain(self, seconds: float) -> Flow[None]:
        """Heed what is still on its way: an error event comes after its status."""
        while self._mailbox is not None:
            event = yield from next_event(self._mailbox, seconds)
            if event is None:
                return
            yield from self._hear(event)

    def _accepts(self, name: str, payload: Mapping[str, Any]) -> bool:
        # Called in the socket's thread. By item id too: to others than its owner a
        # job's batch id is redacted.
        item_id = payload.get("item_id")
        return (
            name in LOOK_AGAIN
            or payload.get("batch_id") == self.batch_id
            or (isinstance(item_id, int) and item_id in self.tracker)
        )

    # -- looking --------------------------------------------------------------------

    def _look(self) -> Flow[bool]:
        """Ask the server; True when a job moved."""
        timeout = yield from self.look_timeout()
        try:
            moved = yield from self._ask(timeout)
            if self.failure is not None:
                self.failure = self.why = None
            is_due = not moved and (yield from self._explain_stillness(timeout))
        except APIError as error:
            yield from self._fail(error)
            return False
        self._outage.over()
        # Outside: what the caller's own callback raises is no failure of a look.
        if is_due:
            yield from self.heed(None)
        if moved:
            self._note_movement((yield from now()))
            yield from self.heed(None)
        return moved

    def _ask(self, timeout: float) -> Flow[bool]:
        tracker = self.tracker
        waiting = tracker.unfinished
        if len(waiting) > FEW_JOBS:
            counts = yield from queue_calls.batch_status(
                self.queue_id, self.batch_id, timeout=timeout
            )
            self._looks += 1
            is_known = counts == self._counts or _agree(counts, tracker.counts)
            if is_known and self._looks % FULL_LOOK_EVERY:
                return False
        else:
            counts = None
        rows = yield from queue_calls.list_rows(self.queue_id, waiting, timeout=timeout)
        # Kept only now: had reading the rows failed, the change would be forgotten.
        self._counts = counts
        looks = [look for look in map(read_look, rows) if look is not None]
        moved = [tracker.see(look) for look in looks]
        lost = set(waiting) - {look.item_id for look in looks}
        if lost:
            logger.warning("jobs %s are no longer in the queue", sorted(lost))
        return tracker.lose(lost) or any(moved)

    def look_timeout(self) -> Flow[float]:
        """Seconds that a request may take now: never much longer than the deadline."""
        if self.deadline is None:
            return LOOK_TIMEOUT
        left = self.deadline - (yield from now())
        return min(LOOK_TIMEOUT, max(left, LAST_LOOK_TIMEOUT))

    def _fail(self, error: APIError) -> Flow[None]:
        if not may_pass(error):
            raise error
        try:
            self._outage.note(error, (yield from now()))
        except APIError:
            raise _lost_sight(error, len(self.tracker.unfinished)) from error
        self.failure = error
        self.why = f"the server does not answer: {error.message}"
        failures = self._outage.failures
        logger.info("look %d at %s failed: %s", failures, self.batch_id, error)
        if failures == REPORTED_FAILURES:
            yield from self.heed(None)

    # -- listening ------------------------------------------------------------------

    def _listen(self, seconds: float) -> Flow[Signal]:
        """Heed events for some seconds, or until one asks for a look or ends it."""
        end = (yield from now()) + seconds
        if self.deadline is not None:
            end = min(end, self.deadline)
        told = Signal.NOTHING
        while True:
            left = end - (yield from now())
            if left <= 0:
                return told
            if self._mailbox is None:
                yield from pause(left)
                return told
            event = yield from next_event(self._mailbox, left)
            if event is None:
                # The time is over, or the socket was closed for good.
                left = end - (yield from now())
                yield from pause(max(left, 0.0))
                return told
            signal = yield from self._hear(event)
            if signal is Signal.LOOK or self._is_over():
                return signal
            if signal is Signal.MOVED:
                told = signal

    def _hear(self, event: RawEvent) -> Flow[Signal]:
        signal = self.tracker.hear(event.name, event.payload)
        logger.debug("batch %s: %s: %s", self.batch_id, event.name, signal.value)
        if signal is not Signal.LOOK:
            self._note_movement((yield from now()))
            yield from self.heed(event)
        return signal

    def _slower(self, delay: float) -> float:
        if self._outage.failures:
            pause_after = FIRST_PAUSE * 2.0**self._outage.failures
            return min(pause_after, LONGEST_FAILURE_PAUSE)
        longest = LONGEST_PAUSE_WITH_EVENTS if self._mailbox else LONGEST_PAUSE
        return min(delay * PAUSE_GROWTH, longest)

    def _share(self, seconds: float) -> float:
        """How long to rest after a look of `seconds`: many rows load a server."""
        if self._outage.failures:
            return 0.0
        return min(REST_SHARE * seconds, LONGEST_PAUSE_WITH_EVENTS)

    def _check_deadline(self) -> Flow[None]:
        if self.deadline is not None and (yield from now()) >= self.deadline:
            # One last look: what happened in the last pause counts.
            yield from self._look()
            if not self._is_over():
                raise WatchTimeout

    # A call, since a type checker takes a property for unchanged by what came between.
    def _is_over(self) -> bool:
        return self.tracker.is_done

    # -- why nothing moves ----------------------------------------------------------

    def _note_movement(self, moment: float) -> None:
        self._moved_at = moment
        self._still_due = moment + STILL_AFTER
        self.why = None

    def _explain_stillness(self, timeout: float) -> Flow[bool]:
        """Find out why nothing moves; True when the caller is to be told."""
        moment = yield from now()
        if moment < self._still_due:
            return False
        self._still_due = moment + STILL_AGAIN
        found = yield from why_nothing_moves(self.queue_id, self.tracker, timeout)
        why = None if found is None else found.why
        if found is not None and why != self.why:
            level = logging.WARNING if found.is_stuck else logging.INFO
            seconds = moment - self._moved_at
            text = "batch %s: no movement for %.0f s: %s"
            logger.log(level, text, self.batch_id, seconds, why)
        self.why = why
        return True


def _agree(counts: Mapping[str, int], known: Mapping[str, int]) -> bool:
    """True when the server counts the jobs as we do: no event was missed.

    Children of workflow calls are among the server's, so with them it is never true.
    """
    words = all(counts.get(word, 0) == number for word, number in known.items())
    return words and counts["total"] == sum(known.values())


def patiently(make: Callable[[], Flow[T]], deadline: Optional[float] = None) -> Flow[T]:
    """Run what `make` makes, again after passing failures, for a minute at most.

    At least once, and after `deadline` no more.
    """
    end = (yield from now()) + GIVE_UP_SECONDS
    if deadline is not None:
        end = min(end, deadline)
    delay = FIRST_PAUSE
    while True:
        try:
            return (yield from make())
        except APIError as error:
            if not may_pass(error) or (yield from now()) >= end:
                raise
            logger.info("reading results failed, trying again: %s", error)
        yield from pause(delay)
        delay = min(delay * 2, LONGEST_FAILURE_PAUSE)


def _lost_sight(error: APIError, unfinished: int) -> APIConnectionError:
    return APIConnectionError(
        f"lost sight of {unfinished} unfinished jobs: {error.message}",
        method=error.method,
        url=error.url,
        hint="the jobs go on without us; wait again when the server is back",
    )
