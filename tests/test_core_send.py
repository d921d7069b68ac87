"""Sending: what is repeated, when, and what a log-in changes; by hand, no clock."""

from __future__ import annotations

import io

import pytest

from invokeai_py_client._core.messages import (
    Download,
    Local,
    Pause,
    Reauthenticate,
    Reply,
    RetryRule,
)
from invokeai_py_client._core.send import (
    call,
    call_model,
    delete,
    download,
    get,
    patch,
    post,
    put,
    route,
    send,
)
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIResponseError,
    AuthenticationError,
    NotFoundError,
)


def reply(status=200, content=b"", headers=None, token=None):
    headers = headers or {"content-type": "application/json"}
    return Reply(status, headers, content, "http://host/x", "GET", token)


def drive(flow, *answers):
    """Answer the flow's messages in turn; return its result and the messages."""
    todo, seen = list(answers), []
    answer = fault = None
    while True:
        try:
            message = flow.send(answer) if fault is None else flow.throw(fault)
        except StopIteration as stop:
            assert not todo, f"the flow ended before it was answered {todo}"
            return stop.value, seen
        seen.append(message)
        answer = fault = None
        if isinstance(message, Local):
            answer = message.call()
        elif not isinstance(message, Pause):
            answer = todo.pop(0)
        if isinstance(answer, Exception):
            answer, fault = None, answer


def pauses(messages):
    return [message.seconds for message in messages if isinstance(message, Pause)]


def test_methods_imply_what_may_be_repeated():
    assert get("/x").retry is patch("/x").retry is RetryRule.SAFE
    assert delete("/x").retry is RetryRule.DELETE
    assert post("/x").retry is put("/x").retry is RetryRule.NEVER
    assert put("/x", retry=RetryRule.SAFE).retry is RetryRule.SAFE
    assert post("/x", json=None).has_json
    assert not post("/x").has_json


def test_routes_quote_their_parts():
    path = route("/api/v1/boards/{}/x/{}", "../a b?", 7)
    assert path == "/api/v1/boards/..%2Fa%20b%3F/x/7"


def test_faults_are_waited_out_longer_each_time():
    lost = APIConnectionError("lost")
    result, messages = drive(send(get("/x")), lost, lost, reply(503), reply(200))
    assert result.status == 200
    assert pauses(messages) == [0.2, 0.4, 0.8]


def test_the_server_says_when_to_come_back():
    busy = reply(429, headers={"retry-after": "7"})
    _, messages = drive(send(get("/x")), busy, reply())
    assert pauses(messages) == [7.0]


def test_a_retry_after_of_minutes_is_not_waited_for():
    busy = reply(503, headers={"retry-after": "120"})
    result, messages = drive(send(get("/x")), busy)
    assert (result.status, pauses(messages)) == (503, [])


def test_the_last_fault_is_raised():
    errors = [APIConnectionError(str(number)) for number in range(4)]
    with pytest.raises(APIConnectionError, match="3"):
        drive(send(get("/x")), *errors)


def test_a_delete_whose_answer_was_lost_is_done_when_the_thing_is_gone():
    lost = APIConnectionError("lost")
    assert drive(call(delete("/x")), lost, reply(404))[0] is None


def test_a_delete_that_never_arrived_is_not_done():
    refused = APIConnectionError("refused")
    refused.sent = False
    with pytest.raises(NotFoundError):
        drive(call(delete("/x")), refused, reply(404, b'{"detail": "gone"}'))


def test_a_delete_of_nothing_is_an_error():
    with pytest.raises(NotFoundError):
        drive(call(delete("/x")), reply(404))


def test_a_401_names_the_stale_token_and_is_tried_once_more():
    result, messages = drive(
        send(post("/x")), reply(401, token="old"), True, reply(401, token="new")
    )
    assert result.status == 401
    [login] = [item for item in messages if isinstance(item, Reauthenticate)]
    assert login.stale_token == "old"


def test_without_credentials_a_401_is_the_answer():
    with pytest.raises(AuthenticationError, match="token="):
        drive(call(get("/x")), reply(401), False)


def test_models_are_validated():
    result, _ = drive(call_model(list[int], get("/x")), reply(content=b"[1, 2]"))
    assert result == [1, 2]
    with pytest.raises(APIResponseError, match=r"does not fit list.*: 1: ") as caught:
        drive(call_model(list[int], get("/x")), reply(content=b'[1, "x"]'))
    assert caught.value.url == "http://host/x"


def test_a_repeated_download_starts_where_the_first_did():
    sink = io.BytesIO()
    sink.write(b"kept")
    flow = download(get("/x"), sink)
    assert isinstance(next(flow), Local)
    message = flow.send(4)
    assert isinstance(message, Download)
    sink.write(b"broken")
    assert isinstance(flow.throw(APIConnectionError("lost")), Pause)
    cut = flow.send(None)
    assert isinstance(cut, Local)
    cut.call()
    assert sink.getvalue() == b"kept"
    assert isinstance(flow.send(None), Download)
    with pytest.raises(StopIteration):
        flow.send(reply(headers={"content-type": "image/png"}))
