"""The one loop by which everything is waited for.

A wait subscribes, then asks the server, then listens. Events only say when something
may have happened; the server's answers are the truth. So a socket that is missing,
late, cut or repeating itself costs at most one pause between two polls. A poll that
fails is made again; only several failures in a row over a minute end a wait, because a
server that restarts is away for about twenty seconds and brings its queue back.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import Any, Generic, NoReturn, Optional, TypeVar, Union

from invokeai_py_client._core.decode import raise_for_status
from invokeai_py_client._core.events import ConnectionEvent, ServerEvent
from invokeai_py_client._core.flow import (
    Flow,
    next_event,
    now,
    pause,
    subscribe,
    with_inner,
)
from invokeai_py_client._core.messages import (
    Download,
    Mailbox,
    Message,
    Pause,
    Reauthenticate,
    Reply,
    Request,
    Subscribe,
)
from invokeai_py_client._core.retry import FailureBudget, may_pass
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    JobTimeoutError,
)

logger = logging.getLogger("invokeai_py_client")

T = TypeVar("T")
ResultT = TypeVar("ResultT")

FIRST_PAUSE = 0.25
PAUSE_GROWTH = 1.5
LONGEST_PAUSE = 2.0
LONGEST_PAUSE_WITH_EVENTS = 5.0
LONGEST_FAILURE_PAUSE = 5.0
# Polls may take a quarter of the time: many rows load a server.
REST_SHARE = 3.0
# Events that come together cost one poll.
TOGETHER = 0.05

POLL_TIMEOUT = 10.0
# What happened in the last pause counts, so a poll may end that late.
GRACE = 1.5
# A single failure is not worth reporting to the caller.
REPORTED_FAILURES = 2


class Signal(Enum):
    """What an event or an answer means for a wait."""

    NOTHING = "nothing"
    MOVED = "moved"
    """Something changed, and all of it is known."""
    POLL = "poll"
    """Something may have changed: the server is to be asked at once."""
    OVER = "over"
    """There is nothing left to wait for."""


@dataclass
class WaitLoop(Generic[T]):
    """One wait.

    Attributes:
        subject: What is waited for, as in "gave up waiting for …".
        poll: Asks the server once. It is repeated by this loop alone, so nothing in it
            pauses, and it has to end soon.
        on_answer: Says what an answer of `poll` means.
        on_event: Says what an event means; None when each asks for a poll.
        subscription: The events to listen to; None where there are none.
        timeout: Seconds for the whole wait; None without a limit.
        on_failure: Called when the server has failed several times.
        mailbox: Where events come; opened as soon as there is a socket.
        deadline: When the time is over, by the clock of `now`; `timeout` seconds from
            the start if not given.
        first_pause: Seconds between two polls while something moves of which no event
            told: how soon it has to be known that a thing is over.
        failure: Why the latest poll failed; None when it did not.
    """

    subject: str
    poll: Callable[[], Flow[T]]
    on_answer: Callable[[T], Flow[Signal]]
    on_event: Optional[Callable[[ServerEvent], Flow[Signal]]] = None
    subscription: Optional[Subscribe] = None
    timeout: Optional[float] = None
    on_failure: Optional[Callable[[], Flow[None]]] = None
    mailbox: Optional[Mailbox] = None
    deadline: Optional[float] = None
    first_pause: float = FIRST_PAUSE
    failure: Optional[APIError] = field(default=None, init=False)
    _budget: FailureBudget = field(default_factory=FailureBudget, init=False)

    def run(self) -> Flow[bool]:
        """Wait; False when the time was over first.

        Raises:
            APIConnectionError: The server stayed away for a minute.
        """
        if self.timeout is not None and self.deadline is None:
            self.deadline = (yield from now()) + self.timeout
        delay, told = self.first_pause, Signal.NOTHING
        while True:
            yield from self._subscribe()
            started = yield from now()
            found = yield from self._ask()
            if found is Signal.OVER:
                # The poll overtook the events of the socket.
                yield from self.drain(0.0)
                return True
            moment = yield from now()
            if self.deadline is not None and moment >= self.deadline:
                return False
            # What events report needs no poll soon. Polls go on, ever more rarely,
            # because an event can get lost.
            is_missed = found is Signal.MOVED and told is Signal.NOTHING
            delay = self.first_pause if is_missed else self._slower(delay)
            told = yield from self._listen(self._rest(delay, moment - started))
            if told is Signal.OVER:
                return True

    def drain(self, seconds: float) -> Flow[None]:
        """Handle events that are still on their way, until none comes for so long."""
        while self.mailbox is not None:
            event = yield from next_event(self.mailbox, seconds)
            if event is None:
                return
            yield from self._handle(event)

    def bounded(self, flow: Flow[ResultT]) -> Flow[ResultT]:
        """Run a flow of requests in the time that is left, and a moment more."""
        end = None if self.deadline is None else self.deadline + GRACE
        return (yield from bounded(flow, end))

    def raise_timeout(
        self, state: str, *, result: Any = None, hint: Optional[str] = None
    ) -> NoReturn:
        """Raise the error of a wait whose time was over; `state` is how far it is."""
        parts = [state] if state else []
        if self.failure is not None:
            parts.append(not_answering(self.failure))
        message = f"timed out after {self.timeout:g} s waiting for {self.subject}"
        if parts:
            message += ": " + "; ".join(parts)
        raise JobTimeoutError(message, result=result, hint=hint) from self.failure

    def _subscribe(self) -> Flow[None]:
        if self.subscription is None or self.mailbox is not None:
            return
        subscription = self.subscription
        if self.deadline is not None:
            left = max(self.deadline - (yield from now()), 0.0)
            patience = min(subscription.patience, left)
            subscription = replace(subscription, patience=patience)
        self.mailbox = yield from subscribe(subscription)

    def _ask(self) -> Flow[Signal]:
        try:
            answer = yield from self.bounded(self.poll())
        except APIError as error:
            yield from self._fail(error)
            return Signal.NOTHING
        self._budget.over()
        self.failure = None
        # Outside: what the caller's own callback raises is not a failure of a poll.
        return (yield from self.on_answer(answer))

    def _fail(self, error: APIError) -> Flow[None]:
        if not may_pass(error):
            raise error
        try:
            self._budget.note(error, (yield from now()))
        except APIError:
            raise APIConnectionError(
                f"gave up waiting for {self.subject}: {error.message}",
                method=error.method,
                url=error.url,
                hint="the server goes on without us; wait again when it is back",
            ) from error
        self.failure = error
        failures = self._budget.failures
        logger.info("%s: poll failed %d times: %s", self.subject, failures, error)
        if failures == REPORTED_FAILURES and self.on_failure is not None:
            yield from self.on_failure()

    def _slower(self, delay: float) -> float:
        if self._budget.failures:
            pause_after = FIRST_PAUSE * 2.0**self._budget.failures
            return min(pause_after, LONGEST_FAILURE_PAUSE)
        longest = LONGEST_PAUSE_WITH_EVENTS if self.mailbox else LONGEST_PAUSE
        return min(delay * PAUSE_GROWTH, longest)

    def _rest(self, delay: float, spent: float) -> float:
        if self._budget.failures:
            return delay
        return max(delay, min(REST_SHARE * spent, LONGEST_PAUSE_WITH_EVENTS))

    def _listen(self, seconds: float) -> Flow[Signal]:
        """Handle events for some seconds, or until one asks for a poll or ends it."""
        end = (yield from now()) + seconds
        if self.deadline is not None:
            end = min(end, self.deadline)
        told = Signal.NOTHING
        while True:
            moment = yield from now()
            if moment >= end:
                return told
            if self.mailbox is None:
                yield from pause(end - moment)
                continue
            event = yield from next_event(self.mailbox, end - moment)
            if event is None:
                continue
            signal = yield from self._handle(event)
            if signal is Signal.OVER:
                return signal
            if signal is Signal.POLL and told is not Signal.POLL:
                end = min(end, (yield from now()) + TOGETHER)
            if told is not Signal.POLL and signal is not Signal.NOTHING:
                told = signal

    def _handle(self, event: ServerEvent) -> Flow[Signal]:
        signal = Signal.POLL
        if self.on_event is not None:
            signal = yield from self.on_event(event)
        logger.debug("%s: %s: %s", self.subject, event.name, signal.value)
        # Events may have been missed.
        is_connection = isinstance(event, ConnectionEvent)
        return Signal.POLL if is_connection and signal is not Signal.OVER else signal


def wait_for(
    subject: str,
    read: Callable[[], Flow[T]],
    is_over: Callable[[T], bool],
    *,
    describe: Callable[[T], str] = str,
    subscription: Optional[Subscribe] = None,
    timeout: Optional[float] = None,
    deadline: Optional[float] = None,
    on_change: Optional[Callable[[T], Flow[None]]] = None,
) -> Flow[T]:
    """Read something until it is over, at once whenever an event comes.

    `describe` says how far it is, for the error of a timeout; `on_change` is called
    with the first value read and with each change; the rest is as in `WaitLoop`.
    """
    latest: Optional[T] = None

    def on_answer(found: T) -> Flow[Signal]:
        nonlocal latest
        is_new = found != latest
        latest = found
        if is_new and on_change is not None:
            yield from on_change(found)
        if is_over(found):
            return Signal.OVER
        return Signal.MOVED if is_new else Signal.NOTHING

    loop = WaitLoop(
        subject,
        read,
        on_answer,
        subscription=subscription,
        timeout=timeout,
        deadline=deadline,
    )
    is_done = yield from loop.run()
    if latest is None or not is_done:
        loop.raise_timeout("" if latest is None else describe(latest))
    return latest


def not_answering(failure: APIError) -> str:
    """Why nothing is known of what is waited for."""
    return f"the server does not answer: {failure.message}"


class TimeOverError(APITimeoutError):
    """The time that a flow has is over, before the next request or in a pause."""

    sent = False


@dataclass(frozen=True)
class _Limits:
    """What the messages of a flow are limited to.

    Attributes:
        end: When all has to be over, by the clock of `now`.
        longest: Seconds for one request; None for the client's own limit.
        may_pause: False where a repetition is not worth waiting for.
    """

    end: float
    longest: Optional[float]
    may_pause: bool

    def of(self, message: Message, left: float) -> Message:
        """The message in the time that is left."""
        if isinstance(message, Subscribe):
            return replace(message, patience=min(message.patience, max(left, 0.0)))
        if isinstance(message, Reauthenticate) and self.end < math.inf:
            return replace(message, deadline=self.end)
        if isinstance(message, Download):
            return replace(message, request=self._request(message.request, left))
        if isinstance(message, Request):
            return self._request(message, left)
        if isinstance(message, Pause):
            if left <= 0:
                raise TimeOverError("the time is over")
            return Pause(min(message.seconds, left))
        return with_inner(message, partial(_limited, limits=self))

    def _request(self, request: Request, left: float) -> Request:
        if left <= 0:
            raise TimeOverError("the time is over", method=request.method)
        if request.timeout is None:
            request = replace(request, timeout=self.longest)
        return request if self.end == math.inf else replace(request, deadline=self.end)


def bounded(flow: Flow[T], end: Optional[float]) -> Flow[T]:
    """Run a flow so that it fails soon instead of waiting: somebody repeats it.

    Args:
        flow: Requests, side by side or not.
        end: When no request may go on any more, by the clock of `now`; None for a
            limit of its own for each, `math.inf` for the client's.

    Raises:
        APIError: A request failed. What `send` would repeat after a pause is an error
            at once.
    """
    longest = None if end == math.inf else POLL_TIMEOUT
    limits = _Limits(math.inf if end is None else end, longest, may_pause=False)
    return _limited(flow, limits)


def within(flow: Flow[T], end: Optional[float]) -> Flow[T]:
    """Run a flow that has to be over at `end`, by the clock of `now`.

    Raises:
        TimeOverError: It is not. A request that is under way then is a timeout of its
            own.
    """
    return flow if end is None else _limited(flow, _Limits(end, None, may_pause=True))


def _limited(flow: Flow[T], limits: _Limits) -> Flow[T]:
    answer: Any = None
    error: Optional[APIError] = None
    outcome: Union[Reply, APIError, None] = None
    try:
        while True:
            try:
                message = flow.send(answer) if error is None else flow.throw(error)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(message, Pause) and not limits.may_pause:
                _raise_failure(outcome)
            answer = error = None
            left = math.inf
            if limits.end < math.inf:
                left = limits.end - (yield from now())
            try:
                answer = yield limits.of(message, left)
            except APIError as failure:
                error = failure
            if isinstance(message, (Request, Download)):
                outcome = answer if error is None else error
    finally:
        flow.close()


def _raise_failure(outcome: Union[Reply, APIError, None]) -> None:
    if isinstance(outcome, APIError):
        raise outcome
    if isinstance(outcome, Reply):
        raise_for_status(outcome)
