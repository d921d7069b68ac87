"""Whatever happens to replies: enqueued once, or refused, or unknown; never twice."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invokeai_py_client.exceptions import (
    APIError,
    QueueFullError,
    SubmissionUnknownError,
)
from invokeai_py_client.workflow.enqueue_flows import Placing, enqueue
from invokeai_py_client.workflow.orders import Order
from queue_double import Fault, QueueDouble, drive

SETTLE = 10.0


pytestmark = pytest.mark.usefixtures("quiet")


faults = st.one_of(
    st.none(),
    # Jobs of a request whose connection broke may appear later.
    st.builds(
        Fault,
        kind=st.sampled_from(["lost", "503", "html"]),
        handled=st.booleans(),
        after=st.sampled_from([0.0, 0.3, 0.6, 5.0, 9.0, 15.0]),
    ),
    # A server that answers 500 itself is done with the request.
    st.builds(Fault, kind=st.just("500"), handled=st.booleans()),
    st.just(Fault("refused")),
)
orders = st.builds(
    lambda items, runs: Order(
        "batch-1",
        graph={},
        data=[[{"node_path": "n", "field_name": "p", "items": items}]],
        runs=runs,
    ),
    st.lists(st.integers(0, 3), min_size=1, max_size=4),
    st.integers(1, 2),
)


def running(queue):
    rows = [row for row in queue.of_batch("batch-1") if row["status"] != "canceled"]
    return [tuple(value["value"] for value in row["field_values"]) for row in rows]


def wanted(order):
    return [tuple(value["value"] for value in job) for job in order.expansion()]


@settings(max_examples=3000, deadline=None)
@given(
    orders,
    st.lists(faults, max_size=12),
    st.sampled_from([3, 10_000]),
    st.sampled_from(["error", "partial"]),
)
def test_no_schedule_of_faults_enqueues_twice_silently(order, schedule, room, on_full):
    queue = QueueDouble(faults=deque(schedule), max_queue_size=room)
    try:
        placed = drive(enqueue(order, Placing(SETTLE, on_full)), queue)
    except SubmissionUnknownError:
        return  # Raised, with an id to settle it by.
    except QueueFullError as error:
        queue.advance(60)
        left_behind = "could not be taken back" in str(error)
        allowed = wanted(order) if left_behind else []
        assert running(queue) == allowed[: len(running(queue))]
        return
    except APIError:
        # Refused: nothing of it runs, now or later.
        queue.advance(60)
        assert running(queue) == []
        return
    queue.advance(60)
    assert running(queue) == wanted(order)[: len(placed.item_ids)]
    ours = [row for row in queue.of_batch("batch-1") if row["status"] != "canceled"]
    assert tuple(row["item_id"] for row in ours) == placed.item_ids
