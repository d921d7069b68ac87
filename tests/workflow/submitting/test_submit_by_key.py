"""Enqueuing where no two batches share an id and each has a key: the rules of 7."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import replace

import pytest
from queue_double import Fault, QueueDouble, drive, json_reply, reply

from invokeai_py_client.exceptions import (
    ConflictError,
    KeyConflictError,
    QueueFullError,
    SubmissionUnknownError,
)
from invokeai_py_client.queue.flows import find_batch
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest
from invokeai_py_client.workflow.submitting.enqueue_flows import enqueue, settle
from invokeai_py_client.workflow.submitting.enqueue_options import EnqueueOptions
from invokeai_py_client.workflow.submitting.receipt_flows import find_parts
from invokeai_py_client.workflow.submitting.take_back_flows import take_back

QUEUE = "/api/v1/queue/default"
ENQUEUE = f"{QUEUE}/enqueue_batch"
SENT = ("POST", ENQUEUE)


def batch(prompts=("a", "b", "c"), who="g", *, by_key=True, **more):
    """A batch; `who` tells one sending from another with the same values."""
    data = [[{"node_path": "n", "field_name": "p", "items": list(prompts)}]]
    node = {"id": "n", "type": "t"}
    graph = {"id": f"{who}:{len(prompts)}", "nodes": {"n": node}, "edges": []}
    key = "batch-1" if by_key else None
    return BatchRequest("batch-1", graph, data, idempotency_key=key, **more)


def conflict(differences):
    lines = [f"{found.there} {found.here}" for found in differences]
    return KeyConflictError("other", key="k", batch_id="b", differences=lines)


def options(**more):
    return EnqueueOptions(settle_time=2, conflict=conflict, **more)


def seven(**more):
    return QueueDouble(rules="7", **more)


def prompts_of(queue, *batch_ids):
    return [
        row["field_values"][0]["value"]
        for row in queue.rows.values()
        if row["batch_id"] in batch_ids
    ]


def test_the_key_is_the_batch_id_and_its_receipt_is_acknowledged():
    queue = seven()
    outcome = drive(enqueue(batch(), options()), queue)
    assert (outcome.batch_id, outcome.item_ids) == ("batch-1", (1, 2, 3))
    assert list(queue.receipts) == ["batch-1"]
    assert queue.acknowledged == ["batch-1"]
    assert queue.requests == [SENT, ("POST", f"{ENQUEUE}/acknowledge")]


def test_without_keys_nothing_of_it_is_sent():
    queue = QueueDouble()
    drive(enqueue(batch(by_key=False), options()), queue)
    assert queue.requests == [SENT]
    assert "idempotency_key" not in batch(by_key=False).body()["batch"]


@pytest.mark.parametrize("by_key", [True, False])
def test_an_id_that_was_replaced_is_used_from_then_on(by_key):
    queue = seven()
    other = batch(("x", "y"), who="other", by_key=False)
    drive(enqueue(other, options()), queue)
    outcome = drive(enqueue(batch(by_key=by_key), options()), queue)
    assert outcome.batch_id != "batch-1"
    assert outcome.item_ids == (3, 4, 5)
    assert {job.batch_id for job in outcome.jobs} == {outcome.batch_id}
    assert prompts_of(queue, outcome.batch_id) == ["a", "b", "c"]
    assert prompts_of(queue, "batch-1") == ["x", "y"]
    assert not outcome.adopted


@pytest.mark.parametrize("keyed", [True, False])
def test_the_same_batch_under_the_id_is_taken_over_and_ours_removed(keyed):
    # It has no key: the server cannot know that it is the same.
    queue = seven(request_seconds=0.02)
    # After a key was looked for, and before the batch arrives.
    first = batch(who="first", by_key=False).body()
    queue.at(0.03 if keyed else 0.01, lambda: queue.enqueue(first))
    outcome = drive(enqueue(batch(by_key=False, keyed=keyed), options()), queue)
    assert (outcome.batch_id, outcome.item_ids) == ("batch-1", (1, 2, 3))
    assert list(queue.rows) == [1, 2, 3]
    assert queue.enqueue_calls == 2


def test_other_values_under_the_id_of_a_key_are_a_conflict():
    queue = seven(request_seconds=0.02)
    first = batch(("x",), who="first", by_key=False).body()
    queue.at(0.03, lambda: queue.enqueue(first))
    with pytest.raises(KeyConflictError):
        drive(enqueue(batch(by_key=False, keyed=True), options()), queue)
    assert prompts_of(queue, "batch-1") == ["x"]
    assert list(queue.rows) == [1]


@pytest.mark.parametrize("after", [0.0, 0.6])
def test_a_lost_reply_is_read_from_the_receipt(after):
    queue = seven(faults=deque([Fault("lost", handled=True, after=after)]))
    outcome = drive(enqueue(batch(), options()), queue)
    assert outcome.item_ids == (1, 2, 3)
    assert queue.requests.count(SENT) == 1
    assert queue.acknowledged == ["batch-1"]
    # The queue is not searched.
    assert ("GET", f"{QUEUE}/item_ids") not in queue.requests


def test_a_lost_reply_with_another_id_is_read_from_the_receipt():
    queue = seven()
    queue.enqueue(batch(("x",), who="other").body())
    queue.faults = deque([Fault("lost", handled=True)])
    outcome = drive(enqueue(batch(), options()), queue)
    assert outcome.batch_id not in ("", "batch-1")
    assert prompts_of(queue, outcome.batch_id) == ["a", "b", "c"]
    assert outcome.item_ids == (2, 3, 4)


def test_jobs_that_are_gone_before_the_reply_was_found_are_known_all_the_same():
    queue = seven(faults=deque([Fault("lost", handled=True)]))
    queue.at(0.02, queue.rows.clear)
    outcome = drive(enqueue(batch(), options()), queue)
    assert outcome.item_ids == (1, 2, 3)
    assert queue.requests.count(SENT) == 1


def test_what_never_arrived_is_sent_again_and_nothing_is_waited_for_after():
    queue = seven(faults=deque([Fault("lost")]))
    outcome = drive(enqueue(batch(), options()), queue)
    assert outcome.item_ids == (1, 2, 3)
    assert queue.requests.count(SENT) == 2
    assert queue.time == pytest.approx(2, abs=0.5)


def test_a_first_sending_that_comes_late_changes_nothing():
    queue = seven(faults=deque([Fault("lost", handled=True, after=5)]))
    outcome = drive(enqueue(batch(), options()), queue)
    queue.advance(10)
    assert outcome.item_ids == tuple(queue.rows) == (1, 2, 3)


def test_settling_later_finds_what_the_server_accepted():
    queue = seven()
    queue.enqueue(batch(("x",), who="other").body())
    queue.faults = deque([Fault("lost", handled=True), *[Fault("lost")] * 30])
    request = batch()
    with pytest.raises(SubmissionUnknownError):
        drive(enqueue(request, options()), queue)
    queue.faults.clear()
    outcome = drive(settle(request, options()), queue)
    assert outcome.item_ids == (2, 3, 4)
    # Another process knows no more than the key.
    again = drive(settle(replace(request, keyed=True), options()), queue)
    assert (again.batch_id, again.item_ids) == (outcome.batch_id, (2, 3, 4))
    assert queue.enqueue_calls == 2


def test_the_key_of_another_batch_is_a_conflict():
    queue = seven()
    drive(enqueue(batch(("x", "y", "z"), who="first"), options()), queue)
    for keyed in (True, False):
        with pytest.raises(KeyConflictError) as caught:
            drive(enqueue(batch(keyed=keyed), options()), queue)
        assert list(caught.value.differences) == ["x a"]
    assert queue.enqueue_calls == 1


def test_the_key_of_the_same_batch_with_another_graph_id_gives_its_jobs():
    queue = seven()
    drive(enqueue(batch(who="first"), options()), queue)
    for keyed in (True, False):
        outcome = drive(enqueue(batch(who="later", keyed=keyed), options()), queue)
        assert outcome.item_ids == (1, 2, 3)
    assert queue.enqueue_calls == 1


def test_a_key_whose_jobs_are_gone_is_a_conflict_without_differences():
    queue = seven()
    drive(enqueue(batch(who="first", keyed=True), options()), queue)
    queue.rows.clear()
    with pytest.raises(KeyConflictError) as caught:
        drive(enqueue(batch(keyed=True), options()), queue)
    assert list(caught.value.differences) == []
    # The very same request gets the same answer again.
    outcome = drive(enqueue(batch(who="first", keyed=True), options()), queue)
    assert outcome.item_ids == (1, 2, 3)
    assert queue.rows == {}


def test_a_conflict_that_no_receipt_explains_is_the_servers_own():
    queue = seven()
    detail = b'{"detail": "something else"}'
    queue.extra_routes[f"{ENQUEUE}/receipt"] = lambda request: reply(request, 404, b"")
    queue.extra_routes[ENQUEUE] = lambda request: reply(request, 409, detail)
    with pytest.raises(ConflictError, match="something else"):
        drive(enqueue(batch(), options()), queue)


TOO_MANY = b'{"detail": "Too many unacknowledged enqueue requests"}'


def limited(queue, until):
    """Let the queue refuse batches until so many receipts are acknowledged."""

    def answer(request):
        if request.path == ENQUEUE and len(queue.acknowledged) < until:
            return reply(request, 429, TOO_MANY)
        return queue.enqueue_by_key(request, request.path.split("default/")[1])

    queue.extra_routes[ENQUEUE] = answer


def test_too_many_receipts_are_told_when_none_of_them_is_ours():
    queue = seven()
    limited(queue, until=1)
    with pytest.raises(QueueFullError, match="not acknowledged") as caught:
        drive(enqueue(batch(), options()), queue)
    assert (caught.value.requested, caught.value.enqueued) == (3, 0)
    assert queue.requests == [SENT]


def test_receipts_of_ours_are_acknowledged_to_make_room():
    queue = seven()
    limited(queue, until=2)
    ours = {"first", "second"}
    outcome = drive(enqueue(batch(), options(unacknowledged=ours)), queue)
    assert outcome.item_ids == (1, 2, 3)
    assert sorted(queue.acknowledged) == ["batch-1", "first", "second"]
    assert ours == set()


def test_a_receipt_that_could_not_be_acknowledged_is_remembered():
    queue = seven(faults=deque([None, Fault("500")]))
    ours = set()
    outcome = drive(enqueue(batch(), options(unacknowledged=ours)), queue)
    assert outcome.item_ids == (1, 2, 3)
    assert ours == {"batch-1"}


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: reply(request, 200, b"<html>", "text/html"),
        lambda request: reply(request, 405, b'{"detail": "Method Not Allowed"}'),
        lambda request: json_reply(request, {"receipt": "of another shape"}),
        lambda request: json_reply(request, None),
    ],
    ids=["web page", "405", "other shape", "null"],
)
def test_a_receipt_that_is_none_leads_to_the_way_of_6(answer):
    queue = seven(faults=deque([Fault("lost", handled=True)]))
    queue.extra_routes[f"{ENQUEUE}/receipt"] = answer
    outcome = drive(enqueue(batch(), options()), queue)
    assert outcome.item_ids == (1, 2, 3)
    assert queue.requests.count(SENT) == 1


def test_the_rest_of_a_full_queue_is_a_part_that_everyone_finds():
    queue = seven(max_queue_size=2)
    for seconds in (1, 3, 5, 7):
        queue.at(seconds, lambda: finish_one(queue))
    outcome = drive(enqueue(batch(keyed=True), options(on_full="wait")), queue)
    assert outcome.item_ids == (1, 2, 3)
    assert outcome.batch_id == "batch-1"
    parts = drive(find_parts("default", "batch-1"), queue)
    assert [job.batch_id for job in outcome.jobs] == ["batch-1", "batch-1", *parts]
    found = drive(find_batch("default", "batch-1", *parts), queue)
    assert [job.item_id for job in found] == [1, 2, 3]
    again = drive(enqueue(batch(who="later", keyed=True), options()), queue)
    assert (again.item_ids, again.adopted) == ((1, 2, 3), True)
    assert sorted(queue.acknowledged) == sorted(queue.receipts)


def finish_one(queue):
    pending = [row for row in queue.rows.values() if row["status"] == "pending"]
    if pending:
        queue.move(pending[0]["item_id"], "completed")


def test_what_did_not_fit_is_taken_back_with_its_parts():
    queue = seven(max_queue_size=2)
    with pytest.raises(QueueFullError):
        drive(enqueue(batch(), options()), queue)
    assert {row["status"] for row in queue.rows.values()} == {"canceled"}


@pytest.mark.parametrize("keyed", [True, False])
def test_who_is_interrupted_takes_back_what_the_server_accepted(keyed):
    queue = seven()
    other = batch(("x",), who="other", by_key=False)
    drive(enqueue(other, options()), queue)
    request = batch(keyed=keyed)
    # The reply never came: only the receipt says under which id the jobs are.
    body = json.loads(json.dumps(request.body()))
    queue.enqueue_once(_Posted(body))
    drive(take_back(request), queue)
    left = [
        row["field_values"][0]["value"]
        for row in queue.rows.values()
        if row["status"] != "canceled"
    ]
    assert left == ["x"]


class _Posted:
    """A request as the double reads it."""

    method, path = SENT

    def __init__(self, body):
        self.json = body
