"""The client that a row is called with: its submissions have keys, and it can be ended.

It shares everything with the client of its server but what runs its flows: each flow
passes through the gate of the row. Submissions are named by the row and their number,
so that a row that is called again finds the jobs of before.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from typing import Any, TypeVar

from invokeai_py_client._core.flow import Flow, intercept, wait_alert, with_inner
from invokeai_py_client._core.messages import Message, NextEvent, OnInterrupt, Pause
from invokeai_py_client.sweep.pool.enqueue_watch import EnqueueWatch
from invokeai_py_client.workflow.lookup.submission_names import SubmissionNames

T = TypeVar("T")


class RowStopped(BaseException):
    """Ends the call of a row when the map has ended: not an error of the row."""


class RowGate:
    """What all flows of one call of a row pass through.

    Args:
        stop: Set when the map ends.

    Attributes:
        was_stopped: A flow was refused or ended because of that.
    """

    def __init__(self, stop: Event) -> None:
        self.was_stopped = False
        self._is_open = False
        self._stop = stop
        self._watch = EnqueueWatch()

    @property
    def may_have_sent(self) -> bool:
        """Whether jobs of this call may be in the queue."""
        return self._watch.may_have_sent

    def open(self) -> None:
        """The call is over: what the function kept of the client works on."""
        self._is_open = True

    def pass_through(self, flow: Flow[T]) -> Flow[T]:
        """Run a flow until the map ends."""
        return self._watch.follow(self._guarded(flow))

    def _guarded(self, flow: Flow[T]) -> Flow[T]:
        return intercept(flow, self._answer)

    def _answer(self, message: Message) -> Flow[Any]:
        if isinstance(message, OnInterrupt):
            # What is in the queue goes on: the row is called again, and adopts it.
            return None
        if isinstance(message, (NextEvent, Pause)):
            return (yield from wait_alert(message, self._check))
        self._check()
        return (yield with_inner(message, self._guarded))

    def _check(self) -> None:
        if self._stop.is_set() and not self._is_open:
            self.was_stopped = True
            raise RowStopped("the map that this client was for has ended")


class RowRunner:
    """Runs flows as a client's runner does, through the gate of a row."""

    def __init__(self, runner: Any, gate: RowGate) -> None:
        self._inner = runner
        self._gate = gate

    def run(self, flow: Flow[Any], *running: Any) -> Any:
        """As the client's runner: the result, or what is to be awaited for it."""
        return self._inner.run(self._gate.pass_through(flow), *running)

    def stream(self, flow: Flow[Any]) -> Any:
        """As the client's runner."""
        return self._inner.stream(self._gate.pass_through(flow))

    def _steps(self, flow: Flow[Any], running: Any) -> Any:
        return self._inner._steps(self._gate.pass_through(flow), running)

    def close(self) -> Any:
        """Nothing: the connections are those of the pool."""
        is_async = inspect.iscoroutinefunction(self._inner.run)
        return _nothing() if is_async else None


async def _nothing() -> None:
    pass


def client_of_row(client: Any, gate: RowGate, names: SubmissionNames) -> Any:
    """The client for one call of a row: of the same class, on the same connections."""
    other = object.__new__(type(client))
    vars(other).update(_without_repositories(vars(client)))
    other._runner = RowRunner(client._runner, gate)
    known = client.workflow_repo._server
    other.workflow_repo._server = replace(known, names=names)
    return other


def release(client: Any, gate: RowGate) -> None:
    """The call is over: the client is one like any other."""
    gate.open()
    client.workflow_repo._server.names = None


def _without_repositories(attributes: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    # They hold the runner; the copy makes its own.
    return ((k, v) for k, v in attributes.items() if not k.endswith("_repo"))
