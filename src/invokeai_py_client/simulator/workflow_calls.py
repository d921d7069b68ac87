"""Saved workflows called from other workflows.

A call is a queue item of its own, the *child*. The calling item waits for it, takes
its return values as the output of the calling node, and goes on.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from .database import Row, timestamp
from .graph_validation import is_dynamic_input
from .node_schema import Node
from .processor_events import invocation_event
from .queue_state import TERMINAL, ItemNotFoundError
from .saved_graph import (
    UnsupportedWorkflowNodeError,
    call_graph,
    check_callable,
)
from .session import Session
from .workflows import WorkflowNotFoundError

if TYPE_CHECKING:
    from .simulation import Simulation


class WorkflowCalls:
    """What `call_saved_workflow` nodes need of the library and the queue."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def compatibility(self, workflow_id: str) -> dict[str, Any]:
        """Whether a saved workflow can be called, and why not."""
        workflow = self._simulation.workflows.record(workflow_id)["workflow"]
        returns = sum(
            node.get("data", {}).get("type") == "workflow_return"
            for node in workflow["nodes"]
            if node.get("type") == "invocation"
        )
        if returns != 1:
            none = returns == 0
            exactly = "contain exactly" if none else "not contain more than"
            return {
                "is_callable": False,
                "reason": f"{'missing' if none else 'multiple'}_workflow_return",
                "message": f"The workflow must {exactly} one workflow_return node.",
            }
        try:
            check_callable(workflow, self._simulation.schemas)
            call_graph(workflow, {}, self._simulation.schemas)
        except UnsupportedWorkflowNodeError as error:
            reason, message = "unsupported_node", str(error)
        except ValueError as error:
            reason, message = "invalid_graph", str(error)
        else:
            return {"is_callable": True, "reason": "ok", "message": None}
        return {"is_callable": False, "reason": reason, "message": message}

    def begin(self, row: Row, session: Session, node: Any) -> None:
        """Enqueue the child of a call and let the caller wait.

        Raises:
            ValueError: The workflow is not there, cannot be called or not with these
                inputs, or calls are nested too deep.
        """
        workflow = self._workflow(row, node.workflow_id)
        if not self._simulation.queue.free_places(row["queue_id"]):
            raise ValueError(
                "call_saved_workflow exceeds remaining queue capacity for child "
                "workflow executions"
            )
        frame = self._frame(session, node)
        graph = call_graph(
            workflow, self._inputs(session, node), self._simulation.schemas
        )
        child = Session(graph, self._simulation.schemas)
        call = _call(session, child, frame)
        child.call["workflow_call_stack"] = [
            *session.call["workflow_call_stack"],
            frame,
        ]
        child.call["workflow_call_parent"] = {
            "workflow_call_id": call["id"],
            "parent_session_id": session.id,
            **frame,
        }
        session.call["waiting_workflow_call"] = frame
        session.call["waiting_workflow_call_execution"] = call
        item_id = int(row["item_id"])
        queue = self._simulation.queue
        child_id = self._enqueue(row, child, call)
        call["child_item_ids"] = [child_id]
        queue.save_session(item_id, session)
        queue.set_status(item_id, "waiting")

    def _workflow(self, row: Row, workflow_id: str) -> Any:
        if not workflow_id:
            raise ValueError(
                "A saved workflow must be selected before executing "
                "call_saved_workflow."
            )
        try:
            record = self._simulation.workflows.row(workflow_id)
        except WorkflowNotFoundError:
            raise ValueError(
                f"The selected saved workflow '{workflow_id}' could not be found."
            ) from None
        user = self._simulation.users.record(row["user_id"])
        own = record["user_id"] == row["user_id"] or (user and user["is_admin"])
        if not own and record["category"] != "default" and not record["is_public"]:
            raise ValueError(
                f"The selected saved workflow '{workflow_id}' is not accessible to "
                "this user."
            )
        return json.loads(record["workflow"])

    @staticmethod
    def _frame(session: Session, node: Any) -> dict[str, Any]:
        depth = len(session.call["workflow_call_stack"]) + 1
        limit = session.call["max_workflow_call_depth"]
        if depth > limit:
            raise ValueError(
                f"Maximum workflow call depth exceeded ({limit}) for workflow "
                f"'{node.workflow_id}'"
            )
        return {
            "prepared_call_node_id": node.id,
            "source_call_node_id": session.prepared_source[node.id],
            "workflow_id": node.workflow_id,
            "depth": depth,
        }

    @staticmethod
    def _inputs(session: Session, node: Any) -> dict[str, Any]:
        inputs = dict(node.workflow_inputs)
        for edge in session.scheduler.inputs(node.id):
            if is_dynamic_input(node.type, edge.destination.field):
                inputs[edge.destination.field] = session.scheduler.value_of(edge)
        return inputs

    def _enqueue(self, row: Row, child: Session, call: dict[str, Any]) -> int:
        now = timestamp()
        queue = self._simulation.queue
        item_id = self._simulation.database.insert(
            "session_queue",
            {
                "queue_id": row["queue_id"],
                "session": json.dumps(child.dump()),
                "session_id": child.id,
                "batch_id": row["batch_id"],
                "field_values": None,
                "priority": row["priority"],
                "origin": row["origin"],
                "destination": row["destination"],
                "user_id": row["user_id"],
                "created_at": now,
                "updated_at": now,
                "workflow_call_id": call["id"],
                "parent_item_id": row["item_id"],
                "parent_session_id": row["session_id"],
                "root_item_id": row["root_item_id"] or row["item_id"],
                "workflow_call_depth": call["depth"],
            },
        )
        queue.announce(queue.item(item_id))
        return item_id

    def after_session(self, item_id: int, session: Session) -> None:
        """Tell the caller of a child that has ended.

        Args:
            item_id: The item that has run.
            session: Its session as it ended.
        """
        try:
            row = self._simulation.queue.item(item_id)
            if row["parent_item_id"] is None:
                return
            parent = self._simulation.queue.item(row["parent_item_id"])
        except ItemNotFoundError:
            return  # the queue was cleared meanwhile
        if parent["status"] in TERMINAL:
            return
        if row["status"] == "completed":
            self._resume(parent, row, session)
        elif row["status"] == "failed":
            self._fail(parent, row["error_message"] or "the called workflow failed")
        elif row["status"] == "canceled":
            self._simulation.operations.cancel(int(parent["item_id"]))

    def _resume(self, parent: Row, row: Row, child: Session) -> None:
        session = self._simulation.load_session(parent)
        returned = [
            child.results[node_id]
            for node_id, source in child.prepared_source.items()
            if child.graph.nodes[source].type == "workflow_return"
            and node_id in child.results
        ]
        if len(returned) != 1:
            self._fail(
                parent,
                "The selected saved workflow produced an unsupported number of "
                "workflow_return executions.",
            )
            return
        call = session.call["waiting_workflow_call_execution"]
        output = returned[0].model_copy(deep=True)
        values = output.model_dump(mode="json")["values"]
        call["completed_child_item_ids"] = [row["item_id"]]
        call["aggregated_values"] = {key: [value] for key, value in values.items()}
        call["child_outputs"] = {str(row["item_id"]): values}
        node = _end(session, "completed", None)
        session.complete(node.id, output)
        event = invocation_event(parent, session, node)
        result = output.model_dump(mode="json")
        self._simulation.emit("invocation_complete", {**event, "result": result})
        item_id = int(parent["item_id"])
        self._simulation.queue.save_session(item_id, session)
        if session.is_complete():
            self._simulation.queue.set_status(item_id, "completed")
            self.after_session(item_id, session)
        else:
            self._simulation.queue.set_status(item_id, "pending")

    def _fail(self, parent: Row, message: str) -> None:
        session = self._simulation.load_session(parent)
        node = _end(session, "failed", message)
        session.errors[node.id] = f"ValueError: {message}"
        item_id = int(parent["item_id"])
        self._simulation.queue.save_session(item_id, session)
        error = ("ValueError", message, message)
        self._simulation.queue.set_status(item_id, "failed", error=error)
        self._simulation.emit(
            "invocation_error",
            {
                **invocation_event(parent, session, node),
                "error_type": "ValueError",
                "error_message": message,
                "error_traceback": message,
            },
        )
        self.after_session(item_id, session)


def _call(session: Session, child: Session, frame: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "parent_session_id": session.id,
        "child_session_id": child.id,
        **frame,
        "status": "running_child",
        "error_message": None,
        "child_session_ids": [child.id],
        "child_item_ids": [],
        "expected_child_count": 1,
        "completed_child_item_ids": [],
        "aggregated_values": {},
        "child_outputs": {},
    }


def _end(session: Session, status: str, message: Any) -> Node:
    """Close the call a session waits for; returns the calling node."""
    call = session.call["waiting_workflow_call_execution"]
    call.update(status=status, error_message=message)
    session.call["workflow_call_history"].append(call)
    frame = session.call["waiting_workflow_call"]
    session.call["waiting_workflow_call"] = None
    session.call["waiting_workflow_call_execution"] = None
    session.call["waiting_workflow_call_child_session"] = None
    return session.execution_nodes[frame["prepared_call_node_id"]]
