"""Load a workflow file as the GUI does, in the GUI's order of steps.

Read and migrate; give nodes that call saved workflows their inputs; judge the edges;
update nodes of other versions; unset what names missing things; settle the form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Optional

from invokeai_py_client.nodes.template import NodeTemplate
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.editor.embedded_workflow import build_document
from invokeai_py_client.workflow.editor.loaded_workflow import (
    LoadedNode,
    LoadedWorkflow,
)
from invokeai_py_client.workflow.editor.server_facts import ServerFacts
from invokeai_py_client.workflow.editor.workflow_draft import DraftNode, WorkflowDraft
from invokeai_py_client.workflow.loading.accept_edges import accept_edges
from invokeai_py_client.workflow.loading.called_workflows import (
    refresh_called_workflows,
)
from invokeai_py_client.workflow.loading.form_fields import settle_form
from invokeai_py_client.workflow.loading.missing_values import unset_missing
from invokeai_py_client.workflow.loading.read_document import (
    FREE_NODE_TYPES,
    read_document,
)
from invokeai_py_client.workflow.loading.update_nodes import is_updatable, update_node


def load_workflow(
    definition: WorkflowDefinition,
    catalog: Mapping[str, NodeTemplate],
    facts: Optional[ServerFacts] = None,
) -> LoadedWorkflow:
    """Load a workflow; compile the result as often as needed.

    Without `facts`, everything is taken to exist on the server.

    Raises:
        WorkflowFormatError: The file misses something that the payload needs.
    """
    facts = facts or ServerFacts()
    draft = read_document(definition, catalog)
    refresh_called_workflows(draft, catalog, facts)
    accept_edges(draft)
    _settle_nodes(draft, facts)
    settle_form(draft)
    return _freeze(draft, definition, facts)


def reload_workflow(
    loaded: LoadedWorkflow, catalog: Mapping[str, NodeTemplate], facts: ServerFacts
) -> LoadedWorkflow:
    """The workflow with what is known by now, loaded again only if that changes it."""
    before = loaded.facts
    if (facts.missing, facts.saved_workflows) == (
        before.missing,
        before.saved_workflows,
    ):
        return replace(loaded, facts=facts)
    return load_workflow(loaded.definition, catalog, facts)


def _settle_nodes(draft: WorkflowDraft, facts: ServerFacts) -> None:
    connected: dict[str, set[str]] = {}
    for edge in draft.edges:
        if edge.type == "default":
            connected.setdefault(edge.target, set()).add(edge.target_handle)
    for node in draft.invocations():
        template = node.template
        if template is None:
            draft.warn(
                f"the server does not know nodes of type {node.type}",
                "unknown_node",
                node.id,
            )
            continue
        if node.version != template.version:
            if not is_updatable(node.version, template):
                # Such a node's values are not checked either, as in the GUI.
                draft.warn(
                    f"{node.type} {node.version} cannot be updated to "
                    f"{template.version}; kept as it is",
                    "not_updated",
                    node.id,
                )
                continue
            update_node(node, template, connected.get(node.id, set()))
        _warn_of_unknown_fields(draft, node)
        unset_missing(draft, node, facts)


def _warn_of_unknown_fields(draft: WorkflowDraft, node: DraftNode) -> None:
    if node.type in FREE_NODE_TYPES:
        return
    for key, item in node.inputs.items():
        # The graph takes an input by its key, the GUI's other rules by its name.
        for name in dict.fromkeys((key, item.declared_name)):
            if node.template_of(name) is None:
                draft.warn(
                    f"{node.type} has no input {name}", "unknown_field", node.id, name
                )


def _freeze(
    draft: WorkflowDraft, definition: WorkflowDefinition, facts: ServerFacts
) -> LoadedWorkflow:
    nodes: dict[str, LoadedNode] = {}
    shadowed: dict[str, LoadedNode] = {}
    for node in draft.invocations():
        if node.id in nodes:
            shadowed.setdefault(node.id, nodes[node.id])
            draft.warn(
                "another node has this id too; the last one runs",
                "duplicate_node",
                node.id,
            )
        nodes[node.id] = freeze_node(node)
    return LoadedWorkflow(
        nodes=nodes,
        shadowed=shadowed,
        connectors={
            node.id
            for node in draft.nodes
            if not isinstance(node, DraftNode) and node.type == "connector"
        },
        edges=tuple(draft.edges),
        form=draft.form,
        warnings=tuple(draft.warnings),
        document=build_document(draft),
        definition=definition,
        facts=facts,
    )


def freeze_node(node: DraftNode) -> LoadedNode:
    """The node as it stays from now on."""
    return LoadedNode(
        id=node.id,
        type=node.type,
        version=node.version,
        inputs={
            name: replace(item, template=node.template_of(name))
            for name, item in node.inputs.items()
        },
        label=node.label,
        use_cache=node.use_cache,
        is_intermediate=node.is_intermediate,
        template=node.template,
        dynamic_inputs=dict(node.dynamic_inputs),
    )
