"""The queue: listing, retrying, what a failure means, and why nothing moves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_play import Play, scripted
from invokeai_py_client.exceptions import (
    APIConnectionError,
    InternalServerError,
    JobTimeoutError,
    NotFoundError,
    QueueBlockedError,
    QueueError,
    QueueFullError,
)
from invokeai_py_client.models import IvkJob, JobStatus
from invokeai_py_client.queue import flows, wait_flows
from invokeai_py_client.queue.arguments import job_filter
from invokeai_py_client.queue.models import QueueStatus, StallKind
from invokeai_py_client.queue.queue_repo import QueueRepository

UNREADABLE = (
    "Unexpected error while fetching queue item: 1 validation error for "
    "GraphExecutionState\ngraph.nodes.a.width\n  Input should be a valid integer"
)
WEB_PAGE = (200, b"<!DOCTYPE html>")
QUEUE = "/api/v1/queue/default/"


class Queue(Play):
    """A queue in memory with the quirks of the real one; a runner."""

    def __init__(self, *jobs, version=(6, 14), max_new=100):
        super().__init__(self.reply)
        self.rows = {job["item_id"]: job for job in jobs}
        self.version = version
        self.knowledge.version = f"{version[0]}.{version[1]}.1"
        self.max_new = max_new
        self.started = True
        self.processing_elsewhere = False

    def stream(self, flow):
        start = len(self.emitted)
        self.run(flow)
        return iter(self.emitted[start:])

    def reply(self, request):
        if request.path == "/api/v1/app/version":
            return 200, {"version": ".".join(map(str, self.version))}
        verb = request.path.removeprefix(QUEUE).replace("/", "_")
        if verb.startswith("i_"):
            return self.item(int(verb.split("_")[1]), verb)
        return getattr(self, verb)(request)

    def item(self, item_id, verb):
        row = self.rows.get(item_id)
        if row is None:
            return 404, {"detail": f"Queue item with id {item_id} not found"}
        if row.get("bad"):
            return 500, {"detail": UNREADABLE}
        if verb.endswith("cancel"):
            row["status"] = "canceled"
        return 200, row

    def item_ids(self, request):
        if self.version < (6, 7):
            return WEB_PAGE
        # Newest batch first, but ascending inside a batch.
        return 200, {"item_ids": sorted(self.rows, key=lambda item: (item % 7, item))}

    def item_summaries_by_ids(self, request):
        if self.version < (6, 14):
            return 405, {"detail": "Method Not Allowed"}
        return 200, self.found(request, keep_bad=True)

    def items_by_ids(self, request):
        return 200, self.found(request, keep_bad=False)

    def found(self, request, keep_bad):
        ids = request.json["item_ids"]
        assert len(ids) <= 1000
        rows = [self.rows[item] for item in ids if item in self.rows]
        return [row for row in rows if keep_bad or not row.get("bad")]

    def list_all(self, request):
        return 200, list(self.rows.values())

    def count(self, status):
        return sum(row["status"] == status for row in self.rows.values())

    def status(self, request):
        counts = {status.value: self.count(status) for status in JobStatus}
        busy = counts["in_progress"] > 0 or self.processing_elsewhere
        return 200, {
            "queue": {"queue_id": "default", "total": len(self.rows), **counts},
            "processor": {"is_started": self.started, "is_processing": busy},
        }

    def next(self, request):
        pending = [row for row in self.rows.values() if row["status"] == "pending"]
        pending.sort(key=lambda row: (-row.get("priority", 0), row["item_id"]))
        if not pending:
            return 200, None
        return (
            (500, {"detail": UNREADABLE})
            if pending[0].get("bad")
            else (
                200,
                pending[0],
            )
        )

    def retry_items_by_id(self, request):
        retried = []
        for item in request.json[: self.max_new]:
            row = self.rows[item]
            first = row.get("retried_from_item_id") or item
            new = max(self.rows) + 1
            self.rows[new] = job(new, batch=row["batch_id"], retried=first)
            retried.append(item)
        return 200, {"queue_id": "default", "retried_item_ids": retried}


def job(item_id, status="pending", *, batch="b", retried=None, **more):
    return {
        "item_id": item_id,
        "status": status,
        "batch_id": batch,
        "retried_from_item_id": retried,
        **more,
    }


# -- listing -------------------------------------------------------------------


@pytest.mark.parametrize("version", [(6, 0), (6, 8), (6, 14)])
@settings(deadline=None, max_examples=20)
@given(
    count=st.integers(0, 2100),
    limit=st.none() | st.integers(0, 2200),
    newest_first=st.booleans(),
)
def test_jobs_are_listed_once_by_id_on_every_version(
    version, count, limit, newest_first
):
    jobs = (job(item, session={"x": 1}) for item in range(1, count + 1))
    queue = Queue(*jobs, version=version)
    found = QueueRepository(queue).list_jobs(newest_first=newest_first, limit=limit)
    items = list(found)
    expected = sorted(queue.rows, reverse=newest_first)[:limit]
    assert [item.item_id for item in items] == expected
    assert all(item.session is None for item in items)


def test_filters_select_jobs():
    queue = Queue(
        job(1, "failed", batch="a", destination="x"),
        job(2, "pending", batch="a", destination="y"),
        job(3, "completed", batch="c", destination="x", origin="o"),
    )
    repository = QueueRepository(queue)

    def ids(**filters):
        return [item.item_id for item in repository.list_jobs(**filters)]

    assert ids(status="pending") == [2]
    assert ids(status=["failed", JobStatus.COMPLETED]) == [3, 1]
    assert ids(batch_id="a", newest_first=False) == [1, 2]
    assert ids(destination="x", limit=1) == [3]
    assert ids(origin="o") == [3]


def test_a_misspelt_status_is_refused():
    with pytest.raises(ValueError, match="cancelled"):
        job_filter("cancelled", None, None, None)


def test_summaries_know_their_queue():
    play = Play(
        scripted((200, {"item_ids": [1]}), (200, [job(1)])),
    )
    play.stream(flows.list_jobs("other", job_filter(None, None, None, None), True, 5))
    assert play.emitted[0].queue_id == "other"


# -- one job -------------------------------------------------------------------


def test_a_job_of_another_queue_is_not_found():
    # The route wraps its own 404.
    words = (
        "Unexpected error while fetching queue item: 404: Queue item with id 28 not "
        "found in queue other"
    )
    repository = QueueRepository(Play(lambda request: (500, {"detail": words})))
    with pytest.raises(NotFoundError, match="no job 28") as caught:
        repository.get_job(28)
    assert caught.value.status_code == 404
    assert repository.find_job(28) is None


def test_other_failures_of_the_server_stay_what_they_are():
    repository = QueueRepository(Play(lambda request: (500, {"detail": "disk full"})))
    with pytest.raises(InternalServerError, match="disk full"):
        repository.get_job(1)


@pytest.mark.parametrize("verb", ["get_job", "find_job", "cancel", "delete_job"])
def test_a_job_the_server_cannot_read_says_how_to_take_it_away(verb):
    repository = QueueRepository(Queue(job(4, batch="poison", bad=True)))
    with pytest.raises(QueueBlockedError, match=r"cancel_batch\('poison'\)") as caught:
        getattr(repository, verb)(4)
    assert "graph.nodes.a.width" in str(caught.value)


def test_an_unreadable_job_that_has_ended_blocks_nothing():
    repository = QueueRepository(Queue(job(4, "canceled", bad=True)))
    with pytest.raises(QueueError, match="prune") as caught:
        repository.get_job(4)
    assert not isinstance(caught.value, QueueBlockedError)


def test_no_current_job_is_none():
    repository = QueueRepository(Play(lambda request: (200, None)))
    assert repository.find_current_job() is None
    assert repository.find_next_job() is None


def test_a_delete_repeated_after_a_lost_reply_is_done():
    play = Play(scripted(APIConnectionError("cut"), (404, {"detail": "x"})))
    QueueRepository(play).delete_job(1)


def test_a_job_is_a_number_or_a_job():
    repository = QueueRepository(Queue(job(1)))
    assert repository.cancel(IvkJob.model_validate(job(1))).status == "canceled"
    for bad in ("1", True, None):
        with pytest.raises(TypeError):
            repository.cancel(bad)


# -- retry ---------------------------------------------------------------------


def test_retry_returns_the_new_jobs():
    queue = Queue(job(1, "failed"), job(2, "canceled"), job(3, "completed"))
    new = QueueRepository(queue).retry([2, 1])
    assert [(item.item_id, item.retried_from_item_id) for item in new] == [
        (4, 2),
        (5, 1),
    ]
    assert all(item.status is JobStatus.PENDING for item in new)


def test_a_retry_of_a_retry_is_found_by_the_first_of_the_chain():
    queue = Queue(job(1, "failed"), job(2, "failed", retried=1))
    (new,) = QueueRepository(queue).retry(2)
    assert (new.item_id, new.retried_from_item_id) == (3, 1)


def test_only_what_failed_can_be_retried_and_nothing_is_sent_otherwise():
    queue = Queue(job(1, "failed"), job(2, "completed"))
    repository = QueueRepository(queue)
    with pytest.raises(QueueError, match="job 2 is completed"):
        repository.retry([1, 2])
    with pytest.raises(NotFoundError):
        repository.retry([1, 99])
    assert len(queue.rows) == 2
    assert repository.retry([]) == []


def test_a_full_queue_is_an_error_not_an_empty_list():
    queue = Queue(job(1, "failed"), max_new=0)
    with pytest.raises(QueueFullError) as caught:
        QueueRepository(queue).retry(1)
    assert (caught.value.requested, caught.value.enqueued) == (1, 0)


def test_a_queue_that_takes_only_some_is_an_error_too():
    queue = Queue(job(1, "failed"), job(2, "failed"), max_new=1)
    with pytest.raises(QueueFullError, match="1 of 2"):
        QueueRepository(queue).retry([1, 2])


def test_jobs_of_a_running_workflow_are_retried_as_their_root():
    queue = Queue(
        job(1, "failed"),
        job(2, "failed", root_item_id=1, parent_item_id=1),
        max_new=1,
    )
    assert len(QueueRepository(queue).retry([1, 2])) == 1


def test_a_retry_is_never_repeated():
    play = Play(
        scripted(
            (200, [job(1, "failed")]), (200, {"item_ids": [1]}), APIConnectionError("x")
        )
    )
    with pytest.raises(APIConnectionError):
        QueueRepository(play).retry(1)
    assert play.lines[-1] == f"PUT {QUEUE}retry_items_by_id"


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


# -- bulk ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "arguments", "line", "key"),
    [
        ("clear", (), "clear", "deleted"),
        ("prune", (), "prune", "deleted"),
        ("cancel_batch", ("b",), "cancel_by_batch_ids", "canceled"),
        ("cancel_by_destination", ("a/b",), "cancel_by_destination", "canceled"),
    ],
)
def test_bulk_verbs_count_and_survive_a_lost_reply(verb, arguments, line, key):
    play = Play(scripted(APIConnectionError("cut"), (200, {key: 3})))
    assert getattr(QueueRepository(play), verb)(*arguments) == 3
    assert play.lines == [f"PUT {QUEUE}{line}"] * 2


@pytest.mark.parametrize(
    ("verb", "key"),
    [
        ("cancel_all_except_current", "canceled"),
        ("delete_all_except_current", "deleted"),
    ],
)
def test_what_would_hit_newer_jobs_is_never_repeated(verb, key):
    play = Play(scripted(APIConnectionError("cut")))
    with pytest.raises(APIConnectionError):
        getattr(QueueRepository(play), verb)()
    assert getattr(QueueRepository(Play(scripted((200, {key: 2})))), verb)() == 2


def test_batches_and_destinations_are_counted():
    answer = {"batch_id": "b", "destination": "d", "pending": 1, "waiting": 1}
    repository = QueueRepository(Play(lambda request: (200, answer)))
    assert repository.get_batch_status("b").unfinished == 2
    assert repository.get_counts_by_destination("d").unfinished == 2


def test_another_queue_has_its_own_repository():
    play = Play(lambda request: (200, {"is_started": False, "is_processing": True}))
    other = QueueRepository(play).with_queue("my/queue")
    assert other.pause().is_processing
    assert play.lines == ["PUT /api/v1/queue/my%2Fqueue/processor/pause"]
    assert other.queue_id == "my/queue"
