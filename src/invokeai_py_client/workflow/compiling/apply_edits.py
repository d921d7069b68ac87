"""Edited values laid over a loaded workflow, as the GUI's own widgets would set them.

A value is stripped to the keys that its shape declares. Whether it suits the field is
not asked here; the checks do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Optional, Union

from invokeai_py_client.exceptions import FieldProblem, WorkflowFormatError
from invokeai_py_client.nodes.template import UNSET, InputTemplate, NodeTemplate
from invokeai_py_client.workflow.document.json_data import copy_json
from invokeai_py_client.workflow.editor.edge_index import Edge, FieldKey
from invokeai_py_client.workflow.editor.loaded_workflow import (
    LoadedInput,
    LoadedNode,
    LoadedWorkflow,
)
from invokeai_py_client.workflow.editor.server_facts import ServerFacts
from invokeai_py_client.workflow.editor.workflow_draft import DraftNode
from invokeai_py_client.workflow.loading.called_workflows import (
    CALL_NODE_TYPE,
    CALLED_ID,
    DYNAMIC_PREFIX,
    refresh_dynamic_inputs,
)
from invokeai_py_client.workflow.loading.literal_shapes import parse_literal
from invokeai_py_client.workflow.loading.load_workflow import freeze_node
from invokeai_py_client.workflow.loading.read_document import FREE_NODE_TYPES


@dataclass(frozen=True)
class Edited:
    """A workflow with an overlay applied."""

    loaded: LoadedWorkflow
    changed: Mapping[str, LoadedNode]
    problems: Sequence[FieldProblem]


def apply_edits(
    loaded: LoadedWorkflow,
    edits: Mapping[FieldKey, Any],
    catalog: Mapping[str, NodeTemplate],
    facts: ServerFacts,
) -> Edited:
    """Lay edits over a workflow, which is not changed.

    `edits` are wire values by (node id, field name); `UNSET` takes a value out. The
    catalog and the facts are for workflows that an edit newly calls.
    """
    changed: dict[str, LoadedNode] = {}
    problems: list[FieldProblem] = []
    # Which workflow a node calls decides which further inputs it has.
    in_order = sorted(edits.items(), key=lambda item: item[0][1] != CALLED_ID)
    for (node_id, name), value in in_order:
        node = changed.get(node_id) or loaded.nodes.get(node_id)
        edited = _edited_node(node, node_id, name, value)
        if isinstance(edited, FieldProblem):
            problems.append(edited)
        elif node is not None and edited.type == CALL_NODE_TYPE and name == CALLED_ID:
            changed[node_id] = _recalled(node, edited, catalog, facts)
        else:
            changed[node_id] = edited
    if not changed:
        return Edited(loaded, {}, problems)
    overlaid = replace(
        loaded,
        nodes={**loaded.nodes, **changed},
        edges=_living_edges(loaded.edges, changed),
    )
    return Edited(overlaid, changed, problems)


def _edited_node(
    node: Optional[LoadedNode], node_id: str, name: str, value: Any
) -> Union[LoadedNode, FieldProblem]:
    """The node with one other value, or else why there is none."""
    if node is None:
        return FieldProblem(
            "there is no such node", "unknown_node", node_id, name, value=value
        )
    template = node.template_of(name)
    if template is None and node.type not in FREE_NODE_TYPES:
        return FieldProblem(
            "the node has no such input",
            "unknown_field",
            node_id,
            name,
            value=value,
            allowed=_names(node),
            node_label=node.title,
        )
    try:
        wire = _wire(value, template)
    except WorkflowFormatError as error:
        return FieldProblem(
            str(error), "not_json", node_id, name, value=value, node_label=node.title
        )
    item = node.inputs.get(name) or LoadedInput(name, name, template=template)
    inputs = {**node.inputs, name: replace(item, value=wire)}
    return replace(node, inputs=inputs)


def _names(node: LoadedNode) -> Optional[str]:
    names = [*(node.template.inputs if node.template else ()), *node.dynamic_inputs]
    return ", ".join(names) or None


def _wire(value: Any, template: Optional[InputTemplate]) -> Any:
    if value is UNSET:
        return UNSET
    if template is not None and template.input == "connection":
        # Of a custom node's own type: the GUI's shapes say nothing about it.
        return copy_json(value)
    return parse_literal(copy_json(value), template, keeps_null=True).value


def _recalled(
    before: LoadedNode,
    edited: LoadedNode,
    catalog: Mapping[str, NodeTemplate],
    facts: ServerFacts,
) -> LoadedNode:
    """A calling node with the inputs of the workflow that it calls now."""
    old, new = (node.inputs.get(CALLED_ID) for node in (before, edited))
    if old is not None and new is not None and old.value == new.value:
        return edited
    node = DraftNode(
        **{
            **{item.name: getattr(edited, item.name) for item in fields(edited)},
            "inputs": dict(edited.inputs),
            "dynamic_inputs": dict(edited.dynamic_inputs),
        }
    )
    called = new.value if new is not None else None
    saved = facts.saved_workflows.get(called) if isinstance(called, str) else None
    refresh_dynamic_inputs(node, saved or {}, catalog)
    return freeze_node(node)


def _living_edges(
    edges: Sequence[Edge], changed: Mapping[str, LoadedNode]
) -> Sequence[Edge]:
    """The edges without those into inputs that a call does not have any more."""

    def lives(edge: Edge) -> bool:
        node = changed.get(edge.target)
        return (
            node is None
            or not edge.target_handle.startswith(DYNAMIC_PREFIX)
            or edge.target_handle in node.dynamic_inputs
        )

    return tuple(edge for edge in edges if lives(edge))
