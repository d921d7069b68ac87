"""A client of a server that takes batches by the rules of 7."""

from __future__ import annotations

import threading

import pytest
from paths import REPOSITORY

from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient, KeyConflictError
from invokeai_py_client.simulator import RequestFault, SimulatedServer
from invokeai_py_client.workflow.submitting import submit_flows

BLANK = REPOSITORY / "examples" / "workflows" / "blank.json"
ENQUEUE = "/enqueue_batch"


@pytest.fixture
def server():
    with SimulatedServer(rules="7", max_queue_size=3) as server:
        yield server


@pytest.fixture
def client(server):
    with InvokeAIClient(server.url, settle_time=1) as client:
        yield client


@pytest.fixture
def blank(client):
    return client.workflow_repo.load(BLANK)


def receipts(server):
    table = "SELECT idempotency_key, is_acknowledged FROM enqueue_receipts"
    return {
        row["idempotency_key"]: bool(row["is_acknowledged"])
        for row in server.simulation.database.all(table)
    }


def occupy(client, batch_id):
    """Let another batch have the id."""
    node = {"id": "n", "type": "add", "a": 1, "b": 2}
    body = {"batch": {"batch_id": batch_id, "graph": {"nodes": {"n": node}}}}
    path = "/api/v1/queue/default/enqueue_batch"
    return client.request("POST", path, json=body)["item_ids"]


def test_runs_and_submissions_have_keys_that_are_acknowledged(server, client, blank):
    assert len(blank.run(runs=2).images) == 2
    submission = blank.submit()
    submission.wait(timeout=30)
    kept = receipts(server)
    assert len(kept) == 2
    assert kept[submission.id]
    assert all(kept.values())


def test_a_server_of_6_gets_no_key():
    with SimulatedServer() as server, InvokeAIClient(server.url) as client:
        client.workflow_repo.load(BLANK).run()
        assert receipts(server) == {}


@pytest.mark.parametrize("how", ["run", "submit"])
def test_a_taken_id_leads_to_a_right_submission(
    server, client, blank, monkeypatch, how
):
    monkeypatch.setattr(submit_flows, "batch_id_of", lambda key, queue_id: "taken")
    client.queue_repo.pause_processor()
    foreign = occupy(client, "taken")
    if how == "run":
        client.queue_repo.resume_processor()
        result = blank.run(runs=2, timeout=30)
        assert result.id != "taken"
        assert len(result.images) == 2
        return
    submission = blank.submit(runs=2)
    assert submission.id != "taken"
    assert submission.status().total == 2
    again = client.queue_repo.get_submission(submission.id)
    assert [job.item_id for job in again.jobs] == [
        job.item_id for job in submission.jobs
    ]
    submission.cancel()
    assert set(submission.status().counts) == {"canceled"}
    assert client.queue_repo.get_job(foreign[0]).status == "pending"


def test_a_key_gives_its_jobs_to_everyone(server, client, blank):
    first = blank.submit(key="order", runs=2)
    with InvokeAIClient(server.url, settle_time=1) as other:
        second = other.workflow_repo.load(BLANK).submit(key="order", runs=2)
    assert [job.item_id for job in second.jobs] == [job.item_id for job in first.jobs]
    assert second.adopted
    with pytest.raises(KeyConflictError, match="colour"):
        blank.submit(key="order", runs=2, colour="#010203")


def test_a_key_whose_jobs_were_pruned_is_not_taken_twice(client, blank):
    blank.submit(key="order").wait(timeout=30)
    client.queue_repo.prune_queue()
    with pytest.raises(KeyConflictError, match="jobs are gone from the queue"):
        blank.submit(key="order")


def test_the_same_key_from_four_threads_has_one_set_of_jobs(server, client, blank):
    client.queue_repo.pause_processor()
    found = []

    def submit():
        with InvokeAIClient(server.url, settle_time=1) as own:
            submission = own.workflow_repo.load(BLANK).submit(key="race", runs=2)
            found.append([job.item_id for job in submission.jobs])

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == found[:1] * 4
    assert len(client.queue_repo.list_jobs()) == 2


@pytest.mark.parametrize("kind", ["reset_after", "reset_before", "reset_during"])
def test_a_lost_reply_is_settled_and_nothing_runs_twice(server, client, blank, kind):
    blank.preview()
    fault = RequestFault(kind, method="POST", path=f"{ENQUEUE}$", times=1)
    server.faults.add_request(fault)
    submission = blank.submit(runs=2)
    assert len(submission.wait(timeout=30).images) == 2
    assert len(client.queue_repo.list_jobs()) == 2
    assert receipts(server) == {submission.id: True}


def test_what_waited_for_room_is_one_submission(server, client, blank):
    submission = blank.submit(runs=8, key="many", on_full="wait")
    assert len(submission.jobs) == 8
    assert len(submission.wait(timeout=60).images) == 8
    assert all(receipts(server).values())
    again = client.queue_repo.get_submission(submission.id)
    assert [job.item_id for job in again.jobs] == [
        job.item_id for job in submission.jobs
    ]
    assert len(client.queue_repo.list_jobs()) == 8
    assert blank.submit(runs=8, key="many").adopted


async def test_asyncio_has_the_same(server):
    async with AsyncInvokeAIClient(server.url, settle_time=1) as client:
        blank = await client.workflow_repo.load(BLANK)
        first = await blank.submit(key="order")
        second = await blank.submit(key="order")
        assert second.adopted
        assert first.id == second.id
        assert (await client.queue_repo.count_tagged()).total == 1
    assert receipts(server) == {first.id: True}
