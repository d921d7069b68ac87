"""What can be meant by a source is loaded; the rest is told what it is."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import workflow_builder as build
from paths import DATA

from invokeai_py_client import (
    InvokeAIClient,
    WorkflowDefinition,
    WorkflowFormatError,
)
from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.workflow.loading.load_workflow import load_workflow

DOCUMENT = build.document([build.node("a", "add", {"a": 1})], form=[("a", "a")])
TEXT = json.dumps(DOCUMENT, indent=1)
COMMENTED = (
    TEXT.replace(
        '"name": "Test",', '"name": "a // b /* c */ # d", // so\n # so\n /* and\n so */'
    )[:-1]
    + ",}"
)


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("workflow.json", TEXT)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def client():
    with SimulatedServer() as server, InvokeAIClient(server.url) as made:
        yield made


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A home with a workflow in it, which is also the working directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "portrait.json").write_text(TEXT, "utf-8")
    return tmp_path


def test_a_workflow_is_loaded_from_whatever_means_one(client, folder):
    path = folder / "portrait.json"
    for source in (
        path,
        str(path),
        "portrait.json",
        "~/portrait.json",
        path.as_uri(),
        TEXT,
        f"\ufeff\n{TEXT}",
        TEXT.encode("utf-16"),
        DOCUMENT,
        WorkflowDefinition.from_dict(DOCUMENT),
    ):
        for load in (client.workflow_repo.load, client.workflow_repo.create_workflow):
            assert load(source).definition == WorkflowDefinition.from_dict(DOCUMENT)


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"],
)
def test_bytes_of_any_unicode_encoding_are_json(encoding):
    for text in (TEXT, f"\ufeff{TEXT}"):
        found = WorkflowDefinition.from_json(text.encode(encoding))
        assert found == WorkflowDefinition.from_dict(DOCUMENT)


def test_comments_and_a_last_comma_do_not_matter():
    found = WorkflowDefinition.from_json(COMMENTED)
    assert found.name == "a // b /* c */ # d"
    assert found.node_ids == ("a",)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{\n "nodes": [1 2]}', "line 2 column 14"),
        ('// note\n{\n "nodes": [1 2]}', "line 3 column 14"),
        ('{"nodes": [],\n "a": "NaN",\n "b": NaN}', "line 3 column 7"),
        ('{"nodes": "half', "line 1 column 11"),
        ('{"nodes": [NaN]}', "line 1 column 12"),
        ('\n{"nodes": [NaN]}', "line 2 column 12"),
        ('{"nodes": [],\n "b":\n\n -Infinity}', "line 4 column 2"),
    ],
)
def test_broken_json_says_line_and_column(text, place):
    with pytest.raises(WorkflowFormatError, match=place):
        WorkflowDefinition.from_json(text)


COMFY: dict[str, Any] = {
    "last_node_id": 3,
    "nodes": [{"id": 1, "type": "KSampler", "widgets_values": [1]}],
    "links": [],
    "version": 0.4,
}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html></html>", "is a web page"),
        (b"\n<!-- x -->\n<html>", "is a web page"),
        (b'<?xml version="1.0"?><a/>', "is a web page"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n",
            "is a Git LFS pointer.*git lfs pull",
        ),
        (zipped(), "is a zip archive.*unpack it"),
        (gzip.compress(TEXT.encode()), "is a gzip archive"),
        (b"%PDF-1.4", "is a PDF file"),
        (b"\0" * 257 + b"ustar\x0000", "is a tar archive"),
        (b"\n" * 1990 + b"<html>", "is a web page"),
        (b"\xef\xbb\xbf<html>", "is a web page"),
        (b'\x10\0\0\0\0\0\0\0{"a": {}}', "is a model file"),
        (b'\xff\xe0\xf5\x05\0\0\0\0{"a": {}}', "is a model file"),
        (b'\0\xe1\xf5\x05\0\0\0\0{"a": {}}', "is neither text|is not JSON"),
        (b"\0\0\0\x18ftypmp42", "is a video"),
        (json.dumps(COMFY).encode(), "is a workflow of ComfyUI"),
        (b'{"1": {"class_type": "KSampler"}}', "is a prompt of ComfyUI"),
        (b'{"editor.fontSize": 12, "theme": "dark"}', "looks like a settings file"),
        (b"schema_version: 4.0.2\nport: 9090\n", "looks like a settings file"),
        (b"[server]\nport = 9090\n", "looks like a settings file"),
        (b'{"positive_prompt": "a", "seed": 3}', "is the metadata of an image"),
        (b"", "it is empty"),
        (b"RIFF\0\0\0\0WAVEfmt ", "is not JSON"),
        (b"\0\0\0\0\0\0\0\0WEBPVP8 ", "is neither text"),
        (b'{"a": 1, "b": []}', 'has no list of "nodes"'),
        (b'{"a": 1}', 'has no list of "nodes"'),
        (
            b'{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}',
            "settings file, with 'a', 'b', 'c', 'd', 'e' [(]",
        ),
        (b"\xe9t\xe9", "byte 0xe9 in line 1 is not utf-8"),
        (b'{"a":\n\n"\xe9t"}', "byte 0xe9 in line 3 is not utf-8"),
        (b'\n{"a": "\xe9t"}', "byte 0xe9 in line 2 is not utf-8"),
    ],
    # Archives carry the time, and each worker makes its own.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_something_else_is_named(content, words, tmp_path):
    file = tmp_path / "it.json"
    file.write_bytes(content)
    with pytest.raises(WorkflowFormatError, match=words) as caught:
        WorkflowDefinition.from_file(file)
    assert str(file) in str(caught.value)


def test_a_misspelt_name_is_told_the_near_ones(client, folder):
    for source in ("potrait.json", Path("Portrait.JSON"), "~/potrait.json"):
        with pytest.raises(WorkflowFormatError, match=r"did you mean 'portrait.json'"):
            client.workflow_repo.load(source)


def test_a_folder_is_told_what_it_holds(client, folder):
    for source in (folder, str(folder)):
        with pytest.raises(WorkflowFormatError, match=r"is a folder.*'portrait.json'"):
            client.workflow_repo.load(source)
    with pytest.raises(WorkflowFormatError, match="there is no folder"):
        client.workflow_repo.load("gone/portrait.json")


@pytest.mark.parametrize("address", ["https://example.org/w.json", "ftp://h/w.json"])
def test_an_address_is_not_fetched(client, address):
    for load in (client.workflow_repo.load, client.workflow_repo.create_workflow):
        with pytest.raises(WorkflowFormatError, match=r"is an address.*download"):
            load(address)


def test_a_name_of_nobodys_image_is_a_missing_file(client, folder):
    with pytest.raises(WorkflowFormatError, match=r"there is no file gone\.png"):
        client.workflow_repo.load("gone.png")


def test_an_export_without_flags_versions_and_format_loads_with_warnings(client):
    handle = client.workflow_repo.load(DATA / "shared" / "v3_0_export.json")
    assert handle.get_node_field("a1", "value").value == 3
    messages = [warning.message for warning in handle.warnings]
    assert "the node has no useCache; taken for true" in messages
    assert "the node has no isIntermediate; taken for false" in messages
    assert handle.run().is_complete


@pytest.mark.parametrize("key", ["useCache", "isIntermediate"])
@pytest.mark.parametrize("value", [None, "yes", 1])
def test_a_flag_that_is_not_one_is_the_servers_default(client, key, value):
    document = json.loads(TEXT)
    document["nodes"][0]["data"][key] = value
    loaded = load_workflow(
        WorkflowDefinition.from_dict(document), client.workflow_repo.load(TEXT).catalog
    )
    assert loaded.nodes["a"].use_cache is True
    assert loaded.nodes["a"].is_intermediate is (key == "useCache")
    (warning,) = loaded.warnings
    assert (warning.kind, warning.node_id) == ("format", "a")
    assert key in warning.message
