"""What callers do that nobody planned: closing, leaving and failing at odd moments."""

from __future__ import annotations

import asyncio
import gc
import threading
import time

import pytest
from both_drivers import run_in_new_loop

from faults.rig.places import soon
from faults.rig.workflows import blank
from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client._io import http_client
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    JobTimeoutError,
    NotFoundError,
)
from invokeai_py_client.simulator import SimulatedServer


@pytest.fixture(scope="module")
def server():
    with SimulatedServer() as running:
        yield running


@pytest.fixture
def slow(server):
    """Jobs that do not end by themselves soon."""
    server.settings.job_delay = 60.0
    yield server
    server.settings.job_delay = 0.0
    with InvokeAIClient(server.url) as client:
        client.queue_repo.clear_queue()


@pytest.mark.parametrize("has_events", [True, False])
def test_a_client_closed_by_another_thread_ends_its_waits(slow, has_events):
    client = InvokeAIClient(slow.url)
    handle = client.workflow_repo.create_workflow(blank())
    if not has_events:
        client._hub.close()
    submission = handle.submit(width=8)
    caught = []

    def wait():
        with pytest.raises(APIError, match="this client is closed") as error:
            submission.wait()
        caught.append(error)

    waits = [threading.Thread(target=wait) for _ in range(3)]
    for thread in waits:
        thread.start()
    assert soon(lambda: len(client._hub._mailboxes) == 3 or not has_events)
    client.close()
    for thread in waits:
        thread.join(60)
    assert len(caught) == 3
    with pytest.raises(APIError, match="this client is closed"):
        submission.status()


def ask_for_ever(client, errors):
    while True:
        try:
            client.server_version()
        except Exception as error:  # noqa: BLE001  it is what is judged
            errors.append(error)
            return


def test_requests_that_a_closing_client_cuts_are_errors_of_ours(server):
    for _ in range(8):
        client, errors = InvokeAIClient(server.url), []

        threads = [
            threading.Thread(target=ask_for_ever, args=(client, errors))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.02)
        client.close()
        for thread in threads:
            thread.join(60)
        assert [
            type(error) for error in errors if not isinstance(error, APIError)
        ] == []
        assert len(errors) == 4


@pytest.mark.parametrize("timeout", [0, 0.0, 1e-9])
def test_a_wait_without_time_looks_once_and_says_how_things_are(slow, timeout):
    with InvokeAIClient(slow.url) as client:
        submission = client.workflow_repo.create_workflow(blank()).submit(width=8)
        begun = time.monotonic()
        with pytest.raises(JobTimeoutError, match=r"1 (pending|in_progress)"):
            submission.wait(timeout=timeout)
        assert time.monotonic() - begun < 50


def test_a_wait_without_time_has_what_is_done_already(server):
    with InvokeAIClient(server.url) as client:
        submission = client.workflow_repo.create_workflow(blank()).submit(width=8)
        submission.wait(timeout=30)
        assert len(submission.wait(timeout=0).images) == 1


FAILURES = [
    ValueError("mine"),
    NotFoundError("mine", status_code=404),
    APIConnectionError("mine"),
    JobTimeoutError("mine"),
]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_what_a_callback_raises_reaches_the_caller_as_it_is(server, error):
    def on_progress(_):
        raise error

    with InvokeAIClient(server.url) as client:
        handle = client.workflow_repo.create_workflow(blank())
        submission = handle.submit(width=8)
        with pytest.raises(type(error)) as caught:
            submission.wait(timeout=30, on_progress=on_progress)
        assert caught.value is error
        assert len(client._hub._mailboxes) == 0
        # It says nothing about the jobs.
        assert len(submission.wait(timeout=30).images) == 1


@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
async def test_what_a_callback_raises_on_asyncio_too(server, error, is_async):
    def plain(_):
        raise error

    async def awaited(_):
        await asyncio.sleep(0)
        raise error

    async with AsyncInvokeAIClient(server.url) as client:
        handle = client.workflow_repo.create_workflow(blank())
        submission = await handle.submit(width=8)
        callback = awaited if is_async else plain
        with pytest.raises(type(error)) as caught:
            await submission.wait(timeout=30, on_progress=callback)
        assert caught.value is error
        assert len(client._hub._mailboxes) == 0
        assert len((await submission.wait(timeout=30)).images) == 1


def test_a_callback_may_use_the_client_and_even_run_with_it(server):
    with InvokeAIClient(server.url) as client:
        handle = client.workflow_repo.create_workflow(blank())
        inner = []

        def on_progress(_):
            client.board_repo.list_boards()
            if not inner:
                inner.append(None)
                inner[0] = handle.run(width=24, timeout=30).image.width

        outer = handle.run(width=8, timeout=30, on_progress=on_progress)
        assert (outer.image.width, inner) == (8, [24])


def test_a_callback_may_close_the_client(slow):
    client = InvokeAIClient(slow.url)
    handle = client.workflow_repo.create_workflow(blank())
    with pytest.raises(APIError, match="this client is closed"):
        handle.submit(width=8).wait(timeout=30, on_progress=lambda _: client.close())


def test_events_that_nobody_iterates_any_more_are_not_kept(slow):
    with InvokeAIClient(slow.url) as client:
        submission = client.workflow_repo.create_workflow(blank()).submit(width=8)
        for _ in submission.events():
            break
        gc.collect()
        assert len(client._hub._mailboxes) == 0
        held = submission.events()
        next(held)
        assert len(client._hub._mailboxes) == 1
        held.close()
        assert len(client._hub._mailboxes) == 0


async def test_events_left_on_asyncio_are_not_kept(slow):
    async with AsyncInvokeAIClient(slow.url) as client:
        submission = await client.workflow_repo.create_workflow(blank()).submit(width=8)
        async for _ in submission.events():
            break
        gc.collect()
        for _ in range(200):
            if not len(client._hub._mailboxes):
                break
            await asyncio.sleep(0.01)
        assert len(client._hub._mailboxes) == 0


def test_two_event_loops_in_two_threads_share_an_asyncio_client(server):
    client = AsyncInvokeAIClient.from_url(server.url)
    widths = {}

    def work(width):
        async def run():
            handle = client.workflow_repo.create_workflow(blank())
            result = await handle.run(width=width, timeout=30)
            widths[width] = result.image.width
            # Each loop closes its own connections.
            await client._runner._http._client().aclose()

        asyncio.run(run())

    threads = [threading.Thread(target=work, args=(8 * n,)) for n in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    run_in_new_loop(client.close())
    assert widths == {8: 8, 16: 16, 24: 24}


def test_idle_connections_are_let_go_before_the_server_closes_them():
    # It does so after 5 s; a request sent into a closing connection is a lost one.
    assert 0 < http_client._LIMITS.keepalive_expiry <= 4.5
