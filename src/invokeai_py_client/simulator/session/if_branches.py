"""Lazy `if` nodes: only the branch that the condition selects runs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Optional

from pydantic import ValidationError

from ..graphs.graph import Edge, topology
from ..graphs.node_schema import Node, Output
from .session_state import Path, SessionState

_FIELDS = ("true_input", "false_input")


def _is_condition(edge: Edge, node: Node) -> bool:
    return node.type == "if" and edge.destination.field == "condition"


class SkippedConditionError(ValueError):
    """The condition of an `if` comes from a node that a branch skips.

    The real server stores the session and cannot read it again.
    """

    def __init__(self, node: Node, source: str) -> None:
        self.node = node
        super().__init__(
            f"Node {node.id}: a condition comes from node {source}, which is skipped"
        )


class IfBranches:
    """The `if` nodes of one session."""

    def __init__(self, session: SessionState, path: Callable[[str], Path]) -> None:
        self._session = session
        self._path = path
        self._taken: dict[str, str] = {}
        self._exclusive: dict[str, dict[str, set[str]]] = {}

    def resume(self, inputs: Callable[[str], list[Edge]]) -> None:
        """Determine which branches a stored session has taken."""
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
            path = self._path(node_id)
            matching = [
                prepared
                for prepared in session.source_prepared.get(if_id, ())
                if self._path(prepared) == path
            ]
            if not matching or not self._taken.keys() >= set(matching):
                return True
        return False

    def decide(
        self, node_id: str, inputs: list[Edge]
    ) -> Optional[tuple[list[Edge], set[str], set[str]]]:
        """Choose the branch of a prepared `if` once its condition is known.

        Returns:
            The execution edges to drop and the source nodes that only the taken and
            only the other branch need; None when the node is not an `if`, is decided
            already, or must still wait.
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
        dropped = [edge for edge in inputs if edge.destination.field == other]
        return dropped, branches[taken], branches[other]

    @staticmethod
    def _field(node: Node) -> str:
        return _FIELDS[0] if getattr(node, "condition", False) else _FIELDS[1]

    def _read_condition(self, node: Node, inputs: list[Edge]) -> bool:
        edges = [edge for edge in inputs if edge.destination.field == "condition"]
        if any(edge.source.node_id not in self._session.executed for edge in edges):
            return False
        # As on the server, a value that is not a boolean is refused here, whichever
        # edge it comes from: when its source has run, and whenever the session is read.
        for edge in edges:
            result = self._session.results.get(edge.source.node_id)
            if result is None:
                raise SkippedConditionError(node, edge.source.node_id)
            value = copy.deepcopy(getattr(result, edge.source.field))
            node.condition = value  # type: ignore[attr-defined]
        return True

    def condition_error(
        self, source: str, output: Output
    ) -> Optional[tuple[Node, ValidationError]]:
        """The `if` that would refuse this result of a source node as its condition."""
        graph = self._session.graph
        for edge in graph.edges:
            node = graph.nodes[edge.destination.node_id]
            if edge.source.node_id == source and _is_condition(edge, node):
                try:
                    node.model_copy().condition = getattr(output, edge.source.field)
                except ValidationError as error:
                    return node, error
        return None

    def refuse_skipping(self, node_id: str, sources: set[str]) -> None:
        """Refuse that an `if` skips a node that gives another one its condition."""
        graph = self._session.graph
        for edge in graph.edges:
            follower = graph.nodes[edge.destination.node_id]
            if edge.source.node_id in sources and _is_condition(edge, follower):
                node = self._session.execution_nodes[node_id]
                raise SkippedConditionError(node, edge.source.node_id)

    def _branches(self, if_id: str) -> dict[str, set[str]]:
        """By branch: the nodes that feed this branch and nothing else."""
        if if_id not in self._exclusive:
            self._exclusive[if_id] = {
                field: self._feeding_only(if_id, field) for field in _FIELDS
            }
        return self._exclusive[if_id]

    def _feeding_only(self, if_id: str, field: str) -> set[str]:
        edges = self._session.graph.edges
        whole = topology(self._session.graph.nodes, edges)
        candidates: set[str] = set()
        for edge in edges:
            if edge.destination.node_id == if_id and edge.destination.field == field:
                source = edge.source.node_id
                candidates |= {source, *whole.ancestors(source)}
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
