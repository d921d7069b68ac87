"""Which iteration an execution of a node belongs to, worked out from its session.

Servers from 6.14 on say so themselves (`prepared_iteration_paths`). Before, only the
prepared graph tells: every execution of an `iterate` node knows its index, and an
execution belongs to the indices of the loops it hangs on. The order in which the
server prepared or ran things says nothing: 6.8 reads them from a set.

The paths are those of 6.14: outer loops first, independent loops in the order of the
workflow's graph, and a collector ends the loops it collects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

Nodes = Mapping[str, Any]
Links = Iterable[tuple[str, str]]

ITERATE, COLLECT = "iterate", "collect"


def iteration_paths(
    nodes: Nodes,
    links: Links,
    source_nodes: Iterable[str],
    source_links: Links,
    source_of: Mapping[str, str],
) -> dict[str, tuple[int, ...]]:
    """The path of every execution; empty for those outside of loops.

    Returns:
        Nothing at all for a graph with a cycle, which no server runs.
    """
    collectors = {
        source_of.get(key, key) for key, node in nodes.items() if _is(node, COLLECT)
    }
    inner = [(start, end) for start, end in source_links if end not in collectors]
    links = list(links)
    try:
        ranked = _forward([*source_nodes, *source_of.values()], inner)
        order = _forward(nodes, links)
    except CycleError:
        return {}
    rank = {key: place for place, key in enumerate(ranked)}
    parents: dict[str, list[str]] = {}
    for start, end in links:
        parents.setdefault(end, []).append(start)
    loops: dict[str, dict[str, int]] = {}
    for key in order:
        node, source = nodes.get(key), source_of.get(key, key)
        loops[key] = around = {}
        if not _is(node, COLLECT):
            for parent in parents.get(key, ()):
                around.update(loops[parent])
        if isinstance(node, Mapping) and _is(node, ITERATE):
            around[source] = int(node.get("index") or 0)
    return {
        key: tuple(
            index
            for _, index in sorted(around.items(), key=lambda at: rank.get(at[0], 0))
        )
        for key, around in loops.items()
        if key in nodes
    }


def _forward(nodes: Iterable[str], links: Links) -> list[str]:
    """Every node after those that lead to it, else in the order given."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for node in nodes:
        sorter.add(node)
    for start, end in links:
        sorter.add(end, start)
    return list(sorter.static_order())


def _is(node: Any, node_type: str) -> bool:
    return isinstance(node, Mapping) and node.get("type") == node_type
