"""How many requests flows send."""

from __future__ import annotations

import threading
from typing import Any, TypeVar

from invokeai_py_client._core.flow import Flow, intercept, with_inner
from invokeai_py_client._core.messages import Download, Message, Request

T = TypeVar("T")


class RequestCounter:
    """Counts the requests of flows that run side by side."""

    def __init__(self) -> None:
        self.total = 0
        self._lock = threading.Lock()

    def add(self, number: int) -> None:
        """Count requests that others sent."""
        with self._lock:
            self.total += number

    def count(self, flow: Flow[T]) -> Flow[T]:
        """Run a flow, and count what it and the flows that it gathers send."""
        return intercept(flow, self._answer)

    def _answer(self, message: Message) -> Flow[Any]:
        if isinstance(message, (Request, Download)):
            self.add(1)
        return (yield with_inner(message, self.count))
