"""Everything a submission would refuse, found before anything is sent.

`check_workflow` looks at a compiled payload as the server will: every literal, every
required input, the graph and the batch data (docs/dev/checks.md). Nothing here asks a
server; whether an image, board or model exists is a fact that compiling used already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Optional

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.ivk_fields.references import find_references
from invokeai_py_client.nodes.template import InputTemplate, NodeTemplate
from invokeai_py_client.workflow.batch_checks import batch_problems, filled_values
from invokeai_py_client.workflow.compiled import CompiledWorkflow
from invokeai_py_client.workflow.form import form_keys
from invokeai_py_client.workflow.graph_checks import EDITOR_TYPES, graph_problems
from invokeai_py_client.workflow.loaded import FieldKey, WorkflowWarning
from invokeai_py_client.workflow.node_rules import LOOSE_FIELDS, rules_of
from invokeai_py_client.workflow.refusals import Refusal, describe_input
from invokeai_py_client.workflow.saved_workflows import CALL_NODE_TYPE
from invokeai_py_client.workflow.scalar_checks import as_integer
from invokeai_py_client.workflow.value_checks import (
    NO_JSON,
    is_json,
    is_unicode,
    refusal,
)

__all__ = ["check_workflow", "workflow_warnings"]

# Looked at by themselves.
_OWN_KEYS = frozenset({"id", "type", "use_cache", "is_intermediate", "workflow_inputs"})
RUNS_ALLOWED = "an integer from 1"


def check_workflow(
    compiled: CompiledWorkflow, catalog: Mapping[str, NodeTemplate]
) -> list[FieldProblem]:
    """Every reason why the server would refuse the payload or choke on it.

    Args:
        compiled: The payload.
        catalog: The node types of the server that it is for.

    Returns:
        All problems, those of inputs with their index, in the graph's order.
    """
    problems = [
        *_run_problems(compiled),
        *_node_problems(compiled, catalog),
        *graph_problems(compiled.graph, catalog),
        *batch_problems(compiled.data, compiled.graph, catalog),
        *_connected_edits(compiled),
    ]
    if not any(problem.kind == "json" for problem in problems):
        problems.extend(_embedded_problems(compiled))
    indices = _input_indices(compiled)
    unknown = _unknown_batches(compiled)
    return [
        _with_index(problem, indices)
        for problem in problems
        if problem.kind != "batch_empty" or _key(problem) not in unknown
    ]


def _key(problem: FieldProblem) -> tuple[Optional[str], Optional[str]]:
    return problem.node_id, problem.field_name


def _unknown_batches(compiled: CompiledWorkflow) -> set[FieldKey]:
    """Targets of batches that are empty because a generator gave no answer.

    Compiling reported the generator already.
    """
    faulty = {problem.node_id for problem in compiled.problems}
    return {
        target
        for batch in compiled.batches
        if batch.generator_id in faulty and batch.generator_id is not None
        for target in batch.targets
    }


def _input_indices(compiled: CompiledWorkflow) -> Mapping[FieldKey, int]:
    indices: dict[FieldKey, int] = {}
    for index, key in enumerate(form_keys(compiled.loaded)):
        indices.setdefault(key, index)
    return indices


def _with_index(problem: FieldProblem, indices: Mapping[FieldKey, int]) -> FieldProblem:
    if problem.node_id is None or problem.field_name is None:
        return problem
    index = indices.get((problem.node_id, problem.field_name))
    if index is None or problem.input_index is not None:
        return problem
    message = f"input {index}: {problem.message}"
    return replace(problem, input_index=index, message=message)


def _run_problems(compiled: CompiledWorkflow) -> Iterator[FieldProblem]:
    runs: Any = compiled.runs
    if isinstance(runs, bool) or not isinstance(runs, int) or runs < 1:
        message = f"runs is {runs!r}; allowed: {RUNS_ALLOWED}"
        yield FieldProblem(message, "runs", value=runs, allowed=RUNS_ALLOWED)


# -- values ---------------------------------------------------------------------------


def _node_problems(
    compiled: CompiledWorkflow, catalog: Mapping[str, NodeTemplate]
) -> Iterator[FieldProblem]:
    fed = _fed_fields(compiled)
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
        # A direct input has to be there when the batch is enqueued.
        direct = {
            (node_id, n) for n, t in template.inputs.items() if t.input == "direct"
        }
        supplied = fed | (batched - direct)
        for name, found in template.inputs.items():
            key = node_id, name
            if found.required and node.get(name) is None and key not in supplied:
                yield _missing(compiled, key, found)
            elif name in node:
                yield from _value_problems(compiled, key, found, node[name], node)
        # Inputs that a user made up, of core_metadata.
        for name in node:
            is_own = name in template.inputs or name in _OWN_KEYS
            if not is_own and not is_json(node[name]):
                yield _refused(compiled, (node_id, name), node[name], NO_JSON)
        yield from _dynamic_problems(compiled, node_id, node, fed)
        yield from _rule_problems(compiled, node_id, node, template)


def _fed_fields(compiled: CompiledWorkflow) -> set[FieldKey]:
    return {
        (edge["destination"]["node_id"], edge["destination"]["field"])
        for edge in compiled.graph["edges"]
    }


def _place(compiled: CompiledWorkflow, key: FieldKey) -> str:
    node = compiled.loaded.nodes.get(key[0])
    title = f"{node.title}." if node else ""
    return f"{title}{key[1]} (node {key[0]})"


def _value_problems(
    compiled: CompiledWorkflow,
    key: FieldKey,
    template: InputTemplate,
    value: Any,
    node: Mapping[str, Any],
) -> Iterator[FieldProblem]:
    if any(True for _ in find_references(value)):
        return
    refused: Optional[Refusal]
    if (node.get("type"), key[1]) in LOOSE_FIELDS:
        is_number = isinstance(value, (int, float))
        is_fine = is_number and as_integer(value) is not None
        refused = None if is_fine else Refusal("type", "an integer")
    else:
        refused = refusal(template, value)
    if refused is not None:
        yield _refused(compiled, key, value, refused)


def _refused(
    compiled: CompiledWorkflow, key: FieldKey, value: Any, refused: Refusal
) -> FieldProblem:
    return FieldProblem(
        f"{_place(compiled, key)} is {_shown(value)}; allowed: {refused.allowed}",
        refused.kind,
        *key,
        value=value,
        allowed=refused.allowed,
    )


def _shown(value: Any, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _missing(
    compiled: CompiledWorkflow, key: FieldKey, template: InputTemplate
) -> FieldProblem:
    if template.input == "connection":
        allowed = "an edge that brings it"
    else:
        allowed = describe_input(template)
    return FieldProblem(
        f"{_place(compiled, key)} has no value and needs one; allowed: {allowed}",
        "missing_input",
        *key,
        allowed=allowed,
    )


def _attribute_problems(
    compiled: CompiledWorkflow, node_id: str, node: Mapping[str, Any]
) -> Iterator[FieldProblem]:
    for name in ("use_cache", "is_intermediate"):
        value = node.get(name)
        if value is not None and not isinstance(value, bool):
            refused = Refusal("type", "true or false")
            yield _refused(compiled, (node_id, name), value, refused)


def _dynamic_problems(
    compiled: CompiledWorkflow,
    node_id: str,
    node: Mapping[str, Any],
    fed: set[FieldKey],
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
                yield _refused(compiled, key, value, NO_JSON)
            continue
        if value is not None:
            yield from _value_problems(compiled, key, template, value, node)
        elif template.required and key not in fed:
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
    """Texts of the workflow to embed that the server's database cannot store.

    Notes, labels and values that are not sent in the graph are among them.
    """
    # Nearly always: the places are put into words only for a file that has some.
    if _can_be_stored(compiled.workflow):
        return
    for where, text in _broken_texts(compiled.workflow, "workflow"):
        yield FieldProblem(
            f"{where} is {_shown(text)}; allowed: {NO_JSON.allowed}",
            "json",
            value=text,
            allowed=NO_JSON.allowed,
        )
        return


def _can_be_stored(value: Any) -> bool:
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            if not is_unicode(item):
                return False
        elif isinstance(item, Mapping):
            todo += item
            todo += item.values()
        elif isinstance(item, (list, tuple)):
            todo += item
    return True


def _broken_texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if not is_unicode(value):
            yield where, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _broken_texts(key, f"a key of {where}")
            yield from _broken_texts(item, f"{where}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _broken_texts(item, f"{where}[{index}]")


# -- what was set but is not sent ---------------------------------------------------


def _connected_edits(compiled: CompiledWorkflow) -> Iterator[FieldProblem]:
    fed = {
        (edge["destination"]["node_id"], edge["destination"]["field"]): edge["source"]
        for edge in compiled.graph["edges"]
    }
    for key, value in compiled.edits.items():
        source = fed.get(key)
        if source is not None:
            yield FieldProblem(
                f"{_place(compiled, key)} was set to {_shown(value)}, but an edge "
                f"feeds it from {source['node_id']}.{source['field']}",
                "connected",
                *key,
                value=value,
            )


def workflow_warnings(compiled: CompiledWorkflow) -> list[WorkflowWarning]:
    """What runs, but not as the workflow looks, or does nothing."""
    fed: dict[FieldKey, int] = {}
    for edge in compiled.graph["edges"]:
        key = edge["destination"]["node_id"], edge["destination"]["field"]
        fed[key] = fed.get(key, 0) + 1
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
        if key in fed
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
    for key, count in fed.items():
        if count > 1 and not _takes_many(compiled, key):
            message = f"{_place(compiled, key)} has {count} edges; the last one counts"
            warnings.append(WorkflowWarning(message, "edges", *key))
    return warnings


def _takes_many(compiled: CompiledWorkflow, key: FieldKey) -> bool:
    node = compiled.graph["nodes"].get(key[0], {})
    return str(node.get("type")) == "collect"
