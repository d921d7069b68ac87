"""A wait ends in time and with everything, whatever becomes of socket and server."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from faults.proxy import FaultProxy, RandomSchedule
from faults.workflows import blank
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import JobTimeoutError
from invokeai_py_client.simulator import EventFault, SimulatedServer

pytestmark = pytest.mark.usefixtures("quiet")

LONGEST_POLL = 5.0


@pytest.fixture(scope="module")
def server():
    with SimulatedServer(job_delay=0.03) as running:
        yield running


@pytest.fixture
def faults(server):
    yield server.faults
    server.faults.clear()


@pytest.mark.parametrize("kind", ["lose", "duplicate", "reorder", "disconnect"])
def test_spoilt_events_cost_no_result(server, faults, kind, outcomes):
    with InvokeAIClient(server.url) as client:
        handle = client.workflow_repo.create_workflow(blank())
        handle.run(width=8, timeout=30)
        faults.add_event(EventFault(kind, times=None, probability=0.5))
        result = handle.run(runs=8, width=16, timeout=30)
    assert len(result.images) == 8
    outcomes.fault(f"events: {kind}", "enqueued once", 8)


def test_a_socket_that_keeps_dropping_loses_no_result(server, outcomes):
    stop = threading.Event()
    with FaultProxy(server.url) as proxy, InvokeAIClient(proxy.url) as client:

        def drop():
            while not stop.wait(0.4):
                proxy.drop_sockets()

        dropper = threading.Thread(target=drop)
        dropper.start()
        handle = client.workflow_repo.create_workflow(blank())
        seen = []
        submission = handle.submit(runs=15, width=16)
        for event in submission.events():
            if event.name == "queue_item_status_changed":
                seen.append((event.item_id, event.status))
        result = submission.wait(timeout=30)
        stop.set()
        dropper.join()
    assert len(result.images) == 15
    assert len(set(seen)) == len(seen)
    ends = {item_id for item_id, status in seen if status == "completed"}
    assert ends == {job.item_id for job in submission.jobs}
    outcomes.promise(
        "a wait that lost its socket loses no result",
        "events lost, doubled, reordered and cut off at random; a socket cut every "
        "0.4 s while 15 jobs run: every end told exactly once",
    )


def test_waits_end_in_time_under_random_faults(server, outcomes):
    def one(seed):
        with FaultProxy(server.url) as proxy, InvokeAIClient(proxy.url) as client:
            handle = client.workflow_repo.create_workflow(blank())
            submission = handle.submit(runs=3, width=16)
            proxy.schedule = RandomSchedule(seed, rate=0.8, most=30)
            timeout = (0.2, 1.0, 4.0)[seed % 3]
            begun = time.monotonic()
            with contextlib.suppress(JobTimeoutError):
                assert len(submission.wait(timeout=timeout).images) == 3
            assert time.monotonic() - begun < timeout + LONGEST_POLL
            # The network is well again: nothing was lost meanwhile.
            proxy.heal()
            assert len(submission.wait(timeout=30).images) == 3

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(24)))
    outcomes.promise(
        "a wait ends within its timeout plus one look",
        "24 waits on real sockets with up to 30 faults each, and those of every "
        "schedule of the model",
    )


def test_a_server_killed_in_the_middle_of_a_batch_loses_no_job(tmp_path, outcomes):
    simulated = SimulatedServer(root=tmp_path, job_delay=0.05)
    with simulated as server, InvokeAIClient(server.url) as client:
        handle = client.workflow_repo.create_workflow(blank())
        submission = handle.submit(runs=20, width=16)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(submission.wait, 60, False)
            while submission.status().counts.get("completed", 0) < 5:
                time.sleep(0.02)
            server.restart()
            result = waiting.result(60)
    ends = [str(job.status) for job in result.jobs]
    # The job that ran at that moment is what a restart cancels.
    assert ends.count("canceled") <= 1
    assert ends.count("completed") >= 19
    assert len(result.images) == ends.count("completed")
    outcomes.fault("server killed and restarted", "enqueued once", 20)
