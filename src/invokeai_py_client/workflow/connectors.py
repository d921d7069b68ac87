"""Edges, and the connectors in them: bends that only the GUI's drawing has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Optional

__all__ = ["CONNECTOR_INPUT", "CONNECTOR_OUTPUT", "Edge", "EdgeIndex", "FieldKey"]

FieldKey = tuple[str, str]
"""A field's place: (node id, field name)."""

CONNECTOR_INPUT = "in"
CONNECTOR_OUTPUT = "out"


@dataclass(frozen=True)
class Edge:
    """A connection that loading accepted.

    Attributes:
        type: ``default``, or ``collapsed`` for the line the GUI draws between
            folded nodes, which is not sent.
        hidden: Whether the GUI draws it; None when the file does not say.
    """

    source: str
    source_handle: str
    target: str
    target_handle: str
    type: str = "default"
    id: str = ""
    hidden: Optional[bool] = None


class EdgeIndex:
    """Edges in the order in which they were accepted, found by either end."""

    def __init__(self, edges: Iterable[Edge] = ()) -> None:
        self._edges: list[Edge] = []
        self._into: dict[FieldKey, list[Edge]] = {}
        self._out_of: dict[FieldKey, list[Edge]] = {}
        self._shortcuts: dict[str, FieldKey] = {}
        for edge in edges:
            self.add(edge)

    @property
    def edges(self) -> list[Edge]:
        """All edges, collapsed ones included."""
        return self._edges

    def add(self, edge: Edge) -> None:
        """Append an edge."""
        self._edges.append(edge)
        if edge.type == "default":
            into = (edge.target, edge.target_handle)
            self._into.setdefault(into, []).append(edge)
            out_of = (edge.source, edge.source_handle)
            self._out_of.setdefault(out_of, []).append(edge)

    def into(self, node_id: str, handle: str) -> list[Edge]:
        """Edges into an input."""
        return self._into.get((node_id, handle), [])

    def out_of(self, node_id: str, handle: str) -> list[Edge]:
        """Edges out of an output."""
        return self._out_of.get((node_id, handle), [])

    def without(self, excluded: Collection[str]) -> EdgeIndex:
        """The same edges but those with these ids."""
        return EdgeIndex(edge for edge in self._edges if edge.id not in excluded)

    def resolve(
        self, node_id: str, handle: str, kinds: Mapping[str, str]
    ) -> Optional[FieldKey]:
        """The output that a source stands for, through any chain of connectors.

        Args:
            node_id: The source of an edge.
            handle: Its output.
            kinds: ``invocation``, ``connector`` or ``notes`` by node id.

        Returns:
            (node, output), or None when a connector has no input or leads in a ring.
        """
        start = (node_id, handle)
        passed: dict[str, FieldKey] = {}
        here = start
        while kinds.get(here[0]) == "connector":
            if here[0] in passed:
                return None
            feeding = self._feeding(here[0])
            if feeding is None:
                break
            passed[here[0]] = feeding
            here = feeding
        # What a connector leads to stays so, since it has one input only; the next
        # walk through a long chain takes one step.
        self._shortcuts.update(dict.fromkeys(passed, here))
        return here if kinds.get(here[0]) == "invocation" else None

    def _feeding(self, connector_id: str) -> Optional[FieldKey]:
        """The output before a connector, or one further back that leads there."""
        shortcut = self._shortcuts.get(connector_id)
        if shortcut is not None:
            return shortcut
        into = self.into(connector_id, CONNECTOR_INPUT)
        return (into[0].source, into[0].source_handle) if into else None

    def behind(self, connector_id: str, kinds: Mapping[str, str]) -> list[Edge]:
        """Edges by which a connector, or those behind it, end in a real input."""
        found: list[Edge] = []
        seen = {connector_id}
        # Last in, first out: reversed, so that the file's order comes out.
        waiting = self._outgoing_reversed(connector_id)
        while waiting:
            edge = waiting.pop()
            if kinds.get(edge.target) != "connector":
                found.append(edge)
            elif edge.target not in seen:
                seen.add(edge.target)
                waiting.extend(self._outgoing_reversed(edge.target))
        return found

    def _outgoing_reversed(self, connector_id: str) -> list[Edge]:
        return list(reversed(self.out_of(connector_id, CONNECTOR_OUTPUT)))

    def ids_behind(self, connector_id: str, kinds: Mapping[str, str]) -> set[str]:
        """Ids of all edges behind a connector."""
        found: set[str] = set()
        seen = {connector_id}
        waiting = [connector_id]
        while waiting:
            for edge in self.out_of(waiting.pop(), CONNECTOR_OUTPUT):
                found.add(edge.id)
                if kinds.get(edge.target) == "connector" and edge.target not in seen:
                    seen.add(edge.target)
                    waiting.append(edge.target)
        return found
