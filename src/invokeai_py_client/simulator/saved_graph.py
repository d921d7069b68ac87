"""The graph of a saved workflow that another workflow calls.

It is the server, not the web interface, that builds this graph: inputs are set on
exposed fields only, and connectors are followed to what feeds them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from .graph import Graph
from .graph_validation import CALL_INPUT_PREFIX, check_graph
from .node_schema import NodeSchemas


class InvalidWorkflowInputError(ValueError):
    """An input that the called workflow does not expose or have."""


class UnsupportedWorkflowNodeError(ValueError):
    """The called workflow has nodes that cannot be called."""


def exposed_inputs(workflow: Mapping[str, Any]) -> set[str]:
    """The names under which a caller may set fields of a workflow."""
    found = {f"{CALL_INPUT_PREFIX}{n}::{f}" for n, f in _form_fields(workflow)}
    if found:
        return found
    return {
        f"{CALL_INPUT_PREFIX}{field['nodeId']}::{field['fieldName']}"
        for field in workflow.get("exposedFields") or ()
    }


def _form_fields(workflow: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    form = workflow.get("form") or {}
    elements = form.get("elements") or {}
    pending, seen = [form.get("rootElementId")], set()
    while pending:
        element_id = pending.pop()
        element = elements.get(element_id)
        if element is None or element_id in seen:
            continue
        seen.add(element_id)
        data = element.get("data") or {}
        if element.get("type") == "node-field":
            identifier = data["fieldIdentifier"]
            yield identifier["nodeId"], identifier["fieldName"]
        pending += data.get("children") or ()


def _invocations(workflow: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        node["id"]: node["data"]
        for node in workflow["nodes"]
        if node.get("type") == "invocation" and isinstance(node.get("data"), dict)
    }


def called_nodes(
    workflow: Mapping[str, Any], inputs: Mapping[str, Any], schemas: NodeSchemas
) -> dict[str, dict[str, Any]]:
    """The nodes of a workflow by id, with the inputs of a call.

    Args:
        workflow: The saved workflow.
        inputs: Values by dynamic input name.
        schemas: The server's node types.

    Raises:
        InvalidWorkflowInputError: An input is not exposed, or its field is gone.
    """
    nodes = copy.deepcopy(_invocations(workflow))
    _set_inputs(workflow, nodes, inputs, schemas)
    return nodes


def call_graph(
    workflow: Mapping[str, Any],
    nodes: Mapping[str, dict[str, Any]],
    schemas: NodeSchemas,
) -> Graph:
    """The graph to run for a call.

    Args:
        workflow: The saved workflow, for its edges.
        nodes: Those of its nodes that run.
        schemas: The server's node types.

    Raises:
        UnsupportedWorkflowNodeError: The workflow cannot be called.
        ValueError: The graph is one the server refuses.
    """
    _check_callable(nodes, schemas)
    parsed = {node_id: _node(data) for node_id, data in nodes.items()}
    edges = list(_edges(workflow, nodes))
    for edge in edges:
        end = edge["destination"]
        parsed[end["node_id"]].pop(end["field"], None)
    graph = Graph.model_validate({"nodes": parsed, "edges": edges}, context=schemas)
    check_graph(graph, schemas)
    return graph


def _set_inputs(
    workflow: Mapping[str, Any],
    nodes: dict[str, dict[str, Any]],
    inputs: Mapping[str, Any],
    schemas: NodeSchemas,
) -> None:
    allowed = exposed_inputs(workflow)
    for name, value in inputs.items():
        says = f"call_saved_workflow input '{name}'"
        if name not in allowed:
            raise InvalidWorkflowInputError(
                f"{says} is not exposed by the selected workflow"
            )
        node_id, _, field = name[len(CALL_INPUT_PREFIX) :].rpartition("::")
        if node_id not in nodes:
            raise InvalidWorkflowInputError(
                f"{says} targets missing child workflow node '{node_id}'"
            )
        node_type = str(nodes[node_id].get("type"))
        if node_type not in schemas.node_types or not schemas.has_input(
            node_type, field
        ):
            raise InvalidWorkflowInputError(
                f"{says} targets missing child workflow field '{field}'"
            )
        nodes[node_id].setdefault("inputs", {})[field] = {"value": value}


def _check_callable(
    nodes: Mapping[str, Mapping[str, Any]], schemas: NodeSchemas
) -> None:
    for node_id, data in nodes.items():
        node_type = str(data.get("type"))
        if node_type not in schemas.node_types:
            continue
        schema = schemas.node_schema(node_type)
        special = schema.get("classification") == "special"
        generates = node_type.endswith("_generator")
        if special and schema.get("category") == "batch" and not generates:
            raise UnsupportedWorkflowNodeError(
                "call_saved_workflow does not yet support batch-special child workflow "
                f"nodes such as '{node_type}' (node '{node_id}')"
            )
    if sum(data.get("type") == "workflow_return" for data in nodes.values()) != 1:
        raise UnsupportedWorkflowNodeError(
            "call_saved_workflow requires the selected workflow to contain exactly one "
            "workflow_return node"
        )


def _node(data: Mapping[str, Any]) -> dict[str, Any]:
    node = {
        "id": data["id"],
        "type": data["type"],
        "use_cache": data.get("useCache", False),
        "is_intermediate": data.get("isIntermediate", False),
    }
    for name, field in (data.get("inputs") or {}).items():
        if "value" not in field:
            continue
        if name == "board" and field["value"] in ("auto", "none"):
            continue
        node[name] = field["value"]
    return node


def _edges(
    workflow: Mapping[str, Any], nodes: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    connectors = {n["id"] for n in workflow["nodes"] if n.get("type") == "connector"}
    drawn = [edge for edge in workflow["edges"] if edge.get("type") == "default"]

    def origin(
        edge: Mapping[str, Any], seen: frozenset[str]
    ) -> Optional[tuple[str, str]]:
        source = edge["source"]
        if source in nodes:
            return source, edge["sourceHandle"]
        if source not in connectors or source in seen:
            return None
        for before in drawn:
            if before["target"] == source and before["targetHandle"] == "in":
                return origin(before, seen | {source})
        return None

    done = set()
    for edge in drawn:
        found = origin(edge, frozenset())
        target = (edge["target"], edge["targetHandle"])
        if found is None or target[0] not in nodes or (found, target) in done:
            continue
        done.add((found, target))
        yield {
            "source": {"node_id": found[0], "field": found[1]},
            "destination": {"node_id": target[0], "field": target[1]},
        }
