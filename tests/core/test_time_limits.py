"""Flows that have to be over in time: what each of their messages is limited to."""

from __future__ import annotations

import io
import math

import pytest
from flow_play import Play

from invokeai_py_client._core.events import ServerEvent
from invokeai_py_client._core.flow import elsewhere, gather, now, pause, subscribe
from invokeai_py_client._core.messages import (
    Download,
    Now,
    Pause,
    Reauthenticate,
    Request,
    Subscribe,
)
from invokeai_py_client._core.send import download, get, post, request_json
from invokeai_py_client._core.wait_loop import (
    POLL_TIMEOUT,
    TimeOverError,
    bounded,
    within,
)
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APITimeoutError,
    InternalServerError,
)


def accepts(event: ServerEvent) -> bool:
    return True


class Clock(Play):
    """Keeps every message; its clock does not start at zero."""

    def __init__(self, answer=lambda request: (200, None)):
        super().__init__(answer)
        self.time = 1000.0
        self.messages = []

    def _perform(self, message):
        if not isinstance(message, Now):
            self.messages.append(message)
        if isinstance(message, Reauthenticate):
            return False
        return super()._perform(message)

    def one(self, kind):
        [message] = [item for item in self.messages if isinstance(item, kind)]
        return message


def test_a_poll_without_an_end_has_a_limit_of_its_own():
    play = Clock()
    play.run(bounded(request_json(get("/x")), None))
    assert (play.requests[0].timeout, play.requests[0].deadline) == (POLL_TIMEOUT, None)
    # Without the limit of a poll: the client's.
    play.run(bounded(request_json(get("/x")), math.inf))
    assert (play.requests[1].timeout, play.requests[1].deadline) == (None, None)


@pytest.mark.parametrize(
    ("limit", "longest"), [(bounded, POLL_TIMEOUT), (within, None)]
)
def test_a_request_ends_with_the_flow(limit, longest):
    play = Clock()
    play.run(limit(request_json(get("/x")), 1003.0))
    assert (play.requests[0].timeout, play.requests[0].deadline) == (longest, 1003.0)
    # A limit of the request's own stays.
    play.run(limit(request_json(get("/x", timeout=2.0)), 1003.0))
    assert (play.requests[1].timeout, play.requests[1].deadline) == (2.0, 1003.0)


def test_a_download_ends_with_the_flow():
    play = Clock(lambda request: (200, b"file"))
    play.run(within(download(get("/x"), io.BytesIO()), 1003.0))
    assert play.one(Download).request.deadline == 1003.0


def test_a_log_in_ends_with_the_flow():
    play = Clock(lambda request: (401, {}))
    for limit, end in ((within, 1003.0), (bounded, 1003.0), (bounded, None)):
        play.messages.clear()
        with pytest.raises(Exception, match="401"):
            play.run(limit(request_json(get("/x")), end))
        assert play.one(Reauthenticate).deadline == end


def test_connecting_takes_no_longer_than_the_flow():
    for left, patience in ((9.0, 2.5), (1.0, 1.0), (0.0, 0.0), (-5.0, 0.0)):
        play = Clock()
        play.run(within(subscribe(Subscribe(accepts)), 1000.0 + left))
        assert play.one(Subscribe).patience == patience


def test_flows_side_by_side_have_the_same_end():
    play = Clock()
    flows = [request_json(get("/a")), request_json(get("/b"))]
    play.run(within(gather(flows), 1003.0))
    assert [request.deadline for request in play.requests] == [1003.0, 1003.0]


def test_a_flow_of_another_client_has_the_same_end():
    play = Clock()
    play.run(within(elsewhere(None, request_json(get("/a"))), 1003.0))
    assert [request.deadline for request in play.requests] == [1003.0]


@pytest.mark.parametrize("left", [0.0, -1.0])
def test_nothing_begins_when_the_time_is_over(left):
    play = Clock()
    for flow in (request_json(get("/x")), pause(1.0)):
        with pytest.raises(TimeOverError, match="the time is over") as caught:
            play.run(within(flow, 1000.0 + left))
        # So it is known that the server has not done it.
        assert caught.value.sent is False
    assert not play.requests
    assert not any(isinstance(item, Pause) for item in play.messages)


def test_what_begins_in_the_last_moment_is_still_done():
    play = Clock()
    play.run(within(request_json(get("/x")), 1000.5))
    assert len(play.requests) == 1
    play.run(within(pause(3.0), 1000.5))
    assert play.one(Pause).seconds == 0.5


def test_a_pause_in_time_is_as_long_as_it_should_be():
    play = Clock()
    play.run(within(pause(3.0), 1010.0))
    assert play.one(Pause).seconds == 3.0


def test_a_flow_without_an_end_is_left_alone():
    flow = request_json(get("/x"))
    assert within(flow, None) is flow


def busy(request: Request):
    return 503, {"detail": "starting"}


def test_a_poll_that_fails_is_an_error_at_once():
    play = Clock(busy)
    with pytest.raises(InternalServerError, match="503"):
        play.run(bounded(request_json(get("/x")), 1100.0))
    play = Clock(lambda request: APIConnectionError("lost"))
    with pytest.raises(APIConnectionError, match="lost"):
        play.run(bounded(request_json(get("/x")), 1100.0))
    assert len(play.requests) == 1


def test_in_time_a_request_is_repeated_as_ever():
    play = Clock(busy)
    with pytest.raises(InternalServerError):
        play.run(within(request_json(get("/x")), 1100.0))
    assert len(play.requests) == 4
    # The last pause is cut off by the end, and then nothing is sent any more.
    play = Clock(busy)
    with pytest.raises(APITimeoutError):
        play.run(within(request_json(get("/x")), 1000.5))
    assert play.time == 1000.5
    assert len(play.requests) == 2


def test_a_pause_without_a_failure_is_none_of_a_poll():
    def flow():
        yield from request_json(get("/x"))
        yield from pause(1.0)
        return (yield from now())

    assert Clock().run(bounded(flow(), 1100.0)) == 1001.0


def test_an_error_reaches_the_flow_which_may_go_on():
    def flow():
        try:
            yield from request_json(post("/x"))
        except APIConnectionError:
            return "caught"

    play = Clock(lambda request: APIConnectionError("lost"))
    assert play.run(bounded(flow(), None)) == "caught"
