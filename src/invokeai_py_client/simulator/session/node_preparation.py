"""Prepare source nodes: one execution node for each iteration.

The rules are the server's. A node below an iterator is prepared once per item, below
two iterators once per pair, and so on; a collector ends an iteration and is prepared
once per outer iteration. Iteration paths (`(0,)`, `(0, 2)`) tell the copies apart.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Optional

from ..base.topology import Topology
from ..graphs.graph import Edge, topology
from .session_state import Path, SessionState

Match = tuple[str, str]
"""A source node and an execution node of it."""


class NodePreparation:
    """Expands the source graph of one session."""

    def __init__(
        self, session: SessionState, on_prepared: Callable[[str, list[Edge]], None]
    ) -> None:
        self._session = session
        self._on_prepared = on_prepared
        graph = session.graph
        self._flat = topology(graph.nodes, graph.edges)
        self._scopes = topology(
            graph.nodes,
            (e for e in graph.edges if not self._is(e.destination.node_id, "collect")),
        )

    def _is(self, source: str, node_type: str) -> bool:
        return bool(self._session.graph.nodes[source].type == node_type)

    def prepare(self) -> Optional[str]:
        """Prepare the next source node that can be.

        Returns:
            The id of a new execution node; the source id where an iteration was empty
            and there is nothing to run; None when nothing can be prepared.
        """
        source = self._next_source()
        if source is None:
            return None
        created: list[str] = []
        if self._is(source, "collect"):
            for path, matches in self._collector_groups(source):
                created += self._create(source, matches, path)
        else:
            in_scope = self.iterators(source)
            for matches in self._matches(source, in_scope):
                known = None if in_scope else self._longest_path(matches)
                created += self._create(source, matches, known)
        if created:
            return created[0]
        self._session.source_prepared[source] = []
        self._session.executed[source] = None
        self._session.executed_history.append(source)
        return source

    def _longest_path(self, matches: Sequence[Match]) -> Path:
        return max(
            (self.path(node_id) for _, node_id in matches),
            key=lambda path: (len(path), path),
            default=(),
        )

    def _next_source(self) -> Optional[str]:
        session = self._session
        for source in self._flat.order():
            if source in session.source_prepared:
                continue
            if self._is(source, "iterate") and not all(
                parent in session.executed for parent in self._flat.parents[source]
            ):
                continue
            if all(
                ancestor in session.executed
                for ancestor in self._flat.ancestors(source)
                if self._is(ancestor, "iterate")
            ):
                return source
        return None

    def iterators(self, source: str) -> list[str]:
        """The iterators whose items a source node sees, in topological order."""
        above = self._scopes.ancestors(source)
        return [
            node
            for node in self._scopes.order()
            if node in above and self._is(node, "iterate")
        ]

    def prepared(self, source: str) -> list[str]:
        """The execution nodes of a source node, skipped ones left out, by path."""
        alive = [
            node_id
            for node_id in self._session.source_prepared[source]
            if node_id not in self._session.skipped
        ]
        return sorted(alive, key=lambda node_id: (self.path(node_id), node_id))

    def path(self, node_id: str) -> Path:
        """The iteration indices of a prepared node, outermost first."""
        paths = self._session.iteration_paths
        if node_id not in paths:
            paths[node_id] = self._traced_path(node_id)
        return paths[node_id]

    def _traced_path(self, node_id: str) -> Path:
        session = self._session
        source = session.prepared_source.get(node_id)
        if source is None:
            return ()
        execution = self._execution()
        path = []
        for iterator in self.iterators(source):
            for prepared in session.source_prepared.get(iterator, ()):
                if execution.reaches(prepared, node_id):
                    path.append(session.execution_nodes[prepared].index)  # type: ignore[attr-defined]
                    break
        node = session.execution_nodes[node_id]
        if node.type == "iterate":
            path.append(node.index)  # type: ignore[attr-defined]
        return tuple(path)

    def _execution(self) -> Topology:
        return topology(self._session.execution_nodes, self._session.execution_edges)

    def _collector_groups(self, collector: str) -> Iterator[tuple[Path, list[Match]]]:
        """The iteration path of each run of a collector, and the nodes it collects."""
        graph = self._session.graph
        edges = [e for e in graph.edges if e.destination.node_id == collector]
        inputs: list[tuple[Edge, str, Path]] = []
        keys: set[Path] = set()
        for edge in edges:
            keys |= self._expected_keys(edge)
            prepared = self.prepared(edge.source.node_id)
            paths = [self.path(node_id) for node_id in prepared]
            depth = max(map(len, paths), default=0)
            for node_id, path in zip(prepared, paths):
                keys.add(path[: max(depth - 1, 0)] if _is_item(edge) else path)
                inputs.append((edge, node_id, path))
        for key in _innermost(keys or {()}):
            matches = [
                (edge.source.node_id, node_id)
                for edge, node_id, path in inputs
                if _covers(path, key) or (_is_item(edge) and _covers(key, path))
            ]
            yield key, matches

    def _expected_keys(self, edge: Edge) -> set[Path]:
        """Groups that must exist even where an inner iteration was empty."""
        source = edge.source.node_id
        above = self.iterators(source)
        if self._is(source, "iterate"):
            above.append(source)
        depth = len(above)
        if _is_item(edge):
            depth = max(depth - 1, 0)
        keys: set[Path] = set()
        for iterator in above:
            if depth:
                paths = map(self.path, self.prepared(iterator))
                keys |= {path[:depth] for path in paths if len(path) >= depth}
            for other in self._session.graph.edges:
                if other.destination.node_id == iterator and (
                    other.destination.field == "collection"
                ):
                    keys |= set(map(self.path, self.prepared(other.source.node_id)))
        if keys:
            return keys
        return set() if depth else {()}

    def _matches(self, source: str, in_scope: Sequence[str]) -> Iterator[list[Match]]:
        """Which prepared parents go together, one list for each copy to make."""
        parents = self._flat.parents[source]
        if not in_scope:
            yield from self._matches_by_path(parents)
            return
        copies = [
            sorted(self._session.source_prepared[node], key=self.path)
            for node in in_scope
        ]
        available = {parent: self.prepared(parent) for parent in parents}
        for combination in product(*copies):
            matches = []
            for parent in parents:
                found = self._parent_for(parent, combination, available[parent])
                if found is None:
                    break
                matches.append((parent, found))
            else:
                yield matches

    def _matches_by_path(self, parents: Sequence[str]) -> Iterator[list[Match]]:
        # Below a collector that ran once per outer iteration no iterator is in scope,
        # but there are several copies to follow.
        available = {parent: self.prepared(parent) for parent in parents}
        paths = {self.path(n) for nodes in available.values() for n in nodes} - {()}
        for path in _innermost(paths) or [()]:
            matches = []
            for parent, nodes in available.items():
                fitting = sorted(
                    (n for n in nodes if _covers(self.path(n), path)),
                    key=lambda n: (-len(self.path(n)), n),
                )
                if not fitting:
                    break
                matches.append((parent, fitting[0]))
            else:
                yield matches

    def _parent_for(
        self, parent: str, combination: Sequence[str], available: Sequence[str]
    ) -> Optional[str]:
        session = self._session
        above = [
            iterator
            for iterator in combination
            if self._flat.reaches(session.prepared_source[iterator], parent)
        ]
        paths = [self.path(iterator) for iterator in above]
        target = max(paths, key=len, default=())
        if all(_covers(path, target) for path in paths):
            for length in range(len(target), -1, -1):
                found = [n for n in available if self.path(n) == target[:length]]
                if len(found) == 1:
                    return found[0]
                if found:
                    break
        return self._parent_by_reach(available, combination, above)

    def _parent_by_reach(
        self, available: Sequence[str], combination: Sequence[str], above: Sequence[str]
    ) -> Optional[str]:
        execution = self._execution()
        direct = [node for node in combination if node in available]
        for node in [*direct[:1], *available]:
            if all(execution.reaches(iterator, node) for iterator in above):
                return node
        return None

    def _create(
        self, source: str, matches: Sequence[Match], path: Optional[Path]
    ) -> list[str]:
        session = self._session
        created = []
        for index in self._indices(source, matches):
            node = session.graph.nodes[source].model_copy(deep=True)
            object.__setattr__(node, "id", str(uuid.uuid4()))
            if index is not None:
                object.__setattr__(node, "index", index)
            if index is not None or node.type == "collect":
                object.__setattr__(node, "use_cache", False)
            own_path = self._known_path(index, matches) if path is None else path
            if path is not None and index is not None:
                own_path = (*path, index)
            session.execution_nodes[node.id] = node
            session.prepared_source[node.id] = source
            session.source_prepared.setdefault(source, []).append(node.id)
            if own_path is not None:
                session.iteration_paths[node.id] = own_path
            self._on_prepared(node.id, self._edges_into(source, node.id, matches))
            created.append(node.id)
        return created

    def _indices(
        self, source: str, matches: Sequence[Match]
    ) -> Sequence[Optional[int]]:
        if not self._is(source, "iterate"):
            return [None]
        edge = next(
            edge
            for edge in self._session.graph.edges
            if edge.destination.node_id == source
            and edge.destination.field == "collection"
        )
        prepared = dict(matches)[edge.source.node_id]
        return range(len(getattr(self._session.results[prepared], edge.source.field)))

    def _edges_into(
        self, source: str, node_id: str, matches: Sequence[Match]
    ) -> list[Edge]:
        edges = []
        for edge in self._session.graph.edges:
            if edge.destination.node_id != source:
                continue
            target = edge.destination.model_copy(update={"node_id": node_id})
            for parent, prepared in matches:
                if parent == edge.source.node_id:
                    origin = edge.source.model_copy(update={"node_id": prepared})
                    ends = {"source": origin, "destination": target}
                    edges.append(edge.model_copy(update=ends))
        return edges

    def _axes(self, source: str) -> tuple[str, ...]:
        own = (source,) if self._is(source, "iterate") else ()
        return (*self.iterators(source), *own)

    def _known_path(
        self, index: Optional[int], matches: Sequence[Match]
    ) -> Optional[Path]:
        """The path where the parents agree on it; else it is traced when asked for."""
        paths, axes = set(), set()
        for parent, prepared in matches:
            path = self.path(prepared)
            if path:
                paths.add(path)
                axes.add(self._axes(parent))
        if len(paths) > 1 or len(axes) > 1:
            return None
        path = next(iter(paths), ())
        return path if index is None else (*path, index)


def _is_item(edge: Edge) -> bool:
    return edge.destination.field == "item"


def _covers(outer: Path, inner: Path) -> bool:
    """Whether one path is the beginning of the other."""
    return inner[: len(outer)] == outer


def _innermost(paths: set[Path]) -> list[Path]:
    """The paths that are not the beginning of another one."""
    return sorted(
        path
        for path in paths
        if not any(path != other and _covers(path, other) for other in paths)
    )
