"""One run of a graph: what is prepared, what has run, what was returned.

A session expands the source graph while it runs. Every source node is *prepared* into
as many execution nodes as its iterators ask for, each with a fresh id; results and
errors are kept by prepared id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Optional

from pydantic import ValidationError

from ..graphs.graph import Graph, read_node, stored_graph
from ..graphs.node_rules import has_rules
from ..graphs.node_schema import Node, NodeSchemas, Output
from .scheduler import Scheduler
from .session_state import SessionState, stored_json, without_null


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


class Session(SessionState):
    """One run: its state, and which node is next."""

    def __init__(
        self, graph: Graph, schemas: NodeSchemas, session_id: Optional[str] = None
    ) -> None:
        super().__init__(graph, schemas, session_id)
        self.scheduler = Scheduler(self)

    @classmethod
    def load(cls, data: Mapping[str, Any], schemas: NodeSchemas) -> Session:
        """Read a stored session, finished, waiting or not yet begun."""
        session = cls(stored_graph(data, schemas), schemas, data["id"])
        session.restore(data)
        session.scheduler.resume()
        return session

    def next_node(self) -> Optional[Node]:
        """The next node to run with its inputs filled in; None when there is none."""
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

    def is_complete(self) -> bool:
        """Whether nothing is left to run."""
        return bool(self.errors) or all(n in self.executed for n in self.graph.nodes)

    def check_readable(self) -> None:
        """Check that the session, once stored, can be read again."""
        Session.load(json.loads(stored_json(self.dump())), self.schemas)

    def refuse_result(self, node: Node, output: Output) -> None:
        """Refuse a result with which the session could not be read again."""
        type(output).model_validate(without_null(json.loads(stored_json(output))))
        source = self.prepared_source[node.id]
        refused = self.scheduler.condition_error(source, output)
        if refused is not None:
            raise NodeInputError(*refused)

    def refuse_unreadable(self, node: Node) -> None:
        """Refuse a node that could not be read again with the inputs it was given."""
        if not has_rules(node.type):
            return
        try:
            read_node(node.model_dump(mode="json"), self.schemas)
        except ValidationError as error:
            literal = self.graph.nodes[self.prepared_source[node.id]].model_copy()
            object.__setattr__(literal, "id", node.id)
            self.execution_nodes[node.id] = literal
            raise NodeInputError(node, error) from error
