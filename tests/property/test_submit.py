"""Whatever happens to replies: enqueued once, or refused, or unknown; never twice."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st
from queue_double import Fault, QueueDouble, drive

from invokeai_py_client.exceptions import (
    APIError,
    QueueFullError,
    SubmissionUnknownError,
)
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest
from invokeai_py_client.workflow.submitting.enqueue_flows import enqueue
from invokeai_py_client.workflow.submitting.enqueue_options import EnqueueOptions

SETTLE = 10.0


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quiet")]


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
batches = st.builds(
    lambda items, runs: BatchRequest(
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


def wanted(batch):
    return [tuple(value["value"] for value in job) for job in batch.expansion()]


@pytest.mark.parametrize("rules", ["6", "7"])
@settings(max_examples=3000, deadline=None)
@given(
    batches,
    st.lists(faults, max_size=12),
    st.sampled_from([3, 10_000]),
    st.sampled_from(["error", "partial"]),
)
def test_no_schedule_of_faults_enqueues_twice_silently(
    rules, batch, schedule, room, on_full
):
    queue = QueueDouble(faults=deque(schedule), max_queue_size=room, rules=rules)
    if rules == "7":
        batch = replace(batch, idempotency_key=batch.batch_id)
    try:
        outcome = drive(enqueue(batch, EnqueueOptions(SETTLE, on_full)), queue)
    except SubmissionUnknownError:
        return  # Raised, with an id to settle it by.
    except QueueFullError as error:
        queue.advance(60)
        left_behind = "could not be taken back" in str(error)
        allowed = wanted(batch) if left_behind else []
        assert running(queue) == allowed[: len(running(queue))]
        return
    except APIError:
        # Refused: nothing of it runs, now or later.
        queue.advance(60)
        assert running(queue) == []
        return
    queue.advance(60)
    assert running(queue) == wanted(batch)[: len(outcome.item_ids)]
    ours = [row for row in queue.of_batch("batch-1") if row["status"] != "canceled"]
    assert tuple(row["item_id"] for row in ours) == outcome.item_ids
