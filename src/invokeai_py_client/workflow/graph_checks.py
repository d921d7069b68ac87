"""Would the server take this graph? Its rules for nodes, edges and special nodes.

These follow the validation of the server's own graph model (6.14.2), in its order:
node ids, ends of edges, cycles, types, iterators and collectors. The server stops at
the first fault; all of them are found here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Optional, Union

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.nodes.template import NodeTemplate
from invokeai_py_client.workflow.connection_types import (
    ANY,
    ListOf,
    OneOf,
    PortType,
    collected_types,
    common_root,
    has_list,
    input_type,
    is_any,
    is_compatible,
    item_types,
    output_type,
)
from invokeai_py_client.workflow.graph import BATCH_NODE_TYPES, GENERATOR_NODE_TYPES
from invokeai_py_client.workflow.loaded import FieldKey
from invokeai_py_client.workflow.saved_workflows import (
    CALL_NODE_TYPE,
    DYNAMIC_PREFIX,
)
from invokeai_py_client.workflow.value_checks import is_unicode

__all__ = ["graph_problems"]

ITERATE, COLLECT = "iterate", "collect"
ITEM, COLLECTION = "item", "collection"

# Outputs whose type a UI hint hides: the GUI says anything, the server knows better.
OUTPUT_TYPES: Mapping[tuple[str, str], PortType] = {
    ("workflow_return_value", "value"): "WorkflowReturnValueField",
    # Python's dict[str, Any], of which a collector takes the arguments.
    ("call_saved_workflow", "values"): OneOf(frozenset({"StringField", ANY})),
    ("workflow_return", "values"): OneOf(frozenset({"StringField", ANY})),
}
# A collector of these breaks the server: it takes their words for types.
UNCOLLECTABLE = frozenset({"EnumField", "SchedulerField"})
# The GUI takes these out of the graph; the server cannot even build them.
EDITOR_TYPES = BATCH_NODE_TYPES | GENERATOR_NODE_TYPES


@dataclass(frozen=True)
class GraphEdge:
    """An edge of the payload's graph."""

    source: FieldKey
    target: FieldKey

    def __str__(self) -> str:
        return f"{'.'.join(self.source)} -> {'.'.join(self.target)}"


class GraphView:
    """A payload's graph with its templates, indexed for the checks."""

    def __init__(
        self, graph: Mapping[str, Any], catalog: Mapping[str, NodeTemplate]
    ) -> None:
        self.nodes: Mapping[str, Mapping[str, Any]] = graph["nodes"]
        self.edges = [_edge(edge) for edge in graph["edges"]]
        self._catalog = catalog

    def type_of(self, node_id: str) -> str:
        """The node's type; empty when there is no such node."""
        return str(self.nodes.get(node_id, {}).get("type", ""))

    def template(self, node_id: str) -> Optional[NodeTemplate]:
        """The node's template; None when there is no such node or type."""
        return self._catalog.get(self.type_of(node_id))

    def source_type(self, edge: GraphEdge) -> Optional[PortType]:
        """The type of the output an edge leaves; None when there is none."""
        known = OUTPUT_TYPES.get((self.type_of(edge.source[0]), edge.source[1]))
        if known is not None:
            return known
        template = self.template(edge.source[0])
        found = template.outputs.get(edge.source[1]) if template else None
        return output_type(found) if found else None

    def target_type(self, edge: GraphEdge) -> Optional[PortType]:
        """The type of the input an edge enters; None when there is none."""
        template = self.template(edge.target[0])
        found = template.inputs.get(edge.target[1]) if template else None
        return input_type(found) if found else None

    @cached_property
    def edges_into(self) -> Mapping[FieldKey, Sequence[GraphEdge]]:
        """Edges by the input they enter."""
        found: dict[FieldKey, list[GraphEdge]] = {}
        for edge in self.edges:
            found.setdefault(edge.target, []).append(edge)
        return found

    @cached_property
    def edges_from(self) -> Mapping[FieldKey, Sequence[GraphEdge]]:
        """Edges by the output they leave."""
        found: dict[FieldKey, list[GraphEdge]] = {}
        for edge in self.edges:
            found.setdefault(edge.source, []).append(edge)
        return found


def _edge(edge: Mapping[str, Any]) -> GraphEdge:
    source, target = edge["source"], edge["destination"]
    return GraphEdge(
        (source["node_id"], source["field"]), (target["node_id"], target["field"])
    )


def graph_problems(
    graph: Mapping[str, Any], catalog: Mapping[str, NodeTemplate]
) -> Iterator[FieldProblem]:
    """Everything for which the server would refuse the graph.

    Args:
        graph: ``nodes`` by id and ``edges``, as they are sent.
        catalog: The server's node types.
    """
    view = GraphView(graph, catalog)
    yield from _node_problems(view)
    sound = []
    for edge in view.edges:
        problem = _end_problem(view, edge)
        if problem is not None:
            yield problem
        else:
            sound.append(edge)
    yield from _cycle_problems(view)
    for edge in sound:
        yield from _type_problems(view, edge)
    yield from _special_problems(view)


def _node_problems(view: GraphView) -> Iterator[FieldProblem]:
    for node_id, node in view.nodes.items():
        if not is_unicode(node_id):
            yield FieldProblem(f"node id {node_id!r} is no valid Unicode", "json")
        if node.get("id") != node_id:
            yield FieldProblem(
                f"node {node_id!r} calls itself {node.get('id')!r}",
                "node_id",
                node_id,
                value=node.get("id"),
                allowed=repr(node_id),
            )
        node_type = view.type_of(node_id)
        if node_type in EDITOR_TYPES:
            yield FieldProblem(
                f"node {node_id!r}: {node_type!r} is no node the server can run",
                "node_type",
                node_id,
                value=node_type,
            )
        elif view.template(node_id) is None:
            yield FieldProblem(
                f"node {node_id!r}: the server does not know the type {node_type!r}",
                "node_type",
                node_id,
                value=node_type,
            )


def _end_problem(view: GraphView, edge: GraphEdge) -> Optional[FieldProblem]:
    for node_id, role in ((edge.source[0], "source"), (edge.target[0], "target")):
        if node_id not in view.nodes:
            return _edge_problem(edge, "edge_end", f"there is no {role} node {node_id}")
    if view.template(edge.source[0]) and view.source_type(edge) is None:
        words = f"node {edge.source[0]} has no output {edge.source[1]!r}"
        return _edge_problem(edge, "edge_end", words)
    if view.template(edge.target[0]) is None or view.target_type(edge) is not None:
        return None
    if _is_dynamic(view, edge) or edge.target[1] in HIDDEN_INPUTS:
        return None
    words = f"node {edge.target[0]} has no input {edge.target[1]!r}"
    return _edge_problem(edge, "edge_end", words)


def _is_dynamic(view: GraphView, edge: GraphEdge) -> bool:
    """Inputs of a called workflow, which the server does not look at."""
    is_call = view.type_of(edge.target[0]) == CALL_NODE_TYPE
    return is_call and edge.target[1].startswith(DYNAMIC_PREFIX)


# Inputs that every node has and no template shows.
HIDDEN_INPUTS = frozenset({"id", "index", "is_intermediate", "use_cache", "type"})
HIDDEN_INPUTS |= {"workflow_inputs"}


def _edge_problem(edge: GraphEdge, kind: str, words: str) -> FieldProblem:
    return FieldProblem(f"edge {edge}: {words}", kind, *edge.target)


def _cycle_problems(view: GraphView) -> Iterator[FieldProblem]:
    """One problem for the nodes that are left when all others have run."""
    waiting = dict.fromkeys(view.nodes, 0)
    following: dict[str, list[str]] = {node_id: [] for node_id in view.nodes}
    for source, target in {(e.source[0], e.target[0]) for e in view.edges}:
        if source in waiting and target in waiting:
            waiting[target] += 1
            following[source].append(target)
    ready = [node_id for node_id, count in waiting.items() if not count]
    while ready:
        node_id = ready.pop()
        del waiting[node_id]
        for other in following[node_id]:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    if waiting:
        listing = ", ".join(waiting)
        yield FieldProblem(
            f"the graph has a cycle: {listing} wait for each other", "cycle"
        )


def _type_problems(view: GraphView, edge: GraphEdge) -> Iterator[FieldProblem]:
    source, target = view.source_type(edge), view.target_type(edge)
    if source is None or target is None or is_compatible(source, target):
        return
    yield _edge_problem(edge, "edge_type", f"{source} does not fit {target}")


# -- iterators and collectors -----------------------------------------------------

Item = Union[str, ListOf]


def _special_problems(view: GraphView) -> Iterator[FieldProblem]:
    checks = {ITERATE: _iterator_fault, COLLECT: _collector_fault}
    for node_id in view.nodes:
        check = checks.get(view.type_of(node_id))
        words = check(view, node_id) if check else None
        if words:
            yield FieldProblem(
                f"{view.type_of(node_id)} node {node_id}: {words}",
                view.type_of(node_id),
                node_id,
                COLLECTION,
            )


def _iterator_fault(view: GraphView, node_id: str) -> Optional[str]:
    entering = view.edges_into.get((node_id, COLLECTION), ())
    if len(entering) != 1:
        return f"it needs one edge into its collection, it has {len(entering)}"
    source = view.source_type(entering[0])
    if source is None:
        return None
    if not isinstance(source, ListOf):
        return f"its collection is fed by {source}, which is no list"
    targets = _target_types(view, (node_id, ITEM))
    if not all(is_compatible(source.item, target) for target in targets):
        return f"an item of a {source} does not fit where its edges lead"
    collector = entering[0].source[0]
    if view.type_of(collector) != COLLECT:
        return None
    collected = _collected(view, collector)
    if not collected:
        return f"the collector {collector} that feeds it collects nothing"
    _, root = common_root(collected)
    if root is not None and not all(is_compatible(root, port) for port in targets):
        return f"what {collector} collects does not fit where its edges lead"
    return None


def _target_types(view: GraphView, output: FieldKey) -> list[PortType]:
    found = [view.target_type(edge) for edge in view.edges_from.get(output, ())]
    return [port for port in found if port is not None]


def _collected(
    view: GraphView, node_id: str, seen: frozenset[str] = frozenset()
) -> set[Item]:
    """Types of what a collector collects, through chains of collectors."""
    if node_id in seen:
        return set()
    found: set[Item] = set()
    for edge in view.edges_into.get((node_id, ITEM), ()):
        port = view.source_type(edge)
        if port is not None:
            found |= collected_types(port)
    for edge in view.edges_into.get((node_id, COLLECTION), ()):
        if view.type_of(edge.source[0]) == COLLECT:
            found |= _collected(view, edge.source[0], seen | {node_id})
            continue
        port = view.source_type(edge)
        if port is not None:
            found |= item_types(port)
    return found


def _collector_fault(view: GraphView, node_id: str) -> Optional[str]:
    items = view.edges_into.get((node_id, ITEM), ())
    lists = view.edges_into.get((node_id, COLLECTION), ())
    if not items and not lists:
        return "it needs an edge into item or collection"
    for edge in lists:
        port = view.source_type(edge)
        if port is not None and not has_list(port) and not is_any(port):
            return f"its collection is fed by {port}, which is no list"
    collected = _collected(view, node_id)
    if collected & UNCOLLECTABLE:
        return "the server cannot collect choices of an enumeration"
    is_one, root = common_root(collected)
    if not is_one:
        return "what it collects is not all of one type"
    for edge in view.edges_from.get((node_id, COLLECTION), ()):
        words = _collector_target_fault(view, edge, root)
        if words:
            return words
    return None


def _collector_target_fault(
    view: GraphView, edge: GraphEdge, root: Optional[Item]
) -> Optional[str]:
    target = view.target_type(edge)
    if target is None:
        return None
    if is_any(target):
        return _chain_fault(view, edge, root)
    place = ".".join(edge.target)
    if not has_list(target):
        return f"its list does not fit {place}, which takes {target}"
    # Of an iterator's items the server knows nothing, and refuses the edge.
    if root is None or not _fits_items(root, target):
        return f"a list of {root or 'anything'} does not fit {place}: {target}"
    return None


def _fits_items(root: Item, target: PortType) -> bool:
    wanted = item_types(target)
    return root in wanted or (root == "BooleanField" and "IntegerField" in wanted)


def _chain_fault(
    view: GraphView, edge: GraphEdge, root: Optional[Item]
) -> Optional[str]:
    """A collector's list into another collector: the types have to fit."""
    if view.type_of(edge.target[0]) != COLLECT or edge.target[1] != COLLECTION:
        return None
    is_one, other = common_root(_collected(view, edge.target[0]))
    if not is_one or other is None or root is None or is_compatible(root, other):
        return None
    return f"a list of {root} does not fit what {edge.target[0]} collects"
