"""What gathered flows, and flows of other clients, emit; on both drivers."""

from __future__ import annotations

import asyncio
import threading

import pytest
from both_drivers import make_settings
from scripted_server import as_json

from invokeai_py_client._core.flow import (
    call_back,
    elsewhere,
    emit,
    gather,
    on_interrupt,
    pause,
    run_blocking,
)
from invokeai_py_client._core.send import get, post, request_json
from invokeai_py_client._io.asyncio_driver import AsyncioDriver
from invokeai_py_client._io.blocking_driver import BlockingDriver
from invokeai_py_client._io.event_hub import EventHub
from invokeai_py_client.exceptions import NotFoundError


@pytest.fixture
def server(serve):
    return serve(lambda request: as_json(request.path))


def emits(values, closed=None, then=None):
    try:
        for value in values:
            yield from emit(value)
        yield from then or pause(0)
    finally:
        if closed is not None:
            closed.append(list(values))
    return list(values)


def test_what_gathered_flows_emit_comes_out_of_the_stream(server, drive):
    results = []

    def flow():
        yield from emit("first")
        results.extend((yield from gather([emits("ab"), emits("cd"), emits([])])))
        yield from emit("last")

    values = drive(server).stream(flow(), 6)
    assert values[0] == "first"
    assert sorted(values[1:5]) == ["a", "b", "c", "d"]
    assert values.index("a") < values.index("b")
    assert values[5] == "last"
    assert results == [["a", "b"], ["c", "d"], []]


def test_it_comes_while_the_others_still_run(server, drive):
    closed = []
    waits = [emits("x", closed, pause(60)), emits("y", closed, pause(60))]
    values = drive(server).stream(gather(waits), 2)
    assert sorted(values) == ["x", "y"]
    # The stream was left: the flows are closed, not waited for.
    assert sorted(closed) == [["x"], ["y"]]


def test_a_run_drops_what_is_emitted(server, drive):
    assert drive(server).run(gather([emits("ab"), emits("c")])) == [["a", "b"], ["c"]]


def test_what_was_emitted_before_a_failure_comes_first(serve, drive):
    server = serve(lambda request: as_json({"detail": "no"}, 404))
    seen = []

    def flow():
        with pytest.raises(NotFoundError):
            yield from gather([emits("a", then=request_json(get("/x")))])
        seen.append("caught")
        yield from emit("b")

    assert drive(server).stream(flow(), 2) == ["a", "b"]
    assert seen == ["caught"]


def test_none_of_many_that_were_emitted_before_a_failure_is_lost(serve, drive):
    server = serve(lambda request: as_json({"detail": "no"}, 404))
    many = list(range(300))

    def flow():
        with pytest.raises(NotFoundError):
            yield from gather([emits(many, then=request_json(get("/x")))])
        yield from emit("last")

    assert drive(server).stream(flow(), 301) == [*many, "last"]


def test_gathers_within_gathers_emit_to_the_same_stream(server, drive):
    inner = [gather([emits("ab")]), gather([emits("c"), emits("d")])]
    assert sorted(drive(server).stream(gather(inner), 4)) == ["a", "b", "c", "d"]


def test_callbacks_of_gathered_flows_come_one_at_a_time_to_the_caller(server, drive):
    driven = drive(server)
    threads, inside, most = set(), [], []

    def callback(value):
        inside.append(value)
        threads.add(threading.get_ident())
        most.append(len(inside))
        inside.remove(value)

    flows = [call_back(callback, number) for number in range(20)]
    driven.run(gather(flows))
    assert len(most) == 20
    assert set(most) == {1}
    assert threads == {threading.get_ident()}


def test_an_error_of_a_gathered_callback_reaches_its_flow(server, drive):
    def fails():
        raise LookupError("theirs")

    def flow():
        with pytest.raises(LookupError, match="theirs"):
            yield from call_back(fails)
        return "went on"

    assert drive(server).run(gather([flow(), flow()])) == ["went on", "went on"]


def test_a_flow_runs_elsewhere_with_that_clients_server(serve, drive):
    here = serve(lambda request: as_json("here"))
    there = serve(lambda request: as_json("there"))
    near = drive(here)
    far = near.companion(there.url)

    def ask():
        answer = yield from request_json(get("/x"))
        yield from emit(answer)
        return answer

    def flow():
        first = yield from elsewhere(far, ask())
        rest = yield from gather([elsewhere(far, ask()), ask()])
        yield from emit([first, *rest])

    values = near.stream(flow(), 4)
    assert values[0] == "there"
    assert sorted(values[1:3]) == ["here", "there"]
    assert values[3] == ["there", "there", "here"]


def test_an_error_elsewhere_reaches_the_flow_that_asked(serve, drive):
    here = serve(lambda request: as_json(1))
    there = serve(lambda request: as_json({"detail": "no"}, 404))
    near = drive(here)
    far = near.companion(there.url)

    def flow():
        with pytest.raises(NotFoundError):
            yield from elsewhere(far, request_json(get("/x")))
        return (yield from request_json(get("/x")))

    assert near.run(flow()) == 1


def test_callbacks_elsewhere_come_to_the_caller(serve, drive):
    near = drive(serve(lambda request: as_json(1)))
    far = near.companion(serve(lambda request: as_json(1)).url)
    threads = []
    callback = call_back(lambda: threads.append(threading.get_ident()))
    near.run(gather([elsewhere(far, callback)]))
    near.run(elsewhere(far, call_back(lambda: threads.append(0))))
    assert threads == [threading.get_ident(), 0]


def undone_elsewhere(there, then):
    def flow():
        yield from on_interrupt(lambda: request_json(post("/undo")))
        yield from then()

    return elsewhere(there, gather([flow()]))


def test_ctrl_c_undoes_what_was_begun_elsewhere_on_that_server(serve):
    servers = [serve(lambda request: as_json(1)) for _ in range(2)]
    settings = [make_settings(server.url) for server in servers]
    near, far = (BlockingDriver(item, EventHub(item)) for item in settings)

    def interrupted():
        raise KeyboardInterrupt

    flow = undone_elsewhere(far, lambda: run_blocking(interrupted))
    with pytest.raises(KeyboardInterrupt):
        near.run(flow)
    assert [server.lines for server in servers] == [[], ["POST /undo"]]
    for driver in (near, far):
        driver.close()


async def test_a_cancelled_task_undoes_it_likewise(serve):
    servers = [serve(lambda request: as_json(1)) for _ in range(2)]
    settings = [make_settings(server.url) for server in servers]
    near, far = (AsyncioDriver(item, EventHub(item)) for item in settings)
    is_there = asyncio.Event()

    def then():
        yield from call_back(is_there.set)
        yield from pause(60)

    task = asyncio.ensure_future(near.run(undone_elsewhere(far, then)))
    await is_there.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [server.lines for server in servers] == [[], ["POST /undo"]]
    for driver in (near, far):
        await driver.close()
