"""Edges, and the connectors in them: bends that only the GUI's drawing has."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Optional

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
    """Edges in the order in which they were accepted, found by either end.

    Attributes:
        edges: All of them, collapsed ones included.
        by_input: Those of type ``default``, by the input they enter.
    """

    def __init__(self, edges: Iterable[Edge] = ()) -> None:
        self.edges: list[Edge] = []
        self.by_input: dict[FieldKey, list[Edge]] = {}
        self._out_of: dict[FieldKey, list[Edge]] = {}
        self._shortcuts: dict[str, FieldKey] = {}
        self._hidden: Collection[str] = ()
        for edge in edges:
            self.add(edge)

    def add(self, edge: Edge) -> None:
        """Append an edge."""
        self.edges.append(edge)
        if edge.type == "default":
            into = (edge.target, edge.target_handle)
            self.by_input.setdefault(into, []).append(edge)
            out_of = (edge.source, edge.source_handle)
            self._out_of.setdefault(out_of, []).append(edge)

    def without(self, edge_ids: Collection[str]) -> EdgeIndex:
        """A view for `into`, in which some edges into inputs are hidden."""
        view = copy.copy(self)
        view._hidden = edge_ids
        return view

    def links(self, hidden: Collection[str]) -> Iterator[tuple[str, str]]:
        """The two nodes of each edge, but for those that are hidden."""
        return ((e.source, e.target) for e in self.edges if e.id not in hidden)

    def into(self, node_id: str, handle: str) -> list[Edge]:
        """Edges into an input."""
        found = self.by_input.get((node_id, handle), [])
        return [edge for edge in found if edge.id not in self._hidden]

    def resolve(
        self, node_id: str, handle: str, kinds: Mapping[str, str]
    ) -> Optional[FieldKey]:
        """The output behind the source of an edge, through any chain of connectors.

        None when a connector has no input or is part of a loop. `kinds` says by node id
        what a node is: ``invocation``, ``connector`` or ``notes``.
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
        # A connector has one input only, so what it leads to never changes; the
        # next walk through a long chain takes one step.
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
        """All edges behind a connector, through further ones, depth first."""
        found: list[Edge] = []
        seen = {connector_id}
        # Last in, first out: reversed, so that the file's order comes out.
        waiting = self._outgoing_reversed(connector_id)
        while waiting:
            edge = waiting.pop()
            found.append(edge)
            if kinds.get(edge.target) == "connector" and edge.target not in seen:
                seen.add(edge.target)
                waiting.extend(self._outgoing_reversed(edge.target))
        return found

    def _outgoing_reversed(self, connector_id: str) -> list[Edge]:
        return self._out_of.get((connector_id, CONNECTOR_OUTPUT), [])[::-1]
