"""What a server can send over the event socket, and what the hub makes of it."""

from __future__ import annotations

import inspect
import json
import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
from both_drivers import make_settings
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from invokeai_py_client._core.messages import Subscribe
from invokeai_py_client._io.event_hub import EventHub
from invokeai_py_client._io.mailbox import BlockingMailbox

OPEN = '0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'
READY = '42["hello",{"item_id":1}]'


@contextmanager
def raw_server(*talks):
    """A server that says `talks` word by word: one per connection, the last for all."""
    count = iter(range(1_000_000))

    def speak(connection):
        talk = talks[min(next(count), len(talks) - 1)]
        try:
            for word in talk:
                if word == "...":
                    connection.recv(10)
                elif isinstance(word, bytearray):
                    # Sent as if it were a string.
                    connection.send(word, text=True)
                else:
                    connection.send(word)
            while True:
                connection.recv(20)
        except (ConnectionClosed, TimeoutError):
            pass

    with serve(speak, "127.0.0.1", 0, max_size=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()


def new_mailbox(hub):
    return BlockingMailbox(Subscribe(lambda _: True, "default"), hub.forget)


@contextmanager
def listening(url, **options):
    hub = EventHub(replace(make_settings(url), **options))
    mailbox = new_mailbox(hub)
    try:
        yield hub, mailbox
    finally:
        hub.close()
        names = [thread.name for thread in threading.enumerate()]
        assert "ivk-events" not in names


def names_until(mailbox, last, seconds=20.0):
    got = []
    deadline = time.monotonic() + seconds
    while last not in got:
        assert time.monotonic() < deadline, got
        event = mailbox.take(1.0)
        if event is not None:
            got.append(event.name)
    return got


def attach(hub, mailbox, seconds=20.0):
    """Listen once there is a connection: attempts before that may fail."""
    deadline = time.monotonic() + seconds
    while not hub.deliver_to(mailbox):
        assert time.monotonic() < deadline
        mailbox = new_mailbox(hub)
    return mailbox


CONNECTED = [OPEN, "...", '40{"sid":"s"}']
SUBSCRIBED = [*CONNECTED, "...", "431[]"]
BOUND = {"max_reply_bytes": 1_000_000}


def test_events_arrive_in_the_order_in_which_they_were_sent():
    burst = [f'42["count",{{"item_id":{number}}}]' for number in range(1500)]
    with raw_server([*SUBSCRIBED, *burst]) as url, listening(url) as (hub, mailbox):
        assert hub.deliver_to(mailbox)
        got = []
        while len(got) < len(burst):
            event = mailbox.take(10.0)
            assert event is not None
            if event.name == "count":
                got.append(event.payload["item_id"])
    assert got == list(range(1500))


@pytest.mark.parametrize(
    "first_words",
    [
        pytest.param([""], id="empty"),
        pytest.param(["0nothing"], id="not JSON"),
        pytest.param(["0{}"], id="without fields"),
        pytest.param(["0[]"], id="a list"),
        pytest.param(["x"], id="no packet"),
        pytest.param(["0" + "[" * 100_000], id="nested beyond reading"),
        pytest.param([OPEN, "...", "44[[["], id="broken refusal"),
    ],
)
def test_a_broken_handshake_is_tried_again(first_words):
    talks = first_words, [*SUBSCRIBED, READY]
    with raw_server(*talks) as url, listening(url) as (hub, mailbox):
        mailbox = attach(hub, mailbox)
        assert "hello" in names_until(mailbox, "hello")


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param("42" + "[" * 100_000, id="nested beyond reading"),
        pytest.param("42nothing", id="not JSON"),
        pytest.param("42[]", id="no name"),
        pytest.param("42{}", id="no list"),
        pytest.param("42[1,2]", id="a number for a name"),
        pytest.param("43[1]", id="an answer to nothing"),
        pytest.param("43999[]", id="an unknown answer"),
        pytest.param("49", id="unknown kind"),
        pytest.param("4", id="empty message"),
        pytest.param('451-["hello",{"_placeholder":true,"num":0}]', id="attachment"),
        pytest.param(b"\x00\x01", id="bytes"),
        pytest.param('42["item",{"item_id":"\\ud800"}]', id="half a surrogate pair"),
        pytest.param('42["item",' + json.dumps([1] * 50) + "]", id="a list for fields"),
    ],
)
def test_a_broken_packet_costs_only_itself(packet):
    talk = [*SUBSCRIBED, packet, READY]
    with raw_server(talk) as url, listening(url) as (hub, mailbox):
        assert hub.deliver_to(mailbox)
        got = names_until(mailbox, "hello")
    assert "disconnect" not in got


def test_odd_names_of_events_can_be_written_to_a_log(caplog):
    def accepts(event):
        if event.name != "hello":
            raise LookupError
        return True

    caplog.set_level(logging.DEBUG, logger="invokeai_py_client")
    odd = '42["a\\ud800\\nb",{"item_id":"\\udfff"}]'
    with raw_server([*SUBSCRIBED, odd, READY]) as url, listening(url) as (hub, _):
        mailbox = BlockingMailbox(Subscribe(accepts, "default"), hub.forget)
        assert hub.deliver_to(mailbox)
        names_until(mailbox, "hello")
    lines = [record.getMessage() for record in caplog.records]
    for line in lines:
        line.encode("utf-8")
    literal = r"'a\ud800\nb'"
    assert rf"event {literal} item='\udfff'" in lines
    assert f"a filter failed on event {literal}" in lines


@pytest.mark.parametrize("goodbye", ["41", "41/,", "1"])
def test_after_a_goodbye_of_the_server_it_connects_again(goodbye):
    talks = [*SUBSCRIBED, goodbye], [*SUBSCRIBED, READY]
    with raw_server(*talks) as url, listening(url) as (hub, mailbox):
        assert hub.deliver_to(mailbox)
        assert "disconnect" in names_until(mailbox, "hello")


def test_an_endless_event_ends_the_connection_and_a_new_one_goes_on():
    endless = '42["big",{"text":"' + "x" * 3_000_000 + '"}]'
    talks = [*SUBSCRIBED, endless], [*SUBSCRIBED, READY]
    with raw_server(*talks) as url, listening(url, **BOUND) as (hub, mailbox):
        assert hub.deliver_to(mailbox)
        got = names_until(mailbox, "hello")
    assert "big" not in got
    assert "disconnect" in got


@pytest.mark.skipif(
    "text" not in inspect.signature(ServerConnection.send).parameters,
    reason="this version of websockets sends nothing but strings as text",
)
def test_what_is_not_utf_8_ends_the_connection_and_a_new_one_goes_on():
    broken = bytearray(b'42["big",{"text":"\xc3("}]')
    talks = [*SUBSCRIBED, broken], [*SUBSCRIBED, READY]
    with raw_server(*talks) as url, listening(url) as (hub, mailbox):
        assert hub.deliver_to(mailbox)
        got = names_until(mailbox, "hello")
    assert "big" not in got
    assert "disconnect" in got


def test_an_event_within_the_limit_arrives_whole():
    big = '42["big",{"text":"' + "ü" * 450_000 + '"}]'
    talk = [*SUBSCRIBED, big, READY]
    with raw_server(talk) as url, listening(url, **BOUND) as (hub, mailbox):
        assert hub.deliver_to(mailbox)
        event = mailbox.take(10.0)
        while event is not None and event.name != "big":
            event = mailbox.take(10.0)
    assert event is not None
    assert event.payload["text"] == "ü" * 450_000


@pytest.mark.parametrize("token", [None, "tok-SECRET"])
def test_a_server_that_falls_silent_prints_nothing(capfd, caplog, token):
    caplog.set_level(logging.DEBUG)
    # Pings come every 0.1 s, says the server, and none comes.
    silent = OPEN.replace("25000", "100").replace("20000", "100")
    talk = [silent, *SUBSCRIBED[1:], READY]
    with raw_server(talk) as url:
        settings = make_settings(url, token=token)
        hub = EventHub(settings)
        mailbox = new_mailbox(hub)
        assert hub.deliver_to(mailbox)
        assert "disconnect" in names_until(mailbox, "disconnect")
        hub.close()
    written = capfd.readouterr()
    assert written.out + written.err == ""
    # The server of this test has a log, too.
    records = [item for item in caplog.records if "websockets" not in item.name]
    told = [record.getMessage() for record in records]
    assert {record.levelno for record in records} == {logging.DEBUG}
    assert any("event socket:" in line for line in told)
    assert "SECRET" not in "".join(told)
