"""Runners that answer every request from the OpenAPI document and write it down."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Optional

from flow_driver import flow_steps, run_flow

from contract.api_schema import ApiSchema
from invokeai_py_client._core import messages
from invokeai_py_client._core.events import ServerEvent
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import Reply, Request, Shared
from invokeai_py_client._core.server_events import parse_event


class Recorder:
    """Runs flows without a server.

    An answer is the one given for its operation, else the smallest one that the
    document allows. A list of answers is used up one by one, the last one stays.

    Attributes:
        requests: Every request that was built.
        operations: Names of the operations these are.
    """

    def __init__(
        self,
        document: ApiSchema,
        replies: Optional[Mapping[str, Any]] = None,
        events: Sequence[tuple[str, Mapping[str, Any]]] = (),
    ) -> None:
        self.document = document
        self.replies = {key: list_of(value) for key, value in (replies or {}).items()}
        self.events = [parse_event(name, payload) for name, payload in events]
        self.requests: list[Request] = []
        self.operations: list[str] = []
        self.time = 0.0
        self.shared = Shared()

    def finish(self, flow: Flow[Any]) -> Any:
        """Run `flow` to its end; what it emits is dropped."""
        return run_flow(flow, self.perform)

    def steps(self, flow: Flow[Any]) -> Iterator[Any]:
        """Run `flow`, yielding what it emits."""
        for message in flow_steps(flow, self.perform):
            if isinstance(message, messages.Emit):
                yield message.value

    def perform(self, message: Any) -> Any:
        actions = {
            messages.Request: self.reply,
            messages.Download: self.download,
            messages.Reauthenticate: lambda _: False,
            messages.SetCredentials: lambda _: None,
            messages.Subscribe: lambda _: Box() if self.events else None,
            messages.NextEvent: self.next_event,
            messages.Pause: lambda pause: self.let_pass(pause.seconds),
            messages.Now: lambda _: self.time,
            messages.GetShared: lambda _: self.shared,
            messages.RunBlocking: lambda local: local.call(),
            messages.CallBack: lambda notify: notify.callback(*notify.args),
            messages.OnInterrupt: lambda _: None,
            messages.Emit: lambda _: None,
        }
        return actions[type(message)](message)

    def let_pass(self, seconds: float) -> None:
        self.time += seconds

    def next_event(self, message: messages.NextEvent) -> Optional[ServerEvent]:
        self.let_pass(message.timeout)
        return self.events.pop(0) if self.events else None

    def download(self, message: messages.Download) -> Reply:
        reply = self.reply(message.request)
        if reply.status == 200:
            message.sink.write(reply.content)
        return reply

    def reply(self, request: Request) -> Reply:
        operation = self.document.find(request)
        name = operation.name if operation else f"{request.method} {request.path}"
        self.requests.append(request)
        self.operations.append(name)
        if name in self.replies:
            answers = self.replies[name]
            status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        elif operation is None:
            status, body = 404, {"detail": "Not Found"}
        else:
            status, body = operation.sample_reply()
        headers = {"content-type": "application/json"}
        if isinstance(body, bytes):
            headers = {"content-type": "image/png"} if body else {}
        else:
            body = json.dumps(body).encode()
        return Reply(
            status, headers, body, f"http://host{request.path}", request.method
        )


class Box:
    """A mailbox that the recorder fills."""

    def close(self) -> None:
        pass


def list_of(answers: Any) -> list[tuple[int, Any]]:
    """Answers as (status, body); a body alone is a success, a tuple one answer."""
    listed = answers if isinstance(answers, Answers) else [answers]
    return [answer if isinstance(answer, tuple) else (200, answer) for answer in listed]


class Answers(list):
    """Several answers, one after the other."""


class BlockingRecorder(Recorder):
    """The runner of a blocking client."""

    def run(self, flow: Flow[Any]) -> Any:
        return self.finish(flow)

    def stream(self, flow: Flow[Any]) -> Iterator[Any]:
        return self.steps(flow)

    def close(self) -> None:
        pass


class AsyncRecorder(Recorder):
    """The runner of an asyncio client."""

    async def run(self, flow: Flow[Any]) -> Any:
        return self.finish(flow)

    async def stream(self, flow: Flow[Any]) -> AsyncIterator[Any]:
        for value in self.steps(flow):
            yield value

    async def close(self) -> None:
        pass


def builders(record: set[tuple[str, str, str]], monkeypatch: Any) -> None:
    """Note (file, function, verb) for every request that is built from now on."""
    from invokeai_py_client._core import send

    build = send._request

    def noted(method: str, *rest: Any) -> Request:
        # noted < get/post/... < the function that asked for it
        frame = sys._getframe(2)
        # Before Python 3.12 a comprehension is a function of its own.
        while frame.f_code.co_name.startswith("<") and frame.f_back is not None:
            frame = frame.f_back
        code = frame.f_code
        record.add((code.co_filename, code.co_name, method))
        return build(method, *rest)

    monkeypatch.setattr(send, "_request", noted)
