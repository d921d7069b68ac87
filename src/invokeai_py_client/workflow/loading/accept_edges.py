"""Which edges of a file are accepted: checked one by one, in the file's order.

An edge is judged against the nodes' templates and the edges accepted before it, so of
two that exclude each other the earlier one stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional, Union

from invokeai_py_client.nodes.template import FieldType
from invokeai_py_client.workflow.editor.edge_index import (
    CONNECTOR_INPUT,
    CONNECTOR_OUTPUT,
    EdgeIndex,
)
from invokeai_py_client.workflow.editor.loaded_workflow import Edge
from invokeai_py_client.workflow.editor.workflow_draft import (
    DraftNode,
    DraftOther,
    WorkflowDraft,
)
from invokeai_py_client.workflow.loading.cycle_detection import (
    CycleDetector,
    has_loop,
)
from invokeai_py_client.workflow.loading.editor_type_rules import (
    can_feed,
    can_share_an_input,
    item_type,
    same_type,
)

_LOOP = "it would close a loop"
_BRANCHES = {"true_input": "false_input", "false_input": "true_input"}


def accept_edges(draft: WorkflowDraft) -> None:
    """Keep the edges that the GUI keeps; each other one causes a warning."""
    judge = _EdgeValidator(draft.nodes, draft.edges)
    for edge in draft.edges:
        reason = judge.refusal(edge)
        if reason is None:
            judge.accept(edge)
        else:
            draft.warn(
                f"edge {_end(edge.source, edge.source_handle)} -> "
                f"{_end(edge.target, edge.target_handle)} left out: {reason}",
                "edge",
                edge.target,
                edge.target_handle or None,
            )
    draft.edges = judge.accepted.edges


def _end(node_id: str, handle: str) -> str:
    return f"{node_id}.{handle}" if handle else node_id


class _RefusedError(Exception):
    """The edge cannot be; the argument says why."""


class _EdgeValidator:
    """Knows the nodes and the edges accepted so far."""

    def __init__(
        self, nodes: Sequence[Union[DraftNode, DraftOther]], edges: Sequence[Edge]
    ) -> None:
        # Where an id occurs twice, edges belong to the first node.
        self._nodes: dict[str, Union[DraftNode, DraftOther]] = {}
        for node in nodes:
            self._nodes.setdefault(node.id, node)
        self._kinds = {
            node_id: "invocation" if isinstance(node, DraftNode) else node.type
            for node_id, node in self._nodes.items()
        }
        self.accepted = EdgeIndex()
        self._loops = CycleDetector(
            (edge.source, edge.target)
            for edge in edges
            if edge.source in self._nodes and edge.target in self._nodes
        )

    def accept(self, edge: Edge) -> None:
        """Add an edge to those that later ones are judged by."""
        self.accepted.add(edge)
        self._loops.add(edge.source, edge.target, edge.id)

    def refusal(self, edge: Edge) -> Optional[str]:
        """Why the edge cannot be; None when it can."""
        try:
            self._check_ends(edge)
            if edge.type == "default":
                self._check_connection(edge, self.accepted)
        except _RefusedError as refused:
            return str(refused)
        return None

    def _is_connector(self, node_id: str) -> bool:
        return self._kinds.get(node_id) == "connector"

    def _check_ends(self, edge: Edge) -> None:
        source, target = self._nodes.get(edge.source), self._nodes.get(edge.target)
        if source is None or target is None:
            raise _RefusedError("a node it connects does not exist")
        for node in (source, target):
            if isinstance(node, DraftNode) and node.template is None:
                raise _RefusedError(
                    f"the server does not know nodes of type {node.type}"
                )
        if edge.type != "default":
            return
        if isinstance(source, DraftNode):
            self._output_type(source, edge.source_handle)
        if isinstance(target, DraftNode) and not target.template_of(edge.target_handle):
            raise _RefusedError(f"{target.type} has no input {edge.target_handle}")

    def _output_type(self, node: DraftNode, handle: str) -> FieldType:
        output = node.template.outputs.get(handle) if node.template else None
        if output is None:
            raise _RefusedError(f"{node.type} has no output {handle}")
        return output.type

    def _check_connection(self, edge: Edge, index: EdgeIndex) -> None:
        if edge.source == edge.target:
            raise _RefusedError("a node cannot feed itself")
        into = index.into(edge.target, edge.target_handle)
        if any(_same_source(edge, other) for other in into):
            raise _RefusedError("it is there already")
        target = self._nodes[edge.target]
        source = self._resolve(edge, index)
        if isinstance(target, DraftOther):
            self._check_into_other(edge, target, bool(source), index)
            return
        template = target.template_of(edge.target_handle)
        if target.template is None or template is None:
            raise _RefusedError(f"{target.type} has no input {edge.target_handle}")
        if template.input == "direct":
            raise _RefusedError(f"{edge.target_handle} takes no edge")
        if source is None:
            self._check_from_unresolved(edge, template.type, index)
            return
        self._check_types(edge, source, target, template.type, index)
        # For an edge through a connector, `_check_into_other` has asked.
        if index is self.accepted and self._loops.closes_loop(edge.source, edge.target):
            raise _RefusedError(_LOOP)

    def _resolve(
        self, edge: Edge, index: EdgeIndex
    ) -> Optional[tuple[DraftNode, str, FieldType]]:
        """The node and output that really feed an edge; None for a loose connector."""
        source = self._nodes[edge.source]
        if isinstance(source, DraftOther) and source.type == "connector":
            if edge.source_handle != CONNECTOR_OUTPUT:
                raise _RefusedError(f"a connector has no output {edge.source_handle}")
            found = index.resolve(source.id, edge.source_handle, self._kinds)
            if found is None:
                return None
            source, handle = self._nodes[found[0]], found[1]
        else:
            handle = edge.source_handle
        if not isinstance(source, DraftNode):
            raise _RefusedError(f"a node of kind {source.type} has no outputs")
        return source, handle, self._output_type(source, handle)

    def _check_into_other(
        self, edge: Edge, target: DraftOther, resolved: bool, index: EdgeIndex
    ) -> None:
        """An edge into a connector must suit everything that is behind it.

        It is not asked whether it closes a loop.
        """
        if target.type != "connector":
            raise _RefusedError(f"a node of kind {target.type} has no inputs")
        if edge.target_handle != CONNECTOR_INPUT:
            raise _RefusedError(f"a connector has no input {edge.target_handle}")
        if index.into(edge.target, edge.target_handle):
            raise _RefusedError("a connector has one input only")
        behind = index.behind(target.id, self._kinds) if resolved else []
        ends = [other for other in behind if not self._is_connector(other.target)]
        if not ends:
            return
        excluded = {other.id for other in behind}
        if (self._loops.has_loop and has_loop(index.links(excluded))) or any(
            self._loops.leads(end.target, edge.source, excluded) for end in ends
        ):
            raise _RefusedError(_LOOP)
        others = index.without(excluded)
        for end in ends:
            self._check_connection(
                Edge(edge.source, edge.source_handle, end.target, end.target_handle),
                others,
            )

    def _check_from_unresolved(
        self, edge: Edge, target_type: FieldType, index: EdgeIndex
    ) -> None:
        """A connector that nothing feeds: all it leads to must agree."""
        for other in index.behind(edge.source, self._kinds):
            if self._is_connector(other.target) or _same_target(edge, other):
                continue
            node = self._nodes.get(other.target)
            template = node.template if isinstance(node, DraftNode) else None
            # The GUI does not look at dynamic inputs here.
            found = template.inputs.get(other.target_handle) if template else None
            if found is None or not can_share_an_input(found.type, target_type):
                raise _RefusedError("the types behind the connector do not match")

    def _check_types(
        self,
        edge: Edge,
        source: tuple[DraftNode, str, FieldType],
        target: DraftNode,
        target_type: FieldType,
        index: EdgeIndex,
    ) -> None:
        node, handle, source_type = source
        self._check_collect(edge, source, target, index)
        if target.type == "if" and edge.target_handle in _BRANCHES:
            self._check_branch(edge, source_type, index)
        if (
            index.into(edge.target, edge.target_handle)
            and target_type.name != "CollectionItemField"
        ):
            raise _RefusedError("the input has an edge already")
        types = [source_type]
        if node.type == "if" and handle == "value":
            types = self._branch_types(node.id, index) or types
        if not all(can_feed(item, target_type) for item in types):
            raise _RefusedError(
                f"{types[0].name} ({types[0].cardinality}) does not fit "
                f"{target_type.name} ({target_type.cardinality})"
            )

    def _check_collect(
        self,
        edge: Edge,
        source: tuple[DraftNode, str, FieldType],
        target: DraftNode,
        index: EdgeIndex,
    ) -> None:
        """All items that a collect node gathers have one type."""
        if target.type != "collect":
            return
        node, handle, source_type = source
        found: Optional[FieldType] = None
        if edge.target_handle == "item":
            found = source_type
        elif (
            node.type == "collect"
            and handle == "collection"
            and edge.target_handle == "collection"
        ):
            found = self._collected_type(node.id, index)
        wanted = self._collected_type(target.id, index)
        if found and wanted and not same_type(found, wanted):
            raise _RefusedError(f"the list gathers {wanted.name}, not {found.name}")

    def _collected_type(self, node_id: str, index: EdgeIndex) -> Optional[FieldType]:
        """The type that a collect node gathers so far, through chains of them."""
        seen: set[str] = set()
        while node_id not in seen:
            seen.add(node_id)
            feeding = index.into(node_id, "item") or index.into(node_id, "collection")
            if not feeding:
                return None
            edge = feeding[0]
            node = self._nodes.get(edge.source)
            if not isinstance(node, DraftNode) or node.template is None:
                return None
            chained = edge.target_handle == "collection" == edge.source_handle
            if not (chained and node.type == "collect"):
                output = node.template.outputs.get(edge.source_handle)
                return item_type(output.type) if output else None
            node_id = node.id
        return None

    def _check_branch(
        self, edge: Edge, source_type: FieldType, index: EdgeIndex
    ) -> None:
        """The types of an `if` node's two branches must be interchangeable."""
        others = index.into(edge.target, _BRANCHES[edge.target_handle])
        if not others:
            return
        other = self._resolve(others[0], index)
        if other is None or not can_share_an_input(source_type, other[2]):
            raise _RefusedError("the two branches have different types")

    def _branch_types(self, node_id: str, index: EdgeIndex) -> list[FieldType]:
        feeding = [edge for branch in _BRANCHES for edge in index.into(node_id, branch)]
        found = []
        for edge in feeding:
            try:
                source = self._resolve(edge, index)
            except _RefusedError:
                continue
            if source is not None:
                found.append(source[2])
        return found


def _same_source(one: Edge, other: Edge) -> bool:
    return one.source == other.source and one.source_handle == other.source_handle


def _same_target(one: Edge, other: Edge) -> bool:
    return one.target == other.target and one.target_handle == other.target_handle
