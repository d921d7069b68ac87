"""The graph that the server runs, from a loaded workflow and edited values."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Optional, Union

from invokeai_py_client.nodes.openapi import BATCH_LISTS, GENERATOR_LISTS
from invokeai_py_client.nodes.template import UNSET, Unset
from invokeai_py_client.workflow.editor.edge_index import FieldKey
from invokeai_py_client.workflow.editor.loaded_workflow import (
    LoadedInput,
    LoadedNode,
    LoadedWorkflow,
)
from invokeai_py_client.workflow.loading.called_workflows import (
    CALL_NODE_TYPE,
    DYNAMIC_PREFIX,
)
from invokeai_py_client.workflow.loading.read_document import FREE_NODE_TYPES

BATCH_NODE_TYPES = frozenset(BATCH_LISTS)
GENERATOR_NODE_TYPES = frozenset(GENERATOR_LISTS)


def is_executable(node: LoadedNode) -> bool:
    """Whether the server gets to see the node at all."""
    return (
        node.template is not None
        and node.type not in BATCH_NODE_TYPES
        and node.type not in GENERATOR_NODE_TYPES
    )


def build_graph(
    loaded: LoadedWorkflow, auto_add_board: Optional[str]
) -> dict[str, Any]:
    """The graph: executable nodes with their literals, and the edges between them."""
    nodes = {
        node.id: _graph_node(node, auto_add_board)
        for node in loaded.nodes.values()
        if is_executable(node)
    }
    edges = _graph_edges(loaded, nodes)
    for edge in edges:
        _drop_literal(
            nodes[edge["destination"]["node_id"]], edge["destination"]["field"]
        )
    return {"id": str(uuid.uuid4()), "nodes": nodes, "edges": edges}


def _graph_node(node: LoadedNode, auto_add_board: Optional[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"type": node.type, "id": node.id}
    calls = node.type == CALL_NODE_TYPE
    called: dict[str, Any] = {}
    for name, item in node.inputs.items():
        if calls and name == "workflow_inputs":
            continue
        if calls and name.startswith(DYNAMIC_PREFIX):
            if item.value is not UNSET:
                called[name] = item.value
        elif item.template is not None or node.type in FREE_NODE_TYPES:
            value = _wire_value(item, auto_add_board)
            if value is not UNSET:
                found[name] = value
    if calls:
        found["workflow_inputs"] = called
    found["use_cache"] = node.use_cache
    found["is_intermediate"] = node.is_intermediate
    return found


def _wire_value(item: LoadedInput, auto_add_board: Optional[str]) -> Union[Any, Unset]:
    value = item.value
    if item.template is None or item.template.type.name != "BoardField":
        return value
    if value is UNSET or value is None or value == "auto":
        return {"board_id": auto_add_board} if auto_add_board else UNSET
    # Any other text goes as it is; the checks refuse it.
    return UNSET if value == "none" else value


def _graph_edges(
    loaded: LoadedWorkflow, nodes: Mapping[str, Any]
) -> list[dict[str, Any]]:
    found: dict[tuple[FieldKey, FieldKey], dict[str, Any]] = {}
    for edge in loaded.edges:
        if edge.type != "default" or edge.target not in nodes:
            continue
        source = loaded.resolve(edge)
        if source is None or source[0] not in nodes:
            continue
        target = (edge.target, edge.target_handle)
        found.setdefault(
            (source, target),
            {
                "source": {"node_id": source[0], "field": source[1]},
                "destination": {"node_id": target[0], "field": target[1]},
            },
        )
    return list(found.values())


def _drop_literal(node: dict[str, Any], field_name: str) -> None:
    """What an edge feeds has no literal beside it."""
    if node["type"] == CALL_NODE_TYPE and field_name.startswith(DYNAMIC_PREFIX):
        node["workflow_inputs"].pop(field_name, None)
    else:
        node.pop(field_name, None)
