"""Prepare source nodes: one execution node for each iteration.

The rules are the server's. A node below an iterator is prepared once per item, below
two iterators once per pair, and so on; a collector ends an iteration and is prepared
once per outer iteration. Iteration paths (`(0,)`, `(0, 2)`) tell the copies apart.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Callable, Optional

from .collector_groups import Match, collector_groups, covers
from .topology import Topology

if TYPE_CHECKING:
    from .graph import Edge
    from .session import Session

Path = tuple[int, ...]


class Materializer:
    """Expands the source graph of one session.

    Args:
        session: The session to expand.
        on_prepared: Told of every new execution node and of the edges into it.
    """

    def __init__(
        self, session: Session, on_prepared: Callable[[str, list[Edge]], None]
    ) -> None:
        self._session = session
        self._on_prepared = on_prepared
        graph = session.graph
        pairs = [(e.source.node_id, e.destination.node_id) for e in graph.edges]
        self._flat = Topology(graph.nodes, pairs)
        self._scopes = Topology(
            graph.nodes, [(a, b) for a, b in pairs if not self._is(b, "collect")]
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
            for path, matches in collector_groups(self._session, source, self):
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
        return Topology(
            self._session.execution_nodes,
            (
                (edge.source.node_id, edge.destination.node_id)
                for edge in self._session.execution_edges
            ),
        )

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
        # yet there are several copies to follow.
        available = {parent: self.prepared(parent) for parent in parents}
        paths = {self.path(n) for nodes in available.values() for n in nodes} - {()}
        deepest = sorted(
            path
            for path in paths
            if not any(path != other and covers(path, other) for other in paths)
        )
        for path in deepest or [()]:
            matches = []
            for parent, nodes in available.items():
                fitting = sorted(
                    (n for n in nodes if covers(self.path(n), path)),
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
        if all(covers(path, target) for path in paths):
            for length in range(len(target), -1, -1):
                found = [n for n in available if self.path(n) == target[:length]]
                if len(found) == 1:
                    return found[0]
                if found:
                    break
        return self._parent_by_reach(available, combination, above)

    def _parent_by_reach(
        self,
        available: Sequence[str],
        combination: Sequence[str],
        above: Sequence[str],
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
        created = []
        for index in self._indices(source, matches):
            node = self._session.graph.nodes[source].model_copy(deep=True)
            object.__setattr__(node, "id", str(uuid.uuid4()))
            if index is not None:
                object.__setattr__(node, "index", index)
            if index is not None or node.type == "collect":
                object.__setattr__(node, "use_cache", False)
            own_path = self._known_path(index, matches) if path is None else path
            if path is not None and index is not None:
                own_path = (*path, index)
            self._register(node.id, node, source, own_path)
            self._on_prepared(node.id, self._edges_into(source, node.id, matches))
            created.append(node.id)
        return created

    def _register(
        self, node_id: str, node: object, source: str, path: Optional[Path]
    ) -> None:
        session = self._session
        session.execution_nodes[node_id] = node  # type: ignore[assignment]
        session.prepared_source[node_id] = source
        session.source_prepared.setdefault(source, []).append(node_id)
        if path is not None:
            session.iteration_paths[node_id] = path

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
                    edges.append(
                        edge.model_copy(
                            update={"source": origin, "destination": target}
                        )
                    )
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
