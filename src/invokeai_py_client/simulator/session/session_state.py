"""The state of one run of a graph, as it is stored and as the API shows it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Optional

from pydantic_core import to_json

from ..graphs.graph import Edge, Graph, read_node
from ..graphs.node_schema import Node, NodeSchemas, Output

Path = tuple[int, ...]
"""The iteration indices of a prepared node, outermost first."""


class SessionState:
    """What a run has prepared and executed, and its results."""

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
        # Whether what the server could not read again is refused before it is kept.
        self.refuses_poison = False

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take over what `dump` or `blank_session` returned."""
        prepared = data.get("execution_graph") or {}
        self.execution_id = prepared.get("id", self.execution_id)
        for node_id, node in (prepared.get("nodes") or {}).items():
            self.execution_nodes[node_id] = read_node(node, self.schemas)
        self.execution_edges = [
            Edge.model_validate(edge) for edge in prepared.get("edges") or ()
        ]
        self.executed = dict.fromkeys(data.get("executed") or ())
        self.executed_history = list(data.get("executed_history") or ())
        for node_id, result in (data.get("results") or {}).items():
            output_class = self.schemas.output_class(result["type"])
            self.results[node_id] = output_class.model_validate(without_null(result))
        self.errors = dict(data.get("errors") or {})
        self.prepared_source = dict(data.get("prepared_source_mapping") or {})
        self.source_prepared = {
            source: list(ids)
            for source, ids in (data.get("source_prepared_mapping") or {}).items()
        }
        self.iteration_paths = {
            node_id: tuple(path)
            for node_id, path in (data.get("prepared_iteration_paths") or {}).items()
        }
        self.indegree = dict(data.get("indegree") or {})
        self.skipped = {
            node_id
            for node_id in self.prepared_source
            if node_id in self.executed and node_id not in self.results
        }

    def mark_source(self, node_id: str) -> None:
        """Call a source node executed once all its prepared nodes are."""
        source = self.prepared_source[node_id]
        if source in self.executed:
            return
        if all(prepared in self.executed for prepared in self.source_prepared[source]):
            self.executed[source] = None
            self.executed_history.append(source)

    def dump(self) -> dict[str, Any]:
        """The session as the API shows it."""
        return {
            **blank_session(self.id, self.graph.model_dump(mode="json")),
            "execution_graph": {
                "id": self.execution_id,
                "nodes": {
                    node_id: node.model_dump(mode="json")
                    for node_id, node in self.execution_nodes.items()
                },
                "edges": [edge.model_dump() for edge in self.execution_edges],
            },
            "executed": list(self.executed),
            "executed_history": self.executed_history,
            "results": {
                node_id: output.model_dump(mode="json")
                for node_id, output in self.results.items()
            },
            "errors": self.errors,
            "prepared_source_mapping": self.prepared_source,
            "source_prepared_mapping": self.source_prepared,
            "prepared_iteration_paths": self.iteration_paths,
            "indegree": self.indegree,
        }


def without_null(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result as the server reads it again: it keeps no field that is null."""
    return {name: value for name, value in result.items() if value is not None}


def stored_json(value: Any) -> str:
    """What the server's database gets: null for numbers that are not finite."""
    return to_json(value, inf_nan_mode="null").decode()


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
        # What a session records about saved workflows, which are not called here.
        "workflow_call_stack": [],
        "workflow_call_history": [],
        "workflow_call_parent": None,
        "waiting_workflow_call": None,
        "waiting_workflow_call_execution": None,
        "waiting_workflow_call_child_session": None,
        "max_workflow_call_depth": 4,
        "prepared_source_mapping": {},
        "source_prepared_mapping": {},
        "prepared_iteration_paths": {},
        "ready_order": [],
        "indegree": {},
    }
