"""Nodes of a workflow that a server does not have, told with what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.checking.graph_checks import (
    COLLECT,
    EDITOR_TYPES,
    ITERATE,
)
from invokeai_py_client.workflow.compiling.compiled_workflow import CompiledWorkflow
from invokeai_py_client.workflow.editor.loaded_workflow import LoadedNode


def unknown_nodes(
    compiled: CompiledWorkflow, catalog: NodeCatalog
) -> list[FieldProblem]:
    """Nodes that this server does not have: without them it is another workflow.

    Compiling leaves them out with a warning, and the GUI refuses to run.
    """
    packs = _node_packs(compiled.loaded.document)
    return [
        FieldProblem(
            f"this server (InvokeAI {catalog.version}) has no nodes of type "
            f"{node.type}{packs.get(node.id, '')}",
            "unknown_node",
            node.id,
            value=node.type,
            where=f"node {node.label or node.id!r}",
        )
        for node in compiled.loaded.nodes.values()
        if _is_unknown(node)
    ]


def _is_unknown(node: Optional[LoadedNode]) -> bool:
    return node is not None and node.template is None and node.type not in EDITOR_TYPES


def _node_packs(document: Mapping[str, Any]) -> dict[str, str]:
    """Where the file says that its nodes come from, by their ids."""
    found = {}
    for node in document.get("nodes") or ():
        data = node.get("data") or {}
        pack = data.get("nodePack")
        if isinstance(pack, str) and pack not in ("", "invokeai"):
            found[str(node.get("id"))] = (
                f"; they come with the node pack {pack!r}, which has to be installed"
            )
    return found


def without_follow_ups(compiled: CompiledWorkflow) -> list[FieldProblem]:
    """The problems that do not only follow from a node that is left out."""
    nodes = compiled.loaded.nodes
    # The file's own edges: loading leaves out those from outputs that nobody knows.
    fed = {
        (edge.get("target"), edge.get("targetHandle"))
        for edge in compiled.loaded.definition.document.get("edges") or ()
        if _is_unknown(nodes.get(edge.get("source")))
    }
    orphans = {node_id for node_id, _ in fed}
    return [
        problem
        for problem in compiled.problems
        if (problem.node_id, problem.field_name) not in fed
        and not (problem.kind in (ITERATE, COLLECT) and problem.node_id in orphans)
    ]
