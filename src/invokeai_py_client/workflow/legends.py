"""Making the legend of a workflow from its handle."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client.workflow.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.compiled import CompiledWorkflow
from invokeai_py_client.workflow.legend import Legend, NamedPlace, NodeTitle
from invokeai_py_client.workflow.loaded import FieldKey
from invokeai_py_client.workflow.naming import slug, unique_names

__all__ = ["legend_of"]


def legend_of(
    handle: BaseWorkflowHandle, compiled: Optional[CompiledWorkflow] = None
) -> Legend:
    """The names of the handle's workflow, as they are now.

    Args:
        handle: The workflow.
        compiled: Its payload, which knows what batch nodes feed, and the graph.
    """
    arrives: dict[FieldKey, FieldKey] = {}
    for batch in compiled.batches if compiled is not None else ():
        if batch.targets:
            arrives[batch.node_id, batch.field_name] = batch.targets[0]
    inputs = []
    for item in handle.list_inputs():
        key = (item.node_id, item.field_name)
        inputs.append(NamedPlace(item.name, *arrives.get(key, key)))
    seeds = tuple(
        NamedPlace(f"{seed.node_id}.{seed.field_name}", seed.node_id, seed.field_name)
        for seed in handle.seeds
    )
    return Legend(
        inputs=tuple(inputs),
        seeds=seeds,
        nodes=_titles(handle),
        outputs=tuple(output.node_id for output in handle.list_outputs()),
        sources=_sources(compiled),
    )


def _sources(compiled: Optional[CompiledWorkflow]) -> dict[str, frozenset[str]]:
    """What feeds each node of the graph."""
    sources: dict[str, set[str]] = {}
    for edge in compiled.graph["edges"] if compiled is not None else ():
        ends = sources.setdefault(edge["destination"]["node_id"], set())
        ends.add(edge["source"]["node_id"])
    return {node_id: frozenset(found) for node_id, found in sources.items()}


def _titles(handle: BaseWorkflowHandle) -> dict[str, NodeTitle]:
    """How every node is called; names get ``_2``, ``_3`` where they repeat."""
    nodes = list(handle.loaded.nodes.values())
    names = unique_names(
        slug(node.title) or slug(node.type) or "node" for node in nodes
    )
    return {
        node.id: NodeTitle(name, node.title, node.type)
        for node, name in zip(nodes, names)
    }
