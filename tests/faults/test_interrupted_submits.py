"""A submit that is interrupted anywhere leaves no job that its caller does not know."""

from __future__ import annotations

import asyncio
import inspect
import sys

import pytest

from faults.rig.places import soon
from faults.rig.workflows import blank
from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client._io.http import AsyncioHttp, BlockingHttp
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer

pytestmark = [pytest.mark.usefixtures("quiet"), pytest.mark.timeout(120)]

# More requests than a submission sends.
REQUESTS = 8


@pytest.fixture(scope="module", params=["6", "7"])
def server(request):
    with SimulatedServer(job_delay=30.0, rules=request.param) as running:
        yield running


@pytest.fixture
def honest(server):
    with InvokeAIClient(server.url) as made:
        made.queue_repo.clear_queue()
        yield made


def rows(honest):
    return honest.request("get", "/api/v1/queue/default/list_all")


def unfinished(honest):
    return [row for row in rows(honest) if row["status"] in ("pending", "in_progress")]


def interrupt(monkeypatch, nth, moment):
    """Press Ctrl-C at the nth request, before it is sent or when its reply is here."""
    send, sent = BlockingHttp.send, []

    def interrupting(self, message, *rest):
        sent.append(message)
        is_it = len(sent) == nth
        if is_it and moment == "before":
            raise KeyboardInterrupt
        reply = send(self, message, *rest)
        if is_it:
            raise KeyboardInterrupt
        return reply

    monkeypatch.setattr(BlockingHttp, "send", interrupting)
    return sent


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, REQUESTS))
@pytest.mark.parametrize("key", [None, "k"])
def test_ctrl_c_in_a_submit(server, honest, monkeypatch, nth, moment, key):
    if key and server.settings.rules == "7":
        pytest.skip("there, a key is not taken twice, though its jobs are gone")
    with InvokeAIClient(server.url) as client, monkeypatch.context() as patch:
        handle = client.workflow_repo.create_workflow(blank())
        other = handle.submit(width=24)
        sent = interrupt(patch, nth, moment)
        try:
            submission = handle.submit(width=16, runs=3, key=key)
        except KeyboardInterrupt:
            assert soon(lambda: len(unfinished(honest)) == 1, 10)
            if key:
                # The key is as it was.
                assert [row["batch_id"] for row in rows(honest)] == [other.id]
        else:
            assert len(sent) < nth
            assert len(submission) == 3
        patch.undo()
        assert len(handle.submit(width=16, runs=3, key=key)) == 3


class Presser:
    """Presses Ctrl-C at the nth call of a function of the library."""

    def __init__(self, nth=None):
        self.calls = 0
        self._nth = nth

    def __call__(self, frame, event, arg):
        code = frame.f_code
        # What is raised while a generator is thrown away is lost, as Python has it.
        is_generator = code.co_flags & inspect.CO_GENERATOR
        if event == "call" and "invokeai_py_client" in code.co_filename:
            self.calls += not is_generator
            if is_generator:
                return
            if self.calls == self._nth:
                sys.setprofile(None)
                raise KeyboardInterrupt

    def __enter__(self):
        sys.setprofile(self)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)


def test_ctrl_c_at_any_call_of_a_submit(server, honest):
    with InvokeAIClient(server.url) as client:
        handle = client.workflow_repo.create_workflow(blank())
        handle.submit(width=24)
        with Presser() as whole:
            handle.submit(width=24)
        points = [*range(1, whole.calls, 40), *range(whole.calls - 8, whole.calls + 1)]
        for nth in points:
            honest.queue_repo.clear_queue()
            try:
                with Presser(nth) as presser:
                    handle.submit(width=16)
            except KeyboardInterrupt:
                assert soon(lambda: unfinished(honest) == [], 10), nth
            else:
                assert presser.calls < nth


@pytest.mark.parametrize("nth", range(1, REQUESTS))
def test_ctrl_c_leaves_the_jobs_of_others_under_the_key(
    server, honest, monkeypatch, nth
):
    with InvokeAIClient(server.url) as client, monkeypatch.context() as patch:
        first = honest.workflow_repo.create_workflow(blank()).submit(
            key=f"k{nth}", runs=2
        )
        handle = client.workflow_repo.create_workflow(blank())
        sent = interrupt(patch, nth, "after")
        try:
            assert handle.submit(key=f"k{nth}", runs=2).adopted
            assert len(sent) < nth
        except KeyboardInterrupt:
            pass
        patch.undo()
    ids = [job.item_id for job in first.jobs]
    assert sorted(row["item_id"] for row in unfinished(honest)) == ids


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, REQUESTS))
@pytest.mark.parametrize("key", [None, "k"])
async def test_a_cancelled_submit(server, honest, monkeypatch, nth, moment, key):
    if key and server.settings.rules == "7":
        pytest.skip("there, a key is not taken twice, though its jobs are gone")
    send, sent = AsyncioHttp.send, []

    async def interrupting(self, message):
        sent.append(message)
        is_it = len(sent) == nth
        if is_it and moment == "before":
            asyncio.current_task().cancel()
        reply = await send(self, message)
        if is_it and moment == "after":
            asyncio.current_task().cancel()
            await asyncio.sleep(0)
        return reply

    async with AsyncInvokeAIClient(server.url) as client:
        handle = client.workflow_repo.create_workflow(blank())
        await handle.submit(width=24)
        monkeypatch.setattr(AsyncioHttp, "send", interrupting)
        task = asyncio.create_task(handle.submit(width=16, runs=3, key=key))
        try:
            submission = await task
        except asyncio.CancelledError:
            monkeypatch.undo()
            for _ in range(100):
                if len(unfinished(honest)) == 1:
                    break
                await asyncio.sleep(0.1)
            assert len(unfinished(honest)) == 1
        else:
            assert len(sent) < nth
            assert len(submission) == 3


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, REQUESTS + 2))
def test_ctrl_c_in_a_submit_of_several(server, honest, monkeypatch, nth, moment):
    with InvokeAIClient(server.url) as client, monkeypatch.context() as patch:
        handle = client.workflow_repo.create_workflow(blank())
        sent = interrupt(patch, nth, moment)
        try:
            made = client.submit_many([(handle, {"width": 8 * n}) for n in (1, 2, 3)])
        except KeyboardInterrupt:
            assert soon(lambda: unfinished(honest) == [], 10)
        else:
            assert len(sent) < nth
            assert len(made) == 3
