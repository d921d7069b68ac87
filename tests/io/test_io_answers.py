"""Answers that no InvokeAI gives, as proxies and other programs do: data or an error.

What a file comes with decides whether it is whole: one that may not be is never saved.
"""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import zlib

import pytest
from both_drivers import DRIVERS, Driven, make_settings
from scripted_server import Answer, ScriptedServer

from invokeai_py_client._core.send import get, post, request_json
from invokeai_py_client._io.credentials import Credentials
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    APIResponseError,
    APIStatusError,
    AuthenticationError,
)

DATA = b'{"name": "b\xc3\xa4r"}'
GOOD = {"name": "bär"}


def packed(content: bytes, coding: str, **more: str) -> Answer:
    return Answer(content, headers={"Content-Encoding": coding, **more})


@pytest.fixture(params=DRIVERS)
def ask(request):
    """Sends a GET with either driver."""

    def send(url):
        settings = make_settings(url, request_timeout=5)
        with contextlib.closing(Driven(request.param, settings)) as driver:
            return driver.run(request_json(get("/x")))

    return send


@pytest.mark.parametrize(
    "answer",
    [
        Answer(DATA, kind="application/json; charset=utf-8"),
        Answer(DATA, kind="APPLICATION/JSON"),
        Answer(DATA, kind="application/problem+json"),
        Answer(b"\xef\xbb\xbf" + DATA),
        Answer(DATA.decode().encode("utf-16"), kind="application/json; charset=utf-16"),
        Answer(b'{"name": "a", "name": "b\xc3\xa4r"}'),
        Answer(DATA, 206),
        Answer(DATA, 299),
        packed(gzip.compress(DATA), "gzip"),
        packed(gzip.compress(DATA), "x-gzip"),
        packed(zlib.compress(DATA), "deflate"),
        packed(gzip.compress(DATA[:7]) + gzip.compress(DATA[7:]), "gzip"),
        packed(DATA, ""),
        packed(DATA, "Identity"),
    ],
    ids=lambda answer: f"{answer.status} {answer.kind} {answer.headers}",
)
def test_data_is_read_however_it_is_dressed(ask, answer):
    with ScriptedServer(lambda request: answer) as server:
        assert ask(server.url) == GOOD


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            Answer(status=301, headers={"Location": "/b?t=1"}),
            APIResponseError,
            "to /b ",
        ),
        (Answer(status=307, headers={"Location": "/b"}), APIResponseError, "307"),
        (Answer(status=302, kind=None), APIResponseError, "nowhere"),
        (Answer(status=304, kind=None), APIResponseError, "304 has no data"),
        (Answer(b"<a>", 401, "text/html"), AuthenticationError, "a web page"),
        (Answer(b"", 407, None), APIStatusError, "407"),
        (Answer(b"<a>", 413, "text/html"), APIStatusError, "limits the size"),
        (Answer(b"", 999, None), APIStatusError, "999"),
        (Answer(DATA, kind=None), APIResponseError, "no content type"),
        (Answer(DATA, kind="text/plain"), APIResponseError, "expected JSON"),
        (Answer(DATA[:9]), APIResponseError, "broken JSON"),
        (packed(DATA, "br"), APIResponseError, "compression is broken"),
        (packed(DATA, "gzip"), APIResponseError, "compression is broken"),
        (packed(gzip.compress(DATA)[:-9], "gzip"), APIResponseError, "too early"),
        (packed(gzip.compress(DATA) + b"x", "gzip"), APIResponseError, "compression"),
        (
            packed(gzip.compress(DATA) + gzip.compress(DATA)[:9], "gzip"),
            APIResponseError,
            "too early",
        ),
    ],
    ids=lambda part: f"{part.status} {part.kind}" if isinstance(part, Answer) else "",
)
def test_an_invalid_answer_is_a_typed_error(ask, answer, kind, words):
    with (
        ScriptedServer(lambda request: answer) as server,
        pytest.raises(kind, match=words) as caught,
    ):
        ask(server.url)
    assert "/x" in str(caught.value)


@contextlib.contextmanager
def blurting(content: bytes):
    """A server that answers every request with these bytes and hangs up."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    connection.sendall(content)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4096):
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(60)


def head(*lines: str, kind: str = "application/json") -> bytes:
    return "\r\n".join(
        ("HTTP/1.1 200 OK", f"Content-Type: {kind}", *lines, "", "")
    ).encode("latin-1")


LENGTH = f"Content-Length: {len(DATA)}"


@pytest.mark.parametrize(
    "content",
    [
        head("Connection: close") + DATA,
        head(LENGTH, "X-Odd: b\xe4r") + DATA,
        b"HTTP/1.1 100 Continue\r\n\r\n" + head(LENGTH) + DATA,
        b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + DATA,
    ],
)
def test_old_and_talkative_servers_are_understood(ask, content):
    with blurting(content) as url:
        assert ask(url) == GOOD


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01\x02\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        head("Transfer-Encoding: chunked") + b"9\r\n" + DATA[:9] + b"\r\n",
        head("Transfer-Encoding: chunked") + b"zz\r\n" + DATA,
        head("Content-Length: 500") + DATA,
        head("Content-Length: 5", "Content-Length: 6") + DATA,
        head("Content-Length: -5") + DATA,
    ],
    ids=range(11),
)
def test_broken_http_is_a_broken_connection(content):
    with blurting(content) as url:
        settings = make_settings(url, request_timeout=5)
        # A POST is not repeated: the first answer is what is judged.
        with (
            contextlib.closing(Driven("blocking", settings)) as driver,
            pytest.raises(APIConnectionError, match="connection broke") as caught,
        ):
            driver.run(request_json(post("/x")))
    assert caught.value.sent


# -- files ----------------------------------------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return len(data).to_bytes(4, "big") + kind + data + check.to_bytes(4, "big")


# One black pixel, and a text that makes it longer.
PNG = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", bytes([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]))
    + chunk(b"tEXt", b"note\x00" + b"x" * 400)
    + chunk(b"IDAT", zlib.compress(bytes(2)))
    + chunk(b"IEND", b"")
)


def png(**options) -> Answer:
    return Answer(**{"content": PNG, "kind": "image/png", **options})


@pytest.mark.parametrize(
    "answer",
    [
        png(status=206),
        png(status=201),
        Answer(b"", 204, None),
        png(content=b""),
        Answer(b"it works", kind="text/plain"),
        Answer(b"<html>", kind="application/xhtml+xml"),
        Answer(b"<html>", kind="text/html; charset=utf-8"),
        Answer(b"{}"),
        png(content=gzip.compress(PNG)[:-20], headers={"Content-Encoding": "gzip"}),
    ],
    ids=lambda answer: f"{answer.status} {answer.kind}",
)
def test_what_is_not_the_whole_file_is_not_saved(tmp_path, answer):
    target = tmp_path / "a.png"
    target.write_bytes(b"before")
    with (
        ScriptedServer(lambda request: answer) as server,
        InvokeAIClient(server.url) as client,
        pytest.raises(APIError),
    ):
        client.image_repo.download_image("x.png", target)
    assert target.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("size", [len(PNG) - 1, 300, 8, 9])
def test_a_file_without_a_length_is_saved_only_when_it_is_whole(tmp_path, size):
    start = head("Connection: close", kind="image/png")
    target = tmp_path / "a.png"
    with blurting(start + PNG) as url, InvokeAIClient(url) as client:
        client.image_repo.download_image("x.png", target)
    assert target.read_bytes() == PNG
    with (
        blurting(start + PNG[:size]) as url,
        InvokeAIClient(url) as client,
        pytest.raises(APIResponseError, match="ends too early"),
    ):
        client.image_repo.download_image("x.png", target)
    assert target.read_bytes() == PNG


def test_a_file_in_several_compressed_parts_is_saved_whole(tmp_path):
    parts = (
        gzip.compress(PNG[:50]) + gzip.compress(PNG[50:60]) + gzip.compress(PNG[60:])
    )
    answer = png(content=parts, headers={"Content-Encoding": "gzip"})
    with (
        ScriptedServer(lambda request: answer) as server,
        InvokeAIClient(server.url) as client,
    ):
        saved = client.image_repo.download_image("x.png", tmp_path / "a.png")
    assert saved.read_bytes() == PNG


def test_a_bomb_in_the_second_part_is_stopped():
    bomb = gzip.compress(b"[") + gzip.compress(b" " * 50_000_000)
    with (
        ScriptedServer(lambda request: packed(bomb, "gzip")) as server,
        InvokeAIClient(server.url, max_reply_bytes=100_000) as client,
        pytest.raises(APIResponseError, match="longer than 100000"),
    ):
        client.server_version()


# -- tokens ---------------------------------------------------------------------------


@pytest.mark.parametrize("odd", ["b\xe4r", "a\tb", "a\x7fb"])
def test_a_refreshed_token_that_no_header_can_carry_is_ignored(odd):
    content = head(LENGTH, "Connection: close", f"X-Refreshed-Token: {odd}") + DATA
    with blurting(content) as url, InvokeAIClient(url, token="good") as client:
        assert client.request("post", "/x") == GOOD
        assert client._settings.credentials.token == "good"
        assert client.request("post", "/x") == GOOD


def test_a_token_that_was_set_meanwhile_stays():
    # A request of before the change ends after it, and brings a newer old token.
    credentials = Credentials(token="first")
    credentials.change("second", None, None)
    credentials.replace_token("first", "first, refreshed")
    assert credentials.token == "second"
    credentials.replace_token("second", "third")
    assert credentials.token == "third"
