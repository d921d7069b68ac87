"""The decoder: every shape an answer can have, as JSON or as a typed error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from invokeai_py_client._core.decode import (
    NO_INVOKEAI_HINT,
    PROXY_LOG_IN_HINT,
    decode,
    has_more_values,
    parse,
    read_embedded,
    restated,
)
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


def test_a_web_page_is_an_error_and_the_hint_says_why():
    with pytest.raises(APIResponseError, match=r"got text/html.*reverse proxy"):
        decode(answer(200, b"<!doctype html>", "text/html; charset=utf-8"))


@pytest.mark.parametrize("content", [b"{", b"\xff", b"{}{}"])
def test_broken_json_is_an_error(content):
    with pytest.raises(APIResponseError, match="broken JSON"):
        decode(answer(200, content))


def test_text_instead_of_json_is_an_error():
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


@pytest.mark.parametrize("status", [100, 199, 304])
def test_an_answer_that_is_neither_data_nor_error_is_refused(status):
    with pytest.raises(APIResponseError, match=f"status {status} has no data"):
        decode(answer(status, {}))


@pytest.mark.parametrize("status", [300, 302, 399])
def test_no_redirect_is_followed(status):
    with pytest.raises(APIResponseError, match="redirected"):
        decode(answer(status, {}))


@pytest.mark.parametrize(
    ("status", "error"),
    [(418, APIStatusError), (499, APIStatusError), (599, InternalServerError)],
)
def test_a_status_without_a_class_has_that_of_its_kind(status, error):
    with pytest.raises(APIStatusError) as caught:
        decode(answer(status, {"detail": "odd"}))
    assert type(caught.value) is error


def status_error(status, content, kind="application/json", **headers):
    reply = answer(status, content, kind)
    reply.headers.update(headers)
    with pytest.raises(APIStatusError) as caught:
        decode(reply)
    return caught.value


def test_invokeais_own_failures_are_told_from_those_of_other_programs():
    assert status_error(404, {"detail": "no"}).from_invokeai
    for content, kind in (
        ({"error": "no"}, "application/json"),
        (["detail"], "application/json"),
        (b"{", "application/json"),
        (b"[" * 100_000, "application/json"),
        ({"detail": "no"}, "text/plain"),
    ):
        assert not status_error(404, content, kind).from_invokeai


def test_a_log_in_of_a_reverse_proxy_is_told_from_the_servers_own():
    own = {"detail": "no"}
    assert "token=" in status_error(401, own).hint
    bearer = {"www-authenticate": " Bearer realm=x"}
    assert "token=" in status_error(401, own, **bearer).hint
    basic = {"www-authenticate": "Basic realm=x"}
    assert status_error(401, own, **basic).hint == PROXY_LOG_IN_HINT
    assert status_error(401, b"<html>", "text/html").hint == PROXY_LOG_IN_HINT
    # Only a 401 asks for a log-in.
    assert status_error(422, own, **basic).hint is None


@pytest.mark.parametrize("status", [404, 405])
def test_a_path_that_another_program_does_not_know_gets_advice(status):
    assert status_error(status, b"no", "text/plain").hint == NO_INVOKEAI_HINT
    assert status_error(status, {"detail": "no"}).hint is None


def test_long_explanations_are_cut_and_short_ones_are_whole():
    for length in (1, 300):
        assert status_error(422, {"detail": "x" * length}).detail == "x" * length
    cut = status_error(422, {"detail": "x" * 301}).detail
    assert cut == "x" * 300 + "… (301 characters)"
    assert status_error(500, b"y" * 301, "text/plain").detail.endswith("characters)")
    long_object = status_error(422, {"detail": {"a": "x" * 400}}).detail
    assert len(long_object) < 330
    assert status_error(422, {"detail": 10**400}).detail == 10**400


def problems(count, **entry):
    return [{"loc": ["body", n], "msg": f"m{n}", **entry} for n in range(count)]


def test_the_first_problems_are_shown_and_the_rest_counted():
    def shown(count):
        return str(status_error(422, {"detail": problems(count)})).partition("422: ")[2]

    assert shown(1) == "body.0: m0"
    assert shown(3) == "body.0: m0; body.1: m1; body.2: m2"
    assert shown(4) == "body.0: m0; body.1: m1; body.2: m2; and 1 more"
    bare = status_error(422, {"detail": [{"msg": "alone"}, "text"]})
    assert str(bare).endswith("422: alone; text")


def test_small_inputs_of_problems_are_kept_and_large_ones_are_not():
    for value in ("v", 3, True, None, 1.5):
        [problem] = status_error(422, {"detail": problems(1, input=value)}).detail
        assert problem["input"] == value
    for value in ({"a": 1}, [1]):
        [problem] = status_error(422, {"detail": problems(1, input=value)}).detail
        assert "input" not in problem
    [cut] = status_error(422, {"detail": problems(1, input="x" * 999)}).detail
    assert len(cut["input"]) < 330


def test_only_a_union_names_the_type_that_it_does_not_know():
    [other] = status_error(422, {"detail": problems(1, ctx={"tag": "t"})}).detail
    assert other["msg"] == "m0"
    union = {"type": "union_tag_invalid"}
    [odd] = status_error(422, {"detail": problems(1, ctx="t", **union)}).detail
    assert odd["msg"] == "m0"
    [known] = status_error(
        422, {"detail": problems(1, ctx={"tag": "t"}, **union)}
    ).detail
    assert known["msg"] == "unknown type 't'"


def test_a_restated_error_keeps_what_came():
    own = status_error(404, {"detail": "no"})
    other = restated(own, ConflictError, "in other words", hint="look")
    assert type(other) is ConflictError
    assert (other.message, other.hint) == ("in other words", "look")
    assert (other.status_code, other.detail) == (404, "no")
    assert (other.method, other.url) == ("PUT", "http://h/x")
    assert restated(own, ConflictError, "x", status_code=409).status_code == 409


def test_an_answer_that_does_not_fit_says_where():
    with pytest.raises(APIResponseError, match=r"does not fit .*: 2: ") as caught:
        parse(list[int], [1, 2, "x", "y"], method="GET", url="u")
    assert (caught.value.method, caught.value.url) == ("GET", "u")
    with pytest.raises(APIResponseError, match=r"does not fit .*: a: "):
        parse(dict[str, int], {"a": "x"})
    # The list itself, not one of its items.
    with pytest.raises(APIResponseError, match="valid list"):
        parse(list[int], "x")


def test_an_answer_with_many_faults_says_how_many():
    few = {str(number): "x" for number in range(50)}
    with pytest.raises(APIResponseError, match=r"0: .*and 47 more"):
        parse(dict[str, int], few)
    with pytest.raises(APIResponseError, match="51 problems"):
        parse(dict[str, int], {**few, "more": "x"})


def test_json_in_a_string_is_read_or_refused():
    assert read_embedded('{"a": "\u00fc"}', "the graph") == {"a": "\u00fc"}
    for broken in ("{", "", '"\ud800'):
        with pytest.raises(APIResponseError, match="the graph is broken JSON"):
            read_embedded(broken, "the graph")
    with pytest.raises(APIResponseError, match="nested too deeply"):
        read_embedded("[" * 200_000, "the graph")
    with pytest.raises(APIResponseError, match="more than 2000000"):
        read_embedded("[" + "[]," * 2_000_000 + "[]]", "the graph")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(values, st.booleans())
def test_the_values_of_json_are_counted_and_strings_do_not_matter(value, ascii_only):
    content = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "replace")

    def marks(item):
        # Each container has a bracket, and each item but its first a comma.
        inner = list(item.values()) if isinstance(item, dict) else item
        if not isinstance(item, (dict, list)):
            return 0
        return 1 + max(len(inner) - 1, 0) + sum(map(marks, inner))

    most = marks(value)
    assert not has_more_values(content, most)
    assert most == 0 or has_more_values(content, most - 1)
