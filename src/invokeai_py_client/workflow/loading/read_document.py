"""Read a workflow file into a draft: its schema, without any look at templates.

What the GUI needs only to draw (positions, labels, notes) is filled in when it is
missing; what decides over the payload must be there, or the file is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Optional, Union

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes.template import UNSET, NodeTemplate
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.document.format_versions import (
    FIRST_NODE_VERSION,
    NEWEST_FORMAT,
    file_format,
)
from invokeai_py_client.workflow.document.js_semantics import (
    as_doubles,
    is_finite,
    plain_number,
    trim,
)
from invokeai_py_client.workflow.document.json_data import expect_object, text_at
from invokeai_py_client.workflow.editor.form_schema import (
    EMPTY_FORM,
    field_key,
    is_sound,
    read_form,
    repair,
)
from invokeai_py_client.workflow.editor.loaded_workflow import (
    Edge,
    FieldKey,
    Form,
    LoadedInput,
)
from invokeai_py_client.workflow.editor.workflow_draft import (
    DraftNode,
    DraftOther,
    WorkflowDraft,
)
from invokeai_py_client.workflow.loading.called_workflows import read_dynamic_template
from invokeai_py_client.workflow.loading.editor_only_parts import (
    missing_in_edge,
    missing_in_meta,
    missing_in_node,
)
from invokeai_py_client.workflow.loading.legacy_types import gui_reads_old_value
from invokeai_py_client.workflow.loading.literal_shapes import parse_literal

Catalog = Mapping[str, NodeTemplate]

HEAD_TEXTS = ("name", "author", "description", "version", "contact", "tags", "notes")
# Nodes that only ever showed the latest image; the GUI gave them up and refuses them.
_RETIRED_NODES = frozenset({"current_image", "progress_image"})
_THREE_NUMBERS = re.compile(r"\d+\.\d+\.\d+(?:\..*)?")
# Inputs of these nodes may hold anything, null included.
FREE_NODE_TYPES = frozenset({"core_metadata"})


def read_document(definition: WorkflowDefinition, catalog: Catalog) -> WorkflowDraft:
    """Read and migrate a file.

    Raises:
        WorkflowFormatError: A node, edge or input misses what the payload needs.
    """
    document = definition.document
    generation, warning = file_format(document)
    draft = WorkflowDraft(
        {}, [], [], [], EMPTY_FORM, list(definition.warnings), generation
    )
    draft.is_graph = definition.is_graph
    if warning:
        draft.warnings.append(warning)
    draft.head = _head(document, draft)
    for index, stored in enumerate(document["nodes"]):
        node = _node(stored, f"nodes[{index}]", draft, catalog)
        if node is not None:
            draft.nodes.append(node)
    _refuse_second_return(draft)
    if generation <= 2 and _has_untyped_input(document["nodes"]):
        draft.warn(f"inputs without a type, unlike format {generation}", "format")
    draft.edges = _edges(document, draft)
    draft.exposed = _exposed(document, draft)
    # Formats 1 and 2 had no form.
    if generation > 2 and document.get("form") is not None:
        draft.form = _form(document["form"], draft)
    return draft


def _head(document: Mapping[str, Any], draft: WorkflowDraft) -> dict[str, Any]:
    generation = draft.generation
    head: dict[str, Any] = {}
    for key in HEAD_TEXTS:
        value = document.get(key)
        head[key] = value if isinstance(value, str) else ""
        if not isinstance(value, str) and generation > 1:
            draft.warn(f'the file has no text "{key}"', "format")
    own_id = document.get("id", "none")
    if generation > 1 and not (isinstance(own_id, str) and own_id):
        draft.warn("the file's id is not a string", "format")
    meta = document.get("meta") if generation > 1 else None
    if missing_in_meta(meta):
        draft.warn("the file has an unknown category", "format")
    category = meta.get("category") if isinstance(meta, Mapping) else None
    head["meta"] = {
        "category": "default" if category == "default" else "user",
        "version": NEWEST_FORMAT,
    }
    return head


def _node(
    stored: Any, where: str, draft: WorkflowDraft, catalog: Catalog
) -> Optional[Union[DraftNode, DraftOther]]:
    node = expect_object(stored, where)
    kind = node.get("type")
    if not isinstance(kind, str):
        raise WorkflowFormatError("expected a string", where=f"{where}.type")
    if kind in _RETIRED_NODES:
        draft.warn(f"{kind} nodes no longer exist; left out", "retired_node")
        return None
    if kind not in ("invocation", "notes", "connector"):
        raise WorkflowFormatError(
            f"unknown kind of node {kind!r:.60}", where=f"{where}.type"
        )
    node_id = _required_text(node, "id", where)
    data = expect_object(node.get("data"), f"{where}.data")
    missing = missing_in_node(node, data)
    if missing:
        draft.warn(f"filled in: {', '.join(missing)}", "format", node_id)
    if kind == "invocation":
        return _invocation(node_id, node, where, draft, catalog)
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
    where: str,
    draft: WorkflowDraft,
    catalog: Catalog,
) -> DraftNode:
    data, where = node["data"], f"{where}.data"
    node_type = _required_text(data, "type", where)
    template = catalog.get(node_type)
    found = DraftNode(
        id=node_id,
        type=node_type,
        version=template.version
        if draft.is_graph and template
        else _version(data, node_id, draft),
        inputs={},
        use_cache=_flag(
            data, "useCache", template.use_cache if template else True, draft, node_id
        ),
        is_intermediate=_flag(data, "isIntermediate", False, draft, node_id),
        label=text_at(data, "label"),
        notes=text_at(data, "notes"),
        node_pack=text_at(data, "nodePack")
        or (template.node_pack if template else "invokeai"),
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
        found.inputs[name] = _input(name, item, f"{where}.inputs.{name}", found, draft)
    return found


def _version(data: Mapping[str, Any], node_id: str, draft: WorkflowDraft) -> str:
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
    key: str, stored_input: Any, where: str, node: DraftNode, draft: WorkflowDraft
) -> LoadedInput:
    item = expect_object(stored_input, where)
    name = _required_text(item, "name", where)
    stored = item.get("value", UNSET)
    free = node.type in FREE_NODE_TYPES and draft.generation > 2
    literal = parse_literal(as_doubles(stored), node.template_of(key), keeps_null=free)
    forgotten = (
        draft.generation <= 2
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
    return LoadedInput(
        key, name, text_at(item, "label"), text_at(item, "description"), literal.value
    )


def _has_untyped_input(nodes: Any) -> bool:
    return any(
        "type" not in item
        for node in nodes
        if node["type"] == "invocation"
        for item in node["data"]["inputs"].values()
    )


def _refuse_second_return(draft: WorkflowDraft) -> None:
    returns = [node for node in draft.invocations() if node.type == "workflow_return"]
    if len(returns) > 1:
        raise WorkflowFormatError(
            "a workflow has at most one workflow_return node; this has "
            + ", ".join(node.id for node in returns),
            where="nodes",
        )


def _edges(document: Mapping[str, Any], draft: WorkflowDraft) -> list[Edge]:
    stored = document.get("edges", [] if draft.generation == 1 else None)
    if not isinstance(stored, list):
        raise WorkflowFormatError("the workflow has no list of edges", where="edges")
    return [_edge(item, f"edges[{index}]", draft) for index, item in enumerate(stored)]


def _edge(stored: Any, where: str, draft: WorkflowDraft) -> Edge:
    edge = expect_object(stored, where)
    missing = missing_in_edge(edge)
    if missing:
        draft.warn(f"{where}: filled in: {', '.join(missing)}", "format")
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


def _exposed(document: Mapping[str, Any], draft: WorkflowDraft) -> list[FieldKey]:
    stored = document.get("exposedFields")
    if stored is None:
        if draft.generation > 1:
            draft.warn("the file has no list exposedFields", "format")
        return []
    keys = [field_key(item) for item in stored] if isinstance(stored, list) else [None]
    if None in keys:
        draft.warn("part of exposedFields names no field; ignored", "form")
    return [key for key in keys if key is not None]


def _form(stored: Any, draft: WorkflowDraft) -> Form:
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
        raise WorkflowFormatError("expected a string", where=f"{where}.{key}")
    return trim(value)


def _flag(
    data: Mapping[str, Any],
    key: str,
    default: bool,
    draft: WorkflowDraft,
    node_id: str,
) -> bool:
    """A flag of a node; the server's own default where the file does not have it."""
    value = data.get(key, None if draft.generation > 1 else default)
    if isinstance(value, bool):
        return value
    draft.warn(
        f"the node has no {key}; taken for {str(default).lower()}", "format", node_id
    )
    return default


def _position(node: Mapping[str, Any]) -> dict[str, Any]:
    stored = node.get("position")
    found = stored if isinstance(stored, Mapping) else {}
    return {
        axis: plain_number(as_doubles(found[axis])) if is_finite(found.get(axis)) else 0
        for axis in ("x", "y")
    }
