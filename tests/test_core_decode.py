"""The decoder: every shape an answer can have, as JSON or as a typed error."""

from __future__ import annotations

import json

import pytest

from invokeai_py_client._core.decode import NO_INVOKEAI_HINT, decode
from invokeai_py_client._core.messages import Reply
from invokeai_py_client.exceptions import (
    APIResponseError,
    APIStatusError,
    AuthenticationError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    UnprocessableEntityError,
)


def answer(status, content, kind="application/json"):
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    return Reply(status, {"content-type": kind}, content, "http://h/x", "PUT")


def test_json_and_nothing():
    assert decode(answer(200, {"a": "ü"})) == {"a": "ü"}
    assert decode(answer(201, [1], "application/json; charset=utf-8")) == [1]
    assert decode(answer(200, {}, "application/problem+json")) == {}
    assert decode(Reply(204, {}, b"", "http://h/x", "DELETE")) is None
    assert decode(answer(200, b"null")) is None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, APIStatusError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (409, ConflictError),
        (422, UnprocessableEntityError),
        (424, APIStatusError),
        (500, InternalServerError),
        (503, InternalServerError),
    ],
)
def test_each_status_has_its_class_and_the_servers_words(status, error):
    with pytest.raises(error, match=f"PUT http://h/x: {status}: no way") as caught:
        decode(answer(status, {"detail": "no way"}))
    assert type(caught.value) is error
    assert caught.value.status_code == status
    assert caught.value.detail == "no way"
    assert (caught.value.method, caught.value.url) == ("PUT", "http://h/x")


@pytest.mark.parametrize(
    ("content", "kind"), [(b"<html>", "text/html"), (b"no such page", "text/plain")]
)
def test_what_another_program_does_not_know_is_told_from_invokeais_own(content, kind):
    with pytest.raises(NotFoundError) as caught:
        decode(answer(404, content, kind))
    assert caught.value.hint == NO_INVOKEAI_HINT
    with pytest.raises(NotFoundError) as caught:
        decode(answer(404, {"detail": "Board not found"}))
    assert caught.value.hint is None


def test_a_web_page_is_no_answer_and_the_hint_says_why():
    with pytest.raises(APIResponseError, match=r"got text/html.*reverse proxy"):
        decode(answer(200, b"<!doctype html>", "text/html; charset=utf-8"))


@pytest.mark.parametrize("content", [b"{", b"\xff", b"{}{}"])
def test_broken_json_is_no_answer(content):
    with pytest.raises(APIResponseError, match="broken JSON"):
        decode(answer(200, content))


def test_text_where_json_is_promised_is_no_answer():
    with pytest.raises(APIResponseError, match="got text/plain"):
        decode(answer(200, b"hello", "text/plain"))
    with pytest.raises(APIResponseError, match="got no content type"):
        decode(answer(200, b"hello", ""))


def test_a_plain_text_500_points_to_the_servers_log():
    with pytest.raises(InternalServerError, match=r"Internal Server Error.*log"):
        decode(answer(500, b"Internal Server Error", "text/plain; charset=utf-8"))


def test_an_error_page_of_a_proxy_is_not_quoted():
    with pytest.raises(InternalServerError, match="502: a web page") as caught:
        decode(answer(502, b"<html>" + b"x" * 5000, "text/html"))
    assert len(str(caught.value)) < 200


def test_problems_are_summarised_without_the_echoed_graph():
    graph = {"nodes": {str(number): {"type": "add"} for number in range(3000)}}
    types = ", ".join(f"'node_{number}'" for number in range(400))
    place = ["body", "batch", "graph"]
    detail = [
        {
            "type": "union_tag_invalid",
            "loc": [*place, "nodes", "a"],
            "msg": f"Input tag 'nope' found using 'type' does not match any of {types}",
            "input": graph,
            "ctx": {"tag": "nope", "expected_tags": types},
        },
        {
            "type": "value_error",
            "loc": place,
            "msg": "Value error, Graph contains cycles",
            "input": graph,
            "ctx": {"error": {}},
        },
        *[
            {"type": "missing", "loc": ["body", n], "msg": "Field required"}
            for n in range(200)
        ],
    ]
    with pytest.raises(UnprocessableEntityError) as caught:
        decode(answer(422, {"detail": detail}))
    assert str(caught.value) == (
        "PUT http://h/x: 422: body.batch.graph.nodes.a: unknown type 'nope'; "
        "body.batch.graph: Graph contains cycles; body.0: Field required; "
        "and 47 more"
    )
    assert len(json.dumps(caught.value.detail)) < 10_000
    assert caught.value.detail[1] == {
        "type": "value_error",
        "loc": place,
        "msg": "Graph contains cycles",
    }


@pytest.mark.parametrize(
    "detail", [[], [None], ["text"], [{}], [{"loc": 3}], {"a": "b"}, None, 3]
)
def test_odd_details_are_still_a_typed_error(detail):
    with pytest.raises(UnprocessableEntityError):
        decode(answer(422, {"detail": detail}))


def test_redirects_name_their_target_without_its_query():
    headers = {"location": "https://h/x?token=secret"}
    with pytest.raises(APIResponseError, match=r"\(307\) to https://h/x \(") as caught:
        decode(Reply(307, headers, b"", "http://h/x", "GET"))
    assert "secret" not in str(caught.value)
