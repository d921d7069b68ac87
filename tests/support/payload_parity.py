"""Where our payload differs from a golden, other than on purpose.

What differs on purpose stands in `parity/differences.json`, entry by entry: the golden,
the path, the class of difference (see docs/dev/gui-payload.md) and exactly what we send
or report. An entry that does not apply any more is a fault too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from goldens import ABSENT, Golden, read_json
from paths import TESTS

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.loading.form_fields import form_fields
from invokeai_py_client.workflow.loading.load_workflow import load_workflow

DIFFERENCES = read_json(TESTS / "parity/differences.json")
CATALOG = NodeCatalog.bundled()


def entries_of(golden: Golden) -> dict[str, dict]:
    return {
        entry["path"]: entry for entry in DIFFERENCES if entry["golden"] == golden.name
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


def payload_differences(
    ours: Mapping[str, Any], wanted: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """(wanted, ours) by path, down to the field of a node or the list of a batch."""
    found = dict(_graph_differences(ours["graph"], wanted["graph"]))
    found.update(_list_differences("data", ours["data"], wanted["data"]))
    return found


def _graph_differences(
    ours: Mapping[str, Any], wanted: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for key in {**wanted, **ours}:
        if key != "nodes" and not is_same(ours.get(key), wanted.get(key)):
            yield f"graph.{key}", (wanted.get(key, ABSENT), ours.get(key, ABSENT))
    nodes, wanted_nodes = ours["nodes"], wanted["nodes"]
    for node_id in {**wanted_nodes, **nodes}:
        node, other = nodes.get(node_id, {}), wanted_nodes.get(node_id, {})
        for name in {**other, **node}:
            mine, theirs = node.get(name, ABSENT), other.get(name, ABSENT)
            if not is_same(mine, theirs):
                yield f"graph.nodes.{node_id}.{name}", (theirs, mine)


def _list_differences(
    path: str, ours: Any, wanted: Any
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    if isinstance(wanted, list) and len(wanted) == len(ours):
        for index, (mine, theirs) in enumerate(zip(ours, wanted)):
            if not is_same(mine, theirs):
                yield f"{path}[{index}]", (theirs, mine)
    elif not is_same(ours, wanted):
        yield path, (wanted, ours)


def is_same(one: Any, other: Any) -> bool:
    """Equal as JSON: True is not 1, but 1.0 is 1, as JavaScript prints it."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(
            is_same(one[key], other[key]) for key in one
        )
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other)
