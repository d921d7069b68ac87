"""The event hub: one socket, many mailboxes, whatever the connection does."""

from __future__ import annotations

import asyncio
import gc
import threading
import time

import pytest
from both_drivers import DRIVERS, Driven, make_settings, run_in_new_loop
from event_server import EventServer

from invokeai_py_client._core.flow import (
    emit,
    gather,
    next_event,
    run_blocking,
    subscribe,
)
from invokeai_py_client._core.messages import Subscribe
from invokeai_py_client._core.server_events import parse_event
from invokeai_py_client._io import event_hub
from invokeai_py_client._io.asyncio_driver import AsyncioDriver
from invokeai_py_client._io.blocking_driver import BlockingDriver
from invokeai_py_client._io.event_hub import EventHub
from invokeai_py_client._io.mailbox import AsyncioMailbox, BlockingMailbox
from invokeai_py_client.exceptions import APIError


def everything(event):
    return True


@pytest.fixture
def server():
    with EventServer() as running:
        yield running


@pytest.fixture(params=DRIVERS)
def drive(request):
    driven = []

    def make(url, **options):
        made = Driven(request.param, make_settings(url, **options))
        driven.append(made)
        return made

    yield make
    for made in driven:
        made.close()
    names = {thread.name for thread in threading.enumerate()}
    assert "ivk-events" not in names


def expect(mailbox, *names, seconds=20.0):
    """Wait until events of these names came, in order; others may come between."""
    got = []
    for name in names:
        deadline = time.monotonic() + seconds
        while True:
            assert time.monotonic() < deadline, f"no {name}, only {got}"
            event = yield from next_event(mailbox, 1.0)
            if event is not None:
                got.append(event)
                if event.name == name:
                    break
    return got


def test_events_sent_after_listening_arrive(server, drive):
    def flow():
        mailbox = yield from subscribe(Subscribe(everything, "q1"))
        # The server has confirmed the subscription before `subscribe` returned.
        assert server.subscriptions == [{"queue_id": "q1"}]
        yield from run_blocking(lambda: server.send("hello", {"item_id": 3}))
        event = yield from next_event(mailbox, 10)
        nothing = yield from next_event(mailbox, 0.02)
        return event, nothing

    event, nothing = drive(server.url).run(flow())
    assert (event.name, event.payload, nothing) == ("hello", {"item_id": 3}, None)


def test_filters_decide_and_a_broken_one_harms_nobody_else(server, drive, caplog):
    def broken(event):
        raise KeyError(event.name)

    def flow():
        bad = yield from subscribe(Subscribe(broken))
        good = yield from subscribe(Subscribe(lambda event: event.name == "b"))
        for name in ("a", "b"):
            yield from run_blocking(lambda name=name: server.send(name, {}))
        event = yield from next_event(good, 10)
        return event.name, (yield from next_event(bad, 0.02))

    driven = drive(server.url)
    assert driven.run(flow()) == ("b", None)
    assert "a filter failed" in caplog.text
    assert len(driven.hub._mailboxes) == 0


def test_bulk_downloads_have_their_own_subscription(server, drive):
    drive(server.url).run(subscribe(Subscribe(everything, bulk_downloads=True)))
    assert server.subscriptions == [{"bulk_download_id": "default"}]


def test_many_listeners_share_one_socket_and_one_subscription(server, drive):
    def wait(number):
        mailbox = yield from subscribe(Subscribe(lambda event: event.item_id == number))
        event = yield from next_event(mailbox, 20)
        return event.payload["item_id"]

    driven = drive(server.url)
    sender = threading.Thread(target=send_when_all_listen, args=(driven, server))
    sender.start()
    numbers = driven.run(gather([wait(number) for number in range(20)], limit=20))
    sender.join()
    assert numbers == list(range(20))
    assert len(server.tokens) == 1
    assert len(server.subscriptions) == 1
    assert len(driven.hub._mailboxes) == 0


def send_when_all_listen(driven, server):
    deadline = time.monotonic() + 60
    while len(driven.hub._mailboxes) < 20 and time.monotonic() < deadline:
        time.sleep(0.01)
    for number in range(20):
        server.send("done", {"item_id": number})


def test_after_a_restart_it_is_connected_and_subscribed_again(server, drive):
    def flow():
        mailbox = yield from subscribe(Subscribe(everything, "q1"))
        yield from run_blocking(server.stop)
        yield from expect(mailbox, "disconnect")
        yield from run_blocking(server.start)
        yield from expect(mailbox, "connect")
        assert server.subscriptions == [{"queue_id": "q1"}] * 2
        yield from run_blocking(lambda: server.send("again", {}))
        return [event.name for event in (yield from expect(mailbox, "again"))]

    assert drive(server.url).run(flow()) == ["again"]


def test_without_a_socket_listening_gives_nothing_and_is_quick(drive):
    with EventServer() as gone:
        url = gone.url
    driven = drive(url)
    begun = time.monotonic()
    assert [driven.run(subscribe(Subscribe(everything))) for _ in range(5)] == [
        None
    ] * 5
    assert time.monotonic() - begun < 30
    assert len(driven.hub._mailboxes) == 0


def test_a_base_path_is_kept_and_the_token_sent(drive):
    with EventServer("/behind/proxy/ws/socket.io") as server:
        driven = drive(server.url + "/behind/proxy", token="t0ken")
        assert driven.run(subscribe(Subscribe(everything))) is not None
    assert server.tokens == ["t0ken"]


def test_a_token_that_replaces_a_refused_one_is_tried_at_once(
    server, drive, monkeypatch
):
    # No attempt comes by itself meanwhile.
    for pause in ("_FIRST_PAUSE", "_LONGEST_PAUSE"):
        monkeypatch.setattr(event_hub, pause, 600.0)
    server.accepted = {"new"}
    driven = drive(server.url, token="old")
    patient = Subscribe(everything, patience=60)
    # A refusal is an answer: nobody waits for more attempts with the same token.
    assert driven.run(subscribe(patient)) is None
    driven.settings.credentials.replace_token("old", "new")
    assert driven.run(subscribe(patient)) is not None
    assert server.tokens == ["old", "new"]


def test_closing_the_client_ends_a_wait(server):
    settings = make_settings(server.url)
    driver = BlockingDriver(settings, EventHub(settings))
    listening = threading.Event()

    def flow():
        mailbox = yield from subscribe(Subscribe(everything))
        yield from run_blocking(listening.set)
        yield from next_event(mailbox, 60)

    errors = []

    def wait():
        try:
            driver.run(flow())
        except APIError as error:
            errors.append(str(error))

    thread = threading.Thread(target=wait)
    thread.start()
    assert listening.wait(10)
    driver.close()
    thread.join(60)
    assert errors == ["this client is closed (make a new one)"]


def test_a_dropped_client_leaves_no_thread(server):
    settings = make_settings(server.url)
    driver = BlockingDriver(settings, EventHub(settings))
    driver.run(subscribe(Subscribe(everything)))
    [thread] = [item for item in threading.enumerate() if item.name == "ivk-events"]
    del driver
    gc.collect()
    thread.join(60)
    assert not thread.is_alive()


async def test_a_cancelled_wait_leaves_no_mailbox(server):
    settings = make_settings(server.url)
    hub = EventHub(settings)
    driver = AsyncioDriver(settings, hub)

    def flow():
        mailbox = yield from subscribe(Subscribe(everything))
        yield from next_event(mailbox, 60)

    tasks = [asyncio.ensure_future(driver.run(flow())) for _ in range(10)]
    while len(hub._mailboxes) < 10:
        await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert len(hub._mailboxes) == 0
    await driver.close()


def test_one_client_in_two_event_loops(server):
    settings = make_settings(server.url)
    driver = AsyncioDriver(settings, EventHub(settings))

    def flow(name):
        mailbox = yield from subscribe(Subscribe(lambda event: event.name == name))
        yield from run_blocking(lambda: server.send(name, {}))
        return (yield from next_event(mailbox, 10)).name

    async def close():
        assert await driver.run(flow("c")) == "c"
        await driver.close()

    assert run_in_new_loop(driver.run(flow("a"))) == "a"
    assert run_in_new_loop(driver.run(flow("b"))) == "b"
    run_in_new_loop(close())


def test_the_mailbox_of_a_closed_loop_is_dropped():
    forgotten = []

    async def make():
        return AsyncioMailbox(Subscribe(everything), forgotten.append)

    mailbox = run_in_new_loop(make())
    mailbox.post(parse_event("late", {}))
    assert forgotten == [mailbox]
    assert mailbox.is_closed


def test_a_full_mailbox_loses_progress_first():
    mailbox = BlockingMailbox(Subscribe(everything), lambda _: None)
    mailbox.post(parse_event("first", {}))
    for number in range(5000):
        mailbox.post(parse_event("invocation_progress", {"number": number}))
    mailbox.post(parse_event("last", {}))
    events = []
    while True:
        event = mailbox.take(0)
        if event is None:
            break
        events.append(event)
    assert len(events) == 2000
    assert (events[0].name, events[-1].name) == ("first", "last")
    assert events[-2].payload == {"number": 4999}


def test_a_stream_can_be_left_and_its_mailbox_goes(server, drive):
    driven = drive(server.url)

    def watch():
        mailbox = yield from subscribe(Subscribe(everything))
        while True:
            yield from run_blocking(lambda: server.send("tick", {}))
            event = yield from next_event(mailbox, 10)
            yield from emit(event.name)

    assert driven.stream(watch(), 3) == ["tick"] * 3
    assert len(driven.hub._mailboxes) == 0
