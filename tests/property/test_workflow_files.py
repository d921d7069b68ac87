"""Any JSON may stand in a workflow file: it loads, or it is refused by name."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from invokeai_py_client.exceptions import WorkflowError, WorkflowFormatError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.nodes.template import UNSET
from invokeai_py_client.workflow.checking.check_workflow import (
    check_workflow,
)
from invokeai_py_client.workflow.compiling.compile_workflow import (
    CompileOptions,
    compile_workflow,
)
from invokeai_py_client.workflow.compiling.server_queries import needed_facts
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.editor.server_facts import ServerFacts
from invokeai_py_client.workflow.loading.form_fields import form_fields
from invokeai_py_client.workflow.loading.load_workflow import load_workflow

CASES = Path(__file__).parent.parent / "data/goldens/cases"
DOCUMENTS = [json.loads(path.read_text()) for path in sorted(CASES.glob("*.json"))]
SAVED = json.loads((CASES / "saved/saved-1.json").read_text())
CATALOG = NodeCatalog.bundled()
OPTIONS = CompileOptions(random=lambda: 0.5)
FACTS = ServerFacts(saved_workflows={"saved-1": SAVED})
NOTHING_EXISTS = ServerFacts(
    missing={kind: frozenset("*") for kind in ("images", "videos", "boards", "models")}
)

texts = st.text(max_size=8) | st.sampled_from(
    ["", " ", "\ud800", "\u0000", "\u202e", "a", "b", "root", "value", "4.0.0"]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            texts | st.sampled_from(["type", "id", "name", "board_id", "key", "data"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


def containers(document: Any) -> list[Any]:
    """Every object and list in the document, the document first."""
    found = []
    waiting = [document]
    while waiting:
        item = waiting.pop()
        if isinstance(item, (dict, list)):
            found.append(item)
            waiting.extend(item.values() if isinstance(item, dict) else item)
    return found


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A workflow file with keys dropped, values replaced, parts moved about."""
    document = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.integers(1, 5))):
        places = [item for item in containers(document) if item]
        if not places:
            break
        place = places[draw(st.integers(0, len(places) - 1))]
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = keys[draw(st.integers(0, len(keys) - 1))]
        change = draw(st.sampled_from(["drop", "replace", "copy", "add"]))
        if change == "drop":
            del place[key]
        elif change == "replace":
            place[key] = draw(values)
        elif change == "copy":
            other = places[draw(st.integers(0, len(places) - 1))]
            place[key] = copy.deepcopy(other)
        elif isinstance(place, dict):
            place[draw(texts)] = draw(values)
        else:
            place.append(copy.deepcopy(place[key]))
    return document


def use(document: Any, edits: Any = None) -> None:
    """Everything that a handle does with a file; its errors are ours or none."""
    try:
        definition = WorkflowDefinition.from_dict(document)
        loaded = load_workflow(definition, CATALOG, FACTS)
    except WorkflowFormatError:
        return
    before = definition.to_json()
    shown = form_fields(loaded)
    assert all(field.node_id in loaded.nodes for field in shown)
    compiled = compile_workflow(loaded, CATALOG, edits=edits, options=OPTIONS)
    needed_facts(loaded, edits)
    check_workflow(compiled, CATALOG)
    compile_workflow(definition, CATALOG, edits=edits, facts=NOTHING_EXISTS)
    json.dumps([compiled.graph, compiled.data, compiled.workflow], allow_nan=False)
    assert definition.to_json() == before
    for edge in compiled.graph["edges"]:
        assert edge["source"]["node_id"] in compiled.graph["nodes"]
        assert edge["destination"]["node_id"] in compiled.graph["nodes"]


@settings(max_examples=400, deadline=None)
@given(mutated())
def test_a_damaged_file_raises_nothing_but_our_errors(document: Any) -> None:
    use(document)


@settings(max_examples=200, deadline=None)
@given(values)
def test_any_json_raises_nothing_but_our_errors(document: Any) -> None:
    use(document)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_raise_nothing_but_our_errors(content: bytes) -> None:
    for prefix in (b"", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n\0\0\0\x1fzTXt"):
        try:
            definition = WorkflowDefinition.from_bytes(prefix + content)
        except WorkflowFormatError:
            continue
        # Few of them are workflows; those that are give themselves back.
        assert WorkflowDefinition.from_dict(definition.to_dict()) == definition


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_edit_of_any_input_raises_nothing_but_our_errors(data: Any) -> None:
    document = data.draw(st.sampled_from(DOCUMENTS))
    keys = [
        (node["id"], name)
        for node in document.get("nodes", ())
        for name in node.get("data", {}).get("inputs", ())
    ]
    places = st.tuples(texts, texts) | st.sampled_from(keys or [("a", "b")])
    edits = data.draw(st.dictionaries(places, values | st.just(UNSET), max_size=4))
    use(document, edits)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_random_edges_leave_a_graph_of_known_nodes(data: Any) -> None:
    document = copy.deepcopy(data.draw(st.sampled_from(DOCUMENTS)))
    nodes = document.get("nodes", [])
    ids = [node["id"] for node in nodes] or ["x"]
    handles = ["in", "out", "value", "image", "collection", "item", "a", "b"]
    pick = st.sampled_from(ids)
    handle = st.sampled_from(handles)
    for number in range(data.draw(st.integers(0, 30))):
        document.setdefault("edges", []).append(
            {
                "id": f"random-{number}",
                "type": data.draw(st.sampled_from(["default", "collapsed"])),
                "source": data.draw(pick),
                "target": data.draw(pick),
                "sourceHandle": data.draw(handle),
                "targetHandle": data.draw(handle),
            }
        )
    use(document)


def harmlessly_changed(value: Any, shuffle: random.Random) -> Any:
    """Other order of keys, keys that nobody knows; order of lists stays."""
    if isinstance(value, list):
        return [harmlessly_changed(item, shuffle) for item in value]
    if not isinstance(value, dict):
        return value
    items = [(key, harmlessly_changed(item, shuffle)) for key, item in value.items()]
    shuffle.shuffle(items)
    return dict(items)


def with_unknown_keys(document: Any) -> None:
    """Keys that no format declares, where every object is read by a schema."""
    document["__unknown"] = 1
    for node in document["nodes"]:
        node["selected"] = True
        node["data"]["__unknown"] = [1]
        for item in node["data"].get("inputs", {}).values():
            item["__unknown"] = None
    for edge in document["edges"]:
        edge["animated"] = False


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(DOCUMENTS), st.integers(0, 2**32))
def test_harmless_changes_give_the_identical_payload(document: Any, seed: int) -> None:
    try:
        wanted = compile_workflow(
            WorkflowDefinition.from_dict(document), CATALOG, options=OPTIONS
        )
    except WorkflowError:
        return
    changed = copy.deepcopy(document)
    if "workflow" not in changed:
        with_unknown_keys(changed)
    changed = harmlessly_changed(changed, random.Random(seed))
    text = json.dumps(changed, indent=seed % 5 or None)
    found = compile_workflow(
        WorkflowDefinition.from_json(f" \n{text}\t"), CATALOG, options=OPTIONS
    )
    assert {**found.graph, "id": wanted.graph["id"]} == wanted.graph
    assert found.data == wanted.data


def test_deep_nesting_is_refused_by_name() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    document = {"nodes": [], "edges": [], "deep": deep}
    with pytest.raises(WorkflowFormatError, match="nest"):
        WorkflowDefinition.from_dict(document)
    with pytest.raises(WorkflowFormatError, match="nest"):
        WorkflowDefinition.from_json('{"nodes":' + "[" * 100_000)
    # Taking 100,000 nested lists apart one in the other would overflow the stack.
    while deep:
        deep = deep.pop()


def test_a_huge_form_with_rings_is_shown_once() -> None:
    size = 20_000
    elements: dict[str, Any] = {
        "root": {
            "id": "root",
            "type": "container",
            "data": {"layout": "column", "children": ["c0", "c0", "root"]},
        }
    }
    for number in range(size):
        elements[f"c{number}"] = {
            "id": f"c{number}",
            "type": "container",
            "parentId": "root",
            "data": {
                "layout": "row",
                "children": [f"c{number + 1}", f"c{number + 1}", "c0", "f"],
            },
        }
    elements["f"] = {
        "id": "f",
        "type": "node-field",
        "data": {"fieldIdentifier": {"nodeId": "a", "fieldName": "a"}},
    }
    document = copy.deepcopy(
        next(
            item
            for item in DOCUMENTS
            if len(item["nodes"]) == 1
            and item["nodes"][0]["id"] == "a"
            and item["nodes"][0]["data"].get("type") == "add"
            and item["meta"]["version"] == "4.0.0"
        )
    )
    document["form"] = {"elements": elements, "rootElementId": "root"}
    loaded = load_workflow(WorkflowDefinition.from_dict(document), CATALOG)
    fields = form_fields(loaded)
    assert {(field.node_id, field.field_name) for field in fields} == {("a", "a")}
    assert len(fields) <= size
