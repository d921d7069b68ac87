"""A definition is the file, whole and unchanging, or a clear refusal."""

from __future__ import annotations

import copy
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from paths import DATA

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.compiling.compile_workflow import compile_workflow
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.document.format_versions import file_format

CASE = DATA / "goldens/cases/case--12-edge-overrides-literal.json"
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


def test_its_text_is_indented_by_two_and_keeps_letters_as_they_are() -> None:
    definition = WorkflowDefinition.from_dict({**DOCUMENT, "name": "dämmerung"})
    text = definition.to_json()
    assert text == json.dumps(definition.to_dict(), indent=2, ensure_ascii=False)
    assert '"dämmerung"' in text
    assert definition.to_json(indent=None).count("\n") == 0


def test_a_file_is_read_up_to_the_limit_and_refused_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "workflow.json"
    file.write_text(json.dumps(DOCUMENT), "utf-8")
    size = file.stat().st_size
    module = "invokeai_py_client.workflow.document.definition"
    monkeypatch.setattr(f"{module}.MAX_FILE_BYTES", size)
    assert WorkflowDefinition.from_file(file).to_dict() == DOCUMENT
    monkeypatch.setattr(f"{module}.MAX_FILE_BYTES", size - 1)
    with pytest.raises(WorkflowFormatError, match="is too large"):
        WorkflowDefinition.from_file(file)


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
def test_an_image_yields_its_embedded_workflow(
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
        (b"\xc3\x28 not utf-8", "neither text nor an image"),
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b'{"nodes": [NaN], "edges": []}', "NaN"),
        (b'{"nodes": [' + b"9" * 5000 + b"]}", "not JSON"),
        (b'{"nodes": [1e999]}', "not finite"),
        (b"[]", "not a JSON object"),
        (b"{}", 'no list of "nodes"'),
        (b'{"nodes": {}, "edges": []}', "a graph in the API's form"),
        (b'{"batch": {"graph": {"nodes": {}}, "workflow": null}}', "queue body"),
        (b'{"3": {"class_type": "KSampler", "inputs": {}}}', "ComfyUI"),
    ],
)
def test_content_that_is_not_a_workflow_is_described(
    content: bytes, words: str
) -> None:
    with pytest.raises(WorkflowFormatError, match=words):
        WorkflowDefinition.from_bytes(content)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.json", tmp_path, "a\0b"):
        with pytest.raises(WorkflowFormatError):
            WorkflowDefinition.from_file(path)


@pytest.mark.parametrize("last", [b"", bytes(3), bytes(7), bytes(8), bytes(30)])
def test_what_follows_the_last_whole_chunk_of_an_image_is_left_out(
    last: bytes,
) -> None:
    body = b"invokeai_workflow\0" + json.dumps(DOCUMENT).encode()
    whole = png((b"tEXt", body))
    assert WorkflowDefinition.from_bytes(whole + last).to_dict() == DOCUMENT


def test_a_chunk_of_no_bytes_at_the_end_of_a_file_is_whole() -> None:
    """An editor may have cut off the checksum."""
    body = b"invokeai_workflow\0" + json.dumps(DOCUMENT).encode()
    content = png((b"tEXt", body))
    end = content.index(body) + len(body)
    assert WorkflowDefinition.from_bytes(content[:end]).to_dict() == DOCUMENT
    with pytest.raises(WorkflowFormatError, match="carries no workflow"):
        WorkflowDefinition.from_bytes(content[: end - 1])


def test_a_workflow_of_an_image_may_have_sixteen_megabytes() -> None:
    stored = {**DOCUMENT, "notes": ""}
    limit = 16 * 1024 * 1024
    room = limit - len(json.dumps(stored))
    for extra, is_read in ((0, True), (1, False)):
        text = json.dumps({**stored, "notes": "x" * (room + extra)})
        body = b"invokeai_workflow\0\0" + zlib.compress(text.encode(), 1)
        content = png((b"zTXt", body))
        if is_read:
            found = WorkflowDefinition.from_bytes(content)
            assert len(found.notes) == room
        else:
            with pytest.raises(WorkflowFormatError, match="too large"):
                WorkflowDefinition.from_bytes(content)


def test_a_zip_bomb_in_an_image_is_refused() -> None:
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
def test_a_value_that_is_not_json_is_refused(value: Any) -> None:
    with pytest.raises(WorkflowFormatError, match="notes"):
        WorkflowDefinition.from_dict({**DOCUMENT, "notes": value})


def nested(levels: int) -> Any:
    """Lists in lists: so many levels below the key that holds them."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_a_document_has_up_to_128_levels() -> None:
    """The document is the first level."""
    found = WorkflowDefinition.from_dict({**DOCUMENT, "more": nested(127)})
    assert found.to_dict()["more"] == nested(127)
    with pytest.raises(WorkflowFormatError) as caught:
        WorkflowDefinition.from_dict({**DOCUMENT, "more": nested(128)})
    assert "nested deeper than 128 levels" in str(caught.value)
    assert caught.value.where == ("more" + "[0]" * 128)[:80]
    mappings: Any = 1
    for _ in range(127):
        mappings = {"a": mappings}
    WorkflowDefinition.from_dict({**DOCUMENT, "more": mappings})
    with pytest.raises(WorkflowFormatError, match="128 levels"):
        WorkflowDefinition.from_dict({**DOCUMENT, "more": {"a": mappings}})


def test_the_place_of_what_is_not_json_is_named() -> None:
    with pytest.raises(WorkflowFormatError) as caught:
        WorkflowDefinition.from_dict({**DOCUMENT, "more": [{"a": [1, b""]}]})
    assert caught.value.where == "more[0].a[1]"
    with pytest.raises(WorkflowFormatError) as caught:
        WorkflowDefinition.from_dict({**DOCUMENT, 7: 1})  # type: ignore[dict-item]
    assert caught.value.where is None


def test_a_text_that_is_not_utf8_is_latin1() -> None:
    stored = {**DOCUMENT, "name": "café"}
    for encoding in ("utf-8", "latin-1"):
        text = json.dumps(stored, ensure_ascii=False).encode(encoding)
        content = png((b"tEXt", b"invokeai_workflow\0" + text))
        assert WorkflowDefinition.from_bytes(content).name == "café"


@pytest.mark.parametrize(
    ("version", "generation", "words"),
    [
        *(("1.0.0", 1, None), ("2.0.0", 2, None), ("4.0.0", 4, None)),
        (None, 4, "does not say its format"),
        *(("1.2", 1, "read as format 1"), (" 2.9.1", 2, "read as format 2")),
        *(("3.1.0", 4, "read as format 4"), ("9", 4, "read as format 4")),
        *((1, 4, "read as format 4"), (["1"], 4, "read as format 4")),
    ],
)
def test_the_format_of_a_file_is_the_nearest_known(version, generation, words) -> None:
    found, warning = file_format({"meta": {"version": version}})
    assert found == generation
    assert (warning is None) if words is None else (words in str(warning.message))
