"""Flows: operations written once, as generators that do no I/O.

A flow yields messages (`messages.py`), gets their answers sent back, and returns its
result; `yield from` composes flows and keeps their types. The primitives below are
the only places that cast an answer. Two drivers run any flow: `_io.sync_driver`
blocks, `_io.async_driver` awaits. Rules that the drivers rely on:

* a flow never yields while it is being closed (no `yield` in `finally` or in an
  `except GeneratorExit`);
* resources that a driver made (mailboxes) belong to the driver and are freed
  however the flow ends;
* a gathered flow does not emit.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, BinaryIO, Optional, TypeVar, cast

from invokeai_py_client._core.messages import (
    Download,
    Emit,
    Gather,
    Identify,
    Knowledge,
    Listen,
    Local,
    Mailbox,
    Message,
    NextEvent,
    Notify,
    Now,
    OnInterrupt,
    Pause,
    RawEvent,
    Reauthenticate,
    Recall,
    Reply,
    Request,
)

T = TypeVar("T")

Flow = Generator[Message, Any, T]


def exchange(request: Request) -> Flow[Reply]:
    """Send one request as it is: no retry, no log-in; see `_core.send` for those."""
    return cast(Reply, (yield request))


def fetch(
    request: Request, sink: BinaryIO, max_bytes: Optional[int] = None
) -> Flow[Reply]:
    """Stream the answer of a GET into `sink`."""
    return cast(Reply, (yield Download(request, sink, max_bytes)))


def reauthenticate(stale_token: Optional[str]) -> Flow[bool]:
    """Ask for a new token; False when there are no credentials to log in with."""
    return cast(bool, (yield Reauthenticate(stale_token)))


def identify(
    token: Optional[str], email: Optional[str], password: Optional[str]
) -> Flow[None]:
    """Use these credentials from now on."""
    yield Identify(token, email, password)


def listen(message: Listen) -> Flow[Optional[Mailbox]]:
    """Open a mailbox; None when there is no event socket (polling carries on)."""
    return cast(Optional[Mailbox], (yield message))


def next_event(mailbox: Mailbox, timeout: float) -> Flow[Optional[RawEvent]]:
    """Wait for an event, at most `timeout` seconds; None when there was none."""
    return cast(Optional[RawEvent], (yield NextEvent(mailbox, timeout)))


def pause(seconds: float) -> Flow[None]:
    """Let `seconds` go by."""
    yield Pause(seconds)


def now() -> Flow[float]:
    """Read the monotonic clock, in seconds."""
    return cast(float, (yield Now()))


def recall() -> Flow[Knowledge]:
    """Get what the client's flows have learnt; the same object for all of them."""
    return cast(Knowledge, (yield Recall()))


def gather(flows: Sequence[Flow[T]], limit: int = 8) -> Flow[list[T]]:
    """Run flows side by side, at most `limit` at a time; results in order."""
    return cast("list[T]", (yield Gather(flows, limit)))


def local(call: Callable[[], T]) -> Flow[T]:
    """Call something local that may block."""
    return cast(T, (yield Local(call)))


def notify(callback: Callable[..., Any], *args: Any) -> Flow[None]:
    """Call a user's callback in the context of whoever waits."""
    yield Notify(callback, args)


def on_interrupt(make: Optional[Callable[[], Flow[Any]]]) -> Flow[None]:
    """Say what is to be run if the caller is interrupted; None takes it back."""
    yield OnInterrupt(make)


def emit(value: Any) -> Flow[None]:
    """Hand a value to whoever iterates the stream."""
    yield Emit(value)
