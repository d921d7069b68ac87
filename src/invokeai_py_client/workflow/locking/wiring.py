"""How nodes are wired, and which new node has the wiring of one that is gone.

A node that was deleted and made again has another id. What tells it from others is
what it is connected to: a node gets a colour from its type, or from its id if both
graphs have it, and then again and again from the colours of its neighbours, so that a
new text behind a new encoder is still told by the old node that the encoder feeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from invokeai_py_client.workflow.editor.loaded_workflow import LoadedWorkflow

# Colours travel one edge a round. Chains of new nodes longer than this are compared by
# their first part, which can only make a match ambiguous.
ROUNDS = 16
Colour = int


@dataclass(frozen=True)
class Wiring:
    """The graph of a workflow, without its values.

    Attributes:
        nodes: Types of nodes by id.
        edges: (source, output, target, input), connectors resolved.
    """

    nodes: Mapping[str, str]
    edges: Collection[tuple[str, str, str, str]]


def wiring_of(loaded: LoadedWorkflow) -> Wiring:
    """The wiring of a workflow as it is sent."""
    edges = set()
    for (target, field_name), incoming in loaded.edges_into.items():
        for edge in incoming if target in loaded.nodes else ():
            found = loaded.resolve(edge)
            if found is not None:
                edges.add((*found, target, field_name))
    types = {node.id: node.type for node in loaded.nodes.values()}
    return Wiring(types, sorted(edges))


@dataclass(frozen=True)
class Replacements:
    """New nodes that are wired as one that is gone was.

    Attributes:
        is_certain: There is one, and nothing else that is gone was wired like that.
    """

    nodes: Sequence[str]
    is_certain: bool


def find_recreated(old: Wiring, new: Wiring) -> dict[str, Replacements]:
    """For each node that is gone and had edges, the new nodes that are wired as it was.

    A node without edges cannot be told by them.
    """
    kept = {key for key, kind in old.nodes.items() if new.nodes.get(key) == kind}
    colours_before = _colours(old, kept)
    colours_now = _colours(new, kept)
    now: dict[Colour, list[str]] = {}
    for key in sorted(new.nodes.keys() - old.nodes.keys()):
        now.setdefault(colours_now[key], []).append(key)
    connected = {end for source, _, target, _ in old.edges for end in (source, target)}
    gone = old.nodes.keys() - new.nodes.keys()
    shared = Counter(colours_before[key] for key in gone)
    found = {}
    for key in gone & connected:
        colour = colours_before[key]
        same = now.get(colour, [])
        found[key] = Replacements(same, len(same) == shared[colour] == 1)
    return found


def _colours(wiring: Wiring, kept: Collection[str]) -> dict[str, Colour]:
    start = {
        key: hash(("id", key) if key in kept else ("type", kind))
        for key, kind in wiring.nodes.items()
    }
    neighbours = _neighbours(wiring.edges)
    colours = dict(start)
    new = start.keys() - kept
    for _ in range(min(ROUNDS, len(new))):
        seen = {
            key: sorted(
                (*ends, colours.get(node, 0)) for *ends, node in neighbours[key]
            )
            for key in new & neighbours.keys()
        }
        colours.update((key, hash((start[key], *ends))) for key, ends in seen.items())
    return colours


def _neighbours(
    edges: Iterable[tuple[str, str, str, str]],
) -> dict[str, list[tuple[str, str, str, str]]]:
    found: dict[str, list[tuple[str, str, str, str]]] = {}
    for source, output, target, field_name in edges:
        found.setdefault(source, []).append(("out", output, field_name, target))
        found.setdefault(target, []).append(("in", field_name, output, source))
    return found
