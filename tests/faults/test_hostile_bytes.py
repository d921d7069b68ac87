"""Answers made to harm: bombs, lies about length, endless and dripping bodies."""

from __future__ import annotations

import gzip
import io
import struct
import time
import tracemalloc
import zlib
from dataclasses import replace

import pydantic
import pytest
from both_drivers import DRIVERS, Driven, make_settings, once
from scripted_server import Answer, ScriptedServer

from faults.rig.proxy import FaultProxy
from invokeai_py_client._core.decode import parse, read_embedded
from invokeai_py_client._core.messages import Download, Request
from invokeai_py_client._core.send import download, get, request_json
from invokeai_py_client._io.settings import Settings
from invokeai_py_client.board.models import Board
from invokeai_py_client.exceptions import (
    APIResponseError,
    APITimeoutError,
    ImageError,
    UnprocessableEntityError,
    WorkflowFormatError,
)
from invokeai_py_client.image.sources import decode_pil
from invokeai_py_client.workflow.document.definition import WorkflowDefinition

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


@pytest.fixture(params=DRIVERS)
def served(request):
    """Give either client an answer to each request."""
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
        driven.run(request_json(get("/a")))
    sink = io.BytesIO()
    with pytest.raises(APIResponseError, match="max_download_bytes"):
        driven.run(once(Download(get("/a"), sink)))
    assert sink.tell() <= 2 * MEGABYTE


def test_truncated_compression_leaves_no_file(served):
    whole = gzip.compress(b"picture" * 1000)
    driven = served(Answer(whole[:-20], kind="image/png", headers=PACKED))
    for flow in (once(get("/a")), download(get("/a"), io.BytesIO())):
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
            driven.run(request_json(get("/a")))
        assert not isinstance(caught.value, RecursionError)
        assert len(str(caught.value)) < 2000


def test_a_dripping_answer_ends_with_its_time(served):
    body = Answer(b"[" + b"1," * 5000 + b"1]")
    with ScriptedServer(lambda _: body) as server, FaultProxy(server.url) as proxy:
        slow = Driven(served(Answer()).kind, limited(proxy.url))
        proxy.next("drip", seconds=80)
        begun = time.monotonic()
        with pytest.raises(APITimeoutError):
            slow.run(once(Request("GET", "/a", timeout=1.0)))
        assert time.monotonic() - begun < 60
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
MANY_VALUES = zlib.compress(
    b'{"nodes": [], "edges": [], "x": [' + b"{}," * (5 * MEGABYTE) + b"0]}", 9
)


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


@pytest.mark.parametrize("bomb", [BOMB, MANY_VALUES], ids=["long", "values"])
def test_a_small_image_with_a_large_text_takes_little_memory(bomb):
    content = png(chunk(b"zTXt", b"invokeai_workflow\0\0" + bomb))
    assert len(content) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(WorkflowFormatError, match=r"too large|values"):
            WorkflowDefinition.from_bytes(content)
        assert tracemalloc.get_traced_memory()[1] < 150 * MEGABYTE
    finally:
        tracemalloc.stop()


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
def test_a_hostile_image_is_an_image_error(content):
    with pytest.raises(ImageError):
        decode_pil(content)


# -- small answers that would become large objects -------------------------------------


@pytest.mark.parametrize("kind", DRIVERS)
def test_an_answer_of_too_many_values_is_refused_before_it_is_parsed(kind):
    many = b"[" + b"{}," * 2_000_000 + b"{}]"
    answers = [
        Answer(gzip.compress(many), headers=PACKED),
        # Of an error its status is enough.
        Answer(b'{"detail":' + many + b"}", 422),
    ]
    with ScriptedServer(lambda _: answers.pop(0)) as server:
        driven = Driven(kind, make_settings(server.url))
        with pytest.raises(APIResponseError, match="more than 2000000 JSON values"):
            driven.run(request_json(get("/a")))
        with pytest.raises(UnprocessableEntityError) as caught:
            driven.run(request_json(get("/a")))
        driven.close()
    assert not caught.value.detail


def test_text_has_a_lower_limit_than_files():
    made = make_settings("http://h")
    assert made.max_json_bytes == 64 * MEGABYTE
    more = replace(made, max_reply_bytes=2**33)
    assert more.max_json_bytes == 2**30
    assert more.max_json_values == 16 * made.max_json_values
    assert replace(made, max_reply_bytes=1000).max_json_bytes == 1000


def test_commas_in_strings_are_not_values(served):
    text = b'["' + b",[{" * 3000 + b'\\"' + b",[{" * 3000 + b'"]'
    assert served(Answer(text)).run(request_json(get("/a")))


def test_of_a_million_odd_records_the_first_is_reported():
    tracemalloc.start()
    try:
        with pytest.raises(APIResponseError, match=r"0\.board_id: Field required"):
            parse(list[Board], [{}] * 1_000_000)
        nested = {"limit": 1, "offset": 0, "total": 1, "items": [{}] * 200_000}
        with pytest.raises(APIResponseError, match="400000 problems"):
            parse(Page, nested)
        assert tracemalloc.get_traced_memory()[1] < 100 * MEGABYTE
    finally:
        tracemalloc.stop()


class Page(pydantic.BaseModel):
    items: list[Board]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 200_000, "nested too deeply"),
        ("[" + "{}," * 3_000_000 + "{}]", "more than 2000000 JSON values"),
        ("{broken", "broken JSON"),
    ],
    ids=["deep", "many", "broken"],
)
def test_json_inside_json_is_bounded_too(text, words):
    with pytest.raises(APIResponseError, match=words):
        read_embedded(text, "the workflow of image a.png")
    with pytest.raises(WorkflowFormatError):
        WorkflowDefinition.from_json(text)
