"""The workflow that images carry: the loaded one, as the GUI would save it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from invokeai_py_client.nodes.gui_form import input_template_as_gui
from invokeai_py_client.nodes.template import UNSET
from invokeai_py_client.workflow.editor.edge_index import Edge
from invokeai_py_client.workflow.editor.form_schema import form_document
from invokeai_py_client.workflow.editor.loaded_workflow import (
    LoadedInput,
    LoadedNode,
    LoadedWorkflow,
)
from invokeai_py_client.workflow.editor.workflow_draft import (
    DraftNode,
    DraftOther,
    WorkflowDraft,
)


def build_document(draft: WorkflowDraft) -> dict[str, Any]:
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


def _input(item: LoadedInput) -> dict[str, Any]:
    found = {
        "name": item.declared_name,
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
    loaded: LoadedWorkflow, changed: Mapping[str, LoadedNode]
) -> dict[str, Any]:
    """The workflow's document with the values of some nodes; the rest is shared.

    Form elements whose input no longer exists are removed.
    """
    document = loaded.document
    gone = {
        element.id
        for (node_id, name), element in loaded.form.field_elements()
        if node_id in changed and name not in changed[node_id].inputs
    }
    return {
        **document,
        "nodes": [
            _with_inputs(node, changed[node["id"]])
            if node["id"] in changed and node["type"] == "invocation"
            else node
            for node in document["nodes"]
        ],
        "edges": [_edge(edge) for edge in loaded.edges],
        "form": form_document(loaded.form.without(gone)) if gone else document["form"],
    }


def _with_inputs(stored: Mapping[str, Any], node: LoadedNode) -> dict[str, Any]:
    inputs = {name: _input(item) for name, item in node.inputs.items()}
    dynamic = {
        name: input_template_as_gui(template)
        for name, template in node.dynamic_inputs.items()
    }
    data = {**stored["data"], "inputs": inputs, "dynamicInputTemplates": dynamic}
    return {**stored, "data": data}
