"""Ctrl-C and cancelled tasks: flows are closed, the clean-up runs, nothing stays."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
import threading
import time
from functools import partial

import pytest
from both_drivers import make_settings, run_in_new_loop
from scripted_server import DroppedError, ScriptedServer, as_json

from invokeai_py_client._core.flow import (
    call_back,
    ends_itself,
    gather,
    on_interrupt,
    pause,
    run_blocking,
)
from invokeai_py_client._core.send import get, post, request_json
from invokeai_py_client._io.asyncio_driver import AsyncioDriver
from invokeai_py_client._io.blocking_driver import BlockingDriver
from invokeai_py_client._io.event_hub import EventHub
from invokeai_py_client._io.flow_threads import (
    CancelledFlow,
    FlowThread,
    RunningFlow,
)


@pytest.fixture
def server():
    with ScriptedServer(lambda request: as_json(1)) as running:
        yield running


@pytest.fixture
def driver(server):
    settings = make_settings(server.url)
    made = BlockingDriver(settings, EventHub(settings))
    yield made
    made.close()


def cancels_when_interrupted(closed, name="a"):
    """A flow like that of a run: it waits forever, and takes back what it sent."""
    try:
        yield from on_interrupt(lambda: request_json(post(f"/cancel/{name}")))
        yield from request_json(get(f"/started/{name}"))
        yield from pause(60)
    finally:
        closed.append(name)


def interrupt_when(condition):
    """Press Ctrl-C in the main thread once `condition` holds."""

    def press():
        deadline = time.monotonic() + 60
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
        yield from on_interrupt(lambda: request_json(post("/cancel")))
        yield from on_interrupt(None)
        yield from run_blocking(lambda: signal.raise_signal(signal.SIGINT))

    with pytest.raises(KeyboardInterrupt):
        driver.run(flow())
    assert server.lines == []


def test_a_flow_that_ended_itself_is_not_waited_for_again(driver, monkeypatch):
    asked, known, ended = threading.Event(), [], []
    end = FlowThread.end

    def note(thread, seconds):
        known.append(thread.is_over)
        end(thread, seconds)

    def press():
        raise KeyboardInterrupt

    def flow():
        yield from ends_itself(asked.set)
        yield from call_back(press)
        yield from run_blocking(lambda: asked.wait(60))
        ended.append(True)

    monkeypatch.setattr(FlowThread, "end", note)
    with pytest.raises(KeyboardInterrupt):
        driver.run(flow())
    assert ended == [True]
    assert known == [True]


def test_failing_last_words_do_not_hide_the_interruption(caplog):
    def answer(request):
        if request.method == "POST":
            raise DroppedError
        return as_json(1)

    with ScriptedServer(answer) as server:
        settings = make_settings(server.url)
        driver = BlockingDriver(settings, EventHub(settings))
        presser = interrupt_when(lambda: bool(server.lines))
        with pytest.raises(KeyboardInterrupt):
            driver.run(cancels_when_interrupted([]))
        presser.join()
        driver.close()
    assert "cleaning up after an interruption failed" in caplog.text


def fails_at_once():
    raise LookupError
    yield


@pytest.mark.parametrize("then", [partial(pause, 60), fails_at_once])
def test_what_a_flow_was_opening_at_ctrl_c_is_closed(driver, then):
    running, closed = RunningFlow(), []

    def uses_a_file():
        file = yield from run_blocking(lambda: running.cancel() or "file")
        try:
            yield from then()
        finally:
            closed.append(file)

    with pytest.raises(CancelledFlow):
        driver.run(uses_a_file(), running)
    assert closed == ["file"]


def test_an_async_callback_is_refused_by_the_blocking_client(driver):
    async def callback():
        raise AssertionError("never called")

    class Callable:
        async def __call__(self):
            raise AssertionError("never called")

    for odd in (callback, Callable()):
        with pytest.raises(TypeError, match="AsyncInvokeAIClient"):
            driver.run(call_back(odd))


@pytest.fixture
async def asyncio_driver(server):
    settings = make_settings(server.url)
    made = AsyncioDriver(settings, EventHub(settings))
    yield made
    await made.close()


async def reached(condition):
    while not condition():
        await asyncio.sleep(0.01)


async def test_a_cancelled_task_says_its_last_words(server, asyncio_driver):
    closed = []
    task = asyncio.ensure_future(asyncio_driver.run(cancels_when_interrupted(closed)))
    await reached(lambda: server.lines)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed == ["a"]
    assert server.lines == ["GET /started/a", "POST /cancel/a"]


async def test_a_request_is_cancelled_at_whichever_step_of_the_loop(server):
    # Connecting, sending and reading are some thirty steps; each gets its turn.
    settings = make_settings(server.url)
    ended = []
    for step in range(40):
        driver = AsyncioDriver(settings, EventHub(settings))
        task = asyncio.ensure_future(driver.run(request_json(get("/slow"))))
        for _ in range(step):
            await asyncio.sleep(0)
        if not task.done():
            task.cancel()
            ended += await asyncio.gather(task, return_exceptions=True)
        await driver.close()
    assert len(ended) > 5
    assert {type(end) for end in ended} == {asyncio.CancelledError}


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_a_callback_or_a_signal_ends_the_program_with_says_them(
    server, driver, kind
):
    def flow():
        yield from on_interrupt(lambda: request_json(post("/cancel")))
        yield from call_back(interrupts)

    def interrupts():
        raise kind

    with pytest.raises(kind):
        driver.run(flow())
    assert server.lines == ["POST /cancel"]


def test_an_interruption_inside_a_task_says_them_too(server):
    def flow():
        yield from on_interrupt(lambda: request_json(post("/cancel")))
        yield from call_back(interrupts)

    def interrupts():
        raise KeyboardInterrupt

    async def work():
        settings = make_settings(server.url)
        made = AsyncioDriver(settings, EventHub(settings))
        try:
            await made.run(flow())
        finally:
            await made.close()

    with pytest.raises(KeyboardInterrupt):
        run_in_new_loop(work())
    assert server.lines == ["POST /cancel"]


async def test_a_cancelled_task_says_those_of_gathered_flows(server, asyncio_driver):
    closed = []
    flows = [cancels_when_interrupted(closed, name) for name in "abc"]
    task = asyncio.ensure_future(asyncio_driver.run(gather(flows)))
    await reached(lambda: len(server.lines) == 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(server.lines)[3:] == [f"POST /cancel/{name}" for name in "abc"]
    assert sorted(closed) == ["a", "b", "c"]


async def test_a_failed_sibling_is_not_an_interruption(server, asyncio_driver):
    closed = []

    def fails():
        yield from pause(0.05)
        raise LookupError

    with pytest.raises(LookupError):
        await asyncio_driver.run(gather([cancels_when_interrupted(closed), fails()]))
    assert closed == ["a"]
    assert server.lines == ["GET /started/a"]


@pytest.mark.parametrize("then", [pause(60), run_blocking(lambda: 1 / 0)])
async def test_what_a_cancelled_flow_was_opening_is_closed(asyncio_driver, then):
    opening, go_on, closed = threading.Event(), threading.Event(), []

    def open_slowly():
        opening.set()
        go_on.wait(10)
        return "file"

    def uses_a_file():
        file = yield from run_blocking(open_slowly)
        try:
            yield from then
        finally:
            closed.append(file)

    task = asyncio.ensure_future(asyncio_driver.run(uses_a_file()))
    await reached(opening.is_set)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed == ["file"]


async def test_a_cancelled_flow_that_fails_on_what_it_gets_stays_cancelled(
    asyncio_driver,
):
    calling, go_on = threading.Event(), threading.Event()

    def fails():
        yield from run_blocking(lambda: calling.set() or go_on.wait(10))
        raise LookupError

    task = asyncio.ensure_future(asyncio_driver.run(fails()))
    await reached(calling.is_set)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_async_callbacks_are_awaited(asyncio_driver):
    seen = []

    async def callback(value):
        await asyncio.sleep(0)
        seen.append(value)

    await asyncio_driver.run(call_back(callback, 1))
    await asyncio_driver.run(call_back(seen.append, 2))
    assert seen == [1, 2]


def test_a_script_ends_at_ctrl_c_although_a_request_hangs():
    """Gathered requests cannot be stopped; the process must not wait for them."""
    hang = threading.Event()

    def answer(request):
        hang.wait(90)
        return as_json(1)

    script = textwrap.dedent(
        """
        import sys
        from invokeai_py_client._core.flow import gather
        from invokeai_py_client._core.send import get, request_json
        from invokeai_py_client.client import InvokeAIClient
        client = InvokeAIClient(sys.argv[1])
        client._runner.run(gather([request_json(get("/x")) for _ in range(4)]))
        """
    )
    with ScriptedServer(answer) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", script, server.url], stderr=subprocess.PIPE
        )
        deadline = time.monotonic() + 60
        while len(server.lines) < 4:
            assert time.monotonic() < deadline
            assert process.poll() is None, process.stderr.read().decode()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        _, errors = process.communicate(timeout=80)
        hang.set()
    # The four requests would hang for a minute.
    assert time.monotonic() - begun < 40
    assert b"KeyboardInterrupt" in errors
    assert process.returncode != 0
