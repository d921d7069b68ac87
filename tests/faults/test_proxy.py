"""The proxy does to a connection what it says, and to the server no more."""

from __future__ import annotations

import time

import pytest
from both_drivers import make_settings, once
from scripted_server import ScriptedServer, as_json

from faults.rig.proxy import FaultProxy, RandomSchedule
from invokeai_py_client._core.send import get, post
from invokeai_py_client._io.blocking_driver import BlockingDriver
from invokeai_py_client._io.event_hub import EventHub
from invokeai_py_client.exceptions import APIConnectionError


@pytest.fixture
def server():
    with ScriptedServer(lambda request: as_json([1] * 100)) as running:
        yield running


@pytest.fixture
def proxy(server):
    with FaultProxy(server.url) as running:
        yield running


@pytest.fixture
def ask(proxy):
    settings = make_settings(proxy.url)
    driver = BlockingDriver(settings, EventHub(settings))
    yield lambda request: driver.run(once(request))
    driver.close()


def test_what_matches_no_rule_passes(ask, proxy, server):
    proxy.next("reset_before", path="other")
    assert ask(post("/a", json={"b": 1}, params={"q": "x"})).status == 200
    assert server.received[0].body == b'{"b": 1}'
    assert server.lines == ["POST /a?q=x"]
    assert proxy.seen == [("POST", "/a")]


@pytest.mark.parametrize(
    ("kind", "handled"),
    [
        ("reset_before", 0),
        ("reset_during", 1),
        ("reset_after", 1),
        ("reset_body", 1),
        ("truncate", 1),
    ],
)
def test_a_cut_comes_at_its_place(ask, proxy, server, kind, handled):
    proxy.next(kind)
    with pytest.raises(APIConnectionError) as caught:
        ask(get("/a"))
    assert caught.value.sent
    deadline = time.monotonic() + 60
    while len(server.lines) < handled and time.monotonic() < deadline:
        time.sleep(0.005)
    assert len(server.lines) == handled
    assert ask(get("/b")).status == 200


@pytest.mark.parametrize(
    ("kind", "handled"), [("status", 0), ("late_status", 1), ("html", 0)]
)
def test_another_answer_comes_instead(ask, proxy, server, kind, handled):
    proxy.next(kind, status=429, retry_after=7)
    reply = ask(get("/a"))
    assert len(server.lines) == handled
    if kind == "html":
        assert reply.content.startswith(b"<!DOCTYPE")
    else:
        assert (reply.status, reply.headers["retry-after"]) == (429, "7")


def test_a_slow_answer_is_whole(ask, proxy):
    proxy.next("drip", seconds=0.3)
    begun = time.monotonic()
    assert ask(get("/a")).content == b"[" + b"1, " * 99 + b"1]"
    assert time.monotonic() - begun >= 0.1  # the last pause comes after the last piece


def test_a_refused_connection_was_not_sent(ask, proxy):
    proxy.refuse()
    with pytest.raises(APIConnectionError) as caught:
        ask(get("/a"))
    assert not caught.value.sent
    proxy.accept()
    assert ask(get("/a")).status == 200


def test_a_seed_gives_the_same_faults_again():
    def drawn(seed):
        schedule = RandomSchedule(seed)
        return [str(schedule("GET", "/a")) for _ in range(40)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert sum(fault != "None" for fault in drawn(1)) == 6
