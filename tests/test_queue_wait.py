"""Waiting for a job: why nothing moves, and what ends a wait."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_play import Play
from invokeai_py_client.exceptions import (
    APIConnectionError,
    InternalServerError,
    JobTimeoutError,
    QueueBlockedError,
)
from invokeai_py_client.queue import wait_flows
from invokeai_py_client.queue.models import QueueStatus, StallKind
from invokeai_py_client.queue.queue_repo import QueueRepository
from queue_play import WEB_PAGE, Queue, job

# -- why nothing moves ---------------------------------------------------------


def stall_of(queue):
    return QueueRepository(queue).get_status().stall


def test_nothing_is_said_while_jobs_run_or_none_wait():
    assert stall_of(Queue()) is None
    assert stall_of(Queue(job(1, "in_progress"), job(2))) is None
    assert stall_of(Queue(job(1, "completed"))) is None


def test_a_paused_processor_is_named():
    queue = Queue(job(1))
    queue.started = False
    status = QueueRepository(queue).get_status()
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
        job(3, priority=5),
        job(4, priority=0),
        job(5, priority=1),
        job(6, "completed"),
    )
    repository = QueueRepository(queue)
    position = repository.get_position(4)
    assert position.ahead == 4
    assert position.message == "4 jobs ahead"
    assert repository.get_position(3).message == "1 job ahead"
    done = repository.get_position(6)
    assert (done.ahead, done.message) == (0, "job 6 is completed")


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
    status = QueueRepository(queue).wait_until_idle()
    assert status.is_idle
    assert 7 <= queue.time <= 7 + wait_flows.POLL_WITH_EVENTS


@settings(deadline=None)
@given(st.floats(0, 100))
def test_a_wait_ends_in_time_and_says_why(timeout):
    queue = Queue(job(1))
    queue.started = False
    with pytest.raises(JobTimeoutError, match=r"1 pending.*paused"):
        QueueRepository(queue).wait_until_idle(timeout)
    assert queue.time == pytest.approx(timeout)


def test_waiting_for_a_blocked_queue_is_an_error():
    queue = Queue(job(1, batch="poison", bad=True))
    with pytest.raises(QueueBlockedError, match="poison"):
        QueueRepository(queue).wait_until_idle()


def test_a_wait_survives_a_restart_and_gives_up_on_a_dead_server():
    queue = Queue(job(1, "completed"))
    faults = [APIConnectionError("down")] * 12

    def reply(request):
        return faults.pop() if faults else Queue.reply(queue, request)

    queue.answer = reply
    assert QueueRepository(queue).wait_until_idle().is_idle

    dead = Play(lambda request: APIConnectionError("down"))
    with pytest.raises(APIConnectionError):
        QueueRepository(dead).wait_until_idle()
    assert dead.time >= 60

    proxy = finishing(Queue(job(1)), after=30)
    inner = proxy.answer
    proxy.answer = lambda request: WEB_PAGE if 0 < proxy.time < 20 else inner(request)
    assert QueueRepository(proxy).wait_until_idle().is_idle

    broken = Play(lambda request: (500, {"detail": "disk full"}))
    with pytest.raises(InternalServerError):
        QueueRepository(broken).wait_until_idle()
    assert broken.time == 0


def test_only_events_of_this_queue_wake_a_wait():
    assert wait_flows.concerns("q", "queue_cleared", {"queue_id": "q"})
    assert wait_flows.concerns("q", "connect", {})
    assert not wait_flows.concerns("q", "queue_cleared", {"queue_id": "other"})
    assert not wait_flows.concerns("q", "invocation_progress", {"queue_id": "q"})


def test_old_servers_tell_less():
    answer = {
        "queue": {"pending": 0},
        "processor": {"is_started": True, "is_processing": False},
    }
    status = QueueRepository(Play(lambda request: (200, answer))).get_status()
    assert isinstance(status, QueueStatus)
    assert status.queue.user_pending is None
