"""`if` nodes: what one branch alone needs, and what the server does not survive.

The server reads the condition of an `if` again with every stored job, from the results
that its edges lead to. A value that is not a boolean, or a result that is missing
because its node was skipped, makes the job unreadable and ends the worker; a branch
that lies in another iteration than its `if` is waited for without end
(docs/dev/checks.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.exceptions.workflow import shown
from invokeai_py_client.ivk_fields.server_rules import read_boolean
from invokeai_py_client.workflow.checking.graph_checks import (
    COLLECT,
    ITERATE,
    GraphEdge,
    GraphView,
)
from invokeai_py_client.workflow.checking.server_type_rules import ListOf

IF, CONDITION = "if", "condition"
BRANCHES = ("true_input", "false_input")
ENDS_WORKER = "it would end the server's worker, and no job of any queue would run"

Iterators = Optional[frozenset[str]]
"""The iterators whose items a node sees; None where that is not simple to say."""


@dataclass
class Branch:
    """One branch of an `if`, and the nodes that feed it and nothing else."""

    if_id: str
    name: str
    nodes: set[str]


@dataclass
class Skipped:
    """The nodes of branches that are not taken, and of those that may not be."""

    never: dict[str, Branch] = field(default_factory=dict)
    perhaps: dict[str, Branch] = field(default_factory=dict)


def find_branches(view: GraphView) -> list[Branch]:
    """Every branch that has nodes of its own, as the server finds them."""
    places = {node_id: place for place, node_id in enumerate(view.run_order)}
    followers: dict[str, list[tuple[str, str]]] = {}
    for edge in view.edges:
        followers.setdefault(edge.source[0], []).append(edge.target)
    branches = []
    for if_id in view.run_order:
        if view.type_of(if_id) != IF:
            continue
        for name in BRANCHES:
            target = if_id, name
            above = _above(view, target)
            nodes: set[str] = set()
            for node_id in sorted(above, key=places.__getitem__, reverse=True):
                if all(
                    place == target or place[0] in nodes for place in followers[node_id]
                ):
                    nodes.add(node_id)
            if nodes:
                branches.append(Branch(if_id, name, nodes))
    return branches


def _above(view: GraphView, target: tuple[str, str]) -> set[str]:
    found: set[str] = set()
    edges = list(view.edges_into.get(target, ()))
    while edges:
        source = edges.pop().source[0]
        if source not in found and source in view.nodes:
            found.add(source)
            edges += view.edges_to.get(source, ())
    return found


def skipped_nodes(
    branches: Sequence[Branch], condition_of: Callable[[str], Any]
) -> Skipped:
    """Which nodes do not run, by what the conditions are known to be."""
    skipped = Skipped()
    for branch in branches:
        condition = condition_of(branch.if_id)
        if not isinstance(condition, bool):
            for node_id in branch.nodes:
                skipped.perhaps.setdefault(node_id, branch)
        elif condition is not (branch.name == BRANCHES[0]):
            for node_id in branch.nodes:
                skipped.never.setdefault(node_id, branch)
    return skipped


BroughtValues = Callable[[GraphEdge], Optional[Sequence[Any]]]
"""What an edge brings, one value for each item; None when it is not known."""


def condition_faults(
    view: GraphView,
    skipped: Skipped,
    brought: BroughtValues,
    titles: Mapping[str, str],
) -> Iterator[tuple[FieldProblem, bool]]:
    """What makes jobs unreadable, and whether the run may avoid it.

    The server reads every edge into a condition, whether it is the last one or not,
    and also those of an `if` that it skips.
    """
    for (if_id, name), edges in view.edges_into.items():
        if name != CONDITION or view.type_of(if_id) != IF:
            continue
        for edge in edges:
            source_id, output = edge.source
            source = f"{titles.get(source_id, source_id)}.{output} ({source_id})"
            branch = skipped.never.get(source_id) or skipped.perhaps.get(source_id)
            may_be_fine = source_id not in skipped.never
            if branch is not None:
                what = _skipped_source(branch, source, titles)
            else:
                values = brought(edge)
                what = _refused_condition(view, edge, values, source)
                may_be_fine = values is None and not _is_list(view, edge)
            if not what:
                continue
            label = titles.get(if_id, IF)
            problem = FieldProblem(
                what, "edge_value", if_id, CONDITION, node_label=label
            )
            yield problem, may_be_fine


def _skipped_source(branch: Branch, source: str, titles: Mapping[str, str]) -> str:
    chooser = titles.get(branch.if_id, IF)
    return (
        f"gets its value from {source}, which does not run when {chooser} "
        f"({branch.if_id}) does not take its {branch.name}: {ENDS_WORKER}; allowed: a "
        "value without an edge, or a node that also feeds something outside the branch"
    )


def _is_list(view: GraphView, edge: GraphEdge) -> bool:
    return isinstance(view.source_type(edge), ListOf)


def _refused_condition(
    view: GraphView, edge: GraphEdge, values: Optional[Sequence[Any]], source: str
) -> str:
    """Why what an edge brings is not a condition; empty when it is one."""
    if values is None and _is_list(view, edge):
        given = "a list"
    elif values is None:
        if view.source_type(edge) in (None, "BooleanField"):
            return ""
        return (
            f"gets its value from {source} in the run; "
            f"if it is not true or false, {ENDS_WORKER}"
        )
    else:
        refused = [value for value in values if read_boolean(value) is None]
        if not refused:
            return ""
        given = shown(refused[0])
    return f"would get {given} from {source}, and {ENDS_WORKER}; allowed: true or false"


def stalled_branches(
    view: GraphView, branches: Sequence[Branch], titles: Mapping[str, str]
) -> Iterator[FieldProblem]:
    """Branches in another iteration than their `if`: their job would not end."""
    seen = _iterators_seen(view) if branches else {}
    for branch in branches:
        here = seen.get(branch.if_id)
        for node_id in sorted(branch.nodes):
            there = seen.get(node_id)
            is_iterator = view.type_of(node_id) == ITERATE
            if here is None or there is None or (there == here and not is_iterator):
                continue
            label = titles.get(branch.if_id, IF)
            yield FieldProblem(
                f"only gets what {titles.get(node_id, node_id)} ({node_id}) makes in "
                f"another iteration than this node's: the server would never run it, "
                "and the job would not end; allowed: nodes that also feed something "
                "outside of the branch, or an `if` in the same iteration",
                "stalled_branch",
                branch.if_id,
                branch.name,
                node_label=label,
            )
            break


def _iterators_seen(view: GraphView) -> Mapping[str, Iterators]:
    seen: dict[str, Iterators] = {}
    for node_id in view.run_order:
        above: Iterators = frozenset()
        for edge in view.edges_to.get(node_id, ()):
            source = edge.source[0]
            theirs = seen.get(source, frozenset())
            if theirs is not None and view.type_of(source) == ITERATE:
                theirs |= {source}
            above = None if above is None or theirs is None else above | theirs
        if view.type_of(node_id) == COLLECT:
            # A collector ends one iteration; what is left of several depends on more.
            above = frozenset() if above is not None and len(above) < 2 else None
        seen[node_id] = above
    return seen
