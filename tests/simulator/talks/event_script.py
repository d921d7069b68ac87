"""What a client hears while jobs run, fail, are retried, cancelled and cleared."""

from __future__ import annotations

import json
import time
from typing import Any

import socketio
from talks.conversation import Conversation, graph, png, shape

from invokeai_py_client._io.event_socket import OrderedEngine

QUEUE = "/api/v1/queue/default"
SERIES = graph(
    ("r.collection", "i.collection"),
    ("i.item", "b.width"),
    ("b.image", "s.image"),
    ("s.image", "k.item"),
    r={"type": "range", "start": 8, "stop": 11},
    i={"type": "iterate"},
    b={"type": "blank_image", "height": 9, "use_cache": False},
    s={"type": "save_image"},
    k={"type": "collect"},
)
FAILING = graph(("a.value", "d.a"), a={"type": "add"}, d={"type": "div", "b": 0})
WORKFLOW: dict[str, Any] = {
    "name": "n", "author": "", "description": "", "version": "", "contact": "",
    "tags": "", "notes": "", "exposedFields": [],
    "meta": {"version": "3.0.0", "category": "user"}, "nodes": [], "edges": [],
}  # fmt: skip


class OrderedSocket(socketio.Client):
    """The plain library has a thread for each event, and so no order."""

    def _engineio_client_class(self) -> type[OrderedEngine]:
        return OrderedEngine


class Ear:
    """A socket that remembers what it heard."""

    def __init__(self, url: str, **options: Any) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.socket = OrderedSocket(handle_sigint=False, reconnection=False)
        self.socket.on("*", lambda event, data: self.heard.append((event, data)))
        self.socket.connect(
            url, socketio_path="/ws/socket.io", transports=["websocket"], **options
        )

    def subscribe(self) -> None:
        """Join the rooms of the default queue; returns when the server did it."""
        self.socket.call("subscribe_queue", {"queue_id": "default"})
        self.socket.call("subscribe_bulk_download", {"bulk_download_id": "default"})

    def wait_for(self, event: str, count: int = 1, **wanted: Any) -> None:
        """Wait until an event with these values was heard so many times."""
        deadline = time.monotonic() + 60
        while True:
            found = sum(
                name == event and all(data.get(k) == v for k, v in wanted.items())
                for name, data in list(self.heard)
            )
            if found >= count:
                return
            assert time.monotonic() < deadline, f"no {event} {wanted}"
            time.sleep(0.01)

    def close(self) -> None:
        """Disconnect."""
        self.socket.disconnect()


def heard(url: str) -> list[str]:
    """The events of a fixed script, each as one line: what, about what, which keys."""
    ear = Ear(url)
    try:
        ear.subscribe()
        _play(Conversation(url), ear)
    finally:
        ear.close()
    return [_line(event, data) for event, data in ear.heard]


def _play(c: Conversation, ear: Ear) -> None:
    def enqueue(wanted: Any, **batch: Any) -> list[int]:
        body = {"batch": {"graph": wanted, **batch}}
        return sorted(c.ask("", "POST", f"{QUEUE}/enqueue_batch", body)["item_ids"])

    done = enqueue(SERIES)[0]
    ear.wait_for("queue_item_status_changed", item_id=done, status="completed")
    failed = enqueue(FAILING)[0]
    ear.wait_for("invocation_error", item_id=failed)
    c.ask("", "PUT", f"{QUEUE}/retry_items_by_id", [failed])
    ear.wait_for("invocation_error", item_id=failed + 1)
    c.ask("", "PUT", f"{QUEUE}/processor/pause")
    time.sleep(0.2)  # the real worker may be about to take the next job
    batch_id = f"batch-{time.time_ns()}"
    waiting = enqueue(SERIES, runs=3, batch_id=batch_id)
    c.ask("", "PUT", f"{QUEUE}/i/{waiting[0]}/cancel")
    c.ask("", "PUT", f"{QUEUE}/cancel_by_batch_ids", {"batch_ids": [batch_id]})
    c.ask("", "PUT", f"{QUEUE}/processor/resume")
    library = "/api/v1/workflows"
    saved = c.ask("", "POST", f"{library}/", {"workflow": WORKFLOW})["workflow_id"]
    changed = {"workflow": {**WORKFLOW, "id": saved}}
    c.ask("", "PATCH", f"{library}/i/{saved}", changed)
    c.ask("", "DELETE", f"{library}/i/{saved}")
    query = "?image_category=user&is_intermediate=false"
    name = c.upload("", query, png(), "image/png")["image_name"]
    c.ask("", "POST", "/api/v1/images/download", {"image_names": [name]})
    ear.wait_for("bulk_download_complete")
    c.ask("", "POST", "/api/v1/images/download", {"image_names": ["nope.png"]})
    ear.wait_for("bulk_download_error")
    c.ask("", "PUT", f"{QUEUE}/clear")
    ear.wait_for("queue_cleared")


def _line(event: str, data: dict[str, Any]) -> str:
    about = [
        data.get(key)
        for key in (
            "status",
            "status_sequence",
            "invocation_source_id",
            "message",
            "percentage",
        )
    ]
    keys = {key: value for key, value in data.items() if key != "timestamp"}
    return json.dumps([event, about, shape(keys)], sort_keys=True)
