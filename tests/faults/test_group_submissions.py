"""Several workflows submitted together: all of them, or none."""

from __future__ import annotations

import pytest

from faults.rig.proxy import Fault, FaultProxy
from faults.rig.workflows import blank
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    ArgumentError,
    BoardError,
    InvokeAIError,
    PermissionDeniedError,
    QueueError,
    QueueFullError,
    SubmissionUnknownError,
)
from invokeai_py_client.simulator import SimulatedServer

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def server():
    with SimulatedServer(job_delay=30.0, max_queue_size=10) as running:
        yield running


@pytest.fixture
def client(server):
    with InvokeAIClient(server.url) as made:
        yield made


def unfinished(client):
    rows = client.request("get", "/api/v1/queue/default/list_all")
    return [row for row in rows if row["status"] in ("pending", "in_progress")]


def test_one_bad_entry_of_a_thousand_means_that_nothing_is_sent(client):
    handle = client.workflow_repo.create_workflow(blank())
    calls = [(handle, {"width": 8})] * 1000
    calls[700] = (handle, {"board": "no such board"})
    with pytest.raises(BoardError, match="no such board"):
        client.submit_many(calls)
    assert client.request("get", "/api/v1/queue/default/list_all") == []


def test_what_many_need_of_the_server_is_asked_for_once(server):
    asked = []
    with FaultProxy(server.url) as proxy, InvokeAIClient(proxy.url) as client:
        client.board_repo.create_board("ours")
        handle = client.workflow_repo.create_workflow(blank())
        proxy.schedule = lambda method, path: asked.append((method, path))
        client.submit_many([(handle, {"width": 8, "board": "ours"})] * 8)
    gets = [path.partition("?")[0] for method, path in asked if method == "GET"]
    assert gets.count("/api/v1/boards/") == 1
    assert len(gets) == len(set(gets))


def test_what_does_not_fit_takes_back_what_did(client):
    handle = client.workflow_repo.create_workflow(blank())
    mine = handle.submit(width=8)
    with pytest.raises(QueueFullError):
        client.submit_many([(handle, {"width": 8, "runs": 6})] * 3)
    assert [row["item_id"] for row in unfinished(client)] == [
        job.item_id for job in mine.jobs
    ]


def test_a_refusal_takes_back_what_was_submitted_but_not_what_was_there(server):
    with FaultProxy(server.url) as proxy, InvokeAIClient(proxy.url) as client:
        handle = client.workflow_repo.create_workflow(blank())
        before = handle.submit(width=8, key="before")
        sent = []

        def refuse_the_third(method, path):
            if not path.endswith("enqueue_batch"):
                return None
            sent.append(path)
            return Fault("status", status=403) if len(sent) == 3 else None

        proxy.schedule = refuse_the_third
        calls = [(handle, {"width": 8 * n}) for n in range(1, 5)]
        calls.insert(0, (handle, {"width": 8, "key": "before"}))
        with pytest.raises(PermissionDeniedError):
            client.submit_many(calls)
        assert len(sent) == 3
        ids = [row["item_id"] for row in unfinished(client)]
        assert ids == [job.item_id for job in before.jobs]


@pytest.mark.parametrize("arrived", [True, False])
def test_a_lost_reply_in_the_middle_leaves_those_that_exist_and_settles_all(
    server, arrived
):
    with (
        FaultProxy(server.url) as proxy,
        InvokeAIClient(proxy.url, settle_time=0.5, max_retries=0) as client,
    ):
        handle = client.workflow_repo.create_workflow(blank())
        sent = []

        def lose_the_third(method, path):
            sent.append(path) if path.endswith("enqueue_batch") else None
            if len(sent) < 3:
                return None
            is_first = path.endswith("enqueue_batch") and len(sent) == 3
            return Fault("reset_after" if is_first and arrived else "reset_before")

        proxy.schedule = lose_the_third
        calls = [(handle, {"width": 8 * n, "runs": n}) for n in (1, 2, 2, 1, 2)]
        with pytest.raises(SubmissionUnknownError) as caught:
            client.submit_many(calls)
        before = caught.value.submissions
        assert [len(one) for one in before] == [1, 2]
        proxy.schedule = lambda method, path: None
        # They are as they were: they may have run already.
        assert [one.status().counts for one in before][1] == {"pending": 2}
        whole = caught.value.settle()
        assert [len(one) for one in whole] == [1, 2, 2, 1, 2]
        assert [one.id for one in whole[:3]] == [
            *(one.id for one in before),
            caught.value.batch_id,
        ]
        jobs = [job.item_id for one in whole for job in one.jobs]
        assert sorted(row["item_id"] for row in unfinished(client)) == sorted(jobs)


def test_what_was_taken_back_is_in_the_error(client):
    handle = client.workflow_repo.create_workflow(blank())
    with pytest.raises(QueueFullError) as caught:
        client.submit_many([(handle, {"width": 8, "runs": 6})] * 3)
    (first,) = caught.value.submissions
    assert len(first) == 6
    assert first.status().is_done


@pytest.mark.parametrize("key", ["", 5, b"x", True])
def test_a_key_that_is_not_a_string_is_refused(client, key):
    handle = client.workflow_repo.create_workflow(blank())
    with pytest.raises(ArgumentError, match="key="):
        handle.submit(key=key)
    with pytest.raises(ArgumentError, match="on_full="):
        handle.submit(on_full="discard")
    assert unfinished(client) == []


@pytest.mark.parametrize("name", [".", "..", "a/b", "/", "nobody", "a?b#c%2F", "ü"])
def test_an_id_that_no_submission_has_is_told_so(client, name):
    with pytest.raises(QueueError, match="has no jobs"):
        client.queue_repo.get_submission(name)


def test_a_key_is_free_again_once_its_jobs_are_gone(client):
    handle = client.workflow_repo.create_workflow(blank())
    first = handle.submit(key="k")
    assert handle.submit(key="k").id == first.id
    client.queue_repo.clear_queue()
    again = handle.submit(key="k")
    assert again.id == first.id
    assert not again.adopted
    assert again.jobs != first.jobs
    with pytest.raises(InvokeAIError):
        first.wait(timeout=5)


def test_an_empty_submission_is_waited_for_and_no_other(client):
    handle = client.workflow_repo.create_workflow(blank())
    client.queue_repo.pause_processor()
    full = handle.submit(runs=10)
    empty = handle.submit(runs=2, on_full="partial")
    assert bool(empty)
    assert (len(empty), empty.requested) == (0, 2)
    result = handle.wait_for_completion(empty, timeout=5)
    assert (result.id, len(result)) == (empty.id, 0)
    assert bool(result)
    assert empty.status().is_done
    full.cancel()
