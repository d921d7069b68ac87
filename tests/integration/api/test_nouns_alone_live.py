"""What disturbs others: pausing, blocking, clearing a queue; duplicate models.

These run on a server of their own.
"""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from invokeai_py_client.cli.commands import doctor
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    JobTimeoutError,
    ModelError,
    NotFoundError,
    QueueBlockedError,
    QueueError,
)
from invokeai_py_client.models import JobStatus
from invokeai_py_client.queue.models import StallKind

from ..noun_calls import enqueue

pytestmark = pytest.mark.live


@pytest.fixture
def client(own_server):
    with InvokeAIClient.from_url(own_server.url) as client:
        yield client
        client.queue_repo.clear_queue()
        client.queue_repo.resume_processor()


async def test_a_paused_queue_says_so_and_is_waited_for(client):
    queue = client.queue_repo
    assert not queue.pause_processor().is_started
    queued = await enqueue(client, runs=3)
    ids = sorted(queued["item_ids"])
    status = queue.get_queue_status()
    assert status.stall.kind is StallKind.PAUSED
    assert status.queue.pending == 3
    position = queue.get_job_position(ids[2])
    assert position.ahead == 2
    assert "paused" in position.message
    with pytest.raises(JobTimeoutError, match="paused"):
        queue.wait_until_queue_idle(0.5)
    assert queue.find_next_job().item_id == ids[0]
    assert queue.find_current_job() is None
    front = await enqueue(client, prepend=True)
    assert queue.find_next_job().item_id == front["item_ids"][0]
    assert queue.get_job_position(ids[0]).ahead == 1
    assert queue.resume_processor().is_started
    assert queue.wait_until_queue_idle(60).queue.completed == 4


@pytest.mark.needs_server("6.14", "summaries, which name the job that blocks")
async def test_a_blocked_queue_names_the_job_and_the_way_out(client):
    queue = client.queue_repo
    # The server takes batch values unchecked and cannot read them back.
    poison = await enqueue(client, width=["wide"])
    item_id, batch_id = poison["item_ids"][0], poison["batch"]["batch_id"]
    await enqueue(client)
    status = queue.get_queue_status()
    assert status.stall.kind is StallKind.BLOCKED
    assert (status.stall.item_id, status.stall.batch_id) == (item_id, batch_id)
    with pytest.raises(QueueBlockedError, match=batch_id):
        queue.wait_until_queue_idle(30)
    for verb in (queue.get_job, queue.cancel_job, queue.delete_job, queue.retry_jobs):
        with pytest.raises(QueueBlockedError, match="cancel_batch"):
            verb(item_id)
    # The wrong queue does not make it another error.
    with pytest.raises(QueueError):
        queue.with_queue("other").get_job(item_id)
    assert [job.item_id for job in queue.list_jobs(batch=batch_id)] == [item_id]

    assert queue.cancel_batch(batch_id) == 1
    assert queue.wait_until_queue_idle(60).queue.completed == 1
    with pytest.raises(QueueError, match="prune"):
        queue.get_job(item_id)
    assert queue.prune_queue() == 2
    with pytest.raises(NotFoundError):
        queue.get_job(item_id)


NUMBERS = {
    "twenty": {"id": "twenty", "type": "integer", "value": 20},
    "range": {"id": "range", "type": "range"},
}
EDGES = [
    {
        "source": {"node_id": "twenty", "field": "value"},
        "destination": {"node_id": "range", "field": "start"},
    }
]
DEADLY = [
    # The edge makes `start` larger than `stop`, which is 10.
    {"id": "g", "nodes": NUMBERS, "edges": EDGES},
    {
        "id": "g",
        "nodes": {
            "f": {
                "id": "f",
                "type": "float_math",
                "operation": "MUL",
                "a": 1e308,
                "b": 9,
            }
        },
        "edges": [],
    },
]


@pytest.mark.needs_server("6.14", "summaries, which name the job that blocks")
@pytest.mark.parametrize("graph", DEADLY, ids=["rule", "result"])
async def test_a_dead_processor_is_told_from_a_busy_one(start_server, graph):
    """Nothing says that the worker died: a job is in progress, and none is run."""
    with start_server() as server, InvokeAIClient.from_url(server.url) as client:
        queue = client.queue_repo
        queued = await enqueue(client, graph=graph)
        behind = await enqueue(client)
        item_id, batch_id = queued["item_ids"][0], queued["batch"]["batch_id"]
        deadline = time.monotonic() + 60
        while (stall := queue.get_queue_status().stall) is None or (
            stall.kind is not StallKind.STOPPED
        ):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert (stall.item_id, stall.batch_id) == (item_id, batch_id)
        assert stall.is_lasting
        check = doctor._queue(client)
        assert check.state == "failed"
        assert "stopped" in check.detail
        assert "restart" in queue.get_job_position(behind["item_ids"][0]).message
        with pytest.raises(QueueBlockedError, match="restart"):
            queue.wait_until_queue_idle(30)
        for batch in (queued, behind):
            submission = queue.get_submission(batch["batch"]["batch_id"])
            assert "stopped" in submission.status().why
        started = time.monotonic()
        with pytest.raises(QueueBlockedError, match=batch_id):
            submission.wait()
        assert time.monotonic() - started < 30
        # The way out that the message names.
        assert queue.cancel_batch(batch_id) == 1
        server.restart()
        assert len(submission.wait(timeout=60).jobs) == 1


async def test_pending_jobs_are_cancelled_deleted_and_cleared(client):
    queue = client.queue_repo
    queue.pause_processor()
    await enqueue(client, runs=3)
    assert queue.cancel_pending_jobs() == 3
    await enqueue(client, runs=2)
    assert queue.delete_pending_jobs() == 2
    assert [str(job.status) for job in queue.list_jobs()] == ["canceled"] * 3
    assert list(queue.list_jobs(status=JobStatus.PENDING)) == []
    assert queue.clear_queue() == 3
    assert queue.wait_until_queue_idle(0).is_idle


async def test_a_wait_is_woken_by_the_last_job(client):
    # Without an event it sleeps for five seconds, each time.
    for _ in range(4):
        await enqueue(client)
        started = time.monotonic()
        client.queue_repo.wait_until_queue_idle(60)
        if time.monotonic() - started < 4.5:
            return
    pytest.fail("no wait was woken by an event")


async def test_a_wait_lives_through_a_restart(own_server, client):
    queue = client.queue_repo
    queue.pause_processor()
    await enqueue(client, runs=2)
    restart = threading.Thread(target=own_server.restart)
    restart.start()
    # The pause is forgotten and the jobs go on.
    try:
        counts = queue.wait_until_queue_idle(90).queue
        # A start that lost the race for its database cancels the job it had taken.
        assert counts.completed + counts.canceled == counts.total == 2
    finally:
        restart.join()


@pytest.mark.needs_server("6.9", "models without a description")
def test_models_without_description_and_twins_by_hash(own_server, client, tmp_path):
    models = client.model_repo
    own_server.install_tiny_models()
    original = models.get_model("tiny-sd1", type="main")
    source = tmp_path / "twin"
    shutil.copytree(str(original.path), source)
    twin = models.install_model(str(source), name="twin").wait(120)
    assert twin.description is None
    assert twin in models.list_models()
    assert twin.hash == original.hash
    assert twin.key != original.key
    assert models.get_model(twin.key) == twin
    assert models.get_model(original.key) == original
    with pytest.raises(ModelError, match="2 models"):
        models.get_model(original.hash)

    # Installing left the files where they were, and so does deleting.
    models.delete_model(twin.key)
    assert (source / "model_index.json").is_file()
    with pytest.raises(NotFoundError):
        models.delete_model(twin.key)


@pytest.mark.needs_server("6.9", "models of unknown content")
def test_installations_that_fail_are_model_errors(client, tmp_path):
    models = client.model_repo
    with pytest.raises(ModelError, match="cannot install"):
        models.install_model("/no/such/model")
    folder = tmp_path / "empty"
    folder.mkdir()
    with pytest.raises(ModelError):
        models.install_model(str(folder)).wait(60)
    junk = Path(tmp_path / "junk.safetensors")
    junk.write_bytes(b"garbage" * 100)
    with pytest.raises(ModelError, match="does not know what it is"):
        models.install_model(str(junk)).wait(60)
    assert len(models.list_installs()) >= 2
