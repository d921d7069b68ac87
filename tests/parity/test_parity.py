"""The payload is the GUI's: for every golden, field by field.

What differs on purpose stands in `differences.json`, entry by entry: the golden, the
path, the class of difference (see docs/dev/gui-payload.md) and exactly what we send
or report. An entry that does not apply any more fails.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest
from goldens import (
    Golden,
    is_same,
    own_goldens,
    payload_differences,
    read_json,
    shared_goldens,
)

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.form import form_fields
from invokeai_py_client.workflow.load import load_workflow

DIFFERENCES = Path(__file__).with_name("differences.json")
CLASSES = {"lenient load", "raw value kept", "works here", "refused here"}
OWN = {golden.name: golden for golden in own_goldens()}
CATALOG = NodeCatalog.bundled()


def entries_of(golden: Golden) -> dict[str, dict]:
    return {
        entry["path"]: entry
        for entry in read_json(DIFFERENCES)
        if entry["golden"] == golden.name
    }


def unexplained(golden: Golden) -> list[str]:
    """Every difference without an entry, and every entry without its difference."""
    entries = entries_of(golden)
    if not golden.loads:
        return refusal_faults(golden, entries)
    faults = form_faults(golden)
    for variant in golden.variant_names():
        compiled = golden.compile(variant, CATALOG)
        payload = json.loads(
            json.dumps({"graph": compiled.graph, "data": compiled.data})
        )
        found = payload_differences(payload, golden.wanted(variant))
        problems = [
            [item.kind, item.node_id, item.field_name] for item in compiled.problems
        ]
        if problems:
            found["problems"] = ([], problems)
        for path in {**found, **entries}:
            wanted, ours = found.get(path, (None, None))
            if path not in entries:
                faults.append(
                    f"{variant} {path}: GUI {wanted!r:.200}, we {ours!r:.200}"
                )
            elif path not in found:
                faults.append(f"{variant} {path}: the entry applies no more")
            elif not is_same(ours, entries[path]["ours"]):
                faults.append(f"{variant} {path}: we send {ours!r:.200}")
    return faults


def refusal_faults(golden: Golden, entries: dict[str, dict]) -> list[str]:
    """The GUI refuses the file: so do we, or an entry says what we warn of."""
    try:
        loaded = load_workflow(golden.definition, CATALOG)
    except WorkflowFormatError as error:
        return [f"refused, but has an entry: {error}"] if entries else []
    kinds = [warning.kind for warning in loaded.warnings]
    entry = entries.get("load")
    if entry is None:
        return [f"the GUI refuses this, we load it and warn of {kinds}"]
    return [] if kinds == entry["ours"] else [f"load warns of {kinds}"]


def form_faults(golden: Golden) -> list[str]:
    """Our inputs are the form's: order, node, field, and label where it has one."""
    ours = form_fields(load_workflow(golden.definition, CATALOG, golden.facts()))
    wanted = golden.expected["form_inputs"]
    keys = [(item["nodeId"], item["fieldName"]) for item in wanted]
    if keys != [(item.node_id, item.field_name) for item in ours]:
        return [f"form: {[(item.node_id, item.field_name) for item in ours]}"]
    return [
        f"form {item.node_id}.{item.field_name}: {item.label!r}"
        for item, other in zip(ours, wanted)
        if other["rendered"]
        and (item.label, item.user_label, item.connected)
        != (other["label"], other["userLabel"], other["connected"])
    ]


@pytest.mark.parametrize("name", OWN)
def test_payload_is_the_guis(name: str) -> None:
    assert unexplained(OWN[name]) == []


def test_payload_is_the_guis_for_every_golden(
    shared_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    goldens = dict(shared_goldens(shared_dir))
    absent = [name for name, golden in goldens.items() if golden is None]
    known = [golden for golden in goldens.values() if golden is not None]
    loaded = [golden for golden in known if golden.loads]
    faults = {golden.name: unexplained(golden) for golden in known}
    wrong = {name: found for name, found in faults.items() if found}
    differing = sum(bool(entries_of(golden)) for golden in loaded)
    with capsys.disabled():
        sys.stdout.write(
            f"\nparity: {len(loaded) - differing} of {len(loaded)} loaded goldens "
            f"are equal in graph, batch data, all variants and form; "
            f"{differing} differ as differences.json says; {len(wrong)} are wrong; "
            f"{len(known) - len(loaded)} that the GUI refuses; "
            f"{len(absent)} without a workflow file\n"
        )
    assert wrong == {}
    if absent:
        pytest.skip(f"no installed server has the workflow files of {absent}")


def test_each_difference_has_a_known_class_and_a_golden() -> None:
    entries = read_json(DIFFERENCES)
    keys = Counter((entry["golden"], entry["path"]) for entry in entries)
    assert [key for key, count in keys.items() if count > 1] == []
    assert {entry["class"] for entry in entries} <= CLASSES
    assert all(entry["why"] for entry in entries)
    assert {
        entry["golden"] for entry in entries if entry["golden"].startswith("case--")
    } <= OWN.keys()
