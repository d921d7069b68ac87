"""How nodes are wired, and which new node has the wiring of one that is gone.

A node that was deleted and made again has another id. What tells it from others is
what it is connected to: a node gets a colour from its type, or from its id if both
graphs have it, and then again and again from the colours of its neighbours, so that a
new text behind a new encoder is still told by the old node that the encoder feeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
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


def find_recreated(old: Wiring, new: Wiring) -> dict[str, list[str]]:
    """For each node that is gone, the new nodes that are wired as it was.

    A list of one is given only if no other node that is gone has the same wiring: each
    of those that share it gets all that have it. A node without edges has none that are
    wired like it.
    """
    kept = {key for key, kind in old.nodes.items() if new.nodes.get(key) == kind}
    colours_before = _colours(old, kept)
    colours_now = _colours(new, kept)
    now: dict[Colour, list[str]] = {}
    for key in new.nodes.keys() - kept - old.nodes.keys():
        now.setdefault(colours_now[key], []).append(key)
    gone = [key for key in old.nodes if key not in kept and key not in new.nodes]
    shared = Counter(colours_before[key] for key in gone)
    connected = {end for source, _, target, _ in old.edges for end in (source, target)}
    found = {}
    for key in gone:
        same = sorted(now.get(colours_before[key], ())) if key in connected else []
        # Two that are gone and one that came: nothing says which of them it is.
        found[key] = same * 2 if len(same) == 1 < shared[colours_before[key]] else same
    return found


def _colours(wiring: Wiring, kept: Collection[str]) -> dict[str, Colour]:
    start = {
        key: hash(("id", key) if key in kept else ("type", kind))
        for key, kind in wiring.nodes.items()
    }
    neighbours = _neighbours(wiring.edges)
    colours = start
    for _ in range(min(ROUNDS, len(start))):
        colours = {
            key: colour
            if key in kept
            else hash(
                (
                    start[key],
                    tuple(
                        sorted(
                            (side, own, other, colours.get(node, 0))
                            for side, own, other, node in neighbours.get(key, ())
                        )
                    ),
                )
            )
            for key, colour in start.items()
        }
    return colours


def _neighbours(
    edges: Iterable[tuple[str, str, str, str]],
) -> dict[str, list[tuple[str, str, str, str]]]:
    found: dict[str, list[tuple[str, str, str, str]]] = {}
    for source, output, target, field_name in edges:
        found.setdefault(source, []).append(("out", output, field_name, target))
        found.setdefault(target, []).append(("in", field_name, output, source))
    return found
