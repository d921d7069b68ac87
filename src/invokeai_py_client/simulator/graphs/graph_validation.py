"""The checks that the server makes of a graph, with its messages."""

from __future__ import annotations

import typing
from collections.abc import Iterable
from typing import Any, Optional

from .connection_types import (
    has_list,
    is_any,
    is_compatible,
    is_list,
    is_union_subtype,
    item_types,
    parts,
    root_types,
)
from .graph import Edge, Graph, topology
from .node_schema import NodeSchemas

CALL_INPUT_PREFIX = "saved_workflow_input::"
_ONE_TYPE = "Collector outputs must connect to a collection input with a matching type"


def check_graph(graph: Graph, schemas: NodeSchemas) -> None:
    """Raise ValueError with the server's message if it would refuse the graph."""
    _Check(graph, schemas).run()


def is_dynamic_input(node_type: str, field: str) -> bool:
    """Whether a field is an input of a called workflow, which no schema lists."""
    return node_type == "call_saved_workflow" and field.startswith(CALL_INPUT_PREFIX)


class _Check:
    def __init__(self, graph: Graph, schemas: NodeSchemas) -> None:
        self._graph = graph
        self._schemas = schemas

    def run(self) -> None:
        self._ids()
        self._ends()
        if not topology(self._graph.nodes, self._graph.edges).is_acyclic():
            raise ValueError("Graph contains cycles")
        self._types()
        for node_id, node in self._graph.nodes.items():
            if node.type == "iterate":
                self._refuse("iterator", node_id, self._iterator(node_id))
            if node.type == "collect":
                self._refuse("collector", node_id, self._collector(node_id))

    @staticmethod
    def _refuse(kind: str, node_id: str, problem: Optional[str]) -> None:
        if problem is not None:
            raise ValueError(f"Invalid {kind} node ({node_id}): {problem}")

    def _ids(self) -> None:
        ids = [node.id for node in self._graph.nodes.values()]
        twice = {node_id for node_id in ids if ids.count(node_id) > 1}
        if twice:
            raise ValueError(f"Node ids must be unique, found duplicates {twice}")
        for key, node in self._graph.nodes.items():
            if key != node.id:
                raise ValueError(f"Node ids must match, got {key} and {node.id}")

    def _ends(self) -> None:
        nodes = self._graph.nodes
        for edge in self._graph.edges:
            for name in ("source", "destination"):
                end = getattr(edge, name)
                if end.node_id not in nodes:
                    raise ValueError(
                        f"Edge {name} node {end.node_id} does not exist in the graph"
                    )
            source, target = edge.source, edge.destination
            if not self._schemas.has_output(nodes[source.node_id].type, source.field):
                raise ValueError(
                    f"Edge source field {source.field} does not exist in node "
                    f"{source.node_id}"
                )
            target_type = nodes[target.node_id].type
            if not self._schemas.has_input(
                target_type, target.field
            ) and not is_dynamic_input(target_type, target.field):
                raise ValueError(
                    f"Edge destination field {target.field} does not exist in node "
                    f"{target.node_id}"
                )

    def _types(self) -> None:
        for edge in self._graph.edges:
            target = self._graph.nodes[edge.destination.node_id]
            if is_dynamic_input(target.type, edge.destination.field):
                continue
            if not is_compatible(self._source_type(edge), self._target_type(edge)):
                raise ValueError(f"Edge source and target types do not match ({edge})")

    def _source_type(self, edge: Edge) -> Any:
        node = self._graph.nodes[edge.source.node_id]
        return self._schemas.output_annotation(node.type, edge.source.field)

    def _target_type(self, edge: Edge) -> Any:
        node = self._graph.nodes[edge.destination.node_id]
        return self._schemas.input_annotation(node.type, edge.destination.field)

    def _into(self, node_id: str, field: str) -> list[Edge]:
        return [
            edge
            for edge in self._graph.edges
            if edge.destination.node_id == node_id and edge.destination.field == field
        ]

    def _out_of(self, node_id: str, field: str) -> list[Edge]:
        return [
            edge
            for edge in self._graph.edges
            if edge.source.node_id == node_id and edge.source.field == field
        ]

    def _iterator(self, node_id: str) -> Optional[str]:
        inputs = self._into(node_id, "collection")
        if not inputs:
            return "Iterator must have a collection input edge"
        if len(inputs) > 1:
            return "Iterator may only have one input edge"
        collection = self._source_type(inputs[0])
        if not is_list(collection):
            return "Iterator input must be a collection"
        targets = [self._target_type(edge) for edge in self._out_of(node_id, "item")]
        item = typing.get_args(collection)[0]
        if not all(is_compatible(item, target) for target in targets):
            return "Iterator outputs must connect to an input with a matching type"
        source = self._graph.nodes[inputs[0].source.node_id]
        if source.type != "collect":
            return None
        root = self._collector_root(source.id)
        if root is None:
            return (
                "Iterator input collector must have at least one item or collection "
                "input edge"
            )
        if not all(is_compatible(root, target) for target in targets):
            return "Iterator collection type must match all iterator output types"
        return None

    def _collected_types(
        self, node_id: str, seen: frozenset[str] = frozenset()
    ) -> set[Any]:
        if node_id in seen:
            return set()
        found: set[Any] = set()
        for edge in self._into(node_id, "item"):
            found |= parts(self._source_type(edge))
        for edge in self._into(node_id, "collection"):
            source = self._graph.nodes[edge.source.node_id]
            if source.type == "collect" and edge.source.field == "collection":
                found |= self._collected_types(source.id, seen | {node_id})
            else:
                found |= item_types(self._source_type(edge))
        return found

    def _collector_root(self, node_id: str) -> Any:
        found = self._collected_types(node_id)
        definite = found - {Any}
        if not definite:
            return Any if found else None
        roots = root_types(definite)
        return roots[0] if len(roots) == 1 else Any

    def _collector(self, node_id: str) -> Optional[str]:
        collections = self._into(node_id, "collection")
        if not collections and not self._into(node_id, "item"):
            return "Collector must have at least one item or collection input edge"
        for edge in collections:
            annotation = self._source_type(edge)
            if not has_list(annotation) and not is_any(annotation):
                return "Collector collection input must be a collection"
        roots = root_types(self._collected_types(node_id) - {Any})
        if len(roots) > 1:
            return "Collector input collection items must be of a single type"
        root = roots[0] if roots else None
        outputs = self._out_of(node_id, "collection")
        return self._collector_targets(
            [self._target_type(edge) for edge in outputs], root
        ) or self._collectors_after(outputs, root)

    @staticmethod
    def _collector_targets(targets: Iterable[Any], root: Any) -> Optional[str]:
        for target in targets:
            if not has_list(target) and not is_any(target):
                return "Collector output must connect to a collection input"
        for target in targets:
            if is_any(target):
                continue
            item = typing.get_args(target)[0]
            if root is None:
                if item is not Any:
                    return _ONE_TYPE
            # A type that is not a class makes the real server fail (500), too.
            elif not is_union_subtype(root, item) and not issubclass(root, item):
                return _ONE_TYPE
        return None

    def _collectors_after(self, outputs: Iterable[Edge], root: Any) -> Optional[str]:
        for edge in outputs:
            target = self._graph.nodes[edge.destination.node_id]
            if target.type != "collect" or edge.destination.field != "collection":
                continue
            theirs = self._collector_root(target.id)
            if theirs is None:
                continue
            if root is None:
                if theirs is not Any:
                    return _ONE_TYPE
            elif not is_compatible(root, theirs):
                return _ONE_TYPE
        return None
