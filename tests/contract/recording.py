"""Runners that answer every request from the OpenAPI document and write it down."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence
from typing import Any, Optional

from contract.api_schema import ApiSchema
from invokeai_py_client._core import messages
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import Knowledge, RawEvent, Reply, Request


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
        self.events = [RawEvent(name, payload) for name, payload in events]
        self.requests: list[Request] = []
        self.operations: list[str] = []
        self.time = 0.0
        self.knowledge = Knowledge()

    def finish(self, flow: Flow[Any]) -> Any:
        """Run `flow` to its end; what it emits is dropped."""
        steps = self.steps(flow)
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                return stop.value

    def steps(self, flow: Flow[Any]) -> Generator[Any, None, Any]:
        """Run `flow`, yielding what it emits."""
        answer: Any = None
        fault: Optional[Exception] = None
        while True:
            try:
                message = flow.send(answer) if fault is None else flow.throw(fault)
            except StopIteration as stop:
                return stop.value
            answer = fault = None
            if isinstance(message, messages.Emit):
                yield message.value
                continue
            try:
                answer = self.perform(message)
            except Exception as error:  # noqa: BLE001  the flow gets it
                fault = error

    def perform(self, message: Any) -> Any:
        actions = {
            messages.Request: self.reply,
            messages.Download: self.download,
            messages.Reauthenticate: lambda _: False,
            messages.Identify: lambda _: None,
            messages.Listen: lambda _: Box() if self.events else None,
            messages.NextEvent: self.next_event,
            messages.Pause: lambda pause: self.let_pass(pause.seconds),
            messages.Now: lambda _: self.time,
            messages.Recall: lambda _: self.knowledge,
            messages.Gather: lambda gather: [
                self.finish(flow) for flow in gather.flows
            ],
            messages.Local: lambda local: local.call(),
            messages.Notify: lambda notify: notify.callback(*notify.args),
            messages.OnInterrupt: lambda _: None,
        }
        return actions[type(message)](message)

    def let_pass(self, seconds: float) -> None:
        self.time += seconds

    def next_event(self, message: messages.NextEvent) -> Optional[RawEvent]:
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
