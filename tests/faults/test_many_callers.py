"""One client used from 16 threads, or from 200 tasks: nobody gets another's result."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from faults.rig.workflows import blank, drawn
from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quiet")]

THREADS, TASKS = 16, 200
OWN_RESULT = "one client serves many callers at once, each with its own result"


@pytest.fixture(scope="module")
def server():
    with SimulatedServer() as running:
        yield running


def sizes(index):
    return {"width": 8 * (1 + index % 20), "height": 8 * (1 + index // 20)}


def is_mine(result, index):
    (image,) = result.images
    wanted = sizes(index)
    values = result.jobs[0].values
    return (
        (image.width, image.height) == (wanted["width"], wanted["height"])
        and values["blank_width"] == wanted["width"]
        and values["blank_height"] == wanted["height"]
    )


def by_name(index):
    return {f"blank_{side}": size for side, size in sizes(index).items()}


def test_sixteen_threads_share_a_client(server, outcomes):
    with InvokeAIClient(server.url) as client:
        handle = client.workflow_repo.create_workflow(blank())

        def work(index):
            return is_mine(handle.run(by_name(index), timeout=60), index)

        with ThreadPoolExecutor(THREADS) as pool:
            assert all(pool.map(work, range(4 * THREADS)))
        assert len(client._hub._mailboxes) == 0
    outcomes.tried(OWN_RESULT, "runs of one handle from threads", 4 * THREADS)


async def test_two_hundred_tasks_share_a_client(server, outcomes):
    async with AsyncInvokeAIClient(server.url) as client:
        handle = client.workflow_repo.create_workflow(blank())

        async def work(index):
            return is_mine(await handle.run(by_name(index), timeout=90), index)

        assert all(await asyncio.gather(*map(work, range(TASKS))))
        assert len(client._hub._mailboxes) == 0
    outcomes.tried(OWN_RESULT, "runs of one handle from tasks", TASKS)


def test_reported_values_are_those_that_ran_connected_ones_too(server, outcomes):
    with InvokeAIClient(server.url) as client:
        handle = client.workflow_repo.create_workflow(drawn())
        result = handle.run(runs=20, timeout=60)
        widths = set()
        for job in result.jobs:
            (image,) = job.images
            # The width came over an edge, from a node that drew it.
            assert job.values["blank_width"] == image.width
            assert job.values["blank_height"] == image.height == 8
            widths.add(image.width)
    assert len(widths) > 3
    outcomes.tried(
        "reported values are those that ran, connected inputs included",
        "jobs whose image is as wide as a node in front of it drew",
        len(result.jobs),
    )
