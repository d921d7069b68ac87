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
from invokeai_py_client.ivk_fields.value_rules import is_unicode
from invokeai_py_client.nodes.template import NodeTemplate
from invokeai_py_client.workflow.checking.server_type_rules import (
    ANY,
    ListOf,
    OneOf,
    PortType,
    collected_types,
    common_root,
    has_list,
    is_any,
    is_compatible,
    item_types,
    port_type,
)
from invokeai_py_client.workflow.compiling.graph import (
    BATCH_NODE_TYPES,
    GENERATOR_NODE_TYPES,
)
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey
from invokeai_py_client.workflow.loading.called_workflows import (
    CALL_NODE_TYPE,
    DYNAMIC_PREFIX,
)

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
# What a collector collects.
Item = Union[str, ListOf]
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
    """A payload's graph with its templates."""

    def __init__(
        self, graph: Mapping[str, Any], catalog: Mapping[str, NodeTemplate]
    ) -> None:
        self.nodes: Mapping[str, Mapping[str, Any]] = graph["nodes"]
        self.edges = [_edge(edge) for edge in graph["edges"]]
        self._catalog = catalog
        self.edges_into: dict[FieldKey, list[GraphEdge]] = {}
        self.edges_from: dict[FieldKey, list[GraphEdge]] = {}
        self.edges_to: dict[str, list[GraphEdge]] = {}
        for edge in self.edges:
            self.edges_to.setdefault(edge.target[0], []).append(edge)
            self.edges_into.setdefault(edge.target, []).append(edge)
            self.edges_from.setdefault(edge.source, []).append(edge)

    @cached_property
    def run_order(self) -> Sequence[str]:
        """The nodes in an order in which they can run, without those of a cycle."""
        waiting = dict.fromkeys(self.nodes, 0)
        following: dict[str, list[str]] = {node_id: [] for node_id in self.nodes}
        for source, target in {(e.source[0], e.target[0]) for e in self.edges}:
            if source in waiting and target in waiting:
                waiting[target] += 1
                following[source].append(target)
        ready = [node_id for node_id, count in waiting.items() if not count]
        order = []
        while ready:
            node_id = ready.pop()
            order.append(node_id)
            for other in following[node_id]:
                waiting[other] -= 1
                if not waiting[other]:
                    ready.append(other)
        return order

    @cached_property
    def collected(self) -> Mapping[str, set[Item]]:
        """Types of what each collector collects, through chains of collectors."""
        found: dict[str, set[Item]] = {}
        for node_id in self.run_order:
            if self.type_of(node_id) != COLLECT:
                continue
            types = found[node_id] = set()
            for edge in self.edges_to.get(node_id, ()):
                port = self.source_type(edge)
                if edge.target[1] == ITEM and port is not None:
                    types |= collected_types(port)
                elif edge.target[1] == COLLECTION and edge.source[0] in found:
                    types |= found[edge.source[0]]
                elif edge.target[1] == COLLECTION and port is not None:
                    types |= item_types(port)
        return found

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
        return port_type(found.type) if found else None

    def target_type(self, edge: GraphEdge) -> Optional[PortType]:
        """The type of the input an edge enters; None when there is none."""
        template = self.template(edge.target[0])
        found = template.inputs.get(edge.target[1]) if template else None
        if found is None:
            return None
        return port_type(found.type, nullable=found.limits.nullable)


def _edge(edge: Mapping[str, Any]) -> GraphEdge:
    source, target = edge["source"], edge["destination"]
    return GraphEdge(
        (source["node_id"], source["field"]), (target["node_id"], target["field"])
    )


def graph_problems(view: GraphView) -> Iterator[FieldProblem]:
    """Everything for which the server would refuse the graph."""
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
        source, target = view.source_type(edge), view.target_type(edge)
        if source is None or target is None or is_compatible(source, target):
            continue
        yield _edge_problem(edge, "edge_type", f"{source} does not fit {target}")
    yield from _special_problems(view)


def _node_problems(view: GraphView) -> Iterator[FieldProblem]:
    for node_id, node in view.nodes.items():
        if not is_unicode(node_id):
            yield FieldProblem(f"node id {node_id!r} is not valid Unicode", "json")
        if node.get("id") != node_id:
            yield FieldProblem(
                f"calls itself {node.get('id')!r}",
                "node_id",
                node_id,
                value=node.get("id"),
                allowed=repr(node_id),
            )
        kind = view.type_of(node_id)
        what = None
        if kind in EDITOR_TYPES:
            what = f"the server cannot run nodes of type {kind!r}"
        elif view.template(node_id) is None:
            what = f"the server does not know the type {kind!r}"
        if what is not None:
            yield FieldProblem(what, "node_type", node_id, value=kind)


def _end_problem(view: GraphView, edge: GraphEdge) -> Optional[FieldProblem]:
    for node_id, role in ((edge.source[0], "source"), (edge.target[0], "target")):
        if node_id not in view.nodes:
            return _edge_problem(edge, "edge_end", f"there is no {role} node {node_id}")
    if view.template(edge.source[0]) and view.source_type(edge) is None:
        words = f"node {edge.source[0]} has no output {edge.source[1]!r}"
        return _edge_problem(edge, "edge_end", words)
    if view.template(edge.target[0]) is None or view.target_type(edge) is not None:
        return None
    # The server does not check the inputs of a called workflow.
    is_call = view.type_of(edge.target[0]) == CALL_NODE_TYPE
    is_dynamic = is_call and edge.target[1].startswith(DYNAMIC_PREFIX)
    if is_dynamic or edge.target[1] in HIDDEN_INPUTS:
        return None
    words = f"node {edge.target[0]} has no input {edge.target[1]!r}"
    return _edge_problem(edge, "edge_end", words)


# Inputs that every node has and no template shows.
HIDDEN_INPUTS = frozenset(
    {"id", "index", "is_intermediate", "type", "use_cache", "workflow_inputs"}
)


def _edge_problem(edge: GraphEdge, kind: str, words: str) -> FieldProblem:
    return FieldProblem(words, kind, *edge.target, where=f"edge {edge}")


def _cycle_problems(view: GraphView) -> Iterator[FieldProblem]:
    """One problem for the nodes that are left when all others have run."""
    ordered = set(view.run_order)
    waiting = [node_id for node_id in view.nodes if node_id not in ordered]
    if waiting:
        listing = ", ".join(waiting)
        yield FieldProblem(
            f"the graph has a cycle: {listing} wait for each other", "cycle"
        )


# -- iterators and collectors -----------------------------------------------------


def _special_problems(view: GraphView) -> Iterator[FieldProblem]:
    checks = {ITERATE: _iterator_fault, COLLECT: _collector_fault}
    for node_id in view.nodes:
        check = checks.get(view.type_of(node_id))
        words = check(view, node_id) if check else None
        if words:
            yield FieldProblem(
                words,
                view.type_of(node_id),
                node_id,
                COLLECTION,
                where=f"{view.type_of(node_id)} node {node_id}",
            )


def _iterator_fault(view: GraphView, node_id: str) -> Optional[str]:
    entering = view.edges_into.get((node_id, COLLECTION), ())
    if len(entering) != 1:
        return f"it needs one edge into its collection, it has {len(entering)}"
    source = view.source_type(entering[0])
    if source is None:
        return None
    if not isinstance(source, ListOf):
        return f"its collection is fed by {source}, which is not a list"
    targets = _target_types(view, (node_id, ITEM))
    if not all(is_compatible(source.item, target) for target in targets):
        return f"an item of a {source} does not fit where its edges lead"
    collector = entering[0].source[0]
    if view.type_of(collector) != COLLECT:
        return None
    collected = view.collected.get(collector)
    if not collected:
        return f"the collector {collector} that feeds it collects nothing"
    _, root = common_root(collected)
    if root is not None and not all(is_compatible(root, port) for port in targets):
        return f"what {collector} collects does not fit where its edges lead"
    return None


def _target_types(view: GraphView, output: FieldKey) -> list[PortType]:
    found = [view.target_type(edge) for edge in view.edges_from.get(output, ())]
    return [port for port in found if port is not None]


def _collector_fault(view: GraphView, node_id: str) -> Optional[str]:
    items = view.edges_into.get((node_id, ITEM), ())
    lists = view.edges_into.get((node_id, COLLECTION), ())
    if not items and not lists:
        return "it needs an edge into item or collection"
    for edge in lists:
        port = view.source_type(edge)
        if port is not None and not has_list(port) and not is_any(port):
            return f"its collection is fed by {port}, which is not a list"
    collected = view.collected.get(node_id, set())
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
    # What another collector gathers is judged there.
    if target is None or is_any(target):
        return None
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
