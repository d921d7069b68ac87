"""Both drivers, on real connections to a server on the loopback."""

from __future__ import annotations

import gzip
import io
import threading
import time

import pytest
from both_drivers import make_settings
from scripted_server import Answer, DroppedError, Received, ScriptedServer, as_json

from invokeai_py_client._core.flow import (
    call_back,
    emit,
    gather,
    now,
    on_interrupt,
    pause,
    run_blocking,
)
from invokeai_py_client._core.messages import FilePart, RetryRule
from invokeai_py_client._core.send import delete, download, get, post, request_json
from invokeai_py_client._io.blocking_driver import BlockingDriver
from invokeai_py_client._io.event_hub import EventHub
from invokeai_py_client._io.flow_threads import RunningFlow
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    APIResponseError,
    APITimeoutError,
    AuthenticationError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
)


def test_requests_arrive_as_described(serve, drive):
    server = serve(lambda request: as_json({"ok": True}))
    driven = drive(server, "/behind/proxy/", token="t0ken", headers={"X-Proxy": "yes"})
    params = {"a": [1, None, True], "none": None, "text": "ü &"}
    assert driven.run(
        request_json(post("/api/v1/x", params=params, json={"é": None}))
    ) == {"ok": True}
    [request] = server.received
    assert request.path == "/behind/proxy/api/v1/x"
    assert request.query == {"a": ["1", "true"], "text": ["ü &"]}
    assert request.body.decode() == '{"é": null}'
    assert request.headers["content-type"] == "application/json"
    assert request.token == "t0ken"
    assert request.headers["x-proxy"] == "yes"
    assert request.headers["accept-encoding"] == "gzip"


def test_identity_asks_for_no_compression_and_no_content_is_none(serve, drive):
    server = serve(lambda request: Answer(status=204, kind=None))
    assert drive(server).run(request_json(delete("/x", identity=True))) is None
    assert server.received[0].headers["accept-encoding"] == "identity"


def test_connections_are_reused(serve, drive):
    server = serve(lambda request: as_json(1))
    driven = drive(server)
    for _ in range(5):
        driven.run(request_json(get("/x")))
    assert server.connections == 1


def test_uploads_stream_from_the_current_position_and_leave_it(serve, drive):
    server = serve(lambda request: as_json(len(request.body)))
    file = io.BytesIO(b"skipped" + b"x" * 300_000)
    file.seek(7)
    part = FilePart("file", 'a"b\r\nü.png', file, "image/png")
    driven = drive(server)
    driven.run(request_json(post("/up", form={"kind": "ü"}, files=[part])))
    body = server.received[0].body
    assert b'name="kind"\r\n\r\n\xc3\xbc\r\n' in body
    assert 'filename="a%22b%0D%0Aü.png"'.encode() in body
    assert b"Content-Type: image/png\r\n\r\n" + b"x" * 300_000 + b"\r\n--" in body
    assert b"skipped" not in body
    assert file.tell() == 7


def test_downloads_are_written_piece_by_piece(serve, drive):
    data = bytes(range(256)) * 4000
    server = serve(lambda request: Answer(data, kind="image/png"))
    sink = io.BytesIO(b"head")
    sink.seek(4)
    reply = drive(server).run(download(get("/full"), sink))
    assert sink.getvalue() == b"head" + data
    assert reply.content == b""


def test_a_refused_download_is_an_error_and_writes_nothing(serve, drive):
    server = serve(lambda request: as_json({"detail": "no such image"}, 404))
    sink = io.BytesIO()
    with pytest.raises(NotFoundError, match="no such image"):
        drive(server).run(download(get("/full"), sink))
    assert sink.getvalue() == b""


def test_a_broken_download_starts_again_from_its_beginning(serve, drive):
    data = b"y" * 100_000
    tries = []

    def answer(request: Received) -> Answer:
        tries.append(1)
        if len(tries) == 1:
            head = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"
            request.connection.sendall(
                head + b"Content-Length: 100000\r\n\r\n" + data[:40_000]
            )
            raise DroppedError
        return Answer(data, kind="image/png")

    sink = io.BytesIO()
    drive(serve(answer)).run(download(get("/full"), sink))
    assert sink.getvalue() == data


def test_a_download_longer_than_allowed_is_refused(serve, drive):
    server = serve(lambda request: Answer(b"z" * 1000, kind="image/png"))
    with pytest.raises(APIResponseError, match="longer than 999"):
        drive(server).run(download(get("/full"), io.BytesIO(), max_bytes=999))


def test_a_web_page_instead_of_a_file_is_refused(serve, drive):
    server = serve(lambda request: Answer(b"<html>", kind="text/html"))
    with pytest.raises(APIResponseError, match="expected a file"):
        drive(server).run(download(get("/full"), io.BytesIO()))


def test_compressed_answers_are_read(serve, drive):
    packed = gzip.compress(b'{"a": "' + b"b" * 100_000 + b'"}')
    server = serve(lambda request: Answer(packed, headers={"Content-Encoding": "gzip"}))
    assert len(drive(server).run(request_json(get("/x")))["a"]) == 100_000


def test_a_compressed_bomb_is_refused_at_the_limit(serve, drive):
    packed = gzip.compress(b"\0" * 50_000_000)
    server = serve(
        lambda request: Answer(packed, 200, "image/png", {"Content-Encoding": "gzip"})
    )
    sink = io.BytesIO()
    with pytest.raises(APIResponseError, match="longer than 1000 bytes"):
        drive(server).run(download(get("/full"), sink, max_bytes=1000))
    assert len(sink.getvalue()) <= 1000


def test_broken_compression_is_an_api_error(serve, drive):
    server = serve(lambda request: Answer(b"no", headers={"Content-Encoding": "gzip"}))
    with pytest.raises(APIResponseError, match="compression is broken"):
        drive(server).run(request_json(get("/x")))


def test_a_plain_500_does_not_spoil_the_next_request(serve, drive):
    """The server drops the connection some time after such an answer."""

    def answer(request: Received) -> Answer:
        if request.path == "/fails":
            return Answer(b"Internal Server Error", 500, "text/plain")
        return as_json("fine")

    server = serve(answer)
    driven = drive(server)
    for _ in range(3):
        with pytest.raises(InternalServerError, match="Internal Server Error"):
            driven.run(request_json(get("/fails")))
        assert driven.run(request_json(post("/x"))) == "fine"
    # Each failure costs its connection, so that no request goes into a dying one.
    assert server.connections == 4


def test_a_lost_answer_is_asked_for_again_when_that_is_safe(serve, drive):
    def answer(request: Received) -> Answer:
        if len(server.received) < 3:
            raise DroppedError
        return as_json("at last")

    server = serve(answer)
    assert drive(server).run(request_json(get("/x"))) == "at last"
    assert len(server.received) == 3


def test_a_dropped_post_is_not_sent_again(serve, drive):
    def answer(request: Received) -> Answer:
        raise DroppedError

    server = serve(answer)
    with pytest.raises(APIConnectionError) as caught:
        drive(server).run(request_json(post("/x", json={})))
    assert len(server.received) == 1
    assert caught.value.sent
    assert caught.value.method == "POST"


def test_a_server_that_is_not_there_is_named(drive):
    with ScriptedServer(lambda request: as_json(1)) as gone:
        pass
    driven = drive(gone)
    with pytest.raises(APIConnectionError, match="cannot be reached") as caught:
        driven.run(
            request_json(get("/x", retry=RetryRule.NEVER, params={"secret": "s3"}))
        )
    assert gone.url in str(caught.value)
    assert "s3" not in str(caught.value)
    assert not caught.value.sent


def test_a_slow_server_is_a_timeout(serve, drive):
    done = threading.Event()

    def answer(request: Received) -> Answer:
        done.wait(10)
        return as_json(1)

    driven = drive(serve(answer), request_timeout=0.2)
    with pytest.raises(APITimeoutError, match=r"no answer within 0\.2 s"):
        driven.run(request_json(post("/slow")))
    done.set()


def test_redirects_are_not_followed(serve, drive):
    elsewhere = "http://elsewhere.invalid/x?token=1"
    server = serve(lambda request: Answer(status=307, headers={"Location": elsewhere}))
    with pytest.raises(APIResponseError, match=r"to http://elsewhere.invalid/x \("):
        drive(server, token="t0ken").run(request_json(get("/x")))
    assert len(server.received) == 1


class Login:
    """A multi-user server: tokens t1, t2, … by log-in."""

    def __init__(self) -> None:
        self.valid: set[str] = set()
        self.logins = 0
        self.lock = threading.Lock()

    def __call__(self, request: Received) -> Answer:
        if request.path == "/api/v1/auth/login":
            if b"right" not in request.body:
                return as_json({"detail": "Incorrect email or password"}, 401)
            with self.lock:
                self.logins += 1
                token = f"t{self.logins}"
                self.valid = {token}
            return as_json({"token": token, "expires_in": 86400})
        if request.token not in self.valid:
            return as_json({"detail": "Invalid or expired token"}, 401)
        return as_json(request.token)


def test_the_first_request_logs_in_and_an_expired_token_once_more(serve, drive):
    login = Login()
    driven = drive(serve(login), email="a@b.c", password="right")
    assert driven.run(request_json(get("/x"))) == "t1"
    login.valid = set()
    assert driven.run(request_json(post("/x"))) == "t2"
    assert login.logins == 2


def test_many_refused_requests_log_in_once(serve, drive):
    login = Login()
    driven = drive(serve(login), token="old", email="a@b.c", password="right")
    assert (
        driven.run(gather([request_json(get("/x")) for _ in range(12)])) == ["t1"] * 12
    )
    assert login.logins == 1


def test_an_upload_is_sent_whole_again_after_the_log_in(serve, drive):
    login = Login()
    server = serve(login)
    driven = drive(server, token="old", email="a@b.c", password="right")
    part = FilePart("file", "a.png", io.BytesIO(b"p" * 100_000), "image/png")
    assert driven.run(request_json(post("/up", files=[part]))) == "t1"
    first, last = server.received[0], server.received[-1]
    assert len(first.body) == len(last.body) > 100_000


def test_a_wrong_password_is_an_authentication_error(serve, drive):
    driven = drive(serve(Login()), email="a@b.c", password="wrong")
    with pytest.raises(AuthenticationError, match="refused the e-mail") as caught:
        driven.run(request_json(get("/x")))
    assert "wrong" not in str(caught.value)


def test_a_single_user_server_says_that_no_log_in_is_needed(serve, drive):
    server = serve(
        lambda request: as_json({"detail": "Multiuser mode is disabled."}, 403)
    )
    driven = drive(server, email="a@b.c", password="right")
    with pytest.raises(PermissionDeniedError, match="single-user"):
        driven.run(request_json(get("/x")))


def test_a_refreshed_token_is_used_from_then_on(serve, drive):
    server = serve(
        lambda request: Answer(
            b"1",
            headers={"X-Refreshed-Token": "new", "Set-Cookie": "media=old"},
        )
    )
    driven = drive(server, token="old")
    for _ in range(2):
        driven.run(request_json(post("/x")))
    assert [request.token for request in server.received] == ["old", "new"]
    # The log-in's cookie is for browsers; it would outlive the token.
    assert "cookie" not in server.received[1].headers


def test_gathered_results_keep_their_order(serve, drive):
    server = serve(lambda request: as_json(request.path))
    flows = [request_json(get(f"/{number}")) for number in range(20)]
    expected = [f"/{number}" for number in range(20)]
    assert drive(server).run(gather(flows, limit=5)) == expected
    assert drive(server).run(gather([])) == []


def test_gathered_flows_that_ended_are_forgotten_while_others_go_on(serve):
    settings = make_settings(serve(lambda request: as_json(1)).url)
    driver = BlockingDriver(settings, EventHub(settings))
    running = RunningFlow()
    held = []

    def counts():
        (group,) = running._children
        held.append(len(group._children))
        return (yield from pause(0))

    driver.run(gather([counts() for _ in range(50)], limit=2), running)
    assert running._children == []
    assert len(held) == 50
    assert max(held) <= 2
    driver.close()


def test_of_gathered_flows_only_the_cancelled_have_something_to_undo():
    for is_cancelled in (False, True):
        running = RunningFlow(is_top=False)
        running.on_interrupt = object
        if is_cancelled:
            running.cancel()
        running.close()
        assert (running.on_interrupt is object) == is_cancelled


def test_the_first_failure_ends_the_siblings(serve, drive):
    server = serve(lambda request: as_json({"detail": "no"}, 404))
    started, ended = [], []

    def waits(number):
        started.append(number)
        try:
            yield from pause(60)
        finally:
            ended.append(number)

    def fails():
        yield from pause(0.05)
        yield from request_json(get("/x"))

    flows = [waits(0), waits(1), fails(), waits(3)]
    begun = time.monotonic()
    with pytest.raises(NotFoundError):
        drive(server).run(gather(flows, limit=3))
    assert time.monotonic() - begun < 50
    assert sorted(started) == sorted(ended) == [0, 1]
    # The one that never started is closed as well.
    assert flows[3].gi_frame is None


def test_streams_yield_what_is_emitted_and_close_when_left(serve, drive):
    server = serve(lambda request: as_json(1))
    closed = []

    def counts():
        try:
            for number in range(100):
                yield from emit(number)
        finally:
            closed.append(True)

    assert drive(server).stream(counts(), 3) == [0, 1, 2]
    assert closed == [True]


def test_errors_of_local_calls_and_callbacks_reach_the_flow(serve, drive):
    driven = drive(serve(lambda request: as_json(1)))

    def flow():
        with pytest.raises(ZeroDivisionError):
            yield from run_blocking(lambda: 1 / 0)
        begun = yield from now()
        yield from pause(0.01)
        seen = []
        yield from call_back(seen.append, "x")
        return seen, (yield from now()) > begun

    assert driven.run(flow()) == (["x"], True)

    def callback():
        raise KeyError("theirs")

    with pytest.raises(KeyError, match="theirs"):
        driven.run(call_back(callback))


def test_an_error_is_not_an_interruption(serve, drive):
    server = serve(lambda request: as_json(1))
    said = []

    def flow():
        yield from on_interrupt(lambda: run_blocking(lambda: said.append("bye")))
        raise LookupError

    with pytest.raises(LookupError):
        drive(server).run(flow())
    assert said == []


def test_a_closed_client_refuses(serve, drive):
    driven = drive(serve(lambda request: as_json(1)))
    driven.close()
    driven.reopen_loop()
    with pytest.raises(APIError, match="this client is closed"):
        driven.run(request_json(get("/x")))
