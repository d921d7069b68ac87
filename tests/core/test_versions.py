"""What an older server does not have: told apart from what is not there."""

from __future__ import annotations

import json

import pytest
from flow_play import Play
from hypothesis import given, strategies as st

from invokeai_py_client._core.messages import Reply, Shared
from invokeai_py_client._core.send import (
    delete,
    get,
    learn_version,
    post,
    request_json,
    require_version,
)
from invokeai_py_client._core.versions import (
    is_at_least,
    is_missing_route,
    looks_missing,
    operations_by_version,
    since,
    version_key,
)
from invokeai_py_client.exceptions import (
    APIResponseError,
    APIStatusError,
    NotFoundError,
    UnsupportedVersionError,
)
from invokeai_py_client.model import flows as model_flows

VERSION = "/api/v1/app/version"
WEB_PAGE = (200, b"<!doctype html>")
NEWER = "/api/v1/gallery/items/"


class OneAnswer(Play):
    """Gives one answer to everything but the question for its version."""

    def __init__(self, version, answer):
        super().__init__(lambda request: answer)
        self.version = version
        self.shared = Shared()

    def _version(self, request):
        self.requests.append(request)
        if self.version is None:
            return Reply(404, {}, b"", "http://server", "GET")
        body = json.dumps({"version": self.version}).encode()
        kind = {"content-type": "application/json"}
        return Reply(200, kind, body, "http://server", "GET")


def test_a_server_without_a_version_is_not_invokeai():
    with pytest.raises(APIResponseError, match="no InvokeAI answers") as caught:
        OneAnswer(None, WEB_PAGE).run(learn_version())
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("6.14.2", (6, 14, 2)),
        ("v5.0", (5, 0)),
        ("6.12.0rc1", (6, 12, 0)),
        ("6.8.1.post2", (6, 8, 1)),
        ("unknown", ()),
    ],
)
def test_versions_are_read(text, key):
    assert version_key(text) == key


@given(st.tuples(*[st.integers(0, 30)] * 3), st.tuples(*[st.integers(0, 30)] * 2))
def test_versions_are_ordered_as_numbers(found, wanted):
    version = ".".join(map(str, found))
    assert is_at_least(version, ".".join(map(str, wanted))) == (found >= wanted)


def test_a_version_is_at_least_itself():
    assert is_at_least("6.14", "6.14")
    assert is_at_least("6.14.2", "6.14.2")
    assert not is_at_least("6.14.1", "6.14.2")


def test_a_version_that_cannot_be_read_refuses_nothing():
    assert is_at_least("nightly", "6.14")


def test_paths_are_matched_with_their_gaps():
    assert since("GET", "/api/v1/auth/users/some%20id") == "6.12"
    assert since("GET", "/api/v1/utilities/fonts/a/b.ttf") == "6.14"
    # Without gap and with: not the same operation.
    assert since("POST", "/api/v2/models/i/bulk_delete") == "6.10"
    assert since("GET", "/api/v2/models/i/bulk_delete") is None
    assert since("GET", "/api/v1/boards/") is None
    assert since("GET", "/api/v1/no/such") is None


@pytest.mark.parametrize(
    ("version", "answer"),
    [
        ("5.15.0", (404, {"detail": "Not Found"})),
        ("6.13.0", WEB_PAGE),
        ("6.13.0", (405, {"detail": "Method Not Allowed"})),
    ],
)
def test_a_missing_route_of_an_old_server_says_what_it_needs(version, answer):
    play = OneAnswer(version, answer)
    with pytest.raises(UnsupportedVersionError) as caught:
        play.run(request_json(get(NEWER)))
    assert (caught.value.needed, caught.value.found) == (">= 6.14", version)
    assert "needs InvokeAI >= 6.14, this is " + version in str(caught.value)
    # From now on nothing is sent that cannot work.
    sent = len(play.requests)
    with pytest.raises(UnsupportedVersionError):
        play.run(request_json(get(NEWER)))
    assert len(play.requests) == sent


def test_a_server_that_was_replaced_by_an_older_one_is_asked_again():
    play = OneAnswer("6.13.0", WEB_PAGE)
    play.shared.version = "6.14.2"
    with pytest.raises(UnsupportedVersionError, match=r"this is 6\.13\.0"):
        play.run(request_json(get(NEWER)))
    assert play.shared.version == "6.13.0"


def test_nothing_is_asked_of_a_server_that_has_the_route():
    play = OneAnswer("6.14.2", (200, {"items": []}))
    play.run(request_json(get(NEWER)))
    assert play.lines == [f"GET {NEWER}"]


def test_what_a_new_server_does_not_know_stays_what_it_is():
    play = OneAnswer("6.14.2", (404, {"detail": "Not Found"}))
    with pytest.raises(NotFoundError):
        play.run(request_json(get(NEWER)))
    play = OneAnswer("6.14.2", WEB_PAGE)
    with pytest.raises(APIResponseError, match="text/html"):
        play.run(request_json(get(NEWER)))


def test_a_thing_that_is_not_there_is_not_taken_for_a_missing_route():
    play = OneAnswer("6.12.0", (404, {"detail": "User not found"}))
    with pytest.raises(NotFoundError):
        play.run(request_json(delete("/api/v1/auth/users/x")))
    assert len(play.requests) == 1


def test_a_route_that_every_version_has_is_never_blamed_on_the_version():
    play = OneAnswer("5.0.0", (404, {"detail": "Not Found"}))
    with pytest.raises(NotFoundError):
        play.run(request_json(get("/api/v1/boards/x")))
    assert play.lines == ["GET /api/v1/boards/x"]


def test_when_the_version_cannot_be_told_the_answer_itself_is_raised():
    play = OneAnswer(None, (405, {"detail": "no"}))
    with pytest.raises(APIStatusError, match="405"):
        play.run(request_json(post("/api/v1/system_prompts/", json={})))


def test_the_version_is_asked_once_by_all_flows_of_a_client():
    play = OneAnswer("6.14.2", (200, None))
    assert play.run(learn_version()) == "6.14.2"
    assert play.run(learn_version()) == "6.14.2"
    play.run(require_version("Counting", "6.0"))
    assert play.lines == [f"GET {VERSION}"]
    with pytest.raises(UnsupportedVersionError, match="Counting needs"):
        play.run(require_version("Counting", "7.0"))


def test_nouns_say_so_too():
    play = OneAnswer("6.8.1", (404, {"detail": "Not Found"}))
    with pytest.raises(UnsupportedVersionError, match=r">= 6\.12"):
        play.run(model_flows.read_models(get(model_flows.MISSING)))


@pytest.mark.parametrize(
    ("status", "kind", "detail", "missing"),
    [
        (405, "application/json", "Method Not Allowed", True),
        (501, "application/json", None, True),
        (404, "application/json", "Not Found", True),
        (404, "application/json", "Board not found", False),
        (200, "text/html", None, True),
        (200, "application/json", None, False),
        (500, "text/html", None, False),
        (403, "application/json", "Not Found", False),
    ],
)
def test_what_a_missing_route_looks_like(status, kind, detail, missing):
    assert looks_missing(status, kind, detail) is missing


def test_an_older_route_is_tried_where_the_newer_one_may_be_missing():
    for status, missing in ((404, True), (405, True), (403, False), (500, False)):
        assert is_missing_route(APIStatusError("x", status_code=status)) is missing
    assert is_missing_route(APIResponseError("a web page"))
    assert is_missing_route(UnsupportedVersionError("X", needed="6.1", found="6.0"))
    assert not is_missing_route(ValueError("x"))


def test_every_operation_is_found_by_its_own_path():
    for version, operations in operations_by_version().items():
        for operation in operations:
            method, _, path = operation.partition(" ")
            assert since(method, path.replace("{", "").replace("}", "")) == version
