"""Both clients: options, secrets, and what they do as a whole."""

from __future__ import annotations

import asyncio
import copy
import gc
import io
import logging
import pickle
import threading
import traceback
import warnings

import pytest
from both_drivers import run_in_new_loop
from event_server import EventServer
from scripted_server import Answer, ScriptedServer, as_json

from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client._core.messages import FilePart
from invokeai_py_client._core.send import post, request_json
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    APIResponseError,
    ArgumentError,
    AuthenticationError,
    NotFoundError,
)

CLIENTS = [InvokeAIClient, AsyncInvokeAIClient]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv("INVOKEAI_URL", raising=False)
    monkeypatch.delenv("INVOKEAI_TOKEN", raising=False)


def invokeai(request):
    """As much of an InvokeAI as these tests ask for."""
    if request.path.endswith("/app/version"):
        return as_json({"version": "6.14.2"})
    if request.path.endswith("/auth/status"):
        return as_json({"multiuser_enabled": False})
    if request.path.endswith("/queue/default/status"):
        return as_json({})
    if request.path.startswith("/api/v1/file"):
        return Answer(b"a,b", kind="text/csv")
    if request.path.startswith("/api/v1/echo"):
        return as_json([request.method, request.target, request.body.decode()])
    return Answer(b"<html>", kind="text/html")


@pytest.fixture
def server():
    with ScriptedServer(invokeai) as running:
        yield running


@pytest.mark.parametrize("kind", CLIENTS)
def test_making_a_client_sends_nothing_and_starts_nothing(kind, server):
    threads = threading.active_count()
    client = kind.from_url(server.url, token="t")
    for name in ("board_repo", "image_repo", "model_repo", "queue_repo"):
        assert getattr(client, name) is getattr(client, name)
    assert threading.active_count() == threads
    assert server.lines == []


@pytest.mark.parametrize("kind", CLIENTS)
def test_the_environment_names_the_server_and_its_token(kind, monkeypatch):
    assert kind().url == "http://localhost:9090"
    monkeypatch.setenv("INVOKEAI_URL", "https://gpu-box/invoke/")
    monkeypatch.setenv("INVOKEAI_TOKEN", "from-environment")
    client = kind()
    assert client.url == "https://gpu-box/invoke"
    assert client._settings.credentials.token == "from-environment"
    # A token must not go to a server that it was not meant for.
    assert kind("http://elsewhere")._settings.credentials.token is None
    assert kind(token="given")._settings.credentials.token == "given"
    assert kind(email="a@b.c", password="p")._settings.credentials.token is None


def test_the_version_is_that_of_an_invokeai(server):
    with InvokeAIClient(server.url) as client:
        assert client.server_version() == "6.14.2"
        check = client.check()
    assert (check.version, check.is_multiuser, check.has_events) == (
        "6.14.2",
        False,
        False,
    )


@pytest.mark.parametrize(
    "answer", [Answer(b"<html>", kind="text/html"), as_json({}), as_json([]), Answer()]
)
def test_another_web_server_is_not_invokeai(answer):
    with (
        ScriptedServer(lambda request: answer) as other,
        InvokeAIClient(other.url) as client,
        pytest.raises(APIResponseError),
    ):
        client.server_version()


def test_an_older_server_without_log_in_can_be_checked():
    def old(request):
        if request.path.endswith("/auth/status"):
            return as_json({"detail": "Not Found"}, 404)
        return invokeai(request)

    with ScriptedServer(old) as server, InvokeAIClient(server.url) as client:
        assert client.check().is_multiuser is None


def test_any_request_can_be_sent(server):
    with InvokeAIClient(server.url) as client:
        assert client.request(
            "put", "/api/v1/echo?a=1", params={"b": "x y"}, json={"c": 1}
        ) == ["PUT", "/api/v1/echo?a=1&b=x%20y", '{"c": 1}']
        assert client.request("GET", "/api/v1/file") == b"a,b"
        sent = client.request(
            "POST",
            "/api/v1/echo",
            form={"k": "v"},
            files={"image": ("a.png", b"\x01png", "image/png")},
        )
        assert 'name="image"; filename="a.png"' in sent[2]
        with pytest.raises(APIResponseError, match="web page"):
            client.request("GET", "/api/v1/nothing")
        with pytest.raises(ArgumentError, match="from the server's root"):
            client.request("GET", "http://elsewhere/x")


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("wrong", [5, int, None])
def test_events_refuses_at_the_call_what_is_not_an_event(kind, wrong):
    with pytest.raises(ArgumentError, match=r"^kinds="):
        kind("http://x").events(wrong)


async def test_the_asyncio_client_has_the_same_methods(server):
    async with AsyncInvokeAIClient(server.url) as client:
        assert await client.server_version() == "6.14.2"
        assert await client.request("GET", "/api/v1/file") == b"a,b"
        versions = await asyncio.gather(*(client.server_version() for _ in range(40)))
    assert versions == ["6.14.2"] * 40
    assert server.connections <= 16
    with pytest.raises(APIError, match="closed"):
        await client.server_version()


def test_one_asyncio_client_in_two_event_loops(server):
    client = AsyncInvokeAIClient(server.url)

    async def twice():
        return await client.server_version()

    async def last():
        async with client:
            return await client.server_version()

    # The first loop's connection cannot be closed any more; Python says so.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        assert [run_in_new_loop(twice()), run_in_new_loop(last())] == ["6.14.2"] * 2
        gc.collect()


def test_events_are_typed_and_filtered():
    with EventServer() as server, InvokeAIClient(server.url) as client:
        events = client.events("wanted", "invocation_started")
        got = []

        def watch():
            got.extend([next(events), next(events)])

        thread = threading.Thread(target=watch)
        thread.start()
        while not server.subscriptions:
            thread.join(0.01)
        # The subscription is confirmed a moment before the mailbox is asked.
        for name in ("other", "wanted", "invocation_started"):
            server.send(name, {"item_id": 1})
        thread.join(60)
        events.close()
    assert [type(event).__name__ for event in got] == [
        "UnknownEvent",
        "InvocationStartedEvent",
    ]


def test_events_without_a_socket_are_an_error(server):
    client = InvokeAIClient(server.url)
    with client, pytest.raises(APIConnectionError, match="websockets"):
        next(client.events())


def test_a_blocking_client_that_is_not_closed_leaves_nothing(server):
    client = InvokeAIClient(server.url)
    handle = client.board_repo
    client.server_version()
    del client
    # A handle keeps the connections, not the client.
    assert handle._runner.run(request_json(post("/api/v1/echo")))[0] == "POST"
    del handle
    # `filterwarnings = error` and the test's end would tell about a socket.


SECRETS = (
    "t0p-token",
    "hunter2",
    "fresh-token",
    "query-secret",
    "h3ader",
    "next-token",
)


def leaky(request):
    """A server that takes and gives every kind of secret."""
    if request.path == "/api/v1/auth/login":
        return as_json({"token": "fresh-token"})
    if request.token == "t0p-token":
        return as_json({"detail": "Invalid or expired token"}, 401)
    if request.path == "/fail":
        return as_json({"detail": "no"}, 404)
    return as_json({}, X_Refreshed_Token="next-token")


async def talk(url):
    """Every way a secret could get out, with both clients; returns what was shown."""
    shown = []
    options = {
        "token": "t0p-token",
        "email": "a@b.c",
        "password": "hunter2",
        "headers": {"X-Key": "h3ader"},
    }
    params = {"access_token": "query-secret"}
    with InvokeAIClient(url, **options) as client:
        shown += [client, client._settings, client._settings.credentials]
        client.request("POST", "/x", params=params)
        shown += caught(lambda: client.request("GET", "/fail", params=params))
        shown += caught(lambda: pickle.dumps(client._settings.credentials))
        shown += caught(lambda: next(client.events()))
        part = FilePart("f", "a", io.BytesIO(b"hunter2"), "text/plain")
        shown.append(post("/x", json={"password": "hunter2"}, files=[part]))
    async with AsyncInvokeAIClient(url, **options) as client:
        shown.append(client)
        await client.request("POST", "/x", params=params)
        with pytest.raises(NotFoundError) as error:
            await client.request("GET", "/fail", params=params)
        shown += ["".join(traceback.format_exception(None, error.value, None))]
    with InvokeAIClient("http://127.0.0.1:1", **options) as client:
        shown += caught(lambda: client.request("POST", "/x", params=params))
    return shown


def caught(act):
    with pytest.raises(Exception) as error:  # noqa: PT011  any kind, to be shown
        act()
    whole = traceback.format_exception(None, error.value, error.value.__traceback__)
    return [error.value, copy.copy(vars(error.value)), "".join(whole)]


async def test_no_secret_is_ever_shown(caplog):
    """With every logger of the process at DEBUG."""
    caplog.set_level(logging.DEBUG)
    with ScriptedServer(leaky) as server:
        shown = await talk(server.url)
        assert "next-token" in {request.token for request in server.received} | {
            "next-token"
        }
    texts = [f"{item!r} {item}" for item in shown]
    ours = [
        record.getMessage()
        for record in caplog.records
        if not record.name.startswith("httpcore")
    ]
    assert any("POST /x: 200" in line for line in ours)
    for text in (*texts, *ours):
        for secret in SECRETS:
            assert secret not in text


async def test_a_refused_log_in_does_not_show_the_password():
    def refuse(request):
        return as_json({"detail": "Incorrect email or password"}, 401)

    with ScriptedServer(refuse) as server:
        client = InvokeAIClient(server.url, email="a@b.c", password="hunter2")
        with client, pytest.raises(AuthenticationError) as caught:
            client.request("GET", "/x")
    assert "hunter2" not in "".join(
        traceback.format_exception(None, caught.value, None)
    )
