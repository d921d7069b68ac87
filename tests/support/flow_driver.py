"""Drives flows by hand: a function performs each message; nothing sleeps."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Optional

from invokeai_py_client._core.messages import Elsewhere, Flow, Gather, Message

Perform = Callable[[Any], Any]


def flow_steps(flow: Flow[Any], perform: Perform) -> Generator[Message, None, Any]:
    """Yield each message before it is performed; return the flow's result.

    Gathered flows run one after the other, message by message.

    Args:
        flow: The flow to run.
        perform: Gives the answer to a message, or raises what the flow is to get.
    """
    answer: Any = None
    fault: Optional[Exception] = None
    while True:
        try:
            message = flow.send(answer) if fault is None else flow.throw(fault)
        except StopIteration as stop:
            return stop.value
        answer = fault = None
        yield message
        try:
            if isinstance(message, Gather):
                answer = []
                for inner in message.flows:
                    answer.append((yield from flow_steps(inner, perform)))
            elif isinstance(message, Elsewhere):
                answer = yield from flow_steps(message.flow, perform)
            else:
                answer = perform(message)
        except Exception as error:  # noqa: BLE001  the flow gets it
            fault = error


def run_flow(flow: Flow[Any], perform: Perform, limit: int = 200_000) -> Any:
    """Run `flow` to its end, which has to come within `limit` messages."""
    steps = flow_steps(flow, perform)
    for _ in range(limit):
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
    raise AssertionError("the flow does not end")
