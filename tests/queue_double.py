"""A queue in memory with a clock of its own, and a driver that runs flows against it.

Nothing sleeps and nothing is sent: `Pause` moves the clock, a `Request` is answered
by `QueueDouble.handle`, unless the schedule has a fault for it.
"""

from __future__ import annotations

import itertools
import json
from collections import deque
from dataclasses import dataclass, field
from types import SimpleNamespace

from invokeai_py_client._core.messages import (
    Download,
    Emit,
    Gather,
    Knowledge,
    Listen,
    Local,
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
from invokeai_py_client.exceptions import APIConnectionError, APITimeoutError
from invokeai_py_client.models import IvkImage
from invokeai_py_client.video import IvkVideo
from invokeai_py_client.workflow.media_reader import MediaReader

TERMINAL = ("completed", "failed", "canceled")

READ = MediaReader(IvkImage.bound_to(None), IvkVideo.bound_to(None))
"""Images and videos of no client."""


@dataclass
class Fault:
    """What happens to one request.

    `kind`: ``refused`` (never sent), ``lost`` (the reply is), ``500``, ``503`` or
    ``html``; `handled` tells whether the server acted, and how many seconds later.
    """

    kind: str
    handled: bool = False
    after: float = 0.0


@dataclass
class QueueDouble:
    """The server's queue as far as running needs it."""

    faults: deque = field(default_factory=deque)
    max_queue_size: int = 10_000
    has_summaries: bool = True
    request_seconds: float = 0.01
    time: float = 0.0
    rows: dict = field(default_factory=dict)
    enqueue_calls: int = 0
    knowledge: Knowledge = field(default_factory=Knowledge)
    started: bool = True
    script: list = field(default_factory=list)
    requests: list = field(default_factory=list)
    extra_routes: dict = field(default_factory=dict)
    on_interrupt: list = field(default_factory=list)

    def __post_init__(self):
        self._ids = itertools.count(1)
        self._late = []

    # the clock -------------------------------------------------------------
    def at(self, seconds, action):
        """Do something at a point in time."""
        self._late.append((seconds, next(self._ids_of_actions), action))
        self._late.sort(key=lambda entry: entry[:2])

    _ids_of_actions = itertools.count()

    def advance(self, seconds):
        end = self.time + seconds
        while self._late and self._late[0][0] <= end:
            due, _, action = self._late.pop(0)
            self.time = max(self.time, due)
            action()
        self.time = max(self.time, end)

    # requests --------------------------------------------------------------
    def perform(self, request: Request) -> Reply:
        self.requests.append((request.method, request.path))
        self.advance(self.request_seconds)
        fault = self.faults.popleft() if self.faults else None
        if fault is None:
            return self.handle(request)
        if fault.handled:
            if fault.after:
                self.at(self.time + fault.after, lambda: self.handle(request))
            else:
                self.handle(request)
        if fault.kind == "refused":
            error = APIConnectionError("refused")
            error.sent = False
            raise error
        if fault.kind == "lost":
            raise APITimeoutError("no answer")
        if fault.kind == "html":
            return reply(request, 200, b"<html>", "text/html")
        return reply(request, int(fault.kind), b"oops", "text/plain")

    def handle(self, request: Request) -> Reply:
        if request.path == "/api/v1/app/version":
            version = "6.14.2" if self.has_summaries else "6.13.0"
            return json_reply(request, {"version": version})
        path = request.path.split("/api/v1/queue/default/")[-1]
        for prefix, route in self.extra_routes.items():
            if request.path.startswith(prefix):
                answer = route(request)
                return (
                    answer if isinstance(answer, Reply) else json_reply(request, answer)
                )
        if path.startswith("b/"):
            return json_reply(request, self.batch_status(path.split("/")[1]))
        if path.startswith("i/"):
            return self.one(request, path)
        known = {
            "enqueue_batch": lambda: self.enqueue(request.json),
            "status": self.status,
            "item_ids": lambda: {"item_ids": sorted(self.rows, reverse=True)},
            "cancel_by_batch_ids": lambda: self.cancel_batches(**request.json),
            "items_by_ids": lambda: self.items(**request.json),
        }
        if self.has_summaries:
            known["item_summaries_by_ids"] = lambda: self.summaries(**request.json)
        if path in known:
            return json_reply(request, known[path]())
        return reply(request, 200, b"<html>", "text/html")

    def items(self, item_ids):
        return [self.rows[key] for key in item_ids if key in self.rows]

    def cancel_batches(self, batch_ids):
        for row in self.of_batch(*batch_ids):
            self.cancel(row)
        return {"canceled": 0}

    def one(self, request, path):
        row = self.rows.get(int(path.split("/")[1]))
        if row is None:
            body = json.dumps({"detail": "not found"}).encode()
            return reply(request, 404, body)
        if path.endswith("/cancel"):
            self.cancel(row)
        if request.method == "DELETE":
            del self.rows[row["item_id"]]
        return json_reply(request, row)

    # what the queue does -----------------------------------------------------
    def enqueue(self, body):
        self.enqueue_calls += 1
        batch = body["batch"]
        groups = [
            list(
                zip(
                    *[
                        [(d["node_path"], d["field_name"], item) for item in d["items"]]
                        for d in group
                    ]
                )
            )
            for group in batch["data"]
        ]
        jobs = [
            [
                {"node_path": n, "field_name": f, "value": v}
                for row in rows
                for n, f, v in row
            ]
            for _ in range(batch["runs"])
            for rows in itertools.product(*groups)
        ]
        pending = sum(row["status"] == "pending" for row in self.rows.values())
        taken = jobs[: max(0, self.max_queue_size - pending)]
        for values in taken:
            self.add(batch["batch_id"], values)
        ids = [row["item_id"] for row in self.of_batch(batch["batch_id"])]
        return {
            "queue_id": "default",
            "enqueued": len(taken),
            "requested": len(jobs),
            "item_ids": sorted(ids, reverse=True),
            "batch": batch,
            "priority": 0,
        }

    def add(self, batch_id, values=(), **more):
        item_id = next(self._ids)
        self.rows[item_id] = {
            "item_id": item_id,
            "batch_id": batch_id,
            "status": "pending",
            "status_sequence": 0,
            "field_values": list(values),
            "parent_item_id": None,
            **more,
        }
        return item_id

    def move(self, item_id, status, **more):
        row = self.rows[item_id]
        if row["status"] not in TERMINAL:
            row.update(more, status=status, status_sequence=row["status_sequence"] + 1)
        return dict(row)

    def cancel(self, row):
        self.move(row["item_id"], "canceled")

    def of_batch(self, batch_id):
        return [row for row in self.rows.values() if row["batch_id"] == batch_id]

    def batch_status(self, batch_id):
        return counts(self.of_batch(batch_id))

    def status(self):
        busy = any(row["status"] == "in_progress" for row in self.rows.values())
        return {
            "queue": counts(self.rows.values()),
            "processor": {"is_started": self.started, "is_processing": busy},
        }

    def summaries(self, item_ids):
        keys = ("item_id", "batch_id", "status", "field_values", "parent_item_id")
        return [
            {key: self.rows[i][key] for key in keys} for i in item_ids if i in self.rows
        ]


def counts(rows):
    names = ("pending", "in_progress", "waiting", "completed", "failed", "canceled")
    found = dict.fromkeys(names, 0)
    for row in rows:
        found[row["status"]] = found.get(row["status"], 0) + 1
    return {**found, "total": sum(found.values())}


def reply(request, status, content, kind="application/json"):
    return Reply(
        status=status,
        headers={"content-type": kind},
        content=content,
        url="http://server" + request.path,
        method=request.method,
    )


def json_reply(request, data):
    return reply(request, 200, json.dumps(data).encode())


@dataclass
class MailboxDouble:
    """Events with the time at which they arrive."""

    events: list = field(default_factory=list)

    def close(self):
        """Nothing to close."""

    def post(self, when, name, payload):
        self.events.append((when, RawEvent(name, payload)))
        self.events.sort(key=lambda entry: entry[0])


def drive(flow, queue: QueueDouble, mailbox=None, emitted=None, limit=200_000):
    """Run a flow to its end, answering every message by hand."""
    state = SimpleNamespace(send=None, throw=None)
    for _ in range(limit):
        try:
            if state.throw is not None:
                message = flow.throw(state.throw)
            else:
                message = flow.send(state.send)
        except StopIteration as stop:
            return stop.value
        state.send = state.throw = None
        try:
            state.send = answer(message, queue, mailbox, emitted)
        except APIConnectionError as error:
            state.throw = error
        except Exception as error:  # noqa: BLE001 - what a gathered flow raised
            state.throw = error
    raise AssertionError("the flow does not end")


def answer(message, queue, mailbox, emitted):  # noqa: C901 - a table
    if isinstance(message, Request):
        return queue.perform(message)
    if isinstance(message, Pause):
        queue.advance(message.seconds)
        return None
    if isinstance(message, Recall):
        return queue.knowledge
    if isinstance(message, Now):
        return queue.time
    if isinstance(message, Gather):
        return [drive(flow, queue, mailbox) for flow in message.flows]
    if isinstance(message, Local):
        return message.call()
    if isinstance(message, Notify):
        message.callback(*message.args)
        return None
    if isinstance(message, Emit):
        emitted.append(message.value)
        return None
    if isinstance(message, Listen):
        return mailbox
    if isinstance(message, NextEvent):
        return next_event(queue, message)
    if isinstance(message, Reauthenticate):
        return False
    if isinstance(message, OnInterrupt):
        queue.on_interrupt.append(message.make)
        return None
    if isinstance(message, Download):
        raise AssertionError("nothing is downloaded here")
    raise AssertionError(message)


def next_event(queue, message):
    end = queue.time + message.timeout
    # Step by step: what happens on the way may post events.
    while True:
        events = message.mailbox.events
        if events and events[0][0] <= queue.time:
            return events.pop(0)[1]
        if queue.time >= end:
            return None
        due = [events[0][0]] if events else []
        due += [entry[0] for entry in queue._late[:1]]
        step = min([end, *[moment for moment in due if moment > queue.time]])
        queue.advance(step - queue.time)
