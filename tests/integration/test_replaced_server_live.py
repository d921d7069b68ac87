"""A server that is replaced by one with an empty database: a job's number is a hint.

Another client's job gets the number of ours. Nothing of it may be taken for ours.
"""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from workflow_builder import definition, node

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.exceptions import JobLostError, NotFoundError, QueueError
from invokeai_py_client.models import JobStatus
from invokeai_py_client.server import LocalServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(280)]


@pytest.fixture(scope="module")
def replaceable(start_server, simulated):
    options = {"durable": False} if simulated else {}
    with start_server(**options) as server:
        yield server


def replace(server: Any) -> None:
    """Start the server anew, at the same address, with an empty database."""
    server.kill()
    if isinstance(server, LocalServer):
        shutil.rmtree(Path(server.root) / "databases")
    server.start()


def blank(client, **values):
    made = node("b", "blank_image", {"width": 16, "height": 8}, is_intermediate=False)
    made["data"]["useCache"] = False
    made = definition([made], form=[("b", "width")])
    handle = client.workflow_repo.create_workflow(made)
    handle.set_inputs(values)
    return handle


@pytest.fixture
def strangers(replaceable):
    """Our submissions, and after the server was replaced a stranger's jobs."""
    url = replaceable.url
    with InvokeAIClient(url) as ours, InvokeAIClient(url) as stranger:
        ours.queue_repo.pause_processor()
        plain = blank(ours, width=512).submit()
        keyed = blank(ours, width=512).submit(key="k")
        failing = ours.queue_repo.get_job(plain.jobs[0])
        ended: list[Any] = []

        def listen() -> None:
            ended.extend(plain.events())

        thread = threading.Thread(target=listen)
        thread.start()
        replace(replaceable)
        others = [blank(stranger, width=64).submit() for _ in range(2)]
        assert [s.jobs[0].item_id for s in others] == [
            s.jobs[0].item_id for s in (plain, keyed)
        ]
        for other in others:
            other.wait(timeout=60)
        yield ours, stranger, plain, keyed, failing
        thread.join(60)
        assert not thread.is_alive()
        assert [event.payload["status"] for event in ended][-1:] == ["canceled"]
        assert {event.batch_id for event in ended} == {plain.id}


def test_nothing_of_a_stranger_is_taken_for_ours(strangers):
    ours, stranger, plain, keyed, failing = strangers
    for submission in (plain, keyed):
        with pytest.raises(JobLostError, match="belongs to another job") as caught:
            submission.wait(timeout=60)
        (lost,) = caught.value.result.jobs
        assert (lost.images, lost.status) == ((), JobStatus.CANCELED)
        status = submission.status()
        assert (status.counts, status.is_done) == ({"lost": 1}, True)
        with pytest.raises(QueueError, match="no jobs of a submission"):
            ours.queue_repo.get_submission(submission)
    queue = ours.queue_repo
    for job in (plain.jobs[0], failing, lost):
        for method in (
            queue.get_job,
            queue.cancel_job,
            queue.retry_jobs,
            queue.get_job_position,
            queue.delete_job,
        ):
            with pytest.raises(NotFoundError, match="another database"):
                method(job)
        assert queue.find_job(job) is None
        with pytest.raises(NotFoundError):
            next(iter(queue.watch_queue(job)))
    # The stranger's jobs are as they were.
    assert [job.status for job in stranger.queue_repo.list_jobs()] == ["completed"] * 2
    # A number is all that is known of a number.
    assert queue.get_job(1).item_id == 1


def test_a_key_used_again_on_another_database_is_another_session(replaceable):
    replace(replaceable)
    with InvokeAIClient(replaceable.url) as ours:
        blank(ours, width=24).submit(key="again").wait(timeout=60)
        adopted = blank(ours, width=24).submit(key="again")
        assert adopted.adopted
        replace(replaceable)
        ours.queue_repo.pause_processor()
        fresh = blank(ours, width=24).submit(key="again")
        assert (fresh.id, fresh.adopted) == (adopted.id, False)
        assert fresh.jobs[0].item_id == adopted.jobs[0].item_id
        with pytest.raises(JobLostError):
            adopted.cancel()
        ours.queue_repo.resume_processor()
        with pytest.raises(JobLostError):
            adopted.wait(timeout=60)
        assert fresh.wait(timeout=60).is_complete
