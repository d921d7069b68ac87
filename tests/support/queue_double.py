"""A queue in memory with a clock of its own, and a driver that runs flows against it.

Nothing sleeps and nothing is sent: `Pause` moves the clock, a `Request` is answered
by `QueueDouble.handle`, unless the schedule has a fault for it.
"""

from __future__ import annotations

import copy
import itertools
import json
import uuid
from collections import deque
from dataclasses import dataclass, field

from flow_driver import run_flow

from invokeai_py_client._core.messages import (
    CallBack,
    Download,
    Emit,
    GetShared,
    NextEvent,
    Now,
    OnInterrupt,
    Pause,
    Reauthenticate,
    Reply,
    Request,
    RunBlocking,
    Shared,
    Subscribe,
)
from invokeai_py_client._core.server_events import parse_event
from invokeai_py_client.exceptions import APIConnectionError, APITimeoutError
from invokeai_py_client.models import IvkImage
from invokeai_py_client.video import IvkVideo
from invokeai_py_client.workflow.results.build_result import MediaFactory

TERMINAL = ("completed", "failed", "canceled")

READ = MediaFactory(IvkImage.bound_to(None), IvkVideo.bound_to(None))
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
    shared: Shared = field(default_factory=Shared)
    started: bool = True
    script: list = field(default_factory=list)
    requests: list = field(default_factory=list)
    extra_routes: dict = field(default_factory=dict)
    on_interrupt: list = field(default_factory=list)
    rules: str = "6"
    receipts: dict = field(default_factory=dict)
    acknowledged: list = field(default_factory=list)

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
            version = "7.0.0" if self.rules == "7" else version
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
        if path.startswith("enqueue_batch") and self.rules == "7":
            return self.enqueue_by_key(request, path)
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
        for batch_id in batch_ids:
            for row in self.of_batch(batch_id):
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
    def enqueue_by_key(self, request, path):
        """A batch by the rules of 7, its receipt, or the thanks for it."""
        if path.endswith("/acknowledge"):
            self.acknowledged.append(request.json["idempotency_key"])
            return json_reply(request, None)
        if path.endswith("/receipt"):
            known = self.receipts.get(request.params["idempotency_key"])
            if known is None:
                return reply(request, 404, b'{"detail": "no receipt"}')
            answer = known[1]
            names = ("enqueued", "requested", "item_ids")
            shown = {name: answer[name] for name in names}
            batch_id = answer["batch"]["batch_id"]
            return json_reply(request, {**shown, "batch_id": batch_id})
        return self.enqueue_once(request)

    def enqueue_once(self, request):
        body = copy.deepcopy(request.json)
        batch = body["batch"]
        asked, key = batch.pop("batch_id"), batch.pop("idempotency_key", None)
        content = json.dumps(body, sort_keys=True, default=str)
        if key in self.receipts:
            before, answer = self.receipts[key]
            if before != content:
                return reply(request, 409, b'{"detail": "key of another batch"}')
            return json_reply(request, answer)
        batch["batch_id"] = uuid.uuid4().hex if self.of_batch(asked) else asked
        answer = self.enqueue(body)
        answer["item_ids"].sort()
        if key is not None and answer["enqueued"]:
            self.receipts[key] = content, answer
        return json_reply(request, answer)

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
            session = {"id": uuid.uuid4().hex, "graph": with_values(batch, values)}
            self.add(batch["batch_id"], values, session=session)
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


def with_values(batch, values):
    """The graph of one job, as its session holds it."""
    graph = copy.deepcopy(dict(batch["graph"]))
    for value in values:
        node = graph.get("nodes", {}).get(value["node_path"], {})
        node[value["field_name"]] = value["value"]
    # The server fills in what was left out; one field of its many will do.
    for node in graph.get("nodes", {}).values():
        node.setdefault("board", None)
    return graph


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
        self.events.append((when, parse_event(name, payload)))
        self.events.sort(key=lambda entry: entry[0])


def drive(flow, queue: QueueDouble, mailbox=None, emitted=None):
    """Run a flow to its end against a queue."""
    return run_flow(flow, lambda message: answer(message, queue, mailbox, emitted))


def answer(message, queue, mailbox, emitted):  # noqa: C901 - a table
    if isinstance(message, Request):
        return queue.perform(message)
    if isinstance(message, Pause):
        queue.advance(message.seconds)
        return None
    if isinstance(message, GetShared):
        return queue.shared
    if isinstance(message, Now):
        return queue.time
    if isinstance(message, RunBlocking):
        return message.call()
    if isinstance(message, CallBack):
        message.callback(*message.args)
        return None
    if isinstance(message, Emit):
        emitted.append(message.value)
        return None
    if isinstance(message, Subscribe):
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
