"""Tracebacks that users see: short, of their call and the error, in both clients."""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback

import pytest
from both_drivers import DRIVERS, Driven, make_settings
from scripted_server import ScriptedServer, as_json
from workflow_builder import document, node

from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient
from invokeai_py_client._core.flow import call_back, emit, gather
from invokeai_py_client._core.send import get, request_json
from invokeai_py_client.exceptions import (
    APIConnectionError,
    FieldValidationError,
    InvokeAIError,
    NotFoundError,
)

MOST_FRAMES = 12


@pytest.fixture
def closed_url():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def server():
    with ScriptedServer(lambda _: as_json({"detail": "gone"}, 404)) as running:
        yield running


def printed(error):
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def frames(error):
    return printed(error).count('  File "')


def raised(run, *args):
    with pytest.raises((InvokeAIError, ValueError)) as caught:
        run(*args)
    return caught.value


def blocking(url, work):
    with InvokeAIClient(url) as client:
        work(client)


def with_asyncio(url, work):
    async def main():
        async with AsyncInvokeAIClient(url) as client:
            await work(client)

    asyncio.run(main())


def failure(kind, url, work):
    """What `work` raises, as a script would see it."""
    run = blocking if kind == "blocking" else with_asyncio
    return raised(run, url, work)


@pytest.mark.parametrize("kind", DRIVERS)
def test_a_refused_connection_is_a_short_traceback(kind, closed_url):
    error = failure(kind, closed_url, lambda client: client.board_repo.list_boards())
    assert isinstance(error, APIConnectionError)
    assert "refused" in str(error) or "Connect call failed" in str(error)
    assert frames(error) <= MOST_FRAMES
    assert "httpcore" not in printed(error)


@pytest.mark.parametrize("kind", DRIVERS)
def test_a_404_is_a_short_traceback(kind, server):
    error = failure(kind, server.url, lambda client: client.image_repo.get_image("x"))
    assert isinstance(error, NotFoundError)
    assert frames(error) <= MOST_FRAMES


def refused_value(client):
    made = node("b", "blank_image", {"width": 8}, is_intermediate=False)
    workflow = client.workflow_repo.load(document([made], form=[("b", "width")]))
    workflow["width"] = "wide"


async def refused_value_async(client):
    made = node("b", "blank_image", {"width": 8}, is_intermediate=False)
    workflow = await client.workflow_repo.load(document([made], form=[("b", "width")]))
    workflow["width"] = "wide"


@pytest.mark.parametrize("kind", DRIVERS)
def test_a_refused_value_is_a_short_traceback(kind, server):
    work = refused_value if kind == "blocking" else refused_value_async
    error = failure(kind, server.url, work)
    assert isinstance(error, FieldValidationError)
    assert frames(error) <= MOST_FRAMES


@pytest.fixture(params=DRIVERS)
def driven(request, server):
    running = Driven(request.param, make_settings(server.url))
    yield running
    running.close()


def test_streams_and_gathered_flows_hide_their_frames_too(driven):
    def streaming():
        yield from emit(1)
        yield from gather([request_json(get("/x")) for _ in range(3)])

    error = raised(driven.stream, streaming(), 9)
    assert isinstance(error, NotFoundError)
    assert frames(error) <= MOST_FRAMES


def test_an_error_that_is_raised_again_does_not_grow(driven):
    kept = NotFoundError("gone", status_code=404)

    def failing():
        yield from emit(1)
        raise kept

    sizes = {frames(raised(driven.run, failing())) for _ in range(3)}
    assert len(sizes) == 1


@pytest.mark.parametrize("kind", [ValueError, NotFoundError])
def test_an_error_of_a_callback_shows_where_it_was_raised(driven, kind):
    def inner():
        raise kind("mine", **({"status_code": 404} if kind is NotFoundError else {}))

    def users_callback():
        inner()

    error = raised(driven.run, gather([call_back(users_callback)]))
    assert "in users_callback" in printed(error)
    assert "in inner" in printed(error)


def test_an_error_of_a_request_in_a_callback_shows_the_callback(server):
    with InvokeAIClient(server.url) as client:

        def users_callback():
            client.image_repo.get_image("x")

        error = raised(client._runner.run, call_back(users_callback))
    assert "in users_callback" in printed(error)


@pytest.mark.parametrize("kind", DRIVERS)
def test_the_log_has_every_frame(kind, closed_url, caplog):
    with caplog.at_level(logging.DEBUG, logger="invokeai_py_client"):
        failure(kind, closed_url, lambda client: client.board_repo.list_boards())
    assert "in list_boards" in caplog.text
    assert "httpcore" in caplog.text
