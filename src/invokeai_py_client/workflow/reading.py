"""Read a workflow file into a draft: its schema, without any look at templates.

What the GUI needs only to draw (positions, labels, notes) is filled in when it is
missing; what decides over the payload must be there, or the file is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Optional, Union

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes.template import UNSET, InputTemplate, NodeTemplate
from invokeai_py_client.workflow.definition import WorkflowDefinition
from invokeai_py_client.workflow.draft import Draft, DraftInput, DraftNode, DraftOther
from invokeai_py_client.workflow.form_reading import (
    EMPTY_FORM,
    field_key,
    is_sound,
    read_form,
    repair,
)
from invokeai_py_client.workflow.javascript import (
    as_doubles,
    is_finite,
    plain_number,
    trim,
)
from invokeai_py_client.workflow.json_data import expect_object, text_at
from invokeai_py_client.workflow.loaded import Edge, FieldKey, Form
from invokeai_py_client.workflow.migrations import (
    FIRST_NODE_VERSION,
    NEWEST_FORMAT,
    file_format,
)
from invokeai_py_client.workflow.old_types import gui_reads_old_value
from invokeai_py_client.workflow.required_parts import (
    lacking_in_edge,
    lacking_in_meta,
    lacking_in_node,
)
from invokeai_py_client.workflow.saved_workflows import read_dynamic_template
from invokeai_py_client.workflow.values_schema import parse_literal

__all__ = ["read_document"]

Catalog = Mapping[str, NodeTemplate]

HEAD_TEXTS = (
    "name",
    "author",
    "description",
    "version",
    "contact",
    "tags",
    "notes",
)
# Nodes that only ever showed the latest image; the GUI gave them up and refuses them.
_RETIRED_NODES = frozenset({"current_image", "progress_image"})
_THREE_NUMBERS = re.compile(r"\d+\.\d+\.\d+(?:\..*)?")
# Inputs of these nodes may hold anything, null included.
FREE_NODE_TYPES = frozenset({"core_metadata"})


def read_document(definition: WorkflowDefinition, catalog: Catalog) -> Draft:
    """Read and migrate a file.

    Raises:
        WorkflowFormatError: A node, edge or input lacks what the payload needs.
    """
    document = definition.document
    draft = Draft({}, [], [], [], EMPTY_FORM, list(definition.warnings))
    generation, warning = file_format(document)
    if warning:
        draft.warnings.append(warning)
    draft.head = _head(document, draft, generation)
    for index, stored in enumerate(document["nodes"]):
        node = _node(stored, f"nodes[{index}]", draft, catalog, generation)
        if node is not None:
            draft.nodes.append(node)
    _refuse_second_return(draft)
    if generation <= 2 and _has_untyped_input(document["nodes"]):
        draft.warn(f"inputs without a type, unlike format {generation}", "format")
    draft.edges = _edges(document, draft, generation)
    draft.exposed = _exposed(document, draft, generation)
    # Formats 1 and 2 had no form.
    if generation > 2 and document.get("form") is not None:
        draft.form = _form(document["form"], draft)
    return draft


def _head(document: Mapping[str, Any], draft: Draft, generation: int) -> dict[str, Any]:
    head: dict[str, Any] = {}
    for key in HEAD_TEXTS:
        value = document.get(key)
        head[key] = value if isinstance(value, str) else ""
        if not isinstance(value, str) and generation > 1:
            draft.warn(f'the file has no text "{key}"', "format")
    own_id = document.get("id", "none")
    if generation > 1 and not (isinstance(own_id, str) and own_id):
        draft.warn("the file's id is no text", "format")
    meta = document.get("meta") if generation > 1 else None
    if lacking_in_meta(meta):
        draft.warn("the file has an unknown category", "format")
    category = meta.get("category") if isinstance(meta, Mapping) else None
    head["meta"] = {
        "category": "default" if category == "default" else "user",
        "version": NEWEST_FORMAT,
    }
    return head


def _node(
    stored: Any, where: str, draft: Draft, catalog: Catalog, generation: int
) -> Optional[Union[DraftNode, DraftOther]]:
    node = expect_object(stored, where)
    kind = node.get("type")
    if not isinstance(kind, str):
        raise WorkflowFormatError("expected a text", where=f"{where}.type")
    if kind in _RETIRED_NODES:
        draft.warn(f"{kind} nodes exist no more; left out", "retired_node")
        return None
    if kind not in ("invocation", "notes", "connector"):
        raise WorkflowFormatError(
            f"unknown kind of node {kind!r:.60}", where=f"{where}.type"
        )
    node_id = _required_text(node, "id", where)
    data = expect_object(node.get("data"), f"{where}.data")
    lacking = lacking_in_node(node, data)
    if lacking:
        draft.warn(f"filled in: {', '.join(lacking)}", "format", node_id)
    if kind == "invocation":
        return _invocation(node_id, node, data, where, draft, catalog, generation)
    shown: dict[str, Any] = {
        "id": trim(text_at(data, "id")) or node_id,
        "type": kind,
        "label": text_at(data, "label"),
        "isOpen": data.get("isOpen") is True,
    }
    if kind == "notes":
        shown["notes"] = text_at(data, "notes")
    return DraftOther(node_id, kind, shown, _position(node))


def _invocation(
    node_id: str,
    node: Mapping[str, Any],
    data: Mapping[str, Any],
    where: str,
    draft: Draft,
    catalog: Catalog,
    generation: int,
) -> DraftNode:
    where = f"{where}.data"
    node_type = _required_text(data, "type", where)
    template = catalog.get(node_type)
    found = DraftNode(
        id=node_id,
        type=node_type,
        version=_version(data, node_id, draft),
        inputs={},
        # Format 1 may leave it out.
        use_cache=_required_bool(
            {"useCache": True, **data} if generation == 1 else data, "useCache", where
        ),
        is_intermediate=_required_bool(data, "isIntermediate", where),
        label=text_at(data, "label"),
        notes=text_at(data, "notes"),
        node_pack=text_at(data, "nodePack") or _node_pack(template),
        is_open=data.get("isOpen", True) is True,
        data_id=trim(text_at(data, "id")) or node_id,
        position=_position(node),
        template=template,
    )
    dynamic = expect_object(
        data.get("dynamicInputTemplates", {}), f"{where}.dynamicInputTemplates"
    )
    found.dynamic_inputs = {
        name: read_dynamic_template(item, f"{where}.dynamicInputTemplates.{name}")
        for name, item in dynamic.items()
    }
    inputs = expect_object(data.get("inputs"), f"{where}.inputs")
    for name, item in inputs.items():
        found.inputs[name] = _input(
            expect_object(item, f"{where}.inputs.{name}"),
            f"{where}.inputs.{name}",
            found,
            found.template_of(name),
            draft,
            generation,
        )
    return found


def _node_pack(template: Optional[NodeTemplate]) -> str:
    return template.node_pack if template else "invokeai"


def _version(data: Mapping[str, Any], node_id: str, draft: Draft) -> str:
    """The node's version; the GUI refuses those that are not three numbers."""
    version = data.get("version")
    if not isinstance(version, str) or not version:
        draft.warn(
            f"the node has no version; taken for {FIRST_NODE_VERSION}",
            "node_version",
            node_id,
        )
        return FIRST_NODE_VERSION
    if not _THREE_NUMBERS.fullmatch(version):
        draft.warn(f"odd node version {version!r:.40}", "node_version", node_id)
    return version


def _input(
    item: Mapping[str, Any],
    where: str,
    node: DraftNode,
    template: Optional[InputTemplate],
    draft: Draft,
    generation: int,
) -> DraftInput:
    name = _required_text(item, "name", where)
    stored = item.get("value", UNSET)
    free = node.type in FREE_NODE_TYPES and generation > 2
    literal = parse_literal(as_doubles(stored), template, keeps_null=free)
    forgotten = (
        generation <= 2
        and "type" in item
        and literal.value is not UNSET
        and not gui_reads_old_value(item["type"], stored)
    )
    if literal.kept_raw or forgotten:
        draft.warn(
            "the GUI does not recognise this value; kept as it is",
            "raw_value",
            node.id,
            name,
        )
    return DraftInput(
        name, text_at(item, "label"), text_at(item, "description"), literal.value
    )


def _has_untyped_input(nodes: Any) -> bool:
    return any(
        "type" not in item
        for node in nodes
        if node["type"] == "invocation"
        for item in node["data"]["inputs"].values()
    )


def _refuse_second_return(draft: Draft) -> None:
    returns = [node for node in draft.invocations() if node.type == "workflow_return"]
    if len(returns) > 1:
        raise WorkflowFormatError(
            "a workflow has at most one workflow_return node; this has "
            + ", ".join(node.id for node in returns),
            where="nodes",
        )


def _edges(document: Mapping[str, Any], draft: Draft, generation: int) -> list[Edge]:
    stored = document.get("edges", [] if generation == 1 else None)
    if not isinstance(stored, list):
        raise WorkflowFormatError("the workflow has no list of edges", where="edges")
    return [_edge(item, f"edges[{index}]", draft) for index, item in enumerate(stored)]


def _edge(stored: Any, where: str, draft: Draft) -> Edge:
    edge = expect_object(stored, where)
    lacking = lacking_in_edge(edge)
    if lacking:
        draft.warn(f"{where}: filled in: {', '.join(lacking)}", "format")
    kind = edge.get("type")
    source = _required_text(edge, "source", where)
    target = _required_text(edge, "target", where)
    # Ids only tell edges apart; older exports lack some.
    edge_id = trim(text_at(edge, "id")) or where
    if kind == "collapsed":
        return Edge(source, "", target, "", kind, edge_id)
    if kind != "default":
        raise WorkflowFormatError(
            f"unknown kind of edge {kind!r:.60}", where=f"{where}.type"
        )
    return Edge(
        source,
        _required_text(edge, "sourceHandle", where),
        target,
        _required_text(edge, "targetHandle", where),
        kind,
        edge_id,
        hidden if isinstance(hidden := edge.get("hidden"), bool) else None,
    )


def _exposed(
    document: Mapping[str, Any], draft: Draft, generation: int
) -> list[FieldKey]:
    stored = document.get("exposedFields")
    if stored is None:
        if generation > 1:
            draft.warn("the file has no list exposedFields", "format")
        return []
    keys = [field_key(item) for item in stored] if isinstance(stored, list) else [None]
    if None in keys:
        draft.warn("part of exposedFields names no field; ignored", "form")
    return [key for key in keys if key is not None]


def _form(stored: Any, draft: Draft) -> Form:
    form = read_form(stored)
    if form is None:
        draft.warn("the form cannot be read; taken for empty", "form")
        return EMPTY_FORM
    if is_sound(form):
        return form
    draft.warn("the form's structure is broken; repaired", "form")
    return repair(form)


def _required_text(stored: Mapping[str, Any], key: str, where: str) -> str:
    value = stored.get(key)
    if not isinstance(value, str) or not trim(value):
        raise WorkflowFormatError("expected a text", where=f"{where}.{key}")
    return trim(value)


def _required_bool(stored: Mapping[str, Any], key: str, where: str) -> bool:
    value = stored.get(key)
    if not isinstance(value, bool):
        raise WorkflowFormatError("expected true or false", where=f"{where}.{key}")
    return value


def _position(node: Mapping[str, Any]) -> dict[str, Any]:
    stored = node.get("position")
    found = stored if isinstance(stored, Mapping) else {}
    return {
        axis: plain_number(as_doubles(found[axis])) if is_finite(found.get(axis)) else 0
        for axis in ("x", "y")
    }
