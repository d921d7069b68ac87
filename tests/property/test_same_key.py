"""Several who use one key: one set of jobs, known to all who asked for the same.

Their submissions run against one queue, request by request in turns that are drawn.
Each looks for jobs under the key before it sends, finds what the others did until
then, or a part that somebody left, or copies that came late. Their values may differ.
"""

from __future__ import annotations

import pytest
from flow_driver import flow_steps
from hypothesis import event, given, settings, strategies as st
from queue_double import QueueDouble, answer, drive

from invokeai_py_client.exceptions import KeyConflictError
from invokeai_py_client.queue.flows import find_batch
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest
from invokeai_py_client.workflow.submitting.enqueue_flows import enqueue
from invokeai_py_client.workflow.submitting.enqueue_options import EnqueueOptions
from invokeai_py_client.workflow.submitting.receipt_flows import find_parts
from invokeai_py_client.workflow.submitting.take_back_flows import take_back

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quiet")]


def batch(who, width, items=(), runs=1, *, drawn=False, prepend=False, rules="6"):
    """A request: a literal, and batch values, which may be seeds that were drawn."""
    data = [[{"node_path": "n", "field_name": "p", "items": list(items)}]]
    requested = runs * max(len(items), 1)
    node = {"id": "n", "type": "noise", "width": width}
    return BatchRequest(
        "batch-1",
        graph={"id": f"{who}:{requested}", "nodes": {"n": node}, "edges": []},
        data=data if items else [],
        runs=runs,
        prepend=prepend,
        keyed=True,
        drawn=frozenset([("n", "p")] if drawn else ()),
        idempotency_key="batch-1" if rules == "7" else None,
    )


def asked_for(request):
    """What two requests with the same values have in common."""
    values = [
        [v["value"] for v in row if ("n", v["field_name"]) not in request.drawn]
        for row in request.expansion()
    ]
    return request.graph["nodes"], sorted(values), request.requested


def interleaved(flows, turns, queue):
    """Results or errors of flows that take turns as drawn, and then in order."""
    running = {
        n: flow_steps(flow, lambda message: answer(message, queue, None, None))
        for n, flow in enumerate(flows)
    }
    results = {}
    turns = list(turns)
    while running:
        turn = turns.pop(0) if turns else next(iter(running))
        turn = turn if turn in running else next(iter(running))
        try:
            next(running[turn])
        except StopIteration as stop:
            results[turn] = stop.value
        except KeyConflictError as error:
            results[turn] = error
        if turn in results:
            del running[turn]
    return [results[n] for n in range(len(flows))]


def conflict(differences):
    lines = [f"{found.there} {found.here}" for found in differences]
    return KeyConflictError("other values", key="k", batch_id="b", differences=lines)


def start(request):
    return enqueue(request, EnqueueOptions(settle_time=2, conflict=conflict))


REQUESTS = st.builds(
    dict,
    width=st.sampled_from([64, 64, 64, 128]),
    items=st.sampled_from([(), (1, 2), (1, 2), (2, 1), (3, 1)]),
    runs=st.sampled_from([1, 1, 2, 4]),
    prepend=st.booleans(),
)
RULES = pytest.mark.parametrize("rules", ["6", "7"])
LEFT_BEHIND = st.sampled_from(["nothing", "nothing", "a part", "two copies", "both"])


@RULES
@settings(max_examples=3000, deadline=None)
@given(
    wanted=st.lists(REQUESTS, min_size=2, max_size=4),
    is_alike=st.booleans(),
    drawn=st.booleans(),
    turns=st.lists(st.integers(0, 3), max_size=80),
    left=LEFT_BEHIND,
    busy=st.booleans(),
)
def test_a_key_has_one_set_of_jobs_whoever_uses_it(
    rules, wanted, is_alike, drawn, turns, left, busy
):
    if is_alike:
        wanted = wanted[:1] * len(wanted)
    queue = QueueDouble(rules=rules)
    same = {"drawn": drawn, "rules": rules}
    before = batch("before", **wanted[0], **same)
    if left in ("a part", "both"):
        # Somebody was killed who waited for room.
        queue.max_queue_size = max(before.requested - 1, 1)
        queue.enqueue(before.body())
        queue.max_queue_size = 10_000
    if left in ("two copies", "both"):
        queue.enqueue(before.body())
        queue.enqueue(batch("late", **wanted[0], **same).body())
    if busy:
        # The newest goes first, as it does with `prepend`.
        queue.at(
            0.05, lambda: queue.rows and queue.move(max(queue.rows), "in_progress")
        )
    people = [batch(f"p{n}", **one, **same) for n, one in enumerate(wanted)]
    outcomes = interleaved([start(one) for one in people], turns, queue)
    there = tuple(queue.rows)
    assert all(row["status"] != "canceled" for row in queue.rows.values())
    assert there, "somebody has the key"
    copies = {row["session"]["graph"]["id"] for row in queue.rows.values()}
    assert len(copies) == 1
    owners = {one.graph["id"]: one for one in (before, *people)}
    owner = owners[copies.pop()]
    assert len(there) == owner.requested
    for one, outcome in zip(people, outcomes):
        if isinstance(outcome, KeyConflictError):
            assert asked_for(one) != asked_for(owner)
            assert outcome.differences
            continue
        assert asked_for(one) == asked_for(owner)
        assert sorted(outcome.item_ids) == sorted(there)
        assert outcome.adopted == (one is not owner)
        for job, row in zip(outcome.jobs, one.expansion()):
            ran = queue.rows[job.item_id]["field_values"]
            assert [v["value"] for v in job.field_values] == [v["value"] for v in ran]
            if not one.drawn:
                assert [v["value"] for v in row] == [v["value"] for v in ran]
    event(f"left: {left}, conflicts: {sum(isinstance(o, Exception) for o in outcomes)}")
    # Whoever asks later finds these jobs and no others, and adopts them.
    parts = drive(find_parts("default", "batch-1"), queue) if rules == "7" else ()
    found = drive(find_batch("default", "batch-1", *parts), queue)
    assert tuple(job.item_id for job in found) == there
    again = batch(
        "again",
        **wanted[people.index(owner)] if owner in people else wanted[0],
        **same,
    )
    outcome = drive(start(again), queue)
    assert sorted(outcome.item_ids) == sorted(there)
    assert outcome.adopted
    assert outcome.warnings == ()


@RULES
@settings(max_examples=300, deadline=None)
@given(turns=st.lists(st.integers(0, 2), max_size=60), count=st.integers(1, 3))
def test_who_is_interrupted_takes_back_own_jobs_alone(rules, turns, count):
    queue = QueueDouble(rules=rules)
    people = [batch(f"p{n}", 64, range(count), rules=rules) for n in range(2)]
    flows = [start(people[0]), start(people[1]), take_back(people[1])]
    outcomes = interleaved(flows, turns, queue)
    drive(take_back(people[1]), queue)
    kept = {row["session"]["graph"]["id"] for row in queue.rows.values()}
    assert kept <= {people[0].graph["id"]}
    if kept:
        assert outcomes[0].item_ids == tuple(queue.rows)
