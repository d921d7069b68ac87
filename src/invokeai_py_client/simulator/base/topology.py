"""Directed graphs over node ids: order, ancestors, reachability."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

Pair = tuple[str, str]


class Topology:
    """A directed graph; the order of the nodes breaks ties."""

    def __init__(self, nodes: Iterable[str], edges: Iterable[Pair]) -> None:
        self.nodes = list(nodes)
        self.parents: dict[str, list[str]] = {node: [] for node in self.nodes}
        self.children: dict[str, list[str]] = {node: [] for node in self.nodes}
        for source, target in dict.fromkeys(edges):
            self.parents[target].append(source)
            self.children[source].append(target)

    def order(self) -> list[str]:
        """The nodes with every node after its parents; short when there is a cycle."""
        waiting = {node: len(parents) for node, parents in self.parents.items()}
        ready = deque(node for node in self.nodes if not waiting[node])
        ordered = []
        while ready:
            node = ready.popleft()
            ordered.append(node)
            for child in self.children[node]:
                waiting[child] -= 1
                if not waiting[child]:
                    ready.append(child)
        return ordered

    def is_acyclic(self) -> bool:
        """Whether no node can reach itself."""
        return len(self.order()) == len(self.nodes)

    def ancestors(self, node: str) -> set[str]:
        """Every node from which `node` can be reached, itself left out."""
        return _reach(self.parents, node)

    def reaches(self, source: str, target: str) -> bool:
        """Whether a path leads from one node to the other; a node reaches itself."""
        return source == target or target in _reach(self.children, source)


def _reach(neighbours: dict[str, list[str]], start: str) -> set[str]:
    found: set[str] = set()
    pending = [start]
    while pending:
        for node in neighbours[pending.pop()]:
            if node not in found:
                found.add(node)
                pending.append(node)
    found.discard(start)
    return found
