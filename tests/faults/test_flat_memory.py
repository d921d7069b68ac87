"""Memory does not grow with the number of jobs that one client has run."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from faults.workflows import blank
from invokeai_py_client.workflow.enqueue_flows import Placing, enqueue
from invokeai_py_client.workflow.orders import Order
from invokeai_py_client.workflow.ticket import SubmittedJob, Ticket
from invokeai_py_client.workflow.wait_flows import wait
from queue_double import READ, QueueDouble, drive

pytestmark = pytest.mark.usefixtures("quiet")


def run_jobs(count, size=50):
    """Submit, wait for and forget `count` jobs, against a queue that forgets too."""
    for start in range(0, count, size):
        queue = QueueDouble()
        queue.extra_routes["/api/v1/images/"] = lambda request: []
        order = Order(f"batch-{start}", graph={}, runs=size)
        placed = drive(enqueue(order, Placing()), queue)
        for item_id in placed.item_ids:
            queue.move(item_id, "completed")
        jobs = tuple(SubmittedJob(key, n) for n, key in enumerate(placed.item_ids))
        ticket = Ticket(order.batch_id, "default", jobs, size)
        result = drive(wait(ticket, READ), queue)
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


@pytest.mark.slow
def test_ten_thousand_jobs_leave_nothing_in_the_flows(outcomes):
    run_jobs(200)
    held = grown(lambda: run_jobs(10_000))
    assert held < 200_000
    outcomes.promise(
        "memory stays flat",
        f"10,000 jobs submitted, waited for and read: {held / 1000:.0f} kB held more "
        "than before",
    )


@pytest.mark.slow
def test_thousands_of_runs_leave_nothing_in_a_client():
    from invokeai_py_client.client import InvokeAIClient
    from invokeai_py_client.simulator import SimulatedServer

    def run(client, batches):
        handle = client.workflow_repo.create_workflow(blank())
        for _ in range(batches):
            handle.run(runs=100, width=16, timeout=120)
            client.queue_repo.prune()

    with SimulatedServer() as server, InvokeAIClient(server.url) as client:
        run(client, 3)
        # The simulator's own state, images included, is in this process too.
        held = grown(lambda: run(client, 10))
        assert client._hub.mailbox_count == 0
        assert held < 10 * 100 * 20_000
