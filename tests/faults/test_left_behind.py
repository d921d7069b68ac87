"""A caller who is interrupted leaves no thread, socket, mailbox or half file."""

from __future__ import annotations

import asyncio
import signal
import threading

import pytest

from faults.rig.places import half_files, open_sockets, soon, threads
from faults.rig.proxy import FaultProxy
from faults.rig.workflows import blank
from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer

pytestmark = pytest.mark.usefixtures("quiet")


NOTHING_LEFT = "an interrupted caller leaves no thread, socket, mailbox or half file"


@pytest.fixture(scope="module")
def server():
    with SimulatedServer(job_delay=0.05) as running:
        yield running


@pytest.fixture
def slow(server):
    """Jobs that do not end by themselves soon."""
    server.settings.job_delay = 30.0
    yield server
    server.settings.job_delay = 0.05


def press_when(condition):
    """Press Ctrl-C in the main thread once `condition` holds."""

    def press():
        soon(condition, 20)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=press, name="presser")
    thread.start()
    return thread


def test_ctrl_c_during_a_run_leaves_nothing(slow, outcomes):
    before, sockets = threads(), open_sockets()
    client = InvokeAIClient(slow.url)
    handle = client.workflow_repo.create_workflow(blank())
    hub = client._hub
    presser = press_when(lambda: len(hub._mailboxes) and jobs_of(slow))
    with pytest.raises(KeyboardInterrupt):
        handle.run(width=16)
    presser.join()
    assert len(hub._mailboxes) == 0
    assert soon(lambda: not jobs_of(slow), 5), "run() cancels its own jobs"
    client.close()
    assert soon(lambda: threads() <= before)
    assert soon(lambda: open_sockets() <= sockets)
    outcomes.tried(NOTHING_LEFT, "runs ended by Ctrl-C")


def jobs_of(server):
    with InvokeAIClient(server.url) as honest:
        rows = honest.request("get", "/api/v1/queue/default/list_all")
    return [row for row in rows if row["status"] in ("pending", "in_progress")]


async def test_a_cancelled_task_leaves_nothing(slow, outcomes):
    before, sockets = threads(), open_sockets()
    async with AsyncInvokeAIClient(slow.url) as client:
        handle = client.workflow_repo.create_workflow(blank())
        submission = await handle.submit(width=16)
        waits = [asyncio.ensure_future(submission.wait()) for _ in range(10)]
        runs = [asyncio.ensure_future(handle.run(width=24)) for _ in range(3)]
        hub = client._hub
        while len(hub._mailboxes) < 13:
            await asyncio.sleep(0.01)
        for task in waits + runs:
            task.cancel()
        ended = await asyncio.gather(*waits, *runs, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended)
        assert len(hub._mailboxes) == 0
        # Leaving a wait cancels nothing; an interrupted run cancels its own jobs.
        counts = (await submission.status()).counts
        assert counts.get("canceled", 0) == 0
        await submission.cancel()
    assert soon(lambda: threads() <= before | asyncio_threads())
    assert soon(lambda: open_sockets() <= sockets + 1)
    outcomes.tried(NOTHING_LEFT, "waits and runs of cancelled tasks", len(ended))


def asyncio_threads():
    # The loop's own executor belongs to the loop and ends with it.
    return {name for name in threads() if name.startswith("asyncio")}


@pytest.fixture
def image(server):
    with InvokeAIClient(server.url) as client:
        handle = client.workflow_repo.create_workflow(blank())
        yield handle.run(width=512).image.image_name


def test_ctrl_c_during_a_download_leaves_no_half_file(
    server, image, tmp_path, outcomes
):
    with FaultProxy(server.url) as proxy, InvokeAIClient(proxy.url) as client:
        found = client.image_repo.get_image(image)
        proxy.next("drip", path="/full", seconds=20, times=None)
        presser = press_when(lambda: half_files(tmp_path))
        with pytest.raises(KeyboardInterrupt):
            found.save(tmp_path / "a.png")
        presser.join()
    assert list(tmp_path.iterdir()) == []
    outcomes.tried(NOTHING_LEFT, "downloads ended by Ctrl-C")


async def test_cancelled_downloads_leave_no_half_files(
    server, image, tmp_path, outcomes
):
    with FaultProxy(server.url) as proxy:
        async with AsyncInvokeAIClient(proxy.url) as client:
            found = await client.image_repo.get_image(image)
            proxy.next("drip", path="/full", seconds=20, times=None)
            saves = [
                asyncio.ensure_future(found.save(tmp_path / f"{n}.png"))
                for n in range(20)
            ]
            while len(half_files(tmp_path)) < 20:
                await asyncio.sleep(0.01)
            for task in saves:
                task.cancel()
            await asyncio.gather(*saves, return_exceptions=True)
    assert list(tmp_path.iterdir()) == []
    outcomes.tried(NOTHING_LEFT, "downloads of cancelled tasks", len(saves))


def test_waits_leave_no_mailbox(server):
    with InvokeAIClient(server.url) as client:
        handle = client.workflow_repo.create_workflow(blank())
        submission = handle.submit(width=16)
        submission.wait(timeout=20)
        sockets = open_sockets()
        for _ in range(20):
            submission.wait(timeout=20)
        assert len(client._hub._mailboxes) == 0
        assert open_sockets() <= sockets + 2
