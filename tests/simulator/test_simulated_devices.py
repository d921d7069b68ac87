"""Simulated servers with several devices, and with little memory."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from sweep_rig import blank

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.exceptions import JobFailedError
from invokeai_py_client.simulator import SimulatedServer


@contextmanager
def counted(**options):
    """A server, a client of it, and how many jobs run at a time, by each change."""
    going, most = set(), []

    def count(event, payload):
        if event == "queue_item_status_changed":
            if payload["status"] == "in_progress":
                going.add(payload["item_id"])
            else:
                going.discard(payload["item_id"])
            most.append(len(going))

    with SimulatedServer(**options) as server, InvokeAIClient(server.url) as client:
        server.simulation.listen(count)
        yield client, most


def test_a_server_runs_as_many_jobs_at_a_time_as_it_has_devices():
    with counted(devices=3, job_delay=0.1) as (client, most):
        devices = [device.device for device in client.app_repo.list_devices()]
        assert devices == ["cuda:0", "cuda:1", "cuda:2"]
        workflow = client.workflow_repo.create_workflow(blank())
        result = workflow.run(runs=9)
        assert len(result.images) == 9
        jobs = list(client.queue_repo.iter_jobs())
    assert max(most) == 3
    assert {job.device for job in jobs} == set(devices)
    # Each job was taken by one of them.
    assert len(jobs) == 9


def test_jobs_on_one_device_run_one_after_the_other():
    with counted(job_delay=0.02) as (client, most):
        assert [device.device for device in client.app_repo.list_devices()] == ["cpu"]
        assert client.app_repo.get_runtime_config().config["device"] == "cpu"
        client.workflow_repo.create_workflow(blank()).run(runs=4)
    assert max(most) == 1


def test_a_pause_holds_every_device():
    with counted(devices=2) as (client, most):
        client.queue_repo.pause_processor()
        workflow = client.workflow_repo.create_workflow(blank())
        submission = workflow.submit(runs=6)
        # Requests enough to do wrong in.
        for _ in range(20):
            assert client.queue_repo.get_queue_status().queue.pending == 6
        assert most == []
        client.queue_repo.resume_processor()
        assert len(submission.wait().images) == 6


def test_what_is_too_large_for_a_server_runs_out_of_memory():
    server = SimulatedServer(max_pixels=128 * 64)
    with server, InvokeAIClient(server.url) as client:
        workflow = client.workflow_repo.create_workflow(blank())
        assert workflow.run(width=128, height=64).images
        with pytest.raises(JobFailedError) as caught:
            workflow.run(width=128, height=65)
    assert caught.value.out_of_memory


def test_a_server_has_at_least_one_device():
    with pytest.raises(ValueError, match="at least one"):
        SimulatedServer(devices=0)
