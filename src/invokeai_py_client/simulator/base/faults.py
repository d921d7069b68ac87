"""Faults on command: what fails, how often, and where.

A fault is armed by the test (or through `POST /__simulator__/faults`) and used up by
the requests, events or nodes that it matches. Nothing here does any I/O.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Optional, TypeVar

from invokeai_py_client._exports import set_module

RequestKind = Literal[
    "delay", "reset_before", "reset_after", "reset_during", "status", "truncate",
    "html", "drip",
]  # fmt: skip
EventKind = Literal["lose", "duplicate", "reorder", "disconnect"]


@set_module("invokeai_py_client.simulator")
@dataclass
class RequestFault:
    """A fault of HTTP requests.

    Attributes:
        kind: `delay` answers late; `reset_before` cuts the connection without handling
            the request, `reset_after` handles it and then cuts, `reset_during` cuts
            and handles it afterwards; `status` answers with an error; `truncate` sends
            half of the body; `html` sends a web page; `drip` sends slowly.
        method: Only requests of this method.
        path: Only paths in which this regular expression is found.
        times: How many requests it affects; None for all until it is removed.
        status: For `status`.
        retry_after: Seconds in a `Retry-After` header, for `status`.
        seconds: For `delay`, `drip` (for the whole body) and `reset_during` (until the
            request is handled after all).
        handled: For `status`: whether the request is carried out before the error.
        probability: Chance that it affects a matching request, 0 to 1.
    """

    kind: RequestKind
    method: Optional[str] = None
    path: str = ""
    times: Optional[int] = 1
    status: int = 503
    retry_after: Optional[float] = None
    seconds: float = 0.0
    handled: bool = False
    probability: float = 1.0


@set_module("invokeai_py_client.simulator")
@dataclass
class EventFault:
    """A fault of events.

    Attributes:
        kind: `lose` the event, `duplicate` it, `reorder` it behind the next one, or
            `disconnect` every socket instead of sending it.
        event: Only events of this name.
        times: How many events it affects; None for all until it is removed.
        probability: Chance that it affects a matching event, 0 to 1.
    """

    kind: EventKind
    event: Optional[str] = None
    times: Optional[int] = 1
    probability: float = 1.0


@dataclass
class _NodeFault:
    node_type: Optional[str]
    error: str
    message: Optional[str]
    times: Optional[int]


@set_module("invokeai_py_client.simulator")
@dataclass
class Faults:
    """The armed faults of one server. Safe to use from any thread.

    Attributes:
        random: Decides about faults with a probability; seed it to repeat a run.
    """

    random: random.Random = field(default_factory=lambda: random.Random(0))
    _requests: list[RequestFault] = field(default_factory=list)
    _events: list[EventFault] = field(default_factory=list)
    _nodes: list[_NodeFault] = field(default_factory=list)
    _full_disk: int = 0
    _lock: Any = field(default_factory=threading.Lock)

    def add_request(self, fault: RequestFault) -> None:
        """Arm a request fault."""
        with self._lock:
            self._requests.append(fault)

    def add_event(self, fault: EventFault) -> None:
        """Arm an event fault."""
        with self._lock:
            self._events.append(fault)

    def fail_next(
        self,
        node_type: Optional[str] = None,
        error: str = "OutOfMemoryError",
        message: Optional[str] = None,
        times: Optional[int] = 1,
    ) -> None:
        """Make nodes fail.

        Args:
            node_type: Nodes of this type; None for the next node that runs.
            error: The error type the server reports.
            message: Its message; a plausible one by default.
            times: How many nodes fail; None for all until `clear`.
        """
        with self._lock:
            self._nodes.append(_NodeFault(node_type, error, message, times))

    def fill_disk(self, times: int = 1) -> None:
        """Make saving the next images fail with a full disk."""
        with self._lock:
            self._full_disk += times

    def clear(self) -> None:
        """Disarm everything."""
        with self._lock:
            self._requests.clear()
            self._events.clear()
            self._nodes.clear()
            self._full_disk = 0

    def take_request(self, method: str, path: str) -> Optional[RequestFault]:
        """Use up the first fault that a request meets."""
        with self._lock:
            return _take(
                self._requests,
                lambda fault: (
                    fault.method in (None, method)
                    and re.search(fault.path, path) is not None
                    and self.random.random() < fault.probability
                ),
            )

    def take_event(self, event: str) -> Optional[EventFault]:
        """Use up the first fault that an event meets."""
        with self._lock:
            return _take(
                self._events,
                lambda fault: (
                    fault.event in (None, event)
                    and self.random.random() < fault.probability
                ),
            )

    def take_node_failure(self, node_type: str) -> Optional[Exception]:
        """The error with which a node is to fail; None when it may run."""
        with self._lock:
            fault = _take(
                self._nodes, lambda fault: fault.node_type in (None, node_type)
            )
        if fault is None:
            return None
        return node_failure(fault.error, fault.message)

    def before_image_save(self) -> None:
        """Raise OSError when the disk is to be full."""
        with self._lock:
            if not self._full_disk:
                return
            self._full_disk -= 1
        raise OSError(28, "No space left on device")


_F = TypeVar("_F", RequestFault, EventFault, _NodeFault)

_MESSAGES = {
    "OutOfMemoryError": "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a "
    "total capacity of 8.00 GiB of which 512.00 MiB is free."
}


def node_failure(error: str, message: Optional[str] = None) -> Exception:
    """The error of a node, of a type that is named; with a plausible message."""
    if message is None:
        message = _MESSAGES.get(error, f"simulated {error}")
    # The server reports the name of the class.
    made: Exception = type(error, (Exception,), {})(message)
    return made


def _take(faults: list[_F], matches: Callable[[_F], bool]) -> Optional[_F]:
    for fault in faults:
        if matches(fault):
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    faults.remove(fault)
            return fault
    return None
