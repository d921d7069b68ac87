"""The options of a client: what each does, and what is refused at construction."""

from __future__ import annotations

import asyncio
import base64
import math
import ssl
import sys
import threading

import pytest
from event_server import EventServer
from http_proxy import HttpProxy
from scripted_server import DroppedError, ScriptedServer, as_json

from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient
from invokeai_py_client._io.http_client import httpx
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    ArgumentError,
    InvokeAIError,
)

CLIENTS = [InvokeAIClient, AsyncInvokeAIClient]
VERSION = as_json({"version": "6.14.2"})


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("INVOKEAI_URL", "INVOKEAI_TOKEN", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    with ScriptedServer(lambda _: VERSION) as running:
        yield running


def in_client(client, *calls):
    """Make calls one after the other and close the client; the last one's result."""
    if isinstance(client, InvokeAIClient):
        with client:
            return [call(client) for call in calls][-1]

    async def main():
        async with client:
            return [await call(client) for call in calls][-1]

    return asyncio.run(main())


def version(client):
    return client.server_version()


# -- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize(
    ("options", "argument", "problem"),
    [
        ({"url": 9090}, "url", "a string such as"),
        ({"url": "ftp://x"}, "url", "cannot start with ftp://"),
        ({"url": "http://u:s3cret@x"}, "url", "without a user name"),
        ({"token": "s3cret\nX: y"}, "token", "printable ASCII"),
        ({"token": b"s3cret"}, "token", "a string"),
        ({"email": "a@b.c"}, "password", "or neither"),
        ({"password": "s3cret"}, "email", "or neither"),
        ({"request_timeout": 0}, "request_timeout", "above 0"),
        ({"request_timeout": -1}, "request_timeout", "above 0"),
        ({"request_timeout": math.nan}, "request_timeout", "above 0"),
        ({"request_timeout": math.inf}, "request_timeout", "above 0"),
        ({"request_timeout": "60"}, "request_timeout", "a number of seconds"),
        ({"request_timeout": True}, "request_timeout", "a number of seconds"),
        ({"settle_time": -0.1}, "settle_time", "from 0 on"),
        ({"max_retries": -1}, "max_retries", "from 0 on"),
        ({"max_retries": 1.5}, "max_retries", "a whole number"),
        ({"max_reply_bytes": 0}, "max_reply_bytes", "from 1 on"),
        ({"max_download_bytes": None}, "max_download_bytes", "from 1 on"),
        ({"headers": {"X-Secret": "s3crét"}}, "headers", "X-Secret"),
        ({"headers": {"X-Number": 5}}, "headers", "X-Number"),
        ({"headers": "X: y"}, "headers", "a mapping"),
        ({"verify": 1.0}, "verify", "ssl.SSLContext"),
        ({"verify": "/no/file", "url": "https://x"}, "verify", "no certificates"),
        ({"proxy": 3128}, "proxy", "HTTP proxy"),
        ({"proxy": "proxy:3128"}, "proxy", "http://proxy:3128"),
        ({"proxy": "http://u:s3cret@h:port"}, "proxy", "http://proxy:3128"),
        ({"proxy": "https://u:s3cret@h"}, "proxy", "event socket cannot"),
        ({"proxy": "socks5://h:1080"}, "proxy", "event socket cannot"),
        ({"http_options": 5}, "http_options", "limits"),
        ({"http_options": {"verify": False}}, "http_options", "use verify="),
        ({"http_options": {"timeout": 5}}, "http_options", "use request_timeout="),
        ({"http_options": {"base_url": "x"}}, "http_options", "base_url"),
        ({"http_options": {"limits": 5}}, "http_options", "max_"),
        ({"http_options": {"transport": 5}}, "http_options", "BaseTransport"),
        ({"reqest_timeout": 5}, "reqest_timeout", "'request_timeout'"),
        ({"tokn": "s3cret"}, "tokn", "'token'"),
        ({"zzz": 5}, "zzz", "max_retries"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_at_once(
    kind, options, argument, problem
):
    with pytest.raises(ArgumentError, match=problem) as caught:
        kind(**options)
    assert caught.value.argument == argument
    assert "s3cr" not in str(caught.value)
    assert "s3cr" not in repr(vars(caught.value))


def test_a_transport_of_the_other_kind_is_refused():
    sync, other = httpx.HTTPTransport(), httpx.AsyncHTTPTransport()
    for kind, transport in ((InvokeAIClient, other), (AsyncInvokeAIClient, sync)):
        with pytest.raises(ArgumentError, match="BaseTransport"):
            kind(http_options={"transport": transport})
    with pytest.raises(ArgumentError, match="takes the place of proxy="):
        InvokeAIClient(proxy="http://h", http_options={"transport": sync})


def test_numbers_of_numpy_are_numbers():
    numpy = pytest.importorskip("numpy")
    client = InvokeAIClient(
        request_timeout=numpy.float32(5), max_retries=numpy.int64(2)
    )
    assert type(client._settings.request_timeout) is float
    assert type(client._settings.max_retries) is int


def test_a_path_of_certificates_may_begin_at_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    # An empty folder: with "~" itself this would be "no certificates".
    with InvokeAIClient("https://x", verify="~") as client:
        assert "https://x" in repr(client)
    with pytest.raises(ArgumentError, match="no certificates"):
        InvokeAIClient("https://x", verify="~/missing")


# -- max_retries -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("retries", [0, 2])
def test_max_retries_says_how_often_a_request_is_repeated(kind, retries):
    def lost(_):
        raise DroppedError

    with ScriptedServer(lost) as server:
        with pytest.raises(APIConnectionError):
            in_client(kind(server.url, max_retries=retries), version)
        assert len(server.lines) == retries + 1


# -- proxy -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CLIENTS)
def test_requests_go_through_the_proxy_that_is_given(kind, server):
    with HttpProxy() as proxy:
        client = kind(server.url, proxy=f"http://me:a%20word@{proxy.address}/")
        assert in_client(client, version) == "6.14.2"
    assert proxy.lines == [f"GET {server.url}/api/v1/app/version"]
    scheme, _, encoded = proxy.credentials[0].partition(" ")
    assert (scheme, base64.b64decode(encoded)) == ("Basic", b"me:a word")


def first_event(client, server):
    """The first event that comes, sent once the client has subscribed."""

    def send():
        while not server.subscriptions:
            pause.wait(0.01)
        server.send("hello", {"item_id": 1})

    pause = threading.Event()
    sender = threading.Thread(target=send)
    sender.start()
    try:
        return next(client.events("hello"))
    finally:
        sender.join(60)


def test_the_event_socket_goes_through_the_proxy_that_is_given():
    with HttpProxy() as proxy, EventServer() as server:
        with InvokeAIClient(
            server.url, proxy=f"http://me:pw@{proxy.address}"
        ) as client:
            assert first_event(client, server).name == "hello"
        assert proxy.lines == [f"CONNECT 127.0.0.1:{server.port}"]
        scheme, _, encoded = proxy.credentials[0].partition(" ")
        assert (scheme, base64.b64decode(encoded)) == ("Basic", b"me:pw")


def test_a_proxy_that_does_not_answer_is_a_connection_error(server):
    with (
        InvokeAIClient(server.url, proxy="http://127.0.0.1:9", max_retries=0) as client,
        pytest.raises(APIConnectionError),
    ):
        client.server_version()
    assert server.lines == []


# -- http_options ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_transport_gets_every_request_with_its_query(kind):
    seen = []

    def answer(request):
        seen.append(str(request.url))
        return httpx.Response(200, json=[])

    client = kind(
        "http://nowhere/x", http_options={"transport": httpx.MockTransport(answer)}
    )
    found = in_client(
        client, lambda client: client.request("GET", "/api/a", params={"b": "c d"})
    )
    assert (found, seen) == ([], ["http://nowhere/x/api/a?b=c%20d"])


def test_a_transport_stays_open_for_the_other_clients_that_use_it():
    class Transport(httpx.MockTransport):
        def close(self):
            raise AssertionError("it is not the client's to close")

    transport = Transport(lambda _: httpx.Response(200, json={"version": "6.14.2"}))
    first = InvokeAIClient("http://x", http_options={"transport": transport})
    second = first.with_options(max_retries=0)
    first.close()
    assert second.server_version() == "6.14.2"


def test_limits_are_those_that_are_given(server):
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=0)
    with InvokeAIClient(server.url, http_options={"limits": limits}) as client:
        for _ in range(3):
            client.server_version()
    assert server.connections == 3


def test_the_environment_can_be_left_out(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr("invokeai_py_client._core.address.Address.is_loopback", False)
    with (
        InvokeAIClient(server.url, max_retries=0) as client,
        pytest.raises(APIConnectionError),
    ):
        client.server_version()
    options = {"trust_env": False}
    with InvokeAIClient(server.url, http_options=options) as client:
        assert client.server_version() == "6.14.2"


@pytest.mark.parametrize("kind", CLIENTS)
def test_what_needs_another_package_says_so_at_construction(kind, monkeypatch):
    # As where it is not installed.
    monkeypatch.setitem(sys.modules, "h2", None)
    with pytest.raises(ArgumentError, match="h2"):
        kind(http_options={"http2": True})


# -- with_options ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", CLIENTS)
def test_with_options_makes_another_client_of_the_same_server(kind, server):
    first = kind(
        server.url + "/",
        token="a",
        headers={"X-Own": "1"},
        request_timeout=7,
        max_retries=1,
        settle_time=2,
        verify=ssl.create_default_context(),
    )
    second = first.with_options(request_timeout=9, headers={"X-Other": "2"})
    assert type(second) is kind
    assert second.url == first.url
    assert second._runner is not first._runner
    assert second._hub is not first._hub
    changed = {
        name
        for name, value in vars(first._settings).items()
        if vars(second._settings)[name] != value
    }
    assert changed == {"request_timeout", "headers", "credentials"}
    assert second._settle_time == 2
    for client in (first, second):
        in_client(client, lambda client: client.request("GET", "/x"))
    old, new = (request.headers for request in server.received)
    assert (old["authorization"], new["authorization"]) == ("Bearer a", "Bearer a")
    assert ("x-own" in old, "x-other" in new, "x-own" in new) == (True, True, False)


@pytest.mark.parametrize("kind", CLIENTS)
def test_closing_one_client_does_not_close_the_other(kind, server):
    first = kind(server.url)
    second = first.with_options(max_retries=0)
    third = second.with_options()
    in_client(second, version)
    assert in_client(first, version) == in_client(third, version) == "6.14.2"


@pytest.mark.parametrize("kind", CLIENTS)
def test_new_credentials_replace_the_old_ones(kind):
    first = kind("http://x", email="a@b.c", password="p")
    first._settings.credentials.replace_token(None, "logged-in")

    def who(client):
        now = client._settings.credentials
        return now.token, now.email, now.password

    assert who(first.with_options()) == ("logged-in", "a@b.c", "p")
    assert who(first.with_options(token="t")) == ("t", None, None)
    assert who(first.with_options(email="d@e.f", password="q")) == (None, "d@e.f", "q")
    second = first.with_options()
    second._settings.credentials.change(None, None, None)
    assert who(first)[0] == "logged-in"


@pytest.mark.parametrize("kind", CLIENTS)
def test_with_options_refuses_what_the_class_refuses(kind):
    with pytest.raises(ArgumentError, match="'request_timeout'"):
        kind().with_options(reqest_timeout=1)
    with pytest.raises(ArgumentError, match="above 0"):
        kind().with_options(request_timeout=-1)


def test_the_changed_time_limit_is_used():
    wait = threading.Event()

    def slow(_):
        wait.wait(10)
        return VERSION

    with ScriptedServer(slow) as server, InvokeAIClient(server.url) as client:
        quick = client.with_options(request_timeout=0.1, max_retries=0)
        with quick, pytest.raises(APITimeoutError):
            quick.server_version()
        wait.set()
        assert client.server_version() == "6.14.2"


def test_a_closed_client_refuses_only_its_own_calls(server):
    client = InvokeAIClient(server.url)
    client.close()
    with pytest.raises(APIError, match="closed"):
        client.server_version()
    with client.with_options() as other:
        assert other.server_version() == "6.14.2"


# -- what the environment says ---------------------------------------------------------

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture
def far_away(monkeypatch):
    """Servers of tests are not on this machine, and no proxy is set."""
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("invokeai_py_client._core.address.Address.is_loopback", False)


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
@pytest.mark.parametrize("kind", CLIENTS)
def test_requests_go_through_the_proxy_of_the_environment(
    kind, variable, server, far_away, monkeypatch
):
    with HttpProxy() as proxy:
        if variable == "HTTP_PROXY":
            # Also without a scheme, as curl takes it.
            monkeypatch.setenv(variable, proxy.address)
        else:
            monkeypatch.setenv(variable, f"http://me:a%20word@{proxy.address}/")
        assert in_client(kind(server.url), version) == "6.14.2"
        assert proxy.lines == [f"GET {server.url}/api/v1/app/version"]
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert in_client(kind(server.url), version) == "6.14.2"
        assert len(proxy.lines) == 1


def test_the_event_socket_goes_through_the_proxy_of_the_environment(
    far_away, monkeypatch
):
    with HttpProxy() as proxy, EventServer() as server:
        monkeypatch.setenv("http_proxy", f"http://me:pw@{proxy.address}")
        with InvokeAIClient(server.url) as client:
            assert first_event(client, server).name == "hello"
        assert proxy.lines == [f"CONNECT 127.0.0.1:{server.port}"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("socks5://user:s3cret@h:1080", "SOCKS needs the package socksio"),
        ("socks4://h:1080", "ALL_PROXY"),
        ("nonsense://h", "NO_PROXY"),
        ("http://u:s3cret@h:port", "NO_PROXY"),
        ("http://", "NO_PROXY"),
        ("://", "NO_PROXY"),
    ],
)
@pytest.mark.parametrize("kind", CLIENTS)
def test_a_proxy_of_the_environment_that_cannot_be_used_says_where_it_is_from(
    kind, value, words, far_away, monkeypatch
):
    monkeypatch.setenv("all_proxy", value)
    with pytest.raises(ArgumentError, match=words) as caught:
        kind("http://server:9090")
    assert caught.value.argument == "proxy"
    assert "trust_env" in caught.value.hint
    assert "s3cret" not in repr(vars(caught.value))
    # It can be left out, or replaced.
    kind("http://server:9090", http_options={"trust_env": False})
    kind("http://server:9090", proxy="http://proxy:3128")


# -- the wrong kind of client ----------------------------------------------------------


def test_the_wrong_kind_of_with_says_which_is_right(server):
    client = AsyncInvokeAIClient(server.url)
    words = "`async with`, or take the InvokeAIClient"
    with pytest.raises(InvokeAIError, match=words), client:
        pass

    async def main():
        async with InvokeAIClient(server.url):
            pass

    words = "`with`, or take the AsyncInvokeAIClient"
    with pytest.raises(InvokeAIError, match=words):
        asyncio.run(main())
