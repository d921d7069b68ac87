"""Random faults before a real server: enqueued once, refused, or told as unknown."""

from __future__ import annotations

import time

import pytest

from faults.rig.proxy import KINDS, FaultProxy, RandomSchedule
from faults.rig.workflows import blank, drawn
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import APIError, SubmissionUnknownError
from invokeai_py_client.workflow.submitting.submit_flows import batch_id_of

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]


def queued(client, batch_id):
    rows = client.request("get", "/api/v1/queue/default/list_all")
    mine = (row for row in rows if row["batch_id"] == batch_id)
    return sorted(row["item_id"] for row in mine if row["status"] != "canceled")


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_while_enqueuing_never_doubles(live_url, live_client, kind):
    with (
        FaultProxy(live_url) as proxy,
        InvokeAIClient(proxy.url, settle_time=2.0) as client,
    ):
        handle = client.workflow_repo.create_workflow(blank())
        handle.run(width=8, timeout=60)
        proxy.next(kind, path="enqueue_batch", status=503)
        submission = handle.submit(width=16, runs=2)
        assert len(submission.wait(timeout=60).images) == 2
    assert queued(live_client, submission.id) == [
        job.item_id for job in submission.jobs
    ]


@pytest.mark.parametrize("seed", range(24))
def test_random_faults_before_a_real_server(live_url, live_client, seed, own_key):
    with (
        FaultProxy(live_url) as proxy,
        InvokeAIClient(proxy.url, settle_time=2.0) as client,
    ):
        handle = client.workflow_repo.create_workflow(blank())
        handle.run(width=8, timeout=60)
        proxy.schedule = RandomSchedule(seed, rate=(0.3, 0.7, 1.0)[seed % 3])
        try:
            submission = handle.submit(width=16, runs=2, key=own_key)
        except SubmissionUnknownError as error:
            proxy.heal()
            submission = error.settle()
        except APIError:
            # Refused: nothing runs, neither now nor after what was in hand arrived.
            time.sleep(1.0)
            assert queued(live_client, batch_id_of(own_key, "default")) == []
            return
        assert len(submission.wait(timeout=60).images) == 2
    assert queued(live_client, submission.id) == [
        job.item_id for job in submission.jobs
    ]


@pytest.fixture
def own_key(own_destination):
    return own_destination


def test_reported_values_are_those_that_ran_on_a_real_server(live_client):
    handle = live_client.workflow_repo.create_workflow(drawn())
    for job in handle.run(runs=10, timeout=60).jobs:
        (image,) = job.images
        assert job.values["blank_width"] == image.width
        assert job.values["blank_height"] == image.height == 8
