"""The workflow that pictures carry: the loaded one, as the GUI would save it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from invokeai_py_client.nodes.gui_form import input_template_as_gui
from invokeai_py_client.nodes.template import UNSET
from invokeai_py_client.workflow.connectors import Edge
from invokeai_py_client.workflow.draft import (
    Draft,
    DraftInput,
    DraftNode,
    DraftOther,
    thawed_input,
)
from invokeai_py_client.workflow.form_reading import form_document
from invokeai_py_client.workflow.loaded import LoadedNode

__all__ = ["build_document", "with_nodes"]


def build_document(draft: Draft) -> dict[str, Any]:
    """The draft in format 4.0.0: unknown nodes and notes kept, no library id."""
    document = {key: value for key, value in draft.head.items() if key != "meta"}
    document["exposedFields"] = [
        {"nodeId": node_id, "fieldName": name} for node_id, name in draft.exposed
    ]
    document["meta"] = dict(draft.head["meta"])
    document["form"] = form_document(draft.form)
    document["nodes"] = [
        _node(node) if isinstance(node, DraftNode) else _other(node)
        for node in draft.nodes
    ]
    document["edges"] = [_edge(edge) for edge in draft.edges]
    return document


def _node(node: DraftNode) -> dict[str, Any]:
    return {
        "id": node.id,
        "type": "invocation",
        "data": {
            "id": node.data_id,
            "version": node.version,
            "nodePack": node.node_pack,
            "label": node.label,
            "notes": node.notes,
            "type": node.type,
            "inputs": {name: _input(item) for name, item in node.inputs.items()},
            "dynamicInputTemplates": {
                name: input_template_as_gui(template)
                for name, template in node.dynamic_inputs.items()
            },
            "isOpen": node.is_open,
            "isIntermediate": node.is_intermediate,
            "useCache": node.use_cache,
        },
        "position": dict(node.position),
    }


def _input(item: DraftInput) -> dict[str, Any]:
    found = {
        "name": item.name,
        "label": item.label,
        "description": item.description,
    }
    return found if item.value is UNSET else {**found, "value": item.value}


def _other(node: DraftOther) -> dict[str, Any]:
    return {
        "id": node.id,
        "type": node.type,
        "data": dict(node.data),
        "position": dict(node.position),
    }


def _edge(edge: Edge) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": edge.id,
        "type": edge.type,
        "source": edge.source,
        "target": edge.target,
    }
    if edge.type == "default":
        found["sourceHandle"] = edge.source_handle
        found["targetHandle"] = edge.target_handle
        if edge.hidden is not None:
            found["hidden"] = edge.hidden
    return found


def with_nodes(
    document: Mapping[str, Any],
    changed: Mapping[str, LoadedNode],
    edges: Sequence[Edge],
) -> dict[str, Any]:
    """The document with the values of some nodes replaced; the rest is shared.

    Elements of the form go whose input a node does not have any more.

    Args:
        document: What `build_document` gave.
        changed: The nodes that have other inputs now.
        edges: All edges that are left.
    """
    return {
        **document,
        "nodes": [
            _with_inputs(node, changed[node["id"]])
            if node["id"] in changed and node["type"] == "invocation"
            else node
            for node in document["nodes"]
        ],
        "edges": [_edge(edge) for edge in edges],
        "form": _living_form(document["form"], changed),
    }


def _living_form(
    form: Mapping[str, Any], changed: Mapping[str, LoadedNode]
) -> Mapping[str, Any]:
    gone = {
        key for key, item in form["elements"].items() if _shows_no_input(item, changed)
    }
    if not gone:
        return form
    elements = {}
    for key, item in form["elements"].items():
        if key not in gone:
            elements[key] = _without_children(item, gone)
    return {**form, "elements": elements}


def _shows_no_input(
    element: Mapping[str, Any], changed: Mapping[str, LoadedNode]
) -> bool:
    if element["type"] != "node-field":
        return False
    target = element["data"]["fieldIdentifier"]
    node = changed.get(target["nodeId"])
    return node is not None and target["fieldName"] not in node.inputs


def _without_children(
    element: Mapping[str, Any], gone: Collection[str]
) -> Mapping[str, Any]:
    if element["type"] != "container":
        return element
    data = element["data"]
    children = [child for child in data["children"] if child not in gone]
    return {**element, "data": {**data, "children": children}}


def _with_inputs(stored: Mapping[str, Any], node: LoadedNode) -> dict[str, Any]:
    inputs = {name: _input(thawed_input(item)) for name, item in node.inputs.items()}
    dynamic = {
        name: input_template_as_gui(template)
        for name, template in node.dynamic_inputs.items()
    }
    data = {**stored["data"], "inputs": inputs, "dynamicInputTemplates": dynamic}
    return {**stored, "data": data}
