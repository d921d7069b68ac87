"""Servers that move just enough: no limit is defeated by a drip, nor by a slow link."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time

import pytest
from both_drivers import DRIVERS, Driven, make_settings, once

from invokeai_py_client._core.messages import Download, FilePart, Request
from invokeai_py_client._core.send import get, post
from invokeai_py_client._io.network import WHOLE_FACTOR
from invokeai_py_client.exceptions import APITimeoutError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class RawServer:
    """Gives each connection to `serve`, which may do anything with it."""

    def __init__(self, serve, receive_buffer=None):
        self._serve = serve
        self._socket = socket.socket()
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(16)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.over = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        with connection, contextlib.suppress(OSError):
            self._serve(self, connection)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self._socket.close()

    def repeat(self, connection, piece, pause):
        while not self.over.wait(pause):
            connection.sendall(piece)


def drip_body(server, connection):
    connection.recv(65536)
    connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n[")
    server.repeat(connection, b"1", 0.1)


def drip_head(server, connection):
    connection.recv(65536)
    connection.sendall(HEAD + b"X-Long: ")
    server.repeat(connection, b"x", 0.1)


def wait_for_ever(server, connection):
    connection.recv(65536)
    server.repeat(connection, b"HTTP/1.1 102 Processing\r\n\r\n", 0.1)


DRIPS = (drip_body, drip_head, wait_for_ever)


@pytest.mark.parametrize("kind", DRIVERS)
@pytest.mark.parametrize("serve", DRIPS)
def test_a_drip_does_not_defeat_the_limit_for_the_whole(serve, kind):
    with RawServer(serve) as server:
        driven = Driven(kind, make_settings(server.url, request_timeout=0.4))
        for message in (get("/a"), Download(get("/a"), io.BytesIO())):
            began = time.monotonic()
            with pytest.raises(APITimeoutError, match="whole answer") as caught:
                driven.run(once(message))
            assert caught.value.sent
            assert 0.4 < time.monotonic() - began < 0.4 * WHOLE_FACTOR + 2
        driven.close()


@pytest.mark.parametrize("kind", DRIVERS)
@pytest.mark.parametrize("serve", DRIPS)
def test_a_drip_does_not_defeat_the_time_of_one_request(serve, kind):
    with RawServer(serve) as server:
        driven = Driven(kind, make_settings(server.url, request_timeout=30))
        began = time.monotonic()
        with pytest.raises(APITimeoutError):
            driven.run(once(Request("GET", "/a", timeout=0.7)))
        assert time.monotonic() - began < 2.7
        driven.close()


def read_slowly(rate):
    def serve(server, connection):
        """Take a request at `rate` bytes a second, then answer."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(1024)
        head, _, body = data.partition(b"\r\n\r\n")
        line = next(
            x for x in head.split(b"\r\n") if x.lower().startswith(b"content-l")
        )
        left = int(line.partition(b":")[2]) - len(body)
        while left > 0 and not server.over.wait(0.05):
            left -= len(connection.recv(min(left, int(rate * 0.05))))
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

    return serve


@pytest.mark.parametrize("kind", DRIVERS)
@pytest.mark.parametrize("form", ["file", "bytes", "json"])
def test_an_upload_that_moves_is_not_cut(kind, form):
    size = 6 * 2**20
    content = b"x" * size
    message = post("/a", json="x" * size)
    if form != "json":
        given = io.BytesIO(content) if form == "file" else content
        part = FilePart("file", "a.png", given, "image/png")
        message = post("/a", files=[part])
    # What the system holds back takes several times the limit for silence.
    with RawServer(read_slowly(1.5e6), receive_buffer=65536) as server:
        driven = Driven(kind, make_settings(server.url, request_timeout=0.6))
        began = time.monotonic()
        assert driven.run(once(message)).content == b"{}"
        assert time.monotonic() - began > 3
        driven.close()


@pytest.mark.parametrize("kind", DRIVERS)
def test_an_upload_that_stands_still_is_cut(kind):
    with RawServer(lambda server, _: server.over.wait(60)) as server:
        driven = Driven(kind, make_settings(server.url, request_timeout=0.5))
        part = FilePart("file", "a.png", b"x" * 20 * 2**20, "image/png")
        began = time.monotonic()
        with pytest.raises(APITimeoutError, match=r"0\.5 s"):
            driven.run(once(post("/a", files=[part])))
        assert time.monotonic() - began < 3
        driven.close()
