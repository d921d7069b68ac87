"""Requests about a server as a whole, and what is made of its answers."""

from __future__ import annotations

import pytest
from flow_driver import run_flow
from flow_play import Play, scripted

from invokeai_py_client._core.flow import emit
from invokeai_py_client._core.login import log_in
from invokeai_py_client._core.messages import (
    Emit,
    GetShared,
    NextEvent,
    Reauthenticate,
    Reply,
    Request,
    RetryRule,
    Shared,
    Subscribe,
)
from invokeai_py_client._core.paging import chunks, emit_pages
from invokeai_py_client._core.server_events import parse_event
from invokeai_py_client._core.server_flows import (
    check_server,
    request_any,
    watch_events,
)
from invokeai_py_client.events import ServerEvent
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIResponseError,
    ArgumentError,
    AuthenticationError,
    PermissionDeniedError,
)


def sent(flow, answer=(200, {"a": 1})):
    """The request of a flow, and its result."""
    play = Play(lambda request: answer)
    result = play.run(flow)
    [request] = play.requests
    return request, result


class TestAnyRequest:
    @pytest.mark.parametrize(
        ("method", "rule"),
        [
            ("get", RetryRule.SAFE),
            ("HEAD", RetryRule.SAFE),
            ("patch", RetryRule.SAFE),
            ("DELETE", RetryRule.DELETE),
            ("post", RetryRule.NEVER),
            ("PUT", RetryRule.NEVER),
        ],
    )
    def test_the_method_says_what_may_be_repeated_unless_the_caller_does(
        self, method, rule
    ):
        request, _ = sent(request_any(method, "/x"))
        assert (request.method, request.retry) == (method.upper(), rule)
        assert not request.params
        assert not request.form
        assert not request.files
        for repeatable, told in ((True, RetryRule.SAFE), (False, RetryRule.NEVER)):
            request, _ = sent(request_any(method, "/x", repeatable=repeatable))
            assert request.retry is told

    def test_all_that_is_given_is_sent(self):
        request, result = sent(
            request_any(
                "POST",
                "/x",
                params={"a": 1},
                json=[1],
                form={"b": "2"},
                files={"file": ("f.png", b"bytes", "image/png")},
                request_timeout=3.0,
            )
        )
        assert (request.params, request.json, request.form) == (
            {"a": 1},
            [1],
            {"b": "2"},
        )
        [part] = request.files
        assert (part.name, part.filename) == ("file", "f.png")
        assert (part.content, part.content_type) == (b"bytes", "image/png")
        assert request.timeout == 3.0
        assert result == {"a": 1}

    def test_answers_without_content_type_are_not_compressed(self):
        for method, plain in (("DELETE", True), ("HEAD", True), ("GET", False)):
            request, _ = sent(request_any(method, "/x"))
            assert request.identity is plain

    def test_a_file_comes_as_bytes_and_json_as_values(self):
        assert sent(request_any("GET", "/x"), (200, b"image"))[1] == b"image"
        assert sent(request_any("GET", "/x"), (200, [1]))[1] == [1]
        with pytest.raises(APIResponseError, match="text/html"):
            sent(request_any("GET", "/x"), (200, b"<html>"))
        # A file of nothing is nothing.
        assert sent(request_any("GET", "/x"), (200, b""))[1] is None

    @pytest.mark.parametrize("path", ["", "x", "http://host/x"])
    def test_a_path_starts_at_the_servers_root(self, path):
        with pytest.raises(ArgumentError, match="path"):
            Play(None).run(request_any("GET", path))


class TestCheck:
    @pytest.mark.parametrize(
        ("body", "known"),
        [
            ({"multiuser_enabled": True}, True),
            ({"multiuser_enabled": False}, False),
            ({"multiuser_enabled": "yes"}, None),
            ({}, None),
            ([], None),
        ],
    )
    def test_it_says_whether_users_log_in_as_far_as_the_server_does(self, body, known):
        play = Play(lambda request: (200, body if "auth" in request.path else {}))
        assert play.run(check_server()).is_multiuser is known
        [status, _] = play.requests
        assert status.anonymous

    def test_a_server_that_has_no_accounts_yet_is_checked_as_well(self):
        play = Play(
            lambda request: (
                (404, {"detail": "Not Found"}) if "auth" in request.path else (200, {})
            )
        )
        assert play.run(check_server()).is_multiuser is None

    def test_everything_is_asked_anew_and_no_event_is_wanted(self):
        asked = []

        def perform(message):
            asked.append(message)
            if isinstance(message, GetShared):
                return Shared(version="6.0.0")
            if isinstance(message, Request):
                kind = {"content-type": "application/json"}
                return Reply(200, kind, b'{"version": "6.14.2"}', "http://h", "GET")
            return None

        assert run_flow(check_server(), perform).version == "6.14.2"
        [subscription] = [item for item in asked if isinstance(item, Subscribe)]
        assert not subscription.accepts(parse_event("connect", {}))

    def test_it_needs_credentials_that_are_accepted(self):
        play = Play(scripted((200, {}), (403, {"detail": "no"})))
        with pytest.raises(PermissionDeniedError):
            play.run(check_server())


class Socket:
    """Answers a flow that watches events, and ends it after the last.

    Attributes:
        subscribed: What subscriptions bring, in turn: True for a mailbox.
        events: What comes, None for a pause.
        answers: What requests bring, in turn.
    """

    def __init__(self, subscribed, events=(), answers=()):
        self.subscribed, self.events = list(subscribed), list(events)
        self.answers = list(answers)
        self.emitted, self.subscriptions = [], []
        self.requests = 0

    def __call__(self, message):
        if isinstance(message, Subscribe):
            self.subscriptions.append(message)
            return object() if self.subscribed.pop(0) else None
        if isinstance(message, NextEvent):
            if not self.events:
                raise KeyboardInterrupt
            name = self.events.pop(0)
            return None if name is None else parse_event(name, {})
        if isinstance(message, Emit):
            return self.emitted.append(message.value.name)
        if isinstance(message, GetShared):
            return Shared(version="6.14.2", max_retries=0)
        if isinstance(message, Reauthenticate):
            return False
        assert isinstance(message, Request)
        self.requests += 1
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        kind = {"content-type": "application/json"}
        return Reply(answer, kind, b"{}", "http://h", "GET")

    def watch(self, *kinds):
        with pytest.raises(KeyboardInterrupt):
            run_flow(watch_events(kinds, "q"), self)
        return self.emitted


class TestWatching:
    def test_events_of_the_wanted_kinds_come_and_no_others(self):
        names = ["queue_cleared", None, "batch_enqueued", "connect", "made_up"]
        socket = Socket([True], names)
        assert socket.watch("batch_enqueued", "made_up") == [
            "batch_enqueued",
            "made_up",
        ]
        [subscription] = socket.subscriptions
        assert subscription.queue_id == "q"
        wanted = [name for name in names if name]
        assert [
            name for name in wanted if subscription.accepts(parse_event(name, {}))
        ] == ["batch_enqueued", "made_up"]

    @pytest.mark.parametrize("kinds", [(), (ServerEvent,)])
    def test_without_kinds_all_events_come(self, kinds):
        names = ["queue_cleared", "made_up", "connect"]
        socket = Socket([True], names)
        assert socket.watch(*kinds) == names
        accepts = socket.subscriptions[0].accepts
        assert all(accepts(parse_event(name, {})) for name in names)

    def test_a_lost_socket_leads_to_one_question_whether_the_token_is_good(self):
        socket = Socket([True], ["connect", "disconnect", "connect"])
        assert socket.watch() == ["connect", "disconnect", "connect"]
        assert socket.requests == 1
        # A server that restarts does not answer; it comes back.
        lost = APIConnectionError("lost")
        socket = Socket([True], ["disconnect", "connect"], [lost])
        assert socket.watch() == ["disconnect", "connect"]

    def test_a_token_that_is_refused_later_ends_the_stream(self):
        socket = Socket([True], ["disconnect", "connect"], [401])
        with pytest.raises(AuthenticationError):
            run_flow(watch_events([], "q"), socket)
        assert socket.emitted == ["disconnect"]

    def test_a_socket_that_is_refused_is_tried_again_after_a_request(self):
        socket = Socket([False, True], ["queue_cleared"])
        assert socket.watch() == ["queue_cleared"]
        assert socket.requests == 1
        with pytest.raises(APIConnectionError, match="cannot be reached") as caught:
            run_flow(watch_events([], "q"), Socket([False, False]))
        assert "/ws/socket.io" in caught.value.hint


class TestLogIn:
    def test_it_sends_what_was_given_and_stays_logged_in(self):
        request, token = sent(log_in("a@b", "pw"), (200, {"token": "t"}))
        assert token == "t"
        assert request.json == {"email": "a@b", "password": "pw", "remember_me": True}
        assert request.anonymous

    @pytest.mark.parametrize("body", [{}, {"token": ""}, {"token": 3}, [], None])
    def test_an_answer_without_a_token_is_refused(self, body):
        with pytest.raises(APIResponseError, match="holds no token"):
            sent(log_in("a@b", "pw"), (200, body))

    def test_a_refusal_says_what_was_refused(self):
        with pytest.raises(AuthenticationError, match="e-mail address or the password"):
            sent(log_in("a@b", "pw"), (401, {"detail": "Incorrect"}))
        words = {"detail": "Multiuser mode is disabled. Log in is not needed."}
        with pytest.raises(PermissionDeniedError, match="not offer a log-in") as caught:
            sent(log_in("a@b", "pw"), (403, words))
        assert "single-user" in caught.value.hint
        with pytest.raises(PermissionDeniedError, match="account is disabled"):
            sent(log_in("a@b", "pw"), (403, {"detail": "User account is disabled"}))


class TestPages:
    def pages(self, total, limit, offset=0):
        asked = []

        def fetch(size, start):
            asked.append((size, start))
            yield from emit("page")
            return list(range(start, min(start + size, total)))

        emitted = []
        run_flow(
            emit_pages(str, fetch, limit, offset),
            lambda message: emitted.append(message.value),
        )
        return asked, [item for item in emitted if item != "page"]

    @pytest.mark.parametrize(
        ("total", "limit", "offset", "asked"),
        [
            (0, None, 0, [(1000, 0)]),
            (999, None, 0, [(1000, 0)]),
            # A full page may be the last: only the next one tells.
            (1000, None, 0, [(1000, 0), (1000, 1000)]),
            (2500, None, 100, [(1000, 100), (1000, 1100), (1000, 2100)]),
            (5000, 1000, 0, [(1000, 0)]),
            (5000, 1001, 0, [(1000, 0), (1, 1000)]),
            (5000, 2500, 7, [(1000, 7), (1000, 1007), (500, 2007)]),
            (5000, 0, 0, []),
            (5000, 1, 0, [(1, 0)]),
        ],
    )
    def test_pages_are_read_until_one_is_not_full_or_there_are_enough(
        self, total, limit, offset, asked
    ):
        requests, emitted = self.pages(total, limit, offset)
        assert requests == asked
        last = total if limit is None else min(total, offset + limit)
        assert emitted == [str(number) for number in range(offset, last)]

    def test_long_lists_are_sent_in_parts(self):
        assert list(chunks([])) == []
        assert list(chunks("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]
        assert list(map(len, chunks(range(2001)))) == [1000, 1000, 1]
