"""Everything a submission would refuse, found before anything is sent.

`check_workflow` reads a compiled payload as the server will: every literal, every
required input, the graph and the batch data (docs/dev/checks.md). It asks no server;
compiling knew already which images, boards and models exist.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Optional

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.exceptions.workflow import shown
from invokeai_py_client.ivk_fields.field_types import describe_input
from invokeai_py_client.ivk_fields.references import find_references
from invokeai_py_client.ivk_fields.server_rules import not_allowed, read_integer
from invokeai_py_client.ivk_fields.value_rules import is_unicode
from invokeai_py_client.nodes.template import InputTemplate, NodeTemplate
from invokeai_py_client.workflow.checking.batch_checks import (
    batch_problems,
    filled_values,
)
from invokeai_py_client.workflow.checking.edge_values import judge_edges
from invokeai_py_client.workflow.checking.graph_checks import (
    EDITOR_TYPES,
    GraphView,
    graph_problems,
)
from invokeai_py_client.workflow.checking.node_rules import LOOSE_FIELDS, rules_of
from invokeai_py_client.workflow.checking.value_checks import (
    NOT_JSON,
    is_json,
    literal_problem,
)
from invokeai_py_client.workflow.compiling.compiled_workflow import CompiledWorkflow
from invokeai_py_client.workflow.document.warnings import WorkflowWarning
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey
from invokeai_py_client.workflow.loading.called_workflows import CALL_NODE_TYPE
from invokeai_py_client.workflow.loading.missing_values import VALUE_WARNINGS

# Checked separately.
_OWN_KEYS = frozenset({"id", "type", "use_cache", "is_intermediate", "workflow_inputs"})
RUNS_ALLOWED = "an integer from 1"


def check_workflow(
    compiled: CompiledWorkflow, catalog: Mapping[str, NodeTemplate]
) -> tuple[list[FieldProblem], list[WorkflowWarning]]:
    """Why the server would refuse the payload, and what runs but not as it looks.

    Both are in the graph's order.
    """
    view = GraphView(compiled.graph, catalog)
    feeding = _feeding_edges(compiled)
    problems = [
        *_run_problems(compiled),
        *_node_problems(compiled, catalog, feeding),
        *graph_problems(view),
        *batch_problems(compiled.data, compiled.graph, catalog),
        *_connected_edits(compiled, feeding),
    ]
    edge_findings = judge_edges(compiled, view)
    problems += edge_findings.problems.values()
    warnings = [*edge_findings.warnings.values(), *_warnings(compiled, feeding)]
    if not any(problem.kind == "json" for problem in problems):
        problems.extend(_embedded_problems(compiled))
    unknown = _unknown_batches(compiled)
    found = [
        problem
        for problem in problems
        if problem.kind != "batch_empty"
        or (problem.node_id, problem.field_name) not in unknown
    ]
    return found, warnings


def _unknown_batches(compiled: CompiledWorkflow) -> set[FieldKey]:
    """Targets of batches that are empty because a generator gave no answer."""
    faulty = {problem.node_id for problem in compiled.problems} - {None}
    return {
        target
        for batch in compiled.batches
        if batch.generator_id in faulty
        for target in batch.targets
    }


def _feeding_edges(
    compiled: CompiledWorkflow,
) -> Mapping[FieldKey, Sequence[Mapping[str, Any]]]:
    """The edges into each field that has some."""
    found: dict[FieldKey, list[Mapping[str, Any]]] = {}
    for edge in compiled.graph["edges"]:
        key = edge["destination"]["node_id"], edge["destination"]["field"]
        found.setdefault(key, []).append(edge)
    return found


def _run_problems(compiled: CompiledWorkflow) -> Iterator[FieldProblem]:
    runs: Any = compiled.runs
    if isinstance(runs, bool) or not isinstance(runs, int) or runs < 1:
        message = f"runs is {runs!r}; allowed: {RUNS_ALLOWED}"
        yield FieldProblem(message, "runs", value=runs, allowed=RUNS_ALLOWED)


# -- values ---------------------------------------------------------------------------


def _node_problems(
    compiled: CompiledWorkflow,
    catalog: Mapping[str, NodeTemplate],
    feeding: Collection[FieldKey],
) -> Iterator[FieldProblem]:
    batched = {
        (datum["node_path"], datum["field_name"])
        for group in compiled.data
        for datum in group
    }
    for node_id, node in compiled.graph["nodes"].items():
        template = catalog.get(node.get("type"))
        if template is None or template.type in EDITOR_TYPES:
            continue
        yield from _attribute_problems(compiled, node_id, node)
        for name, found in template.inputs.items():
            key = node_id, name
            # A direct input needs its value when the batch is enqueued.
            is_supplied = key in feeding or (key in batched and found.input != "direct")
            if found.required and node.get(name) is None and not is_supplied:
                yield _missing(compiled, key, found)
            elif name in node:
                yield from _value_problems(compiled, key, found, node[name], node)
        # Inputs that a user made up, of core_metadata.
        for name in node:
            is_own = name in template.inputs or name in _OWN_KEYS
            if not is_own and not is_json(node[name]):
                yield _refused(compiled, (node_id, name), node[name], NOT_JSON)
        yield from _dynamic_problems(compiled, node_id, node, feeding)
        yield from _rule_problems(compiled, node_id, node, template)


def _label(compiled: CompiledWorkflow, key: FieldKey) -> Optional[str]:
    node = compiled.loaded.nodes.get(key[0])
    return node.title if node else None


def _place(compiled: CompiledWorkflow, key: FieldKey) -> str:
    return f"{_label(compiled, key) or 'node'}.{key[1]} ({key[0]})"


def _value_problems(
    compiled: CompiledWorkflow,
    key: FieldKey,
    template: InputTemplate,
    value: Any,
    node: Mapping[str, Any],
) -> Iterator[FieldProblem]:
    if any(True for _ in find_references(value)):
        return
    refused: Optional[FieldProblem]
    if (node.get("type"), key[1]) in LOOSE_FIELDS:
        is_number = isinstance(value, (int, float))
        is_fine = is_number and read_integer(value) is not None
        refused = None if is_fine else not_allowed("type", "an integer")
    else:
        refused = literal_problem(template, value)
    if refused is not None:
        yield _refused(compiled, key, value, refused)


def _refused(
    compiled: CompiledWorkflow, key: FieldKey, value: Any, refused: FieldProblem
) -> FieldProblem:
    return replace(
        refused,
        node_id=key[0],
        field_name=key[1],
        node_label=_label(compiled, key),
        value=value,
    )


def _missing(
    compiled: CompiledWorkflow, key: FieldKey, template: InputTemplate
) -> FieldProblem:
    allowed = describe_input(template)
    gone = [
        f": {warning.message}"
        for warning in compiled.loaded.warnings
        if warning.kind in VALUE_WARNINGS and key not in compiled.edits
        if (warning.node_id, warning.field_name) == key
    ]
    return FieldProblem(
        f"has no value and needs one{''.join(gone[:1])}; allowed: {allowed}",
        "missing_input",
        *key,
        allowed=allowed,
        node_label=_label(compiled, key),
    )


def _attribute_problems(
    compiled: CompiledWorkflow, node_id: str, node: Mapping[str, Any]
) -> Iterator[FieldProblem]:
    for name in ("use_cache", "is_intermediate"):
        value = node.get(name)
        if value is not None and not isinstance(value, bool):
            refused = not_allowed("type", "true or false")
            yield _refused(compiled, (node_id, name), value, refused)


def _dynamic_problems(
    compiled: CompiledWorkflow,
    node_id: str,
    node: Mapping[str, Any],
    feeding: Collection[FieldKey],
) -> Iterator[FieldProblem]:
    """Values for the inputs of a called workflow."""
    loaded = compiled.loaded.nodes.get(node_id)
    if loaded is None or node.get("type") != CALL_NODE_TYPE:
        return
    given = node.get("workflow_inputs")
    values = given if isinstance(given, Mapping) else {}
    for name, template in loaded.dynamic_inputs.items():
        key = node_id, name
        value = values.get(name)
        # Left on "auto" or "none", the called workflow decides about its board.
        if template.type.name == "BoardField" and isinstance(value, str):
            if not is_json(value):
                yield _refused(compiled, key, value, NOT_JSON)
            continue
        if value is not None:
            yield from _value_problems(compiled, key, template, value, node)
        elif template.required and key not in feeding:
            yield _missing(compiled, key, template)


def _rule_problems(
    compiled: CompiledWorkflow,
    node_id: str,
    node: Mapping[str, Any],
    template: NodeTemplate,
) -> Iterator[FieldProblem]:
    rules = rules_of(template.type)
    if not rules:
        return
    values = filled_values(node, template)
    for rule in rules:
        if any(True for name in rule.fields for _ in find_references(values.get(name))):
            continue
        refused = rule.check(values)
        if refused is not None:
            key = node_id, rule.fields[0]
            yield _refused(compiled, key, values.get(rule.fields[0]), refused)


def _embedded_problems(compiled: CompiledWorkflow) -> Iterator[FieldProblem]:
    """The first string of the workflow to embed that the database cannot store.

    Notes, labels and values that are not sent in the graph are checked too.
    """
    # Naming every place is slow, and nearly every workflow can be stored.
    try:
        json.dumps(compiled.workflow, ensure_ascii=False).encode()
    except (TypeError, ValueError):
        for where, text in _broken_strings(compiled.workflow, "workflow"):
            yield replace(NOT_JSON, value=text, where=where)
            return


def _broken_strings(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if not is_unicode(value):
            yield where, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _broken_strings(key, f"a key of {where}")
            yield from _broken_strings(item, f"{where}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _broken_strings(item, f"{where}[{index}]")


# -- what was set but is not sent ---------------------------------------------------


def _connected_edits(
    compiled: CompiledWorkflow,
    feeding: Mapping[FieldKey, Sequence[Mapping[str, Any]]],
) -> Iterator[FieldProblem]:
    for key, value in compiled.edits.items():
        if key in feeding:
            source = feeding[key][-1]["source"]
            yield FieldProblem(
                f"was set to {shown(value)}, but an edge feeds it from "
                f"{source['node_id']}.{source['field']}",
                "connected",
                *key,
                value=value,
                node_label=_label(compiled, key),
            )


def _warnings(
    compiled: CompiledWorkflow,
    feeding: Mapping[FieldKey, Sequence[Mapping[str, Any]]],
) -> list[WorkflowWarning]:
    warnings = []
    if not compiled.graph["nodes"]:
        message = "the workflow has no node that can run: its jobs do nothing"
        warnings.append(WorkflowWarning(message, "empty_graph"))
    warnings += [
        WorkflowWarning(
            f"{_place(compiled, key)} has a batch of values, but an edge feeds it: "
            "the server ignores the batch",
            "batch_ignored",
            *key,
        )
        for group in compiled.data
        for key in ((datum["node_path"], datum["field_name"]) for datum in group)
        if key in feeding
    ]
    warnings += [
        WorkflowWarning(
            f"the batch {batch.node_id} feeds nothing: its values are not used",
            "batch_unconnected",
            batch.node_id,
        )
        for batch in compiled.batches
        if not batch.targets
    ]
    for key, edges in feeding.items():
        node = compiled.graph["nodes"].get(key[0], {})
        if len(edges) > 1 and node.get("type") != "collect":
            message = (
                f"{_place(compiled, key)} has {len(edges)} edges; the last one counts"
            )
            warnings.append(WorkflowWarning(message, "edges", *key))
    return warnings
