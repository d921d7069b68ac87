"""Drives a flow by hand: a function answers its requests, nothing sleeps.

`Play` keeps what the flow did: its requests, pauses, and what it emitted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Optional, Union

from flow_driver import run_flow

from invokeai_py_client._core import messages
from invokeai_py_client._core.events import ServerEvent
from invokeai_py_client._core.flow import Flow

# What answers a request: (status, JSON or bytes), or an error to throw.
Answer = Union[tuple[int, Any], Exception]


class Play:
    """Runs flows against `answer`; time passes by pauses and waits alone."""

    def __init__(
        self,
        answer: Callable[[messages.Request], Answer],
    ) -> None:
        self.answer = answer
        self.requests: list[messages.Request] = []
        self.emitted: list[Any] = []
        self.time = 0.0
        self.mailbox: Any = None
        self.events: list[tuple[float, ServerEvent]] = []
        self.identity: Optional[messages.SetCredentials] = None
        self.shared = messages.Shared(version="6.14.2")

    @property
    def lines(self) -> list[str]:
        """Method and path of every request."""
        return [f"{request.method} {request.path}" for request in self.requests]

    def run(self, flow: Flow[Any]) -> Any:
        """Run `flow` to its end and return its result."""
        return run_flow(flow, self._perform)

    def stream(self, flow: Flow[Any]) -> list[Any]:
        """Run `flow` to its end and return what it emitted."""
        start = len(self.emitted)
        self.run(flow)
        return self.emitted[start:]

    def _perform(self, message: messages.Message) -> Any:
        actions: dict[type, Callable[[Any], Any]] = {
            messages.Request: self._reply,
            messages.Download: self._download,
            messages.SetCredentials: lambda who: setattr(self, "identity", who),
            messages.Emit: lambda emit: self.emitted.append(emit.value),
            messages.RunBlocking: lambda local: local.call(),
            messages.Now: lambda _: self.time,
            messages.GetShared: lambda _: self.shared,
            messages.Pause: lambda pause: self._pass(pause.seconds),
            messages.NextEvent: lambda wanted: self._next_event(wanted.timeout),
            messages.Subscribe: lambda _: self.mailbox,
            messages.CallBack: lambda notify: notify.callback(*notify.args),
        }
        return actions[type(message)](message)

    def _pass(self, seconds: float) -> None:
        self.time += seconds

    def _next_event(self, timeout: float) -> Optional[ServerEvent]:
        if self.events and self.events[0][0] <= self.time + timeout:
            moment, event = self.events.pop(0)
            self.time = max(self.time, moment)
            return event
        self._pass(timeout)
        return None

    def _download(self, message: messages.Download) -> messages.Reply:
        reply = self._reply(message.request)
        if reply.status == 200:
            message.sink.write(reply.content)
        return reply

    def _version(self, request: messages.Request) -> messages.Reply:
        body = json.dumps({"version": self.shared.version}).encode()
        kind = {"content-type": "application/json"}
        return messages.Reply(200, kind, body, "http://server", request.method)

    def _reply(self, request: messages.Request) -> messages.Reply:
        if request.path == "/api/v1/app/version":
            return self._version(request)
        self.requests.append(request)
        answer = self.answer(request)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        kind = "application/json"
        if isinstance(body, bytes):
            kind = "text/html" if body.startswith(b"<") else "image/png"
        else:
            body = json.dumps(body).encode()
        return messages.Reply(
            status, {"content-type": kind}, body, "http://server", request.method
        )


def scripted(*answers: Answer) -> Callable[[messages.Request], Answer]:
    """Answer the first request with the first answer, and so on."""
    rest = list(answers)
    return lambda request: rest.pop(0)
