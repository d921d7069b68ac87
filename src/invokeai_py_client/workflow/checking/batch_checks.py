"""Would the server take this batch data, and could its workers read the jobs?

The server checks the shape of batch data when it is enqueued, and the values never:
one that does not fit its field is found when a worker takes the job, which then blocks
the queue for all users. So values are checked here as strictly as the worker does it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.nodes.template import (
    UNSET,
    FieldType,
    InputTemplate,
    NodeTemplate,
)
from invokeai_py_client.workflow.checking.node_rules import (
    LOOSE_FIELDS,
    UNBATCHABLE_FIELDS,
    NodeRule,
    rules_of,
)
from invokeai_py_client.workflow.checking.value_checks import (
    batch_value_problem,
    stored_batch_item,
)
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey

Data = Sequence[Sequence[Mapping[str, Any]]]

# What a node is, not what it is given.
NODE_KEYS = frozenset({"id", "type"})
# Every node has these, and no template shows them.
SWITCHES = frozenset({"use_cache", "is_intermediate"})
SWITCH = InputTemplate("", "", FieldType("BooleanField"))
# The same fault in thousands of values is reported this often.
MAX_REPORTED = 20
MAX_COMBINATIONS = 100_000


def batch_problems(
    data: Data,
    graph: Mapping[str, Any],
    catalog: Mapping[str, NodeTemplate],
) -> Iterator[FieldProblem]:
    """Everything for which the server would refuse the data or block on it."""
    seen: set[FieldKey] = set()
    for group in data:
        yield from _group_problems(group)
        for datum in group:
            key = datum["node_path"], datum["field_name"]
            if key in seen:
                yield _problem(key, "batch_duplicate", "has two lists of batch values")
                continue
            seen.add(key)
            yield from _datum_problems(key, datum["items"], graph, catalog)
    yield from _rule_problems(data, graph, catalog)


def _problem(
    key: FieldKey,
    kind: str,
    words: str,
    value: Any = None,
    allowed: Optional[str] = None,
) -> FieldProblem:
    tail = f"; allowed: {allowed}" if allowed else ""
    where = f"batch for {'.'.join(key)}"
    return FieldProblem(
        words + tail, kind, *key, value=value, allowed=allowed, where=where
    )


def _group_problems(group: Sequence[Mapping[str, Any]]) -> Iterator[FieldProblem]:
    if not group:
        yield FieldProblem("a batch group has no list of values", "batch_empty")
        return
    for datum in group:
        if not datum["items"]:
            key = datum["node_path"], datum["field_name"]
            yield _problem(key, "batch_empty", "has no values: nothing would run")
    lengths = {
        f"{datum['node_path']}.{datum['field_name']}": len(datum["items"])
        for datum in group
    }
    if len(set(lengths.values())) > 1:
        listing = ", ".join(f"{place} has {count}" for place, count in lengths.items())
        first = group[0]
        yield FieldProblem(
            f"zipped batch values must be of one length: {listing}",
            "batch_length",
            first["node_path"],
            first["field_name"],
            value=list(lengths.values()),
            allowed="lists of one length",
        )


def _datum_problems(
    key: FieldKey,
    items: Sequence[Any],
    graph: Mapping[str, Any],
    catalog: Mapping[str, NodeTemplate],
) -> Iterator[FieldProblem]:
    node = graph["nodes"].get(key[0])
    if node is None:
        yield _problem(key, "batch_target", "there is no such node in the graph")
        return
    if key[1] in NODE_KEYS:
        yield _problem(key, "batch_target", "that is not a value of a node")
        return
    node_type = node.get("type")
    template = catalog.get(node_type)
    found = template.inputs.get(key[1]) if template else None
    if template is not None and key[1] in SWITCHES:
        found = SWITCH
    if found is None:
        yield _problem(key, "batch_target", f"{node_type} has no such input to batch")
        return
    if (node_type, key[1]) in UNBATCHABLE_FIELDS:
        words = "the server checks it against its own disk, which blocks the queue"
        yield _problem(key, "batch_target", words, allowed="no batch")
        return
    if len(set(map(_kind, items))) > 1:
        yield _problem(
            key,
            "batch_type",
            "values must be of one type",
            value=list(items)[:MAX_REPORTED],
            allowed="all strings, all numbers, all images or all lists",
        )
    if (node_type, key[1]) not in LOOSE_FIELDS:
        yield from _item_problems(key, items, found)
    else:
        yield from _loose_problems(key, items)


def _item_problems(
    key: FieldKey, items: Sequence[Any], template: InputTemplate
) -> Iterator[FieldProblem]:
    reported = 0
    for index, item in enumerate(items):
        refused = batch_value_problem(template, item)
        if refused is None:
            continue
        words = f"value {index} is {item!r}"
        yield _problem(key, refused.kind, words, item, refused.allowed)
        reported += 1
        if reported == MAX_REPORTED:
            return


def _loose_problems(key: FieldKey, items: Sequence[Any]) -> Iterator[FieldProblem]:
    for index, item in enumerate(items):
        if not isinstance(item, (int, float)) or item != item // 1:
            words = f"value {index} is {item!r}"
            yield _problem(key, "type", words, item, "an integer")


def _kind(item: Any) -> str:
    """The type that the server would see."""
    if isinstance(item, (int, float)):
        return "number"
    if isinstance(item, Mapping):
        return "image" if "image_name" in item else "video"
    return type(item).__name__


# -- rules over several fields of a node ----------------------------------------------


def _rule_problems(
    data: Data, graph: Mapping[str, Any], catalog: Mapping[str, NodeTemplate]
) -> Iterator[FieldProblem]:
    """Breaches of the nodes' own rules, by any combination that the jobs will have."""
    touched: dict[str, set[str]] = {}
    for datum in itertools.chain.from_iterable(data):
        touched.setdefault(datum["node_path"], set()).add(datum["field_name"])
    for node_id, names in touched.items():
        node = graph["nodes"].get(node_id, {})
        template = catalog.get(node.get("type"))
        if template is None:
            continue
        for rule in rules_of(template.type):
            if names.isdisjoint(rule.fields):
                continue
            problem = _first_breach(rule, node_id, data, filled_values(node, template))
            if problem is not None:
                yield problem


def filled_values(node: Mapping[str, Any], template: NodeTemplate) -> dict[str, Any]:
    """A node's values with the template's defaults where it has none."""
    values = {
        name: found.default
        for name, found in template.inputs.items()
        if found.default is not None and found.default is not UNSET
    }
    values.update((name, value) for name, value in node.items() if value is not None)
    return values


def _first_breach(
    rule: NodeRule, node_id: str, data: Data, values: Mapping[str, Any]
) -> Optional[FieldProblem]:
    columns = [_rows(group, node_id, rule.fields) for group in data]
    combinations = itertools.product(*(rows for rows in columns if rows))
    for rows in itertools.islice(combinations, MAX_COMBINATIONS):
        row = {name: value for part in rows for name, value in part}
        refused = rule.check({**values, **row})
        if refused is not None:
            key = node_id, rule.fields[0]
            value = row.get(rule.fields[0], values.get(rule.fields[0]))
            words = f"a job would have {value!r}"
            return _problem(key, refused.kind, words, value, refused.allowed)
    return None


Row = tuple[tuple[str, Any], ...]


def _rows(
    group: Sequence[Mapping[str, Any]], node_id: str, names: Sequence[str]
) -> list[Row]:
    """The distinct values that a zipped group gives these fields together."""
    columns = [
        [(datum["field_name"], stored_batch_item(item)) for item in datum["items"]]
        for datum in group
        if datum["node_path"] == node_id and datum["field_name"] in names
    ]
    rows = {repr(row): row for row in zip(*columns)}
    return list(rows.values())
