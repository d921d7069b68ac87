"""Waiting for a job: why nothing moves, and what ends a wait."""

from __future__ import annotations

import pytest
from flow_play import Play
from hypothesis import given, settings, strategies as st
from queue_play import WEB_PAGE, Queue, job

from invokeai_py_client._core.server_events import parse_event
from invokeai_py_client._core.wait_loop import LONGEST_PAUSE_WITH_EVENTS
from invokeai_py_client.exceptions import (
    APIConnectionError,
    InternalServerError,
    JobTimeoutError,
    QueueBlockedError,
)
from invokeai_py_client.queue import wait_flows
from invokeai_py_client.queue.models import QueueStatus, StallKind
from invokeai_py_client.queue.queue_repo import QueueRepository

# -- why nothing moves ---------------------------------------------------------


def stall_of(queue):
    return QueueRepository(queue).get_queue_status().stall


def test_nothing_is_said_while_jobs_run_or_none_wait():
    assert stall_of(Queue()) is None
    assert stall_of(Queue(job(1, "in_progress"), job(2))) is None
    assert stall_of(Queue(job(1, "completed"))) is None


def test_a_paused_processor_is_named():
    queue = Queue(job(1))
    queue.started = False
    status = QueueRepository(queue).get_queue_status()
    assert status.stall.kind is StallKind.PAUSED
    assert "paused" in status.why
    assert not status.is_idle


def test_a_blocking_job_is_named_with_its_batch():
    queue = Queue(job(1), job(2, batch="poison", bad=True, priority=1), job(3))
    stall = stall_of(queue)
    assert (stall.kind, stall.item_id, stall.batch_id) == (
        StallKind.BLOCKED,
        2,
        "poison",
    )


def test_a_busy_processor_works_elsewhere():
    queue = Queue(job(1))
    assert stall_of(queue).kind is StallKind.BETWEEN_JOBS
    queue.processing_elsewhere = True
    assert stall_of(queue).kind is StallKind.BUSY_ELSEWHERE


def test_jobs_ahead_are_counted_by_priority_and_age():
    queue = Queue(
        job(1, "in_progress"),
        job(2, priority=0),
        job(3, priority=5, batch="first"),
        job(4, priority=0),
        job(5, priority=1, batch="second"),
        job(6, "completed"),
    )
    repository = QueueRepository(queue)
    position = repository.get_job_position(4)
    assert position.ahead == 4
    assert position.message == "4 jobs ahead"
    assert repository.get_job_position(3).message == "1 job ahead"
    done = repository.get_job_position(6)
    assert (done.ahead, done.message) == (0, "job 6 is completed")


def test_the_place_of_the_newest_job_needs_no_priority_of_others():
    queue = Queue(job(1, batch="first"), job(2, batch="second"), job(3))
    assert QueueRepository(queue).get_job_position(3).ahead == 2
    asked = [request.path for request in queue.requests]
    # Only the status asks for the next job: whether it can be read.
    assert sum(path.endswith("/next") for path in asked) == 1
    assert not any(path.endswith("/items_by_ids") for path in asked)


@pytest.mark.parametrize("item_id", [1, 5000, 10_000])
def test_a_place_in_a_full_queue_takes_few_small_requests(item_id):
    rows = [job(n, batch=f"b{n % 7}") for n in range(1, 10_001)]
    queue = Queue(*rows, job(10_001, batch="prepended", priority=1))
    position = QueueRepository(queue).get_job_position(item_id)
    assert position.ahead == item_id
    sessions = [r for r in queue.requests if r.path.endswith("/items_by_ids")]
    assert sum(len(r.json["item_ids"]) for r in sessions) <= 8
    assert len(queue.requests) < 20


# -- waiting -------------------------------------------------------------------


def finishing(queue, after):
    """Let every job end once `after` seconds have gone by."""

    def reply(request):
        if queue.time >= after:
            for row in queue.rows.values():
                row["status"] = "completed"
        return Queue.reply(queue, request)

    queue.answer = reply
    return queue


@pytest.mark.parametrize("mailbox", [None, object()])
def test_waiting_ends_when_the_queue_is_idle(mailbox):
    queue = finishing(Queue(job(1, "in_progress"), job(2)), after=7)
    queue.mailbox = mailbox
    status = QueueRepository(queue).wait_until_queue_idle()
    assert status.is_idle
    assert 7 <= queue.time <= 7 + LONGEST_PAUSE_WITH_EVENTS


@settings(deadline=None)
@given(st.floats(0, 100))
def test_a_wait_ends_in_time_and_says_why(timeout):
    queue = Queue(job(1))
    queue.started = False
    with pytest.raises(JobTimeoutError, match=r"1 pending.*paused"):
        QueueRepository(queue).wait_until_queue_idle(timeout)
    assert queue.time == pytest.approx(timeout)


def test_waiting_for_a_blocked_queue_is_an_error():
    queue = Queue(job(1, batch="poison", bad=True))
    with pytest.raises(QueueBlockedError, match="poison"):
        QueueRepository(queue).wait_until_queue_idle()


def test_a_wait_survives_a_restart_and_gives_up_on_a_dead_server():
    queue = Queue(job(1, "completed"))
    faults = [APIConnectionError("down")] * 12

    def reply(request):
        return faults.pop() if faults else Queue.reply(queue, request)

    queue.answer = reply
    assert QueueRepository(queue).wait_until_queue_idle().is_idle

    dead = Play(lambda request: APIConnectionError("down"))
    with pytest.raises(APIConnectionError):
        QueueRepository(dead).wait_until_queue_idle()
    assert dead.time >= 60

    proxy = finishing(Queue(job(1)), after=30)
    inner = proxy.answer
    proxy.answer = lambda request: WEB_PAGE if 0 < proxy.time < 20 else inner(request)
    assert QueueRepository(proxy).wait_until_queue_idle().is_idle

    broken = Play(lambda request: (500, {"detail": "disk full"}))
    with pytest.raises(APIConnectionError, match="disk full") as found:
        QueueRepository(broken).wait_until_queue_idle()
    assert isinstance(found.value.__cause__, InternalServerError)


@pytest.mark.parametrize(
    ("name", "queue_id", "wakes"),
    [
        ("queue_cleared", "q", True),
        ("queue_item_status_changed", "q", True),
        ("queue_cleared", "other", False),
        ("invocation_progress", "q", False),
    ],
)
def test_only_telling_events_of_this_queue_wake_a_wait(name, queue_id, wakes):
    event = parse_event(name, {"queue_id": queue_id})
    assert wait_flows.changes_of_queue("q").accepts(event) is wakes


def test_old_servers_tell_less():
    answer = {
        "queue": {"pending": 0},
        "processor": {"is_started": True, "is_processing": False},
    }
    status = QueueRepository(Play(lambda request: (200, answer))).get_queue_status()
    assert isinstance(status, QueueStatus)
    assert status.queue.user_pending is None
