"""Flows: operations written once, as generators that do no I/O.

A flow yields messages (`messages.py`), gets their answers sent back, and returns its
result; `yield from` composes flows and keeps their types. The functions below give
each answer its type; requests are sent by `_core.send`. Two drivers run
any flow: `_io.blocking_driver` blocks, `_io.asyncio_driver` awaits. Rules that the
drivers rely on:

* a flow never yields while it is being closed (no `yield` in `finally` or in an
  `except GeneratorExit`);
* resources that a driver made (mailboxes) belong to the driver and are freed
  however the flow ends;
* what a flow holds besides is freed by closing it, in whichever thread that happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Optional, TypeVar, Union, cast

from invokeai_py_client._core.events import ServerEvent
from invokeai_py_client._core.messages import (
    CallBack,
    Elsewhere,
    Emit,
    Flow as Flow,
    Gather,
    GetShared,
    Mailbox,
    Message,
    NextEvent,
    Now,
    OnInterrupt,
    Pause,
    RunBlocking,
    SetCredentials,
    Shared,
    Subscribe,
)
from invokeai_py_client.exceptions import InvokeAIError, LocalFileError

T = TypeVar("T")

CHECK_EVERY = 0.5
"""Longest time between two checks of a wait that may have to end early, in seconds."""


def set_credentials(
    token: Optional[str], email: Optional[str], password: Optional[str]
) -> Flow[None]:
    """Use these credentials from now on."""
    yield SetCredentials(token, email, password)


def subscribe(message: Subscribe) -> Flow[Optional[Mailbox]]:
    """Open a mailbox; None when there is no event socket (polling carries on)."""
    return cast(Optional[Mailbox], (yield message))


def next_event(mailbox: Mailbox, timeout: float) -> Flow[Optional[ServerEvent]]:
    """Wait for an event, at most `timeout` seconds; None when there was none."""
    return cast(Optional[ServerEvent], (yield NextEvent(mailbox, timeout)))


def pause(seconds: float) -> Flow[None]:
    """Wait `seconds`."""
    yield Pause(seconds)


def now() -> Flow[float]:
    """Read the monotonic clock, in seconds."""
    return cast(float, (yield Now()))


def get_shared() -> Flow[Shared]:
    """Get what the flows of one client share; always the same object."""
    return cast(Shared, (yield GetShared()))


def gather(flows: Sequence[Flow[T]], limit: int = 8) -> Flow[list[T]]:
    """Run flows side by side, at most `limit` at a time; results in order."""
    return cast("list[T]", (yield Gather(flows, limit)))


def elsewhere(runner: Any, flow: Flow[T]) -> Flow[T]:
    """Run a flow by what runs the flows of another server's client."""
    return cast(T, (yield Elsewhere(runner, flow)))


def intercept(flow: Flow[T], answer: Callable[[Message], Flow[Any]]) -> Flow[T]:
    """Run a flow whose messages are answered by `answer`.

    To have a message performed, it yields it, changed or not; `with_inner` also
    intercepts the flows that the message has run. An `Exception` that it raises is
    raised in the flow; anything else closes the flow.
    """
    given: Any = None
    error: Optional[Exception] = None
    try:
        while True:
            try:
                message = flow.send(given) if error is None else flow.throw(error)
            except StopIteration as stop:
                result: T = stop.value
                return result
            given = error = None
            try:
                given = yield from answer(message)
            except Exception as failure:  # noqa: BLE001  the flow gets it
                error = failure
    finally:
        flow.close()


def wait_alert(
    message: Union[NextEvent, Pause], check: Callable[[], None]
) -> Flow[Optional[ServerEvent]]:
    """Wait as a message asks, and call `check`, which may raise, again and again."""
    left = message.seconds if isinstance(message, Pause) else message.timeout
    while True:
        check()
        piece = min(left, CHECK_EVERY)
        answer: Optional[ServerEvent] = yield (
            replace(message, seconds=piece)
            if isinstance(message, Pause)
            else replace(message, timeout=piece)
        )
        left -= piece
        if answer is not None or left <= 0:
            return answer


def with_inner(message: Message, wrap: Callable[[Flow[Any]], Flow[Any]]) -> Message:
    """The message with the flows that it has run wrapped; others as they are.

    What looks at the messages of a flow has to look at those of its inner flows.
    """
    if isinstance(message, Gather):
        return replace(message, flows=[wrap(flow) for flow in message.flows])
    if isinstance(message, Elsewhere):
        return replace(message, flow=wrap(message.flow))
    return message


def run_blocking(call: Callable[[], T]) -> Flow[T]:
    """Call something local that may block; its errors of files become ours."""
    with file_errors():
        return cast(T, (yield RunBlocking(call)))


@contextmanager
def file_errors() -> Iterator[None]:
    """Turn what the system says of a local file into an error of ours."""
    try:
        yield
    except OSError as error:
        if isinstance(error, InvokeAIError):
            raise
        raise LocalFileError.of(error) from None


def call_back(callback: Callable[..., Any], *args: Any) -> Flow[None]:
    """Call a user's callback in the context of the waiting caller."""
    yield CallBack(callback, args)


def on_interrupt(make: Optional[Callable[[], Flow[Any]]]) -> Flow[None]:
    """Register what to run if the caller is interrupted; None takes it back."""
    yield OnInterrupt(make)


def ends_itself(ask: Callable[[], None]) -> Flow[None]:
    """At the first Ctrl-C of a blocking caller call `ask`, and let the flow end."""
    yield OnInterrupt(None, ask)


def collect(flow: Flow[Any]) -> Flow[list[Any]]:
    """Run a flow that emits to its end; what it emitted, as a list."""
    found: list[Any] = []

    def keep(message: Message) -> Flow[Any]:
        if not isinstance(message, Emit):
            return (yield message)
        found.append(message.value)
        return None

    yield from intercept(flow, keep)
    return found


def emit(value: Any) -> Flow[None]:
    """Hand a value to the code that iterates over the stream."""
    yield Emit(value)
