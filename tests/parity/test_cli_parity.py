"""`ivk workflow compile --offline` prints the payload that the library makes.

The facts file and the options stand for what the goldens were made with, so together
with `test_parity.py` this says: the command line gives the GUI's payload.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from goldens import GRAPH_ID, Golden, own_goldens, shared_goldens
from payload_parity import is_same

from invokeai_py_client.cli import main
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.compiling.compiled_workflow import CompileOptions
from invokeai_py_client.workflow.inputs import base_handle

pytest.importorskip("typer")

OWN = {golden.name: golden for golden in own_goldens() if golden.loads}
CATALOG = NodeCatalog.bundled()
# Edits that `--set-node` does not make: some that a widget ignores are refused, and the
# text that names a generator's board has to be looked up, since it may be its name.
UNEDITED = {"case--94-edits", "case--31-generators-image-edited"}
INPUT_KEYS = ["index", "name", "label", "node_id", "field_name", "type"]
Compile = Callable[[Golden, str], dict[str, Any]]


def words(golden: Golden, variant: str, folder: Path) -> list[str]:
    """The command line that stands for a variant of a golden."""
    file = folder / "workflow.json"
    file.write_text(json.dumps(golden.document), "utf-8")
    gone, board = golden.conditions(variant)
    facts = folder / "facts.json"
    facts.write_text(json.dumps(golden.facts_file(gone)), "utf-8")
    found = ["workflow", "compile", str(file), "--offline", "--json"]
    found += ["--facts", str(facts)]
    found += ["--board", board] if board else []
    if golden.name not in UNEDITED:
        for (node_id, name), value in golden.edits(variant).items():
            found += ["--set-node", f"{node_id}.{name}={json.dumps(value)}"]
    return found


@pytest.fixture
def compiled(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Compile:
    """Run the command in this process, with the randomness of the goldens."""
    pinned = partial(CompileOptions, random=lambda: 0.5)
    monkeypatch.setattr(base_handle, "CompileOptions", pinned)

    def run(golden: Golden, variant: str) -> dict[str, Any]:
        code = main(words(golden, variant, tmp_path))
        return read_envelope(code, capsys.readouterr().out)

    return run


def read_envelope(code: int, output: str) -> dict[str, Any]:
    envelope = json.loads(output)
    assert code == 0, envelope["error"]
    data: dict[str, Any] = envelope["data"]
    assert list(data) == ["batch", "inputs", "warnings", "problems"]
    assert list(data["batch"]) == ["graph", "data", "runs", "workflow"]
    assert data["batch"]["runs"] == 1
    data["batch"]["graph"]["id"] = GRAPH_ID
    return data


def faults(golden: Golden, compile_by_cli: Compile) -> Iterator[str]:
    """Where the command line differs from the library, or its inputs from the form."""
    for variant in golden.variant_names():
        data = compile_by_cli(golden, variant)
        ours = golden.compile(variant, CATALOG, edited=golden.name not in UNEDITED)
        for part in ("graph", "data", "workflow"):
            wanted = json.loads(json.dumps(getattr(ours, part)))
            if not is_same(data["batch"][part], wanted):
                yield f"{golden.name} {variant}: {part}"
        yield from input_faults(golden, data["inputs"])


def input_faults(golden: Golden, inputs: list[dict[str, Any]]) -> Iterator[str]:
    form = golden.expected["form_inputs"]
    if [(item["node_id"], item["field_name"]) for item in inputs] != [
        (item["nodeId"], item["fieldName"]) for item in form
    ]:
        yield f"{golden.name}: other inputs than the form's"
        return
    for index, (item, wanted) in enumerate(zip(inputs, form)):
        if list(item) != INPUT_KEYS or item["index"] != index:
            yield f"{golden.name}: input {index} is {item}"
        if wanted["rendered"] and item["label"] != wanted["label"]:
            yield f"{golden.name}: input {index} has the label {item['label']!r}"


@pytest.mark.parametrize("name", OWN)
def test_the_command_line_gives_the_payload(name: str, compiled: Compile) -> None:
    assert list(faults(OWN[name], compiled)) == []


def test_the_command_line_gives_the_payload_of_every_golden(
    shared_dir: Path, compiled: Compile
) -> None:
    goldens = [
        golden
        for name, golden in shared_goldens(shared_dir)
        if golden is not None and golden.loads and name not in OWN
    ]
    assert goldens
    assert [fault for item in goldens for fault in faults(item, compiled)] == []


@pytest.mark.parametrize("name", ["case--18-batch-ungrouped", "case--54-form-nested"])
def test_the_command_itself_prints_it(name: str, tmp_path: Path) -> None:
    golden = OWN[name]
    command = [sys.executable, "-m", "invokeai_py_client"]
    done = subprocess.run(
        [*command, *words(golden, "base", tmp_path)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    data = read_envelope(done.returncode, done.stdout)
    assert is_same(data["batch"]["graph"], golden.expected["graph"])
    assert is_same(data["batch"]["data"], golden.expected["batch_data"])
    assert list(input_faults(golden, data["inputs"])) == []


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("case--32-generators-image", {"missing_answer"}),
        ("case--34-call-saved-workflow-fresh", {"missing_answer"}),
    ],
)
def test_without_facts_what_needs_a_server_is_a_problem(
    name: str, kinds: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The payload is printed all the same; only `--strict` makes it a failure."""
    file = tmp_path / "workflow.json"
    file.write_text(json.dumps(OWN[name].document), "utf-8")
    command = ["workflow", "compile", str(file), "--offline", "--json"]
    data = read_envelope(main(command), capsys.readouterr().out)
    found = {problem["kind"] for problem in data["problems"]}
    assert kinds <= found
    assert data["batch"]["graph"]["nodes"].keys() == (
        OWN[name].expected["graph"]["nodes"].keys()
    )
    code = main([*command, "--strict"])
    assert code == (1 if data["problems"] else 0)
    assert json.loads(capsys.readouterr().out)["data"]["problems"] == data["problems"]
