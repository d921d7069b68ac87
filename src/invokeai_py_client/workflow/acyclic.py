"""Would one more edge close a loop: asked once per edge of a file.

Walking the graph for each edge would cost the square of its size. Almost every file is
free of loops as a whole, and then so is each part of it: only an edge between two
nodes of one strongly connected component of the *whole* file can ever close a loop,
and only inside that component.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

__all__ = ["LoopGuard", "has_loop"]

Link = tuple[str, str]


class LoopGuard:
    """The links accepted so far, with the knowledge of all that may come."""

    def __init__(self, all_links: Iterable[Link]) -> None:
        """Args: all_links: Every link that could be added later."""
        self._component = _components(all_links)
        self._inner: dict[str, list[str]] = {}
        self._links: list[Link] = []
        self.has_loop = False

    @property
    def links(self) -> Sequence[Link]:
        """The links added so far."""
        return self._links

    def closes_loop(self, link: Link) -> bool:
        """Whether the links and this one have a loop anywhere."""
        return self.has_loop or self._is_back_link(link)

    def add(self, link: Link) -> None:
        """Accept a link, which may close a loop."""
        self.has_loop = self.closes_loop(link)
        self._links.append(link)
        if self._is_inner(link):
            self._inner.setdefault(link[0], []).append(link[1])

    def _is_inner(self, link: Link) -> bool:
        source, target = link
        component = self._component.get(source)
        return source == target or (
            component is not None and component == self._component.get(target)
        )

    def _is_back_link(self, link: Link) -> bool:
        source, target = link
        if source == target:
            return True
        if not self._is_inner(link):
            return False
        seen = {target}
        waiting = [target]
        while waiting:
            for following in self._inner.get(waiting.pop(), ()):
                if following == source:
                    return True
                if following not in seen:
                    seen.add(following)
                    waiting.append(following)
        return False


def has_loop(links: Collection[Link]) -> bool:
    """Whether the links have a loop anywhere."""
    after = _adjacency(links)
    entering = dict.fromkeys(after, 0)
    for targets in after.values():
        for target in targets:
            entering[target] += 1
    free = [node for node, count in entering.items() if count == 0]
    removed = 0
    while free:
        removed += 1
        for target in after[free.pop()]:
            entering[target] -= 1
            if entering[target] == 0:
                free.append(target)
    return removed < len(after)


def _adjacency(links: Iterable[Link]) -> dict[str, list[str]]:
    after: dict[str, list[str]] = {}
    for source, target in links:
        after.setdefault(source, []).append(target)
        after.setdefault(target, [])
    return after


def _components(links: Iterable[Link]) -> Mapping[str, int]:
    """Strongly connected components of more than one node, by node (Tarjan)."""
    after = _adjacency(links)
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    component: dict[str, int] = {}
    path: list[str] = []
    on_path: set[str] = set()
    for start in after:
        if start in order:
            continue
        walk = [(start, iter(after[start]))]
        order[start] = low[start] = len(order)
        path.append(start)
        on_path.add(start)
        while walk:
            node, following = walk[-1]
            for target in following:
                if target not in order:
                    order[target] = low[target] = len(order)
                    path.append(target)
                    on_path.add(target)
                    walk.append((target, iter(after[target])))
                    break
                if target in on_path:
                    low[node] = min(low[node], order[target])
            else:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[node])
                if low[node] == order[node]:
                    _close_component(node, path, on_path, component)
    return component


def _close_component(
    root: str, path: list[str], on_path: set[str], component: dict[str, int]
) -> None:
    members = []
    while True:
        member = path.pop()
        on_path.discard(member)
        members.append(member)
        if member == root:
            break
    if len(members) > 1:
        number = len(component)
        component.update(dict.fromkeys(members, number))
