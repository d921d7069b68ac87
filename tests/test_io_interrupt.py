"""Ctrl-C and cancelled tasks: flows are closed, last words are said, nothing stays."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from both_drivers import make_settings, run_in_new_loop
from invokeai_py_client._core.flow import gather, local, notify, on_interrupt, pause
from invokeai_py_client._core.send import call, get, post
from invokeai_py_client._io.async_driver import AsyncDriver
from invokeai_py_client._io.event_hub import EventHub
from invokeai_py_client._io.sync_driver import SyncDriver
from scripted_server import DroppedError, ScriptedServer, as_json


@pytest.fixture
def server():
    with ScriptedServer(lambda request: as_json(1)) as running:
        yield running


@pytest.fixture
def driver(server):
    settings = make_settings(server.url)
    made = SyncDriver(settings, EventHub(settings))
    yield made
    made.close()


def cancels_when_interrupted(closed, name="a"):
    """A flow like that of a run: it waits for ever, and takes back what it sent."""
    try:
        yield from on_interrupt(lambda: call(post(f"/cancel/{name}")))
        yield from call(get(f"/started/{name}"))
        yield from pause(60)
    finally:
        closed.append(name)


def interrupt_when(condition):
    """Press Ctrl-C in the main thread once `condition` holds."""

    def press():
        deadline = time.monotonic() + 20
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.01)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


def test_ctrl_c_closes_the_flow_and_says_its_last_words(server, driver):
    closed = []
    presser = interrupt_when(lambda: server.lines == ["GET /started/a"])
    with pytest.raises(KeyboardInterrupt):
        driver.run(cancels_when_interrupted(closed))
    presser.join()
    assert closed == ["a"]
    assert server.lines == ["GET /started/a", "POST /cancel/a"]


def test_ctrl_c_reaches_gathered_flows(server, driver):
    closed = []
    flows = [cancels_when_interrupted(closed, name) for name in "abc"]
    presser = interrupt_when(lambda: len(server.lines) == 3)
    with pytest.raises(KeyboardInterrupt):
        driver.run(gather(flows, limit=3))
    presser.join()
    assert sorted(server.lines)[3:] == [f"POST /cancel/{name}" for name in "abc"]
    assert sorted(closed) == ["a", "b", "c"]


def test_what_is_taken_back_is_not_said(server, driver):
    def flow():
        yield from on_interrupt(lambda: call(post("/cancel")))
        yield from on_interrupt(None)
        yield from local(lambda: signal.raise_signal(signal.SIGINT))

    with pytest.raises(KeyboardInterrupt):
        driver.run(flow())
    assert server.lines == []


def test_failing_last_words_do_not_hide_the_interruption(caplog):
    def answer(request):
        if request.method == "POST":
            raise DroppedError
        return as_json(1)

    with ScriptedServer(answer) as server:
        settings = make_settings(server.url)
        driver = SyncDriver(settings, EventHub(settings))
        presser = interrupt_when(lambda: bool(server.lines))
        with pytest.raises(KeyboardInterrupt):
            driver.run(cancels_when_interrupted([]))
        presser.join()
        driver.close()
    assert "cleaning up after an interruption failed" in caplog.text


def test_an_async_callback_is_refused_by_the_blocking_client(driver):
    async def callback():
        raise AssertionError("never called")

    class Callable:
        async def __call__(self):
            raise AssertionError("never called")

    for odd in (callback, Callable()):
        with pytest.raises(TypeError, match="AsyncInvokeAIClient"):
            driver.run(notify(odd))


@pytest.fixture
async def async_driver(server):
    settings = make_settings(server.url)
    made = AsyncDriver(settings, EventHub(settings))
    yield made
    await made.close()


async def reached(condition):
    while not condition():
        await asyncio.sleep(0.01)


async def test_a_cancelled_task_says_its_last_words(server, async_driver):
    closed = []
    task = asyncio.ensure_future(async_driver.run(cancels_when_interrupted(closed)))
    await reached(lambda: server.lines)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed == ["a"]
    assert server.lines == ["GET /started/a", "POST /cancel/a"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_a_callback_or_a_signal_ends_the_program_with_says_them(
    server, driver, kind
):
    def flow():
        yield from on_interrupt(lambda: call(post("/cancel")))
        yield from notify(interrupts)

    def interrupts():
        raise kind

    with pytest.raises(kind):
        driver.run(flow())
    assert server.lines == ["POST /cancel"]


def test_an_interruption_inside_a_task_says_them_too(server):
    def flow():
        yield from on_interrupt(lambda: call(post("/cancel")))
        yield from notify(interrupts)

    def interrupts():
        raise KeyboardInterrupt

    async def work():
        settings = make_settings(server.url)
        made = AsyncDriver(settings, EventHub(settings))
        try:
            await made.run(flow())
        finally:
            await made.close()

    with pytest.raises(KeyboardInterrupt):
        run_in_new_loop(work())
    assert server.lines == ["POST /cancel"]


async def test_a_cancelled_task_says_those_of_gathered_flows(server, async_driver):
    closed = []
    flows = [cancels_when_interrupted(closed, name) for name in "abc"]
    task = asyncio.ensure_future(async_driver.run(gather(flows)))
    await reached(lambda: len(server.lines) == 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(server.lines)[3:] == [f"POST /cancel/{name}" for name in "abc"]
    assert sorted(closed) == ["a", "b", "c"]


async def test_a_failed_sibling_is_no_interruption(server, async_driver):
    closed = []

    def fails():
        yield from pause(0.05)
        raise LookupError

    with pytest.raises(LookupError):
        await async_driver.run(gather([cancels_when_interrupted(closed), fails()]))
    assert closed == ["a"]
    assert server.lines == ["GET /started/a"]


@pytest.mark.parametrize("then", [pause(60), local(lambda: 1 / 0)])
async def test_what_a_cancelled_flow_was_opening_is_closed(async_driver, then):
    opening, go_on, closed = threading.Event(), threading.Event(), []

    def open_slowly():
        opening.set()
        go_on.wait(10)
        return "file"

    def uses_a_file():
        file = yield from local(open_slowly)
        try:
            yield from then
        finally:
            closed.append(file)

    task = asyncio.ensure_future(async_driver.run(uses_a_file()))
    await reached(opening.is_set)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed == ["file"]


async def test_a_cancelled_flow_that_fails_on_what_it_gets_stays_cancelled(
    async_driver,
):
    calling, go_on = threading.Event(), threading.Event()

    def fails():
        yield from local(lambda: calling.set() or go_on.wait(10))
        raise LookupError

    task = asyncio.ensure_future(async_driver.run(fails()))
    await reached(calling.is_set)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_async_callbacks_are_awaited(async_driver):
    seen = []

    async def callback(value):
        await asyncio.sleep(0)
        seen.append(value)

    await async_driver.run(notify(callback, 1))
    await async_driver.run(notify(seen.append, 2))
    assert seen == [1, 2]


def test_a_script_ends_at_ctrl_c_although_a_request_hangs():
    """Gathered requests cannot be stopped; the process must not wait for them."""
    hang = threading.Event()

    def answer(request):
        hang.wait(60)
        return as_json(1)

    script = textwrap.dedent(
        """
        import sys
        from invokeai_py_client._core.flow import gather
        from invokeai_py_client._core.send import call, get
        from invokeai_py_client.client import InvokeAIClient
        client = InvokeAIClient(sys.argv[1])
        client._runner.run(gather([call(get("/x")) for _ in range(4)]))
        """
    )
    with ScriptedServer(answer) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", script, server.url], stderr=subprocess.PIPE
        )
        deadline = time.monotonic() + 30
        while len(server.lines) < 4:
            assert time.monotonic() < deadline
            assert process.poll() is None, process.stderr.read().decode()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        _, errors = process.communicate(timeout=30)
        hang.set()
    assert time.monotonic() - begun < 10
    assert b"KeyboardInterrupt" in errors
    assert process.returncode != 0
