"""A definition is the file, whole and unchanging, or a clear refusal."""

from __future__ import annotations

import copy
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.compile import compile_workflow
from invokeai_py_client.workflow.definition import WorkflowDefinition

CASE = Path(__file__).parent / "data/goldens/cases/case--12-edge-overrides-literal.json"
DOCUMENT = json.loads(CASE.read_text())


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, data in ((b"IHDR", bytes(13)), *chunks, (b"IEND", b"")):
        crc = zlib.crc32(kind + data)
        parts.append(struct.pack(">I", len(data)) + kind + data)
        parts.append(struct.pack(">I", crc))
    return b"".join(parts)


def test_a_file_is_kept_as_it_is(tmp_path: Path) -> None:
    definition = WorkflowDefinition.from_file(CASE)
    assert definition.to_dict() == DOCUMENT
    assert list(definition.to_dict()) == list(DOCUMENT)
    assert definition.name == "case"
    assert definition.format_version == "4.0.0"
    assert definition.node_ids == tuple(node["id"] for node in DOCUMENT["nodes"])
    copied = tmp_path / "copy.json"
    copied.write_text(definition.to_json())
    assert WorkflowDefinition.from_file(str(copied)) == definition


def test_nothing_changes_it() -> None:
    document = copy.deepcopy(DOCUMENT)
    definition = WorkflowDefinition.from_dict(document)
    before = definition.to_json()
    document["nodes"].clear()
    definition.to_dict()["nodes"].clear()
    compile_workflow(definition, NodeCatalog.bundled())
    assert definition.to_json() == before


def test_equal_content_is_equal() -> None:
    one = WorkflowDefinition.from_dict(DOCUMENT)
    other = WorkflowDefinition.from_dict(dict(reversed(DOCUMENT.items())))
    assert one == other
    assert hash(one) == hash(other)
    assert one != WorkflowDefinition.from_dict({**DOCUMENT, "name": "other"})
    assert one != DOCUMENT


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le"]
)
def test_encodings_of_text_files_are_recognised(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "workflow.json"
    file.write_text(json.dumps({**DOCUMENT, "name": "dämmerung"}), encoding=encoding)
    assert WorkflowDefinition.from_file(file) == WorkflowDefinition.from_dict(
        {**DOCUMENT, "name": "dämmerung"}
    )


def test_tags_are_a_list() -> None:
    definition = WorkflowDefinition.from_dict({**DOCUMENT, "tags": "a, b,,c "})
    assert definition.tags == ("a", "b", "c")


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (b"tEXt", lambda text: text),
        (b"zTXt", lambda text: b"\0" + zlib.compress(text)),
        (b"iTXt", lambda text: b"\0\0\0\0" + text),
        (b"iTXt", lambda text: b"\1\0de\0x\0" + zlib.compress(text)),
    ],
)
def test_a_picture_gives_the_workflow_it_carries(
    tmp_path: Path, kind: bytes, data: Any
) -> None:
    body = b"invokeai_workflow\0" + data(json.dumps(DOCUMENT).encode())
    file = tmp_path / "picture.png"
    file.write_bytes(png((b"tEXt", b"Software\0x"), (kind, body)))
    assert WorkflowDefinition.from_file(file) == WorkflowDefinition.from_dict(DOCUMENT)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (png(), "carries no workflow"),
        (png((b"zTXt", b"invokeai_workflow\0\0junk")), "damaged"),
        (png((b"iTXt", b"invokeai_workflow\0\0\0")), "damaged"),
        (b"\xff\xd8\xff\xe0....", "no workflow"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "no workflow"),
        (b"\xc3\x28 not utf-8", "neither text nor a picture"),
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b'{"nodes": [NaN], "edges": []}', "NaN"),
        (b'{"nodes": [' + b"9" * 5000 + b"]}", "not JSON"),
        (b'{"nodes": [1e999]}', "not finite"),
        (b"[]", "no JSON object"),
        (b"{}", 'no list of "nodes"'),
        (b'{"nodes": {}, "edges": []}', "a graph in the API's form"),
        (b'{"batch": {"graph": {"nodes": {}}, "workflow": null}}', "queue body"),
        (b'{"3": {"class_type": "KSampler", "inputs": {}}}', "ComfyUI"),
    ],
)
def test_what_is_no_workflow_is_named(content: bytes, words: str) -> None:
    with pytest.raises(WorkflowFormatError, match=words):
        WorkflowDefinition.from_bytes(content)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.json", tmp_path, "a\0b"):
        with pytest.raises(WorkflowFormatError):
            WorkflowDefinition.from_file(path)


def test_a_zip_bomb_in_a_picture_is_refused() -> None:
    bomb = zlib.compress(bytes(80 * 1024 * 1024))
    picture = png((b"zTXt", b"invokeai_workflow\0\0" + bomb))
    with pytest.raises(WorkflowFormatError, match="too large"):
        WorkflowDefinition.from_bytes(picture)


@pytest.mark.parametrize(
    ("wrapped", "count"),
    [
        ({"workflow_id": "1", "name": "n", "workflow": DOCUMENT}, 1),
        ({"workflow": json.dumps(DOCUMENT)}, 1),
        ({"prepend": False, "batch": {"graph": {}, "workflow": DOCUMENT}}, 2),
    ],
)
def test_records_and_queue_bodies_are_unwrapped(wrapped: Any, count: int) -> None:
    definition = WorkflowDefinition.from_dict(wrapped)
    assert definition == WorkflowDefinition.from_dict(DOCUMENT)
    assert [warning.kind for warning in definition.warnings] == ["wrapped"] * count


@pytest.mark.parametrize("value", [{1: 2}, {1, 2}, b"x", object(), float("nan")])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(WorkflowFormatError, match="notes"):
        WorkflowDefinition.from_dict({**DOCUMENT, "notes": value})
