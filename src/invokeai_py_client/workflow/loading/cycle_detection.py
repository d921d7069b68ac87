"""Would one more edge close a loop: asked once per edge of a file.

All edges of a file are known before the first is judged. That tells which nodes can be
part of a loop at all: those that lead to each other by the edges of the file. For the
others nothing has to be searched. Among them, most edges that close a loop lead back
along a path that a depth-first search of the whole file took; whether all of the path
has been accepted is asked of a union-find. What is left is searched from both ends at
once, which is as quick as the smaller side.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

Link = tuple[str, str]


class CycleDetector:
    """The edges accepted so far.

    Attributes:
        has_loop: Whether they have a loop anywhere.
    """

    def __init__(self, all_links: Iterable[Link]) -> None:
        self.has_loop = False
        after: dict[str, list[str]] = {}
        before: dict[str, list[str]] = {}
        for source, target in all_links:
            after.setdefault(source, []).append(target)
            before.setdefault(target, []).append(source)
        # A node's descendants in the search are those entered until it is left.
        self._entered: dict[str, int] = {}
        self._left: dict[str, int] = {}
        self._parents: dict[str, str] = {}
        finished = list(self._search(after))
        self._parts = _parts(reversed(finished), before)
        self._tops: dict[str, str] = {}
        self._after: dict[str, list[tuple[str, str]]] = {}
        self._before: dict[str, list[tuple[str, str]]] = {}

    def closes_loop(self, source: str, target: str) -> bool:
        """Whether the edges and one more have a loop anywhere."""
        return self.has_loop or self.leads(target, source)

    def add(self, source: str, target: str, edge_id: str) -> None:
        """Accept an edge, which may close a loop."""
        self.has_loop = self.closes_loop(source, target)
        if self._parts[source] == self._parts[target]:
            self._after.setdefault(source, []).append((target, edge_id))
            self._before.setdefault(target, []).append((source, edge_id))
            if self._parents.get(target) == source:
                self._tops[target] = source

    def leads(self, start: str, end: str, without: Collection[str] = ()) -> bool:
        """Whether the edges lead from one node to another.

        Args:
            start: The node at which a path begins.
            end: The node at which it ends.
            without: Ids of edges that do not count.
        """
        if start == end or self._parts[start] != self._parts[end]:
            return start == end
        is_below = self._entered[start] <= self._entered[end] < self._left[start]
        if is_below and not without and self._top(start) == self._top(end):
            return True
        # From both ends, a node of each side in turn, until one side is exhausted.
        ahead, behind = (_Side(start, self._after), _Side(end, self._before))
        while ahead.waiting and behind.waiting:
            if ahead.step(behind.seen, without) or behind.step(ahead.seen, without):
                return True
        return False

    def _top(self, node: str) -> str:
        """The first node of the accepted part of the search's path to a node."""
        tops = self._tops
        while node in tops:
            above = tops[node]
            tops[node] = node = tops.get(above, above)
        return node

    def _search(self, after: dict[str, list[str]]) -> Iterator[str]:
        """Search depth first in the file's order; the nodes as they are left."""
        for root in after:
            waiting = [] if root in self._entered else [(root, iter(after[root]))]
            self._entered.setdefault(root, len(self._entered))
            while waiting:
                node, following = waiting[-1]
                for item in following:
                    if item not in self._entered:
                        self._entered[item] = len(self._entered)
                        self._parents[item] = node
                        waiting.append((item, iter(after.get(item, ()))))
                        break
                else:
                    self._left[node] = len(self._entered)
                    waiting.pop()
                    yield node


class _Side:
    """The nodes that can be reached from one end of a search, found step by step."""

    def __init__(
        self, start: str, following: Mapping[str, Sequence[tuple[str, str]]]
    ) -> None:
        self.seen = {start}
        self.waiting = [start]
        self._following = following

    def step(self, others: Collection[str], without: Collection[str]) -> bool:
        """Go on from one node; True when that meets the other side."""
        for node, edge_id in self._following.get(self.waiting.pop(), ()):
            if node not in self.seen and edge_id not in without:
                if node in others:
                    return True
                self.seen.add(node)
                self.waiting.append(node)
        return False


def _parts(in_order: Iterable[str], before: Mapping[str, list[str]]) -> dict[str, str]:
    """For each node the first found of those that it leads to and is led to from.

    Kosaraju's second search: against the edges, from the node that was left last.
    """
    found: dict[str, str] = {}
    for root in in_order:
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if node not in found:
                found[node] = root
                waiting.extend(before.get(node, ()))
    return found


def has_loop(links: Iterable[Link]) -> bool:
    """Whether the links have a loop anywhere."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for source, target in links:
        sorter.add(target, source)
    try:
        sorter.prepare()
    except CycleError:
        return True
    return False
