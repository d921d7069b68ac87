"""Faults on real sockets, before the simulated server: nothing lost or doubled."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from faults.rig.outcomes import BAD
from faults.rig.proxy import KINDS, FaultProxy, RandomSchedule
from faults.rig.workflows import blank
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    APIError,
    JobError,
    SubmissionUnknownError,
)
from invokeai_py_client.simulator import SimulatedServer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quiet")]

SETTLE = 1.0
LONGEST_POLL = 5.0
# The model of the queue tells the exact moment; here other programs run as well.
BUSY_MACHINE = 40.0


@pytest.fixture(scope="module")
def server():
    with SimulatedServer() as running:
        yield running


def queued(server, batch_id):
    """Jobs of a batch that were not cancelled, as the server itself sees them."""
    with InvokeAIClient(server.url) as honest:
        rows = honest.request("get", "/api/v1/queue/default/list_all")
    mine = (row for row in rows if row["batch_id"] == batch_id)
    return sorted(row["item_id"] for row in mine if row["status"] != "canceled")


def live(server, seed):
    """Submit one batch through a proxy with faults; the outcome, and the kinds met."""
    rng = random.Random(seed)
    schedule = RandomSchedule(seed, rate=rng.choice((0.3, 0.7, 1.0)))
    with (
        FaultProxy(server.url) as proxy,
        InvokeAIClient(proxy.url, settle_time=SETTLE, request_timeout=10) as client,
    ):
        handle = client.workflow_repo.create_workflow(blank())
        # Learning the server's nodes is not what is tried here.
        handle.submit(width=8).wait(timeout=30)
        key = f"seed-{seed}"
        proxy.schedule = schedule
        runs = rng.choice((1, 2, 3))
        outcome, submission = submit(handle, proxy, key, runs)
        if submission is None:
            proxy.heal()
            # The same key tells what is there; jobs in hand appear within 0.6 s.
            time.sleep(0.7)
            if queued(server, batch_id(handle, key)):
                outcome = "silently doubled"
        else:
            outcome = compare(server, submission, runs, outcome)
        return outcome, proxy.done


def batch_id(handle, key):
    from invokeai_py_client.workflow.submitting.submit_flows import batch_id_of

    return batch_id_of(key, "default")


def submit(handle, proxy, key, runs):
    options = {"width": 16, "runs": runs, "key": key}
    try:
        return "enqueued once", handle.submit(**options)
    except SubmissionUnknownError as error:
        proxy.heal()
        return "unknown, raised", error.settle()
    except APIError:
        return "refused", None


def compare(server, submission, runs, outcome):
    begun = time.monotonic()
    timeout = 20.0
    try:
        result = submission.wait(timeout=timeout)
    except JobError:
        if time.monotonic() - begun > timeout + LONGEST_POLL + BUSY_MACHINE:
            return "hung"
        return "lost"
    if len(result.images) != runs:
        return "lost"
    there = queued(server, submission.id)
    wanted = sorted(job.item_id for job in submission.jobs)
    if there != wanted or len(there) != runs:
        return "silently doubled" if len(there) > runs else "lost"
    return outcome


def live_through(server, seeds, outcomes, stage, workers=8):
    bad = []
    with ThreadPoolExecutor(workers) as pool:
        for seed, (outcome, done) in zip(
            seeds, pool.map(lambda seed: live(server, seed), seeds)
        ):
            outcomes.submission(stage, outcome)
            if outcome == "unknown, raised":
                # `live` got here because settling told.
                outcomes.submission(stage, "settled later")
            for kind, count in done.items():
                outcomes.fault(kind, outcome, count)
            if outcome in BAD:
                bad.append((seed, outcome))
    assert not bad


def test_every_kind_of_fault_at_the_moment_of_enqueuing(server, outcomes):
    def one(kind):
        with (
            FaultProxy(server.url) as proxy,
            InvokeAIClient(proxy.url, settle_time=SETTLE) as client,
        ):
            handle = client.workflow_repo.create_workflow(blank())
            handle.submit(width=8).wait(timeout=30)
            proxy.next(kind, path="enqueue_batch", status=503)
            submission = handle.submit(width=24, runs=2)
            assert proxy.done == {kind: 1}
            result = submission.wait(timeout=30)
            assert len(result.images) == 2
            assert len(queued(server, submission.id)) == 2
            outcomes.submission("each fault, real sockets", "enqueued once")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(one, KINDS))


def test_random_faults_on_real_sockets(server, outcomes):
    live_through(server, range(24), outcomes, "simulator behind a proxy")


@pytest.mark.long
def test_hundreds_of_schedules_on_real_sockets(server, outcomes):
    live_through(server, range(24, 400), outcomes, "simulator behind a proxy, long")
