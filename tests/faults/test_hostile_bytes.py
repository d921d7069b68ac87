"""Answers made to harm: bombs, lies about length, endless and dripping bodies."""

from __future__ import annotations

import gzip
import io
import struct
import time
import zlib

import pytest

from both_drivers import COLOURS, Driven, make_settings
from faults.proxy import FaultProxy
from invokeai_py_client._core.flow import exchange, fetch
from invokeai_py_client._core.messages import Request
from invokeai_py_client._core.send import call, download, get
from invokeai_py_client._io.settings import Settings
from invokeai_py_client.exceptions import (
    APIResponseError,
    APITimeoutError,
    ImageError,
    WorkflowFormatError,
)
from invokeai_py_client.image.files import decode_pil
from invokeai_py_client.workflow.definition import WorkflowDefinition
from scripted_server import Answer, ScriptedServer

MEGABYTE = 2**20


def limited(url):
    made = make_settings(url)
    return Settings(
        made.address,
        made.credentials,
        made.tls,
        request_timeout=10,
        max_reply_bytes=MEGABYTE,
        max_download_bytes=2 * MEGABYTE,
    )


@pytest.fixture(params=COLOURS)
def served(request):
    """Give the client of either colour an answer to each request."""
    running = []

    def start(answer):
        server = ScriptedServer(lambda _: answer)
        server.__enter__()
        driven = Driven(request.param, limited(server.url))
        running.extend([server, driven])
        return driven

    yield start
    for thing in reversed(running):
        thing.close() if isinstance(thing, Driven) else thing.__exit__()


PACKED = {"Content-Encoding": "gzip"}


def test_a_compressed_bomb_is_refused(served):
    driven = served(Answer(gzip.compress(b" " * (64 * MEGABYTE)), headers=PACKED))
    with pytest.raises(APIResponseError, match="max_reply_bytes"):
        driven.run(call(get("/a")))
    sink = io.BytesIO()
    with pytest.raises(APIResponseError, match="max_download_bytes"):
        driven.run(fetch(get("/a"), sink))
    assert sink.tell() <= 2 * MEGABYTE


def test_compression_that_ends_too_early_is_no_file(served):
    whole = gzip.compress(b"picture" * 1000)
    driven = served(Answer(whole[:-20], kind="image/png", headers=PACKED))
    for flow in (exchange(get("/a")), download(get("/a"), io.BytesIO())):
        with pytest.raises(APIResponseError, match="too early"):
            driven.run(flow)


def test_a_long_body_is_refused_by_its_own_word(served):
    driven = served(Answer(b"x" * (3 * MEGABYTE), kind="image/png"))
    sink = io.BytesIO()
    with pytest.raises(APIResponseError, match="longer than"):
        driven.run(download(get("/a"), sink))
    assert sink.tell() == 0


def test_a_body_that_is_nested_without_end_is_a_typed_error(served):
    deep = b"[" * 200_000 + b"]" * 200_000
    for status in (200, 422, 500):
        driven = served(Answer(b'{"detail": ' + deep + b"}", status))
        with pytest.raises(Exception, match=r"deeply|422|500") as caught:
            driven.run(call(get("/a")))
        assert not isinstance(caught.value, RecursionError)
        assert len(str(caught.value)) < 2000


def test_a_dripping_answer_ends_with_its_time(served):
    body = Answer(b"[" + b"1," * 5000 + b"1]")
    with ScriptedServer(lambda _: body) as server, FaultProxy(server.url) as proxy:
        slow = Driven(served(Answer()).colour, limited(proxy.url))
        proxy.next("drip", seconds=20)
        begun = time.monotonic()
        with pytest.raises(APITimeoutError):
            slow.run(exchange(Request("GET", "/a", timeout=1.0)))
        assert time.monotonic() - begun < 8
        slow.close()


# -- pictures and workflow files ------------------------------------------------------


def chunk(kind, data):
    crc = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + crc


def png(*chunks, size=(1, 1)):
    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 4))
    body = chunk(b"IHDR", header) + b"".join(chunks) + pixels
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


BOMB = zlib.compress(b"A" * (80 * MEGABYTE), 9)


@pytest.mark.parametrize(
    "content",
    [
        png(chunk(b"zTXt", b"invokeai_workflow\0\0" + BOMB)),
        png(chunk(b"iTXt", b"invokeai_workflow\0\1\0\0\0" + BOMB)),
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 0x7FFFFFFF) + b"tEXt",
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 0xFFFFFFFF) + b"IHDR" + b"x" * 99,
        b"[" * 500_000,
        b'{"nodes": ' * 100_000,
        b'{"nodes": [], "edges": [], "x": ' + b"[" * 500 + b"]" * 500 + b"}",
        b"\xff\xfe\x00",
        b"",
    ],
    ids=["ztxt", "itxt", "cut", "lie", "deep", "objects", "levels", "text", "empty"],
)
def test_a_hostile_workflow_file_is_refused(content):
    with pytest.raises(WorkflowFormatError) as caught:
        WorkflowDefinition.from_bytes(content)
    assert len(str(caught.value)) < 500


def test_a_workflow_inside_itself_is_refused():
    inside = {}
    inside["again"] = inside
    with pytest.raises(WorkflowFormatError, match="deeper"):
        WorkflowDefinition.from_dict({"nodes": [], "edges": [], "x": inside})


@pytest.mark.parametrize(
    "content",
    [
        png(size=(60_000, 60_000)),
        png(chunk(b"zTXt", b"a\0\0" + BOMB)),
        png()[:40],
        b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
        b"GIF89a" + b"\xff" * 30,
    ],
    ids=["pixels", "text", "cut", "zeros", "gif"],
)
def test_a_hostile_picture_is_an_image_error(content):
    with pytest.raises(ImageError):
        decode_pil(content)
