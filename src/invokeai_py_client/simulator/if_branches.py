"""Lazy `if` nodes: only the branch that the condition selects runs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional

from .node_schema import Node
from .topology import Topology

if TYPE_CHECKING:
    from .graph import Edge
    from .session import Session

_FIELDS = ("true_input", "false_input")


@dataclass(frozen=True)
class Decision:
    """What follows from a condition that has become known.

    Attributes:
        dropped: Execution edges of the branch not taken.
        selected: Source nodes that only the taken branch needs.
        unselected: Source nodes that only the other branch needed.
    """

    dropped: Sequence[Edge]
    selected: set[str]
    unselected: set[str]


class IfBranches:
    """The `if` nodes of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._taken: dict[str, str] = {}
        self._exclusive: dict[str, dict[str, set[str]]] = {}

    def resume(self, inputs: Callable[[str], list[Edge]]) -> None:
        """Learn again which branches a stored session has taken."""
        for node_id, node in self._session.execution_nodes.items():
            if node.type == "if" and self._read_condition(node, inputs(node_id)):
                self._taken[node_id] = self._field(node)

    def allowed_fields(self, node: Node) -> Optional[set[str]]:
        """The inputs of an `if` node that may be filled; None for other nodes."""
        if node.type != "if":
            return None
        taken = self._taken.get(node.id)
        return {"condition"} if taken is None else {"condition", taken}

    def is_deferred(self, node_id: str) -> bool:
        """Whether a prepared node must wait for the condition of an `if` after it."""
        session = self._session
        source = session.prepared_source[node_id]
        for if_id, node in session.graph.nodes.items():
            if node.type != "if":
                continue
            branches = self._branches(if_id)
            if not any(source in nodes for nodes in branches.values()):
                continue
            path = session.scheduler.path(node_id)
            matching = [
                prepared
                for prepared in session.source_prepared.get(if_id, ())
                if session.scheduler.path(prepared) == path
            ]
            if not matching or any(
                prepared not in self._taken for prepared in matching
            ):
                return True
        return False

    def decide(self, node_id: str, inputs: list[Edge]) -> Optional[Decision]:
        """Choose the branch of a prepared `if` once its condition is known.

        Returns:
            None when the node is no `if`, is decided already, or must still wait.
        """
        node = self._session.execution_nodes[node_id]
        if node.type != "if" or node_id in self._taken:
            return None
        if not self._read_condition(node, inputs):
            return None
        taken = self._field(node)
        self._taken[node_id] = taken
        other = _FIELDS[1 - _FIELDS.index(taken)]
        branches = self._branches(self._session.prepared_source[node_id])
        return Decision(
            dropped=[edge for edge in inputs if edge.destination.field == other],
            selected=branches[taken],
            unselected=branches[other],
        )

    @staticmethod
    def _field(node: Node) -> str:
        return _FIELDS[0] if getattr(node, "condition", False) else _FIELDS[1]

    def _read_condition(self, node: Node, inputs: list[Edge]) -> bool:
        edges = [edge for edge in inputs if edge.destination.field == "condition"]
        if any(edge.source.node_id not in self._session.executed for edge in edges):
            return False
        for edge in edges:
            result = self._session.results[edge.source.node_id]
            node.condition = copy.deepcopy(  # type: ignore[attr-defined]
                getattr(result, edge.source.field)
            )
        return True

    def _branches(self, if_id: str) -> dict[str, set[str]]:
        """By branch: the nodes that feed this branch and nothing else."""
        if if_id not in self._exclusive:
            self._exclusive[if_id] = {
                field: self._feeding_only(if_id, field) for field in _FIELDS
            }
        return self._exclusive[if_id]

    def _feeding_only(self, if_id: str, field: str) -> set[str]:
        edges = self._session.graph.edges
        topology = Topology(
            self._session.graph.nodes,
            ((e.source.node_id, e.destination.node_id) for e in edges),
        )
        candidates: set[str] = set()
        for edge in edges:
            if edge.destination.node_id == if_id and edge.destination.field == field:
                candidates |= {
                    edge.source.node_id,
                    *topology.ancestors(edge.source.node_id),
                }
        while True:
            leaking = {
                edge.source.node_id
                for edge in edges
                if edge.source.node_id in candidates
                and edge.destination.node_id not in candidates
                and (edge.destination.node_id, edge.destination.field) != (if_id, field)
            }
            if not leaking:
                return candidates
            candidates -= leaking
