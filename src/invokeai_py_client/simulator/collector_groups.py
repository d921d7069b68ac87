"""How often a collector runs, and which prepared nodes each run collects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .graph import Edge
    from .session import Session

Path = tuple[int, ...]
Match = tuple[str, str]


class Iterations(Protocol):
    """What grouping needs to know of the expansion so far."""

    def iterators(self, source: str) -> list[str]:
        """The iterators whose items a source node sees, in topological order."""
        ...

    def prepared(self, source: str) -> list[str]:
        """The execution nodes of a source node, skipped ones left out, by path."""
        ...

    def path(self, node_id: str) -> Path:
        """The iteration indices of a prepared node, outermost first."""
        ...


def covers(outer: Path, inner: Path) -> bool:
    """Whether one path is the beginning of the other."""
    return inner[: len(outer)] == outer


def collector_groups(
    session: Session, collector: str, iterations: Iterations
) -> Iterator[tuple[Path, list[Match]]]:
    """The runs of a collector: an iteration path each, and the nodes to collect.

    Yields:
        The path of the run and its (source node, prepared node) pairs.
    """
    edges = [e for e in session.graph.edges if e.destination.node_id == collector]
    inputs: list[tuple[Edge, str, Path]] = []
    keys: set[Path] = set()
    for edge in edges:
        keys |= _expected_keys(session, edge, iterations)
        prepared = iterations.prepared(edge.source.node_id)
        paths = [iterations.path(node_id) for node_id in prepared]
        depth = max(map(len, paths), default=0)
        for node_id, path in zip(prepared, paths):
            keys.add(path[: max(depth - 1, 0)] if _is_item(edge) else path)
            inputs.append((edge, node_id, path))
    keys = keys or {()}
    innermost = sorted(
        key for key in keys if not any(key != k and covers(key, k) for k in keys)
    )
    for key in innermost:
        yield (
            key,
            [
                (edge.source.node_id, node_id)
                for edge, node_id, path in inputs
                if covers(path, key) or (_is_item(edge) and covers(key, path))
            ],
        )


def _is_item(edge: Edge) -> bool:
    return edge.destination.field == "item"


def _expected_keys(session: Session, edge: Edge, iterations: Iterations) -> set[Path]:
    """Groups that must exist even where an inner iteration was empty."""
    source = edge.source.node_id
    above = iterations.iterators(source)
    if session.graph.nodes[source].type == "iterate":
        above.append(source)
    depth = len(above)
    if _is_item(edge):
        depth = max(depth - 1, 0)
    keys: set[Path] = set()
    for iterator in above:
        if depth:
            for node_id in iterations.prepared(iterator):
                path = iterations.path(node_id)
                if len(path) >= depth:
                    keys.add(path[:depth])
        for other in session.graph.edges:
            if other.destination.node_id == iterator and (
                other.destination.field == "collection"
            ):
                keys |= {
                    iterations.path(node_id)
                    for node_id in iterations.prepared(other.source.node_id)
                }
    if keys:
        return keys
    return set() if depth else {()}
