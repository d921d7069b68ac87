"""Memory does not grow with the number of jobs that one client has run."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tracemalloc

import pytest
from queue_double import READ, QueueDouble, drive

from faults.rig.workflows import blank
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest
from invokeai_py_client.workflow.jobs.submission_record import (
    SubmissionRecord,
    SubmittedJob,
)
from invokeai_py_client.workflow.submitting.enqueue_flows import enqueue
from invokeai_py_client.workflow.submitting.enqueue_options import EnqueueOptions
from invokeai_py_client.workflow.waiting.wait_flows import wait

FLAT = "memory stays flat"

pytestmark = pytest.mark.usefixtures("quiet")


def run_jobs(count, size=50):
    """Submit, wait for and forget `count` jobs, against a queue that forgets too."""
    for start in range(0, count, size):
        queue = QueueDouble()
        queue.extra_routes["/api/v1/images/"] = lambda request: []
        batch = BatchRequest(f"batch-{start}", graph={}, runs=size)
        outcome = drive(enqueue(batch, EnqueueOptions()), queue)
        for item_id in outcome.item_ids:
            queue.move(item_id, "completed")
        jobs = tuple(SubmittedJob(key, n) for n, key in enumerate(outcome.item_ids))
        record = SubmissionRecord(batch.batch_id, "default", jobs, size)
        result = drive(wait(record, READ), queue)
        assert len(result.jobs) == size


def grown(work):
    """Bytes that are held after `work` and were not before."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    work()
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return after - before


@pytest.mark.long
def test_ten_thousand_jobs_leave_nothing_in_the_flows(outcomes):
    run_jobs(200)
    jobs = 10_000
    held = grown(lambda: run_jobs(jobs))
    assert held < 200_000
    outcomes.tried(FLAT, "jobs against a model of the queue, run and read", jobs)
    outcomes.tried(FLAT, "bytes held more than before them", held)


@pytest.mark.slow
def test_a_thousand_jobs_over_real_sockets_leave_nothing_in_a_client(outcomes):
    batches, size = 20, 50
    # A process of its own: what a server keeps is not what a client keeps.
    command = [sys.executable, "-m", "invokeai_py_client.simulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = json.loads(server.stdout.readline())["url"]
            with InvokeAIClient(url) as client:
                handle = client.workflow_repo.create_workflow(blank())

                def run(count):
                    for _ in range(count):
                        result = handle.run(runs=size, width=16, timeout=120)
                        assert len(result.images) == size
                        client.queue_repo.prune_queue()

                run(3)
                held = grown(lambda: run(batches))
                assert len(client._hub._mailboxes) == 0
        finally:
            server.terminate()
    assert held < 200_000
    outcomes.tried(FLAT, "jobs over real sockets, run and read", batches * size)
    outcomes.tried(FLAT, "bytes held more than before these", held)


@pytest.mark.long
def test_thousands_of_runs_leave_nothing_in_a_client():
    def run(client, batches):
        handle = client.workflow_repo.create_workflow(blank())
        for _ in range(batches):
            handle.run(runs=100, width=16, timeout=120)
            client.queue_repo.prune_queue()

    with SimulatedServer() as server, InvokeAIClient(server.url) as client:
        run(client, 3)
        # The simulator's own state, images included, is in this process too.
        held = grown(lambda: run(client, 10))
        assert len(client._hub._mailboxes) == 0
        assert held < 10 * 100 * 20_000
