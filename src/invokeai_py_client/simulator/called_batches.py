"""Batch nodes in called workflows: one child for each combination of their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from .saved_graph import UnsupportedWorkflowNodeError

BATCH_FIELDS = {
    "image_batch": "images",
    "string_batch": "strings",
    "integer_batch": "integers",
    "float_batch": "floats",
}
_ALONE = "None"
_GROUPS = (_ALONE, *(f"Group {number}" for number in range(1, 6)))
_SAYS = "call_saved_workflow"

Nodes = Mapping[str, Mapping[str, Any]]
Resolve = Callable[[Mapping[str, Any]], list[Any]]


@dataclass
class CalledBatch:
    """What the batch nodes of a workflow ask for.

    Attributes:
        groups: Batch data, the fields of one group going in step.
        used: Ids of nodes that are resolved by it and not part of the graph.
    """

    groups: list[list[dict[str, Any]]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)


def read_batch(
    workflow: Mapping[str, Any], nodes: Nodes, resolve: Resolve
) -> Optional[CalledBatch]:
    """The batch nodes of a workflow; None when it has none.

    Args:
        workflow: Where the edges are.
        nodes: Its nodes by id, inputs set.
        resolve: Makes the values of a generator node.

    Raises:
        UnsupportedWorkflowNodeError: The server does not run it as it is.
    """
    batches = {
        node_id: BATCH_FIELDS[data["type"]]
        for node_id, data in nodes.items()
        if data.get("type") in BATCH_FIELDS
    }
    if not batches:
        return None
    drawing = _Drawing(workflow, nodes)
    found, groups = CalledBatch(), dict[str, list[dict[str, Any]]]()
    for node_id, name in batches.items():
        items = _items(drawing, node_id, name, resolve, found.used)
        group = _group(nodes[node_id])
        targets = list(drawing.targets(node_id, name))
        if not targets:
            raise UnsupportedWorkflowNodeError(
                f"{_SAYS} batch child workflow node '{node_id}' is not connected to "
                "any invocation input"
            )
        for target, target_field in targets:
            wrapped = [[i] for i in items] if target_field == "collection" else items
            groups.setdefault(group, []).append(
                {"node_path": target, "field_name": target_field, "items": wrapped}
            )
    _refuse_loose_generators(nodes, found.used)
    found.groups = [[datum] for datum in groups.pop(_ALONE, [])]
    found.groups += groups.values()
    found.used |= batches.keys()
    return found


def _items(
    drawing: _Drawing, node_id: str, name: str, resolve: Resolve, used: set[str]
) -> list[Any]:
    generator = drawing.generator(node_id, name)
    if generator is not None:
        items = resolve(drawing.nodes[generator])
        used.add(generator)
        if not items:
            raise UnsupportedWorkflowNodeError(
                f"{_SAYS} generator-backed batch child workflow node '{generator}' "
                "produced no batch items"
            )
        return items
    given = (drawing.nodes[node_id].get("inputs") or {}).get(name)
    if not isinstance(given, Mapping):
        raise UnsupportedWorkflowNodeError(
            f"{_SAYS} batch child workflow node is missing required '{name}' input"
        )
    items = given.get("value")  # type: ignore[assignment]
    if not isinstance(items, list):
        raise UnsupportedWorkflowNodeError(
            f"{_SAYS} batch child workflow node '{node_id}' must provide a direct list "
            f"for '{name}'"
        )
    if not items:
        raise UnsupportedWorkflowNodeError(
            f"{_SAYS} batch child workflow node '{node_id}' must provide at least one "
            "batch item"
        )
    return items


def _group(data: Mapping[str, Any]) -> str:
    given = (data.get("inputs") or {}).get("batch_group_id")
    value = given.get("value") if isinstance(given, Mapping) else None
    if not isinstance(value, str):
        return _ALONE
    if value not in _GROUPS:
        raise UnsupportedWorkflowNodeError(
            f"Unsupported batch group id '{value}' in called workflow"
        )
    return value


def _refuse_loose_generators(nodes: Nodes, used: set[str]) -> None:
    loose = [
        f"'{data['type']}' (node '{node_id}')"
        for node_id, data in nodes.items()
        if str(data.get("type")).endswith("_generator") and node_id not in used
    ]
    if loose:
        raise UnsupportedWorkflowNodeError(
            f"{_SAYS} does not yet support child workflows that mix supported batch "
            f"nodes with unrelated generator nodes: {', '.join(loose)}"
        )


class _Drawing:
    """The edges of a workflow, followed through its connectors."""

    def __init__(self, workflow: Mapping[str, Any], nodes: Nodes) -> None:
        self.nodes = nodes
        self._edges = [e for e in workflow["edges"] if e.get("type") == "default"]
        self._connectors = {
            node["id"] for node in workflow["nodes"] if node.get("type") == "connector"
        }

    def targets(self, node_id: str, handle: str) -> Iterator[tuple[str, str]]:
        """The inputs that an output feeds."""
        yield from self._targets(node_id, handle, set())

    def _targets(
        self, node_id: str, handle: str, seen: set[str]
    ) -> Iterator[tuple[str, str]]:
        for edge in self._edges:
            if (edge["source"], edge.get("sourceHandle")) != (node_id, handle):
                continue
            target = edge["target"]
            if target in self.nodes:
                yield target, edge["targetHandle"]
            elif target in self._connectors and target not in seen:
                seen.add(target)
                yield from self._targets(target, "out", seen)

    def generator(self, node_id: str, name: str) -> Optional[str]:
        """The generator node that feeds an input; None without an edge.

        Raises:
            UnsupportedWorkflowNodeError: Something else feeds it.
        """
        sources = self._sources(node_id, name)
        if not sources:
            return None
        if len(sources) != 1:
            raise UnsupportedWorkflowNodeError(
                f"{_SAYS} does not yet support multiple connected batch inputs on node "
                f"'{node_id}'"
            )
        source: Optional[str] = sources[0]
        seen: set[str] = set()
        while source in self._connectors and source not in seen:
            seen.add(str(source))
            source = next(iter(self._sources(str(source), "in")), None)
        node_type = str(self.nodes.get(str(source), {}).get("type"))
        if node_type.endswith("_generator"):
            return source
        raise UnsupportedWorkflowNodeError(
            f"{_SAYS} does not yet support connected batch child workflow inputs on "
            f"node '{node_id}'"
        )

    def _sources(self, node_id: str, name: str) -> list[str]:
        return [
            edge["source"]
            for edge in self._edges
            if (edge["target"], edge.get("targetHandle")) == (node_id, name)
        ]
