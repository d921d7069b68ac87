"""The queue: listing, retrying, and what a failure means."""

from __future__ import annotations

import pytest
from flow_play import Play, scripted
from hypothesis import given, settings, strategies as st
from queue_play import QUEUE, Queue, job

from invokeai_py_client.exceptions import (
    APIConnectionError,
    ArgumentError,
    InternalServerError,
    NotFoundError,
    QueueBlockedError,
    QueueError,
    QueueFullError,
)
from invokeai_py_client.models import IvkJob, JobStatus
from invokeai_py_client.queue import flows
from invokeai_py_client.queue.arguments import job_filter
from invokeai_py_client.queue.queue_repo import QueueRepository

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
    assert ids(batch="a", newest_first=False) == [1, 2]
    assert ids(destination="x", limit=1) == [3]
    assert ids(origin="o") == [3]


def test_a_misspelt_status_is_refused():
    play = Play(scripted())
    with pytest.raises(ArgumentError, match="canceled"):
        QueueRepository(play).list_jobs(status="cancelled")
    assert play.requests == []


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


@pytest.mark.parametrize("verb", ["get_job", "find_job", "cancel_job", "delete_job"])
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
    assert [request.method for request in play.requests] == ["DELETE", "DELETE"]


def test_a_job_is_a_number_or_a_job():
    repository = QueueRepository(Queue(job(1)))
    assert repository.cancel_job(IvkJob.model_validate(job(1))).status == "canceled"
    for bad in ("1", True, None):
        with pytest.raises(TypeError):
            repository.cancel_job(bad)


# -- retry ---------------------------------------------------------------------


def test_retry_returns_the_new_jobs():
    queue = Queue(job(1, "failed"), job(2, "canceled"), job(3, "completed"))
    new = QueueRepository(queue).retry_jobs([2, 1])
    assert [(item.item_id, item.retried_from_item_id) for item in new] == [
        (4, 2),
        (5, 1),
    ]
    assert all(item.status is JobStatus.PENDING for item in new)


def test_a_retry_of_a_retry_is_found_by_the_first_of_the_chain():
    queue = Queue(job(1, "failed"), job(2, "failed", retried=1))
    (new,) = QueueRepository(queue).retry_jobs(2)
    assert (new.item_id, new.retried_from_item_id) == (3, 1)


def test_only_what_failed_can_be_retried_and_nothing_is_sent_otherwise():
    queue = Queue(job(1, "failed"), job(2, "completed"))
    repository = QueueRepository(queue)
    with pytest.raises(QueueError, match="job 2 is completed"):
        repository.retry_jobs([1, 2])
    with pytest.raises(NotFoundError):
        repository.retry_jobs([1, 99])
    assert len(queue.rows) == 2
    assert repository.retry_jobs([]) == []


def test_a_full_queue_is_an_error_not_an_empty_list():
    queue = Queue(job(1, "failed"), max_new=0)
    with pytest.raises(QueueFullError) as caught:
        QueueRepository(queue).retry_jobs(1)
    assert (caught.value.requested, caught.value.enqueued) == (1, 0)


def test_a_queue_that_takes_only_some_is_an_error_too():
    queue = Queue(job(1, "failed"), job(2, "failed"), max_new=1)
    with pytest.raises(QueueFullError, match="1 of 2"):
        QueueRepository(queue).retry_jobs([1, 2])


def test_jobs_of_a_running_workflow_are_retried_as_their_root():
    queue = Queue(
        job(1, "failed"),
        job(2, "failed", root_item_id=1, parent_item_id=1),
        max_new=1,
    )
    assert len(QueueRepository(queue).retry_jobs([1, 2])) == 1


def test_a_retry_is_never_repeated():
    play = Play(
        scripted(
            (200, [job(1, "failed")]), (200, {"item_ids": [1]}), APIConnectionError("x")
        )
    )
    with pytest.raises(APIConnectionError):
        QueueRepository(play).retry_jobs(1)
    assert play.lines[-1] == f"PUT {QUEUE}retry_items_by_id"


# -- bulk ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "arguments", "line", "key"),
    [
        ("clear_queue", (), "clear", "deleted"),
        ("prune_queue", (), "prune", "deleted"),
        ("cancel_batch", ("b",), "cancel_by_batch_ids", "canceled"),
        ("cancel_jobs_by_destination", ("a/b",), "cancel_by_destination", "canceled"),
    ],
)
def test_bulk_verbs_count_and_survive_a_lost_reply(verb, arguments, line, key):
    play = Play(scripted(APIConnectionError("cut"), (200, {key: 3})))
    assert getattr(QueueRepository(play), verb)(*arguments) == 3
    assert play.lines == [f"PUT {QUEUE}{line}"] * 2


@pytest.mark.parametrize(
    ("verb", "key"),
    [
        ("cancel_pending_jobs", "canceled"),
        ("delete_pending_jobs", "deleted"),
    ],
)
def test_what_would_hit_newer_jobs_is_never_repeated(verb, key):
    play = Play(scripted(APIConnectionError("cut")))
    with pytest.raises(APIConnectionError):
        getattr(QueueRepository(play), verb)()
    assert getattr(QueueRepository(Play(scripted((200, {key: 2})))), verb)() == 2


def test_batches_and_destinations_are_counted():
    answer = {
        "batch_id": "b",
        "destination": "d",
        "pending": 1,
        "waiting": 1,
        "total": 2,
    }
    repository = QueueRepository(Play(lambda request: (200, answer)))
    assert repository.get_batch_status("b").unfinished == 2
    assert repository.get_destination_counts("d").unfinished == 2


def test_another_queue_has_its_own_repository():
    play = Play(lambda request: (200, {"is_started": False, "is_processing": True}))
    other = QueueRepository(play).with_queue("my/queue")
    assert other.pause_processor().is_processing
    assert play.lines == ["PUT /api/v1/queue/my%2Fqueue/processor/pause"]
    assert other.queue_id == "my/queue"
