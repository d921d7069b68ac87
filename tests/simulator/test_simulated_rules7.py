"""By the rules of 7: batch ids are never shared, and a key enqueues once.

Read in the sources of the next major version (docs/dev/next-version.md); nothing of it
was seen on a running server.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from talks.conversation import graph
from talks.graph_runs import Server

from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.simulator.queue import receipts

QUEUE = "/api/v1/queue/default"
ENQUEUE = f"{QUEUE}/enqueue_batch"
ADD = {"type": "add", "a": 1, "b": 2}


@pytest.fixture
def seven() -> Iterator[Server]:
    with SimulatedServer(rules="7") as simulated:
        server = Server(simulated.url)
        server.ask("PUT", f"{QUEUE}/processor/pause")
        yield server


def enqueue(server: Server, batch_id: str, key: Any = None, **more: Any) -> Any:
    # A graph without an id gets one of its own each time, and then is another.
    same = {**graph(a=ADD), "id": "same"}
    batch = {"batch_id": batch_id, "graph": same, **more}
    if key is not None:
        batch["idempotency_key"] = key
    return server.ask("POST", ENQUEUE, {"batch": batch})


def receipt(server: Server, key: str) -> Any:
    return server.ask("GET", f"{ENQUEUE}/receipt?idempotency_key={key}")


def acknowledge(server: Server, key: str) -> Any:
    return server.ask("POST", f"{ENQUEUE}/acknowledge", {"idempotency_key": key})


def jobs(server: Server) -> int:
    return int(server.ask("GET", f"{QUEUE}/status")[1]["queue"]["total"])


def test_a_batch_id_that_is_taken_is_replaced_silently(seven: Server) -> None:
    _, first = enqueue(seven, "mine", runs=2)
    status, second = enqueue(seven, "mine", runs=3)
    assert first["batch"]["batch_id"] == "mine"
    assert (status, second["enqueued"]) == (200, 3)
    other = second["batch"]["batch_id"]
    assert other != "mine"
    assert set(first["item_ids"]).isdisjoint(second["item_ids"])
    assert second["item_ids"] == sorted(second["item_ids"])
    assert seven.ask("GET", f"{QUEUE}/b/mine/status")[1]["total"] == 2
    assert seven.ask("GET", f"{QUEUE}/b/{other}/status")[1]["total"] == 3


def test_a_batch_id_is_free_again_when_its_jobs_are_gone(seven: Server) -> None:
    enqueue(seven, "mine")
    seven.ask("PUT", f"{QUEUE}/clear")
    assert enqueue(seven, "mine")[1]["batch"]["batch_id"] == "mine"


def test_the_same_batch_under_the_same_key_is_enqueued_once(seven: Server) -> None:
    first = enqueue(seven, "mine", "key", runs=2)
    again = enqueue(seven, "another id", "key", runs=2)
    assert first == again
    assert jobs(seven) == 2


def test_several_who_send_a_key_at_once_enqueue_once(seven: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: enqueue(seven, "b", "key"), range(8)))
    assert replies == replies[:1] * 8
    assert jobs(seven) == 1


def test_a_key_of_another_batch_is_a_conflict(seven: Server) -> None:
    enqueue(seven, "mine", "key")
    for change in ({"runs": 2}, {"origin": "other"}, {"graph": graph(b=ADD)}):
        assert enqueue(seven, "mine", "key", **change)[0] == 409
    assert jobs(seven) == 1


def test_the_receipt_says_what_was_enqueued_also_after_a_prune(seven: Server) -> None:
    assert receipt(seven, "key")[0] == 404
    _, reply = enqueue(seven, "mine", "key", runs=2)
    known = {
        "batch_id": "mine",
        "enqueued": 2,
        "item_ids": reply["item_ids"],
        "requested": 2,
    }
    assert receipt(seven, "key") == (200, known)
    seven.ask("PUT", f"{QUEUE}/cancel_by_batch_ids", {"batch_ids": ["mine"]})
    seven.ask("PUT", f"{QUEUE}/prune")
    assert receipt(seven, "key") == (200, known)
    assert enqueue(seven, "mine", "key", runs=2)[1]["item_ids"] == reply["item_ids"]
    assert jobs(seven) == 0


def test_an_acknowledged_receipt_still_answers(seven: Server) -> None:
    first = enqueue(seven, "mine", "key")
    assert acknowledge(seven, "key")[0] == 200
    assert enqueue(seven, "mine", "key") == first
    assert jobs(seven) == 1
    assert acknowledge(seven, "unknown")[0] == 200


def test_too_many_receipts_that_nobody_acknowledged_are_refused(
    seven: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "MOST_UNACKNOWLEDGED", 2)
    first = enqueue(seven, "a", "a")
    enqueue(seven, "b", "b")
    status, problem = enqueue(seven, "c", "c")
    assert (status, problem["detail"]) == (
        429,
        "Too many unacknowledged enqueue requests",
    )
    assert enqueue(seven, "a", "a") == first
    assert enqueue(seven, "without a key")[0] == 200
    acknowledge(seven, "a")
    assert enqueue(seven, "c", "c")[0] == 200


def test_a_batch_that_found_no_room_has_no_receipt() -> None:
    with SimulatedServer(rules="7", max_queue_size=1) as simulated:
        server = Server(simulated.url)
        server.ask("PUT", f"{QUEUE}/processor/pause")
        assert enqueue(server, "a", "a", runs=2)[1]["enqueued"] == 1
        assert enqueue(server, "b", "b")[1]["enqueued"] == 0
        assert receipt(server, "a")[1]["enqueued"] == 1
        assert receipt(server, "b")[0] == 404


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_1_to_255_characters(seven: Server, key: str) -> None:
    assert enqueue(seven, "mine", key)[0] == 422
    assert receipt(seven, key)[0] == 422
    assert acknowledge(seven, key)[0] == 422


def test_only_a_server_with_these_rules_says_and_has_them(
    seven: Server, server: Server
) -> None:
    documents = [one.ask("GET", "/openapi.json")[1] for one in (seven, server)]
    batches = [one["components"]["schemas"].get("Batch") for one in documents]
    assert "idempotency_key" in batches[0]["properties"]
    assert batches[1] is None
    path = "/api/v1/queue/{queue_id}/enqueue_batch/receipt"
    assert [path in one["paths"] for one in documents] == [True, False]
    assert acknowledge(server, "key")[0] == 405
    versions = [one.ask("GET", "/api/v1/app/version")[1] for one in (seven, server)]
    assert [one["version"] for one in versions] == ["7.0.0", "6.14.2"]
    # What an old server does not know it does not read.
    assert enqueue(server, "mine", "key")[0] == 200
    assert enqueue(server, "mine", "key")[1]["enqueued"] == 1


def test_there_are_no_other_rules() -> None:
    with pytest.raises(ValueError, match="rules is '8'"):
        SimulatedServer(rules="8")  # type: ignore[arg-type]
