"""Sending: what is repeated, when, and what a log-in changes; by hand, no clock."""

from __future__ import annotations

import io

import pytest
from flow_driver import run_flow

from invokeai_py_client._core.messages import (
    Download,
    GetShared,
    Pause,
    Reauthenticate,
    Reply,
    Request,
    RetryRule,
    RunBlocking,
    Shared,
)
from invokeai_py_client._core.send import (
    call_bytes,
    call_field,
    call_model,
    changes_of,
    delete,
    download,
    drop_none,
    get,
    learn_version,
    patch,
    post,
    put,
    request_json,
    route,
    send,
)
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIResponseError,
    APITimeoutError,
    ArgumentError,
    AuthenticationError,
    NotFoundError,
)


def reply(status=200, content=b"", headers=None, token=None):
    headers = headers or {"content-type": "application/json"}
    return Reply(status, headers, content, "http://host/x", "GET", token)


def drive(flow, *answers, max_retries=3):
    """Answer the flow's messages in turn; return its result and the messages."""
    todo, seen = list(answers), []

    def perform(message):
        seen.append(message)
        if isinstance(message, RunBlocking):
            return message.call()
        if isinstance(message, GetShared):
            return Shared(max_retries=max_retries)
        answer = None if isinstance(message, Pause) else todo.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    result = run_flow(flow, perform)
    assert not todo, f"the flow ended before it was answered {todo}"
    return result, seen


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


def test_a_retry_after_of_half_a_minute_is_the_longest_that_is_waited_for():
    for seconds, tries in ((30, [30.0]), (31, [])):
        busy = reply(429, headers={"retry-after": str(seconds)})
        _, messages = drive(send(get("/x")), busy, *[reply()] * len(tries))
        assert pauses(messages) == tries


@pytest.mark.parametrize("text", ["", "soon", "-3", "1.5", "\u00b2", "\u0663"])
def test_a_retry_after_that_is_no_plain_number_is_as_none(text):
    busy = reply(503, headers={"retry-after": text})
    _, messages = drive(send(get("/x")), busy, reply())
    assert pauses(messages) == [0.2]


@pytest.mark.parametrize("status", [400, 404, 408, 422, 500, 501])
def test_what_would_fail_again_is_not_repeated(status):
    result, messages = drive(send(get("/x")), reply(status))
    assert (result.status, pauses(messages)) == (status, [])


def test_a_retry_after_of_minutes_is_not_waited_for():
    busy = reply(503, headers={"retry-after": "120"})
    result, messages = drive(send(get("/x")), busy)
    assert (result.status, pauses(messages)) == (503, [])


def test_the_caller_says_how_often_to_repeat():
    lost = APIConnectionError("lost")
    with pytest.raises(APIConnectionError):
        drive(send(get("/x")), lost, max_retries=0)
    _, messages = drive(send(get("/x")), *[lost] * 8, reply(), max_retries=8)
    assert pauses(messages) == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_a_timeout_is_repeated_once_however_much_is_allowed():
    late = APITimeoutError("late")
    with pytest.raises(APITimeoutError):
        drive(send(get("/x")), late, late, max_retries=8)


def test_the_last_fault_is_raised():
    errors = [APIConnectionError(str(number)) for number in range(4)]
    with pytest.raises(APIConnectionError, match="3"):
        drive(send(get("/x")), *errors)


def test_a_delete_whose_answer_was_lost_is_done_when_the_thing_is_gone():
    lost = APIConnectionError("lost")
    assert drive(request_json(delete("/x")), lost, reply(404))[0] is None


def test_a_delete_is_done_if_any_try_may_have_arrived():
    lost, refused = APIConnectionError("lost"), APIConnectionError("refused")
    refused.sent = False
    for first in (lost, reply(502), reply(503), reply(504)):
        result, _ = drive(send(delete("/x")), first, refused, reply(404, b"{}"))
        assert (result.status, result.content, result.headers) == (204, b"", {})
    # A 429 says that nothing was done.
    result, _ = drive(send(delete("/x")), reply(429), refused, reply(404, b"{}"))
    assert (result.status, result.content) == (404, b"{}")


def test_what_is_gone_after_a_lost_answer_is_no_success_but_for_a_delete():
    lost = APIConnectionError("lost")
    assert drive(send(get("/x")), lost, reply(404))[0].status == 404


def test_a_delete_that_never_arrived_is_not_done():
    refused = APIConnectionError("refused")
    refused.sent = False
    with pytest.raises(NotFoundError):
        drive(request_json(delete("/x")), refused, reply(404, b'{"detail": "gone"}'))


def test_a_delete_of_nothing_is_an_error():
    with pytest.raises(NotFoundError):
        drive(request_json(delete("/x")), reply(404))


def test_a_401_names_the_stale_token_and_is_tried_once_more():
    result, messages = drive(
        send(post("/x")), reply(401, token="old"), True, reply(401, token="new")
    )
    assert result.status == 401
    [login] = [item for item in messages if isinstance(item, Reauthenticate)]
    assert login.stale_token == "old"


def test_without_credentials_a_401_is_the_answer():
    with pytest.raises(AuthenticationError, match="token="):
        drive(request_json(get("/x")), reply(401), False)


def test_an_anonymous_request_is_never_logged_in():
    result, messages = drive(send(get("/x", anonymous=True)), reply(401))
    assert result.status == 401
    assert not any(isinstance(item, Reauthenticate) for item in messages)


def test_one_log_in_is_all_that_a_request_gets():
    with pytest.raises(AuthenticationError):
        drive(request_json(get("/x")), reply(401), True, reply(401))


def test_a_field_of_an_answer_is_validated_by_itself():
    body = b'{"count": 3, "other": "x"}'
    assert drive(call_field(int, get("/x"), "count"), reply(content=body))[0] == 3
    for odd in (b"{}", b'{"count": "x"}', b"[]"):
        with pytest.raises(APIResponseError):
            drive(call_field(int, get("/x"), "count"), reply(content=odd))


def test_a_file_is_not_a_web_page():
    image = reply(content=b"file", headers={"content-type": "image/png"})
    assert drive(call_bytes(get("/x")), image)[0] == b"file"
    for status, kind in ((200, "text/html"), (206, "image/png"), (204, "image/png")):
        odd = reply(status, b"<html>", {"content-type": kind})
        with pytest.raises(APIResponseError, match="expected a file"):
            drive(call_bytes(get("/x")), odd)


def test_changes_are_what_is_not_none_and_there_have_to_be_some():
    given = {"a": 0, "b": False, "c": "", "d": None}
    assert drop_none(given) == changes_of(given) == {"a": 0, "b": False, "c": ""}
    with pytest.raises(ArgumentError, match="something to change"):
        changes_of({"d": None})


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
    assert isinstance(next(flow), RunBlocking)
    message = flow.send(4)
    assert isinstance(message, Download)
    sink.write(b"broken")
    assert isinstance(flow.throw(APIConnectionError("lost")), GetShared)
    assert isinstance(flow.send(Shared()), Pause)
    cut = flow.send(None)
    assert isinstance(cut, RunBlocking)
    cut.call()
    assert sink.getvalue() == b"kept"
    assert isinstance(flow.send(None), Download)
    with pytest.raises(StopIteration):
        flow.send(reply(headers={"content-type": "image/png"}))


def test_a_download_that_is_not_repeated_needs_no_seekable_sink():
    class Pipe(io.RawIOBase):
        def tell(self):
            raise io.UnsupportedOperation

    request = get("/x", retry=RetryRule.NEVER)
    file = reply(headers={"content-type": "image/png"})
    result, messages = drive(download(request, Pipe(), 9), file)
    assert result is file
    [message] = messages
    assert message.max_bytes == 9


def asked_version(**options):
    """The request for the version, when it is asked for again."""
    flow = learn_version(again=True, **options)
    message = next(flow)
    while not isinstance(message, Request):
        message = flow.send(Shared(version="6.14.2"))
    return message


def test_the_version_is_asked_without_a_log_in_and_again_after_faults():
    request = asked_version()
    assert (request.anonymous, request.timeout) == (True, None)
    assert request.retry is RetryRule.SAFE


def test_a_wait_asks_for_the_version_once_and_within_its_own_time():
    request = asked_version(timeout=3.0)
    assert (request.anonymous, request.timeout) == (True, 3.0)
    assert request.retry is RetryRule.NEVER


@pytest.mark.parametrize("body", [b"[]", b'"6.14"', b"{}", b'{"version": ""}', b"null"])
def test_an_answer_without_a_version_is_not_invokeais(body):
    with pytest.raises(APIResponseError, match="not the version of an InvokeAI"):
        drive(learn_version(), reply(content=body))
