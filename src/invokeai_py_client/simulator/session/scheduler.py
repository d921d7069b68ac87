"""Which prepared node runs next, and with which inputs.

As on the server, ready nodes wait in one queue per node class. A class is drained
before the next one is chosen, in alphabetical order of the class names. Inside a class
the iteration path decides, then the order of becoming ready.
"""

from __future__ import annotations

import copy
from typing import Any, Optional

from pydantic import BaseModel, ValidationError

from ..graphs.graph import Edge, topology
from ..graphs.node_schema import Node, Output
from .if_branches import IfBranches
from .node_preparation import NodePreparation
from .session_state import Path, SessionState


class Scheduler:
    """The ready queues of one session."""

    def __init__(self, session: SessionState) -> None:
        self._session = session
        self._queues: dict[str, list[str]] = {}
        self._active: Optional[str] = None
        self._preparation = NodePreparation(session, self._on_prepared)
        self._branches = IfBranches(session, self._preparation.path)
        self._inputs: dict[str, list[Edge]] = {}
        self._outputs: dict[str, list[Edge]] = {}

    def resume(self) -> None:
        """Queue what is ready in a session that was stored half-way."""
        session = self._session
        for edge in session.execution_edges:
            self._index(edge)
        self._branches.resume(self.inputs)
        execution = topology(session.execution_nodes, session.execution_edges)
        for node_id in execution.order():
            if node_id not in session.executed:
                self.enqueue_if_ready(node_id)

    def inputs(self, node_id: str) -> list[Edge]:
        """The execution edges into a prepared node, in the order they were made."""
        return self._inputs.get(node_id, [])

    def take(self) -> Optional[Node]:
        """Remove and return the next ready node, preparing more where none is ready."""
        node = self._pop()
        if node is not None:
            return node
        prepared = self._preparation.prepare()
        while prepared:
            # The server prepares everything it can, but runs the first node that
            # became ready meanwhile.
            prepared = self._preparation.prepare()
            if node is None:
                node = self._pop()
        return node

    def _pop(self) -> Optional[Node]:
        while True:
            if self._active is None:
                waiting = sorted(name for name, queue in self._queues.items() if queue)
                if not waiting:
                    return None
                self._active = waiting[0]
            queue = self._queues[self._active]
            while queue:
                node_id = queue.pop(0)
                if node_id not in self._session.executed:
                    return self._session.execution_nodes[node_id]
            self._active = None

    def enqueue_if_ready(self, node_id: str) -> None:
        """Queue a prepared node when nothing keeps it from running."""
        session = self._session
        if session.indegree[node_id] or node_id in session.executed:
            return
        if self._branches.is_deferred(node_id):
            return
        name = session.schemas.class_name(session.execution_nodes[node_id].type)
        queue = self._queues.setdefault(name, [])
        if node_id in queue:
            return
        path = self.path(node_id)
        position = next(
            (i for i, other in enumerate(queue) if self.path(other) > path), len(queue)
        )
        queue.insert(position, node_id)

    def condition_error(
        self, source: str, output: Output
    ) -> Optional[tuple[Node, ValidationError]]:
        """The `if` that would refuse this result of a source node as its condition."""
        return self._branches.condition_error(source, output)

    def path(self, node_id: str) -> Path:
        """The iteration indices of a prepared node, outermost first."""
        return self._preparation.path(node_id)

    def _index(self, edge: Edge) -> None:
        self._inputs.setdefault(edge.destination.node_id, []).append(edge)
        self._outputs.setdefault(edge.source.node_id, []).append(edge)

    def _on_prepared(self, node_id: str, edges: list[Edge]) -> None:
        session = self._session
        session.execution_edges.extend(edges)
        for edge in edges:
            self._index(edge)
        session.indegree[node_id] = sum(
            edge.source.node_id not in session.executed for edge in edges
        )
        self._resolve_if(node_id)
        self.enqueue_if_ready(node_id)

    def release(self, node_id: str) -> None:
        """Update the nodes that follow an executed one."""
        for edge in list(self._outputs.get(node_id, ())):
            child = edge.destination.node_id
            self._session.indegree[child] -= 1
            self._resolve_if(child)
            self.enqueue_if_ready(child)

    def _resolve_if(self, node_id: str) -> None:
        session = self._session
        decision = self._branches.decide(node_id, self.inputs(node_id))
        if decision is None:
            return
        dropped, selected, unselected = decision
        if session.refuses_poison:
            self._branches.refuse_skipping(node_id, unselected)
        for edge in dropped:
            if edge.source.node_id not in session.executed:
                session.indegree[node_id] -= 1
            session.execution_edges.remove(edge)
            self._inputs[edge.destination.node_id].remove(edge)
            self._outputs[edge.source.node_id].remove(edge)
        path = self.path(node_id)
        for prepared, source in list(session.prepared_source.items()):
            if prepared in session.executed or self.path(prepared) != path:
                continue
            if source in selected:
                self.enqueue_if_ready(prepared)
            elif source in unselected:
                self._skip(prepared)
        self.enqueue_if_ready(node_id)

    def _skip(self, node_id: str) -> None:
        for queue in self._queues.values():
            if node_id in queue:
                queue.remove(node_id)
        self._session.skipped.add(node_id)
        self._session.executed[node_id] = None
        self._session.mark_source(node_id)

    def fill_inputs(self, node: Node) -> None:
        """Set the inputs of a node from the results its edges lead to.

        A connected input wins over the literal in the graph; of two edges into one
        input the later wins.
        """
        edges = self.inputs(node.id)
        if node.type == "collect":
            object.__setattr__(node, "collection", self._collected(edges))
            return
        allowed = self._branches.allowed_fields(node)
        for edge in edges:
            field = edge.destination.field
            if allowed is not None and field not in allowed:
                continue
            if node.type == "iterate":
                if field == "collection":
                    object.__setattr__(node, field, self._value_of(edge))
                    return
                continue
            if field not in type(node).model_fields:
                continue  # an input of a called workflow
            setattr(node, field, self._value_of(edge))

    def _value_of(self, edge: Edge) -> Any:
        """A copy of what an execution edge brings."""
        value = getattr(self._session.results[edge.source.node_id], edge.source.field)
        if isinstance(value, BaseModel):
            return value.model_copy(deep=True)
        return copy.deepcopy(value)

    def _collected(self, edges: list[Edge]) -> list[Any]:
        def position(edge: Edge) -> tuple[Path, str]:
            return self.path(edge.source.node_id), edge.source.node_id

        collected: list[Any] = []
        for field in ("collection", "item"):
            chosen = (edge for edge in edges if edge.destination.field == field)
            for value in map(self._value_of, sorted(chosen, key=position)):
                is_many = field == "collection" and isinstance(value, list)
                collected.extend(value if is_many else [value])
        return collected
