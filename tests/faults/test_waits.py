"""A wait ends in time and with everything, whatever becomes of socket and server."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from faults.rig.proxy import FaultProxy, RandomSchedule
from faults.rig.workflows import blank
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import JobTimeoutError
from invokeai_py_client.simulator import EventFault, SimulatedServer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quiet")]

LONGEST_POLL = 5.0
# The model of the queue tells the exact moment; here other programs run as well.
BUSY_MACHINE = 40.0


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
    outcomes.tried(
        "events that are lost, doubled, reordered or cut off cost no result",
        f"jobs while the server did that to every second event ({kind})",
        len(result.images),
    )


def test_a_socket_that_keeps_dropping_loses_no_result(server, outcomes):
    stop = threading.Event()
    with FaultProxy(server.url) as proxy, InvokeAIClient(proxy.url) as client:
        cuts = [0]

        def drop():
            while not stop.wait(0.4):
                cuts[0] += proxy.sockets
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
    lost = "a wait that lost its socket loses no result"
    outcomes.tried(lost, "jobs whose every change was told once", len(ends))
    outcomes.tried(lost, "times the socket was cut meanwhile", cuts[0])


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
            assert time.monotonic() - begun < timeout + LONGEST_POLL + BUSY_MACHINE
            # The network is well again: nothing was lost meanwhile.
            proxy.heal()
            assert len(submission.wait(timeout=30).images) == 3
            return sum(proxy.done.values())

    with ThreadPoolExecutor(8) as pool:
        met = list(pool.map(one, range(24)))
    outcomes.tried("a wait ends within its timeout plus one look", "waits", len(met))
    outcomes.tried(
        "a wait ends within its timeout plus one look", "faults met by them", sum(met)
    )


def test_a_server_killed_in_the_middle_of_a_batch_loses_no_job(tmp_path, outcomes):
    simulated = SimulatedServer(root=tmp_path, job_delay=0.05)
    with simulated as server, InvokeAIClient(server.url) as client:
        handle = client.workflow_repo.create_workflow(blank())
        submission = handle.submit(runs=20, width=16)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(submission.wait, timeout=60, check=False)
            while submission.status().counts.get("completed", 0) < 5:
                time.sleep(0.02)
            server.restart()
            result = waiting.result(60)
    ends = [str(job.status) for job in result.jobs]
    # The job that ran at that moment is what a restart cancels.
    assert ends.count("canceled") <= 1
    assert ends.count("completed") >= 19
    assert len(result.images) == ends.count("completed")
    outcomes.tried(
        "a server that is killed and restarted loses no job",
        "jobs of a batch in the middle of which it was",
        len(ends),
    )
