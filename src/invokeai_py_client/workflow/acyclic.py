"""Would one more edge close a loop: asked once per edge of a file.

Walking the graph for each edge would cost the square of its size. Instead the nodes
are kept in an order in which every link leads forward (Pearce and Kelly's way), begun
with one that suits the whole file: then only links that would close a loop lead
backward, and only those need a walk.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

__all__ = ["Link", "LoopGuard", "has_loop", "upstream_of"]

Link = tuple[str, str]


class LoopGuard:
    """The links accepted so far, with the knowledge of all that may come.

    Attributes:
        has_loop: Whether the accepted links have a loop anywhere.
    """

    def __init__(self, all_links: Iterable[Link]) -> None:
        """Begin without links.

        Args:
            all_links: Every link that could be asked for or added later.
        """
        adjacency = _adjacency(all_links)
        self._place = {node: at for at, node in enumerate(_forward_order(adjacency))}
        self._after: dict[str, list[str]] = {node: [] for node in adjacency}
        self._before: dict[str, list[str]] = {node: [] for node in adjacency}
        self.has_loop = False

    def closes_loop(self, link: Link) -> bool:
        """Whether the links and this one have a loop anywhere."""
        if self.has_loop:
            return True
        source, target = link
        if self._place[source] < self._place[target]:
            return False
        return source == target or source in self._between(link, self._after)

    def add(self, link: Link) -> None:
        """Accept a link, which may close a loop."""
        self.has_loop = self.closes_loop(link)
        source, target = link
        self._after[source].append(target)
        self._before[target].append(source)
        if not self.has_loop and self._place[source] > self._place[target]:
            self._turn_forward(link)

    def _between(self, link: Link, following: Mapping[str, Sequence[str]]) -> set[str]:
        """What can be reached from the link's end within the places it spans.

        Forward from its target, or backward from its source.
        """
        source, target = link
        low, high = self._place[target], self._place[source]
        start = target if following is self._after else source
        found = {start}
        waiting = [start]
        while waiting:
            for node in following[waiting.pop()]:
                if node not in found and low <= self._place[node] <= high:
                    found.add(node)
                    waiting.append(node)
        return found

    def _turn_forward(self, link: Link) -> None:
        """Move what leads to the link before what follows from it."""
        source, target = link
        # The link itself is among the links by now; its ends bound both walks.
        leading = self._between(link, self._before) - {target}
        following = self._between(link, self._after) - {source}
        in_order = [
            *sorted(leading, key=self._place.__getitem__),
            *sorted(following, key=self._place.__getitem__),
        ]
        places = sorted(self._place[node] for node in in_order)
        self._place.update(zip(in_order, places))


def has_loop(links: Collection[Link]) -> bool:
    """Whether the links have a loop anywhere."""
    place = {node: at for at, node in enumerate(_forward_order(_adjacency(links)))}
    return any(place[source] >= place[target] for source, target in links)


def upstream_of(node: str, links: Iterable[Link]) -> set[str]:
    """The node and everything that leads to it."""
    before = _adjacency((target, source) for source, target in links)
    found = {node}
    waiting = [node]
    while waiting:
        for other in before.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def _adjacency(links: Iterable[Link]) -> dict[str, list[str]]:
    after: dict[str, list[str]] = {}
    for source, target in links:
        after.setdefault(source, []).append(target)
        after.setdefault(target, [])
    return after


def _forward_order(after: Mapping[str, Sequence[str]]) -> list[str]:
    """An order in which every link leads forward, but for those that close a loop."""
    finished: list[str] = []
    seen: set[str] = set()
    for start in after:
        if start in seen:
            continue
        seen.add(start)
        walk = [(start, iter(after[start]))]
        while walk:
            node, following = walk[-1]
            fresh = next((item for item in following if item not in seen), None)
            if fresh is None:
                finished.append(node)
                walk.pop()
            else:
                seen.add(fresh)
                walk.append((fresh, iter(after[fresh])))
    finished.reverse()
    return finished
