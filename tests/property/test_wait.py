"""A wait ends with the truth, whatever happens to events and answers on the way."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given, settings, strategies as st
from queue_double import READ, Fault, MailboxDouble, QueueDouble, drive

from invokeai_py_client.exceptions import APIConnectionError, JobTimeoutError
from invokeai_py_client.workflow.jobs.submission_record import (
    SubmissionRecord,
    SubmittedJob,
)
from invokeai_py_client.workflow.waiting.wait_flows import wait

LONGEST_POLL = 5.0
LOOK_TIMEOUT = 10.0


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quiet")]


ends = st.sampled_from(["completed", "failed", "canceled", "deleted"])
jobs = st.lists(
    st.tuples(
        ends,
        st.floats(0.1, 30),  # when it ends
        st.sampled_from([0, 1, 2]),  # how often the event of it arrives
        st.floats(0, 8),  # how late
    ),
    min_size=1,
    max_size=4,
)
faults = st.lists(
    st.sampled_from([None, None, "refused", "lost", "503", "html"]), max_size=12
)


def play(plan, schedule, has_events):
    """Set the stage: what will happen when, and which requests will fail."""
    queue = QueueDouble(
        faults=deque(Fault(kind) if kind else None for kind in schedule)
    )
    mailbox = MailboxDouble() if has_events else None
    ids = [queue.add("b") for _ in plan]
    for item_id, (end, moment, copies, delay) in zip(ids, plan):

        def act(item_id=item_id, end=end, copies=copies, delay=delay):
            if end == "deleted":
                queue.rows.pop(item_id)
                return
            row = queue.move(item_id, end)
            for _ in range(copies if mailbox else 0):
                name = "queue_item_status_changed"
                mailbox.post(queue.time + delay, name, row)

        queue.at(moment, act)
    placed = tuple(SubmittedJob(item, n) for n, item in enumerate(ids))
    return queue, mailbox, SubmissionRecord("b", "default", placed, len(placed))


@settings(max_examples=500, deadline=None)
@given(jobs, faults, st.booleans())
def test_every_wait_ends_with_the_true_statuses(plan, schedule, has_events):
    queue, mailbox, record = play(plan, schedule, has_events)
    flow = wait(record, READ, check=False)
    result = drive(flow, queue, mailbox)
    assert [str(job.status) for job in result.jobs] == [
        "canceled" if end == "deleted" else end for end, *_ in plan
    ]
    last = max(moment for _, moment, *_ in plan)
    # Twelve failures in a row delay the next look by about a minute at most.
    assert queue.time <= last + LONGEST_POLL * (2 + len(schedule))


@settings(max_examples=500, deadline=None)
@given(jobs, faults, st.booleans(), st.floats(0.5, 20))
def test_a_timeout_is_kept_to_within_one_poll(plan, schedule, has_events, timeout):
    queue, mailbox, record = play(plan, schedule, has_events)
    flow = wait(record, READ, check=False, timeout=timeout)
    try:
        drive(flow, queue, mailbox)
    except JobTimeoutError:
        assert queue.time >= timeout
    assert queue.time <= timeout + LONGEST_POLL


@settings(max_examples=300, deadline=None)
@given(jobs, st.booleans())
def test_a_server_that_never_comes_back_ends_the_wait(plan, has_events):
    queue, mailbox, record = play(plan, ["refused"] * 3000, has_events)
    with pytest.raises(APIConnectionError):
        drive(wait(record, READ), queue, mailbox)
    assert queue.time < 30 + 8 + 2 * 60 + 4 * LONGEST_POLL
