"""One run of a graph: what is prepared, what has run, what came out.

A session expands the source graph while it runs. Every source node is *prepared* into
as many execution nodes as its iterators ask for, each with a fresh id; results and
errors are kept by prepared id.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping
from typing import Any, Optional

from pydantic import ValidationError

from .graph import Edge, Graph, read_node
from .node_rules import has_rules
from .node_schema import Node, NodeSchemas, Output
from .scheduler import Scheduler

Path = tuple[int, ...]

# What a session says about saved workflows that it calls or that called it.
CALL_FIELDS: dict[str, Any] = {
    "workflow_call_stack": [],
    "workflow_call_history": [],
    "workflow_call_parent": None,
    "waiting_workflow_call": None,
    "waiting_workflow_call_execution": None,
    "waiting_workflow_call_child_session": None,
    "max_workflow_call_depth": 4,
}


class NodeInputError(ValueError):
    """A value that an edge brought does not fit the input; ends the session."""

    def __init__(self, node: Node, error: ValidationError) -> None:
        self.node = node
        location = ""
        for index, part in enumerate(error.errors()[0]["loc"]):
            if isinstance(part, int):
                location += f"[{part}]"
            else:
                location += f".{part}" if index else part
        super().__init__(f"Node {node.id} has invalid incoming input for {location}")


class Session:
    """The state of one run.

    Args:
        graph: The source graph, already checked.
        schemas: The server's node types.
        session_id: Its id; a fresh one by default.
    """

    def __init__(
        self, graph: Graph, schemas: NodeSchemas, session_id: Optional[str] = None
    ) -> None:
        self.id = session_id or str(uuid.uuid4())
        self.graph = graph
        self.schemas = schemas
        self.execution_id = str(uuid.uuid4())
        self.execution_nodes: dict[str, Node] = {}
        self.execution_edges: list[Edge] = []
        self.executed: dict[str, None] = {}
        self.executed_history: list[str] = []
        self.results: dict[str, Output] = {}
        self.errors: dict[str, str] = {}
        self.prepared_source: dict[str, str] = {}
        self.source_prepared: dict[str, list[str]] = {}
        self.iteration_paths: dict[str, Path] = {}
        self.skipped: set[str] = set()
        self.indegree: dict[str, int] = {}
        self.call: dict[str, Any] = copy.deepcopy(CALL_FIELDS)
        self.scheduler = Scheduler(self)

    @classmethod
    def load(
        cls, data: Mapping[str, Any], schemas: NodeSchemas, graph: Graph
    ) -> Session:
        """Read a stored session, finished, waiting or not yet begun.

        Args:
            data: What `dump` or `blank_session` gave.
            schemas: The server's node types.
            graph: `data["graph"]`, read.
        """
        session = cls(graph, schemas, data["id"])
        for key in session.call:
            if data.get(key) is not None:
                session.call[key] = data[key]
        prepared = data.get("execution_graph") or {}
        session.execution_id = prepared.get("id", session.execution_id)
        for node_id, node in (prepared.get("nodes") or {}).items():
            session.execution_nodes[node_id] = read_node(node, schemas)
        session.execution_edges = [
            Edge.model_validate(edge) for edge in prepared.get("edges") or ()
        ]
        session.executed = dict.fromkeys(data.get("executed") or ())
        session.executed_history = list(data.get("executed_history") or ())
        for node_id, result in (data.get("results") or {}).items():
            output_class = schemas.output_class(result["type"])
            session.results[node_id] = output_class.model_validate(result)
        session.errors = dict(data.get("errors") or {})
        session.prepared_source = dict(data.get("prepared_source_mapping") or {})
        session.source_prepared = {
            source: list(ids)
            for source, ids in (data.get("source_prepared_mapping") or {}).items()
        }
        session.iteration_paths = {
            node_id: tuple(path)
            for node_id, path in (data.get("prepared_iteration_paths") or {}).items()
        }
        session.indegree = dict(data.get("indegree") or {})
        session.skipped = {
            node_id
            for node_id in session.prepared_source
            if node_id in session.executed and node_id not in session.results
        }
        session.scheduler.resume()
        return session

    def next_node(self) -> Optional[Node]:
        """The next node to run with its inputs filled in; None when there is none.

        Raises:
            NodeInputError: What an edge brings does not fit.
        """
        if self.call["waiting_workflow_call"] is not None:
            return None
        node = self.scheduler.take()
        if node is None:
            return None
        try:
            self.scheduler.fill_inputs(node)
        except ValidationError as error:
            raise NodeInputError(node, error) from error
        return node

    def complete(self, node_id: str, output: Output) -> None:
        """Record what a node returned and release the nodes that waited for it."""
        self.executed[node_id] = None
        self.results[node_id] = output
        node = self.execution_nodes[node_id]
        if node.type in ("iterate", "collect"):
            # The server forgets these lists: they would be stored once per item.
            object.__setattr__(node, "collection", [])
        self.mark_source(node_id)
        self.scheduler.release(node_id)

    def mark_source(self, node_id: str) -> None:
        """Call a source node executed once all its prepared nodes are."""
        source = self.prepared_source[node_id]
        if source in self.executed:
            return
        if all(prepared in self.executed for prepared in self.source_prepared[source]):
            self.executed[source] = None
            self.executed_history.append(source)

    def is_complete(self) -> bool:
        """Whether nothing is left to run."""
        if self.call["waiting_workflow_call"] is not None:
            return False
        return bool(self.errors) or all(n in self.executed for n in self.graph.nodes)

    def check_readable(self) -> None:
        """Check that every node could be read again.

        Raises:
            pydantic.ValidationError: Values that came by edges are at odds.
        """
        for node in self.execution_nodes.values():
            if has_rules(node.type):
                read_node(node.model_dump(mode="json"), self.schemas)

    def refuse_unreadable(self, node: Node) -> None:
        """Refuse a node that could not be read again with the inputs it was given.

        Raises:
            NodeInputError: Its values are at odds; the node keeps its literals.
        """
        if not has_rules(node.type):
            return
        try:
            read_node(node.model_dump(mode="json"), self.schemas)
        except ValidationError as error:
            literal = self.graph.nodes[self.prepared_source[node.id]].model_copy()
            object.__setattr__(literal, "id", node.id)
            self.execution_nodes[node.id] = literal
            raise NodeInputError(node, error) from error

    def dump(self) -> dict[str, Any]:
        """The session as the API shows it."""
        return {
            "id": self.id,
            "graph": self.graph.model_dump(mode="json"),
            "execution_graph": {
                "id": self.execution_id,
                "nodes": {
                    node_id: node.model_dump(mode="json")
                    for node_id, node in self.execution_nodes.items()
                },
                "edges": [edge.model_dump() for edge in self.execution_edges],
            },
            "executed": list(self.executed),
            "executed_history": list(self.executed_history),
            "results": {
                node_id: output.model_dump(mode="json")
                for node_id, output in self.results.items()
            },
            "errors": dict(self.errors),
            **self.call,
            "prepared_source_mapping": dict(self.prepared_source),
            "source_prepared_mapping": {
                source: list(ids) for source, ids in self.source_prepared.items()
            },
            "prepared_iteration_paths": {
                node_id: list(path) for node_id, path in self.iteration_paths.items()
            },
            "ready_order": [],
            "indegree": dict(self.indegree),
        }


def blank_session(session_id: str, graph: Mapping[str, Any]) -> dict[str, Any]:
    """The stored form of a session that has not begun."""
    return {
        "id": session_id,
        "graph": graph,
        "execution_graph": {"id": str(uuid.uuid4()), "nodes": {}, "edges": []},
        "executed": [],
        "executed_history": [],
        "results": {},
        "errors": {},
        "workflow_call_stack": [],
        "workflow_call_history": [],
        "max_workflow_call_depth": 4,
        "prepared_source_mapping": {},
        "source_prepared_mapping": {},
        "prepared_iteration_paths": {},
        "ready_order": [],
        "indegree": {},
    }
