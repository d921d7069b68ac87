"""Two who use one key at the same moment: one copy of the jobs, known to both.

Both submissions run against one queue, request by request in orders that are
drawn. Their values may differ, as random seeds do.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invokeai_py_client._core.messages import Gather
from invokeai_py_client.workflow.enqueue_flows import Placing, enqueue
from invokeai_py_client.workflow.orders import Order
from invokeai_py_client.workflow.queue_calls import find_jobs
from queue_double import QueueDouble, answer, drive

pytestmark = pytest.mark.usefixtures("quiet")


def order(items, runs, *, prepend=False):
    data = [[{"node_path": "n", "field_name": "p", "items": list(items)}]]
    return Order(
        "batch-1",
        graph={},
        data=data if items else [],
        runs=runs,
        prepend=prepend,
        keyed=True,
    )


def steps(flow, queue):
    """The flow, one message at a time; what is gathered too."""
    sent = thrown = None
    while True:
        try:
            message = flow.throw(thrown) if thrown else flow.send(sent)
        except StopIteration as stop:
            return stop.value
        yield
        sent = thrown = None
        try:
            if isinstance(message, Gather):
                sent = []
                for inner in message.flows:
                    sent.append((yield from steps(inner, queue)))
            else:
                sent = answer(message, queue, None, None)
        except Exception as error:  # noqa: BLE001  the flow gets it
            thrown = error


def interleaved(flows, turns, queue):
    """Results of the flows, which take turns as drawn, and then in order."""
    running = {n: steps(flow, queue) for n, flow in enumerate(flows)}
    results = {}
    turns = list(turns)
    while running:
        turn = turns.pop(0) if turns else next(iter(running))
        turn = turn if turn in running else next(iter(running))
        try:
            next(running[turn])
        except StopIteration as stop:
            results[turn] = stop.value
            del running[turn]
    return [results[n] for n in range(len(flows))]


ITEMS = st.lists(st.integers(0, 2), max_size=3)


@settings(max_examples=1500, deadline=None)
@given(
    count=st.sampled_from([1, 2, 3]),
    runs=st.sampled_from([1, 2]),
    data=st.data(),
    prepend=st.booleans(),
    people=st.sampled_from([2, 2, 3]),
    busy=st.booleans(),
)
def test_one_copy_stays_and_everybody_has_it(count, runs, data, prepend, people, busy):
    queue = QueueDouble()
    orders = []
    for _ in range(people):
        items = data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
        orders.append(order(items, runs, prepend=prepend))
    if busy:
        # The newest goes first, as it does with `prepend`.
        queue.at(
            0.05, lambda: queue.rows and queue.move(max(queue.rows), "in_progress")
        )
    turns = data.draw(st.lists(st.integers(0, people - 1), max_size=60))
    flows = [enqueue(one, Placing(settle_time=2)) for one in orders]
    placed = interleaved(flows, turns, queue)
    there = tuple(queue.rows)
    assert len(there) == count * runs
    assert [row["status"] for row in queue.rows.values()].count("canceled") == 0
    if people == 2:
        assert [one.item_ids for one in placed] == [there, there]
    ran = [
        tuple(v["value"] for v in row["field_values"]) for row in queue.rows.values()
    ]
    for one, wanted in zip(placed, orders):
        mine = [tuple(v["value"] for v in job) for job in wanted.expansion()]
        # Who has another's jobs knows it, and has their values.
        assert one.adopted or ran == mine
        if one.adopted and people == 2:
            assert [tuple(v["value"] for v in j.field_values) for j in one.jobs] == ran
    # Whoever asks later finds these jobs and no others.
    found = drive(find_jobs("default", "batch-1"), queue)
    assert tuple(job.item_id for job in found) == there
