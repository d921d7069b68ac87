"""Seeds: where every seed of a workflow comes from, and how to set them all.

A seed is any node input called ``seed``. Its value is a literal, or an edge brings it:
from a ``rand_int`` node (25 of the 26 workflows bundled with the server do it so),
from an ``integer`` node, from a batch node, or from something that calculates it.
Literals are written; a ``rand_int`` is pinned to one number by ``low = s`` and
``high = s + 1``, which is exact on a real server up to 4294967295.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Optional

from invokeai_py_client._exports import set_module
from invokeai_py_client.nodes.template import UNSET
from invokeai_py_client.workflow.document.warnings import WorkflowWarning
from invokeai_py_client.workflow.editor.loaded_workflow import (
    Edge,
    FieldKey,
    LoadedNode,
    LoadedWorkflow,
)

MAX_SEED = 4294967295
"""The largest seed: what the server's noise nodes take and `rand_int` can be pinned
to."""


def draw_seeds(count: int, drawn_from: Optional[str] = None) -> list[int]:
    """Draw seeds: always the same from the same string, others each time without."""
    source = random.SystemRandom() if drawn_from is None else random.Random(drawn_from)
    return [source.randrange(MAX_SEED + 1) for _ in range(count)]


# Inputs that follow the edges of a graph to its seeds: node types that hand their
# input on unchanged, by the input's name.
PASS_ON = {"integer": "value"}
RANDOM_TYPE = "rand_int"
# Its seed is a note in the image's metadata, not one that makes the image.
NOTE_TYPES = frozenset({"core_metadata"})

SeedKind = Literal["literal", "random", "batch", "edge"]


@set_module("invokeai_py_client.workflow")
@dataclass(frozen=True)
class SeedSource:
    """One seed input and where its value comes from.

    Attributes:
        node_id: The node that uses the seed.
        field_name: Its input.
        node_name: What the GUI calls the node.
        node_type: Its invocation type.
        kind: ``literal`` (a value that can be set), ``random`` (a `rand_int` node
            draws it, and can be pinned), ``batch`` (a batch node brings one per
            job), ``edge`` (something calculates it: it cannot be set).
        value: The literal, or what a random node is pinned to; None when it is not
            known before a run.
        origin: (node, field) to write for a literal, the random node and its output
            for ``random``, what feeds it for the other kinds.
    """

    _SET: ClassVar[str] = (
        "handle.seeds.set(…) sets the seeds, run(seed=…) those of one run"
    )

    node_id: str
    field_name: str
    node_name: str
    node_type: str
    kind: SeedKind
    value: Any
    origin: FieldKey

    @property
    def settable(self) -> bool:
        """True when `seed=` can decide this seed."""
        return self.kind in ("literal", "random")


@set_module("invokeai_py_client.workflow")
@dataclass(frozen=True)
class SeedPlan:
    """What setting a seed writes, and where it cannot.

    Attributes:
        edits: Values to write, by (node, field).
        warnings: Seeds that stay as they are, and inputs that change along.
    """

    edits: Mapping[FieldKey, int]
    warnings: Sequence[WorkflowWarning]


def is_seed(field_name: str) -> bool:
    """True for an input that is called ``seed``, of a called workflow too."""
    return field_name.rsplit("::", 1)[-1] == "seed"


def can_set_seed(loaded: LoadedWorkflow, key: FieldKey) -> bool:
    """True for a seed that the option ``seed=`` of a run decides."""
    return is_seed(key[1]) and _trace(loaded, key)[0] in ("literal", "random")


def find_seeds(
    loaded: LoadedWorkflow, edits: Mapping[FieldKey, Any]
) -> list[SeedSource]:
    """List every seed of the graph, in the file's order of nodes."""
    found = []
    for node in loaded.nodes.values():
        for name in _seed_fields(loaded, node, edits):
            kind, origin = _trace(loaded, (node.id, name))
            value = _known_value(loaded, edits, kind, origin)
            found.append(
                SeedSource(node.id, name, node.title, node.type, kind, value, origin)
            )
    return found


def _seed_fields(
    loaded: LoadedWorkflow, node: LoadedNode, edits: Mapping[FieldKey, Any]
) -> Iterator[str]:
    if node.template is None:
        return
    for field_name in (*node.template.inputs, *node.dynamic_inputs):
        if not is_seed(field_name):
            continue
        key = node.id, field_name
        is_there = key in loaded.edges_into or _literal(loaded, edits, key) is not None
        if is_there or node.type not in NOTE_TYPES:
            yield field_name


def _literal(
    loaded: LoadedWorkflow, edits: Mapping[FieldKey, Any], key: FieldKey
) -> Any:
    """The value that is sent for an input without an edge; None when there is none."""
    found = loaded.input(*key)
    value = edits.get(key, found.value if found else UNSET)
    return None if value is UNSET else value


def _known_value(
    loaded: LoadedWorkflow,
    edits: Mapping[FieldKey, Any],
    kind: SeedKind,
    origin: FieldKey,
) -> Any:
    if kind == "literal":
        return _literal(loaded, edits, origin)
    if kind != "random":
        return None
    low, high = (_literal(loaded, edits, (origin[0], n)) for n in ("low", "high"))
    is_pinned = isinstance(low, int) and isinstance(high, int) and high - low == 1
    return low if is_pinned else None


def _trace(loaded: LoadedWorkflow, key: FieldKey) -> tuple[SeedKind, FieldKey]:
    """Follow edges back from an input to what decides its value."""
    seen = {key}
    while True:
        edge = feeding_edge(loaded, key)
        if edge is None:
            return "literal", key
        node = loaded.nodes.get(edge.source)
        origin = edge.source, edge.source_handle
        if node is None:
            # A connector that leads nowhere: the literal is sent.
            return "literal", key
        if node.type.endswith("_batch"):
            return "batch", origin
        if node.type == RANDOM_TYPE:
            return ("random" if _can_pin(loaded, node.id) else "edge"), origin
        if node.type not in PASS_ON:
            return "edge", origin
        key = node.id, PASS_ON[node.type]
        if key in seen:
            return "edge", origin
        seen.add(key)


def _can_pin(loaded: LoadedWorkflow, node_id: str) -> bool:
    return not any((node_id, name) in loaded.edges_into for name in ("low", "high"))


def feeding_edge(loaded: LoadedWorkflow, key: FieldKey) -> Optional[Edge]:
    """The edge that feeds an input, followed back through connectors.

    The edge of a connector that leads nowhere is returned as it is; its source is
    no node.
    """
    edges = loaded.edges_into.get(key)
    seen: set[str] = set()
    edge: Optional[Edge] = None
    while edges:
        edge = edges[-1]
        if edge.source not in loaded.connectors or edge.source in seen:
            break
        seen.add(edge.source)
        edges = loaded.edges_into.get((edge.source, "in"))
    return edge


def plan_seed(
    loaded: LoadedWorkflow, edits: Mapping[FieldKey, Any], seed: int
) -> SeedPlan:
    """Say what to write so that every seed that can be set is `seed`.

    A literal is written, a random node is pinned. Seeds that a batch node or a
    calculation brings are left alone and warned about, and so is a workflow that has
    no seed at all.
    """
    sources = find_seeds(loaded, edits)
    plan: dict[FieldKey, int] = {}
    warnings = [_left_alone(source) for source in sources if not source.settable]
    for source in sources:
        if source.kind == "literal":
            plan[source.origin] = seed
        elif source.kind == "random":
            plan[source.origin[0], "low"] = seed
            plan[source.origin[0], "high"] = seed + 1
    warnings.extend(_changed_along(loaded, sources))
    if not sources:
        warnings.append(
            WorkflowWarning("no node of this workflow has a seed to set", "no_seed")
        )
    return SeedPlan(plan, warnings)


def _left_alone(source: SeedSource) -> WorkflowWarning:
    reason = {
        "batch": "a batch node brings one for each job",
        "edge": f"{source.origin[0]}.{source.origin[1]} calculates it",
    }[source.kind]
    return WorkflowWarning(
        f"the seed of {source.node_name} ({source.node_id}) was not set: {reason}",
        "seed_not_set",
        source.node_id,
        source.field_name,
    )


def _changed_along(
    loaded: LoadedWorkflow, sources: Sequence[SeedSource]
) -> list[WorkflowWarning]:
    """Warn when the node that a seed comes from feeds something else as well."""
    feeders = {
        source.origin[0]
        for source in sources
        if source.settable and source.origin[0] != source.node_id
    }
    found = []
    for key in loaded.edges_into:
        edge = feeding_edge(loaded, key)
        node = loaded.nodes.get(key[0])
        if edge is None or node is None or edge.source not in feeders:
            continue
        if not is_seed(key[1]) and node.type not in PASS_ON:
            message = (
                f"{node.title}.{key[1]} changes along with the seed: "
                f"both come from {edge.source}"
            )
            found.append(WorkflowWarning(message, "seed_shared", *key))
    return found
