"""Saved workflows called from other workflows.

A call is a queue item of its own, the *child*. The calling item waits for it, takes
its return values as the output of the calling node, and goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from .boards import BoardNotFoundError
from .call_records import end_call, new_call, record_child, returned_values
from .called_batches import Resolve, read_batch
from .called_generators import (
    TOO_MANY,
    TooManySessionsError,
    generated_items,
    placeholder_items,
)
from .database import Row, timestamp
from .expansion import FieldValue, expand, requested_count
from .graph import Batch, BatchDatum, Graph, stored_graph
from .graph_validation import CALL_INPUT_PREFIX, is_dynamic_input
from .media_filter import MediaFilter, MediaOrder
from .processor_events import invocation_event
from .queue_state import TERMINAL, ItemNotFoundError
from .saved_graph import (
    InvalidWorkflowInputError,
    UnsupportedWorkflowNodeError,
    call_graph,
    called_nodes,
    exposed_inputs,
)
from .session import Session
from .workflows import WorkflowNotFoundError

if TYPE_CHECKING:
    from .simulation import Simulation


_ASSETS = ("control", "mask", "user", "other")
_BATCH_SIGNS = (
    "batch child workflow", "batch group", "batch input", "batch node",
    "connected batch", "generator-backed batch",
)  # fmt: skip


class WorkflowCalls:
    """What `call_saved_workflow` nodes need of the library and the queue."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def compatibility(
        self, workflow_id: str, user_id: Optional[str] = None
    ) -> dict[str, Any]:
        """Whether a saved workflow can be called, and why not.

        Args:
            workflow_id: The workflow.
            user_id: Who would call it; None takes the values of generators on trust,
                as lists of workflows do.
        """
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
            inputs = self._usual_inputs(workflow)
            room = self._simulation.settings.max_queue_size
            resolve: Resolve = placeholder_items
            if user_id is not None:
                resolve = self._resolver(user_id, room)
            self._children(workflow, inputs, room, resolve)
        except InvalidWorkflowInputError as error:
            reason, message = "invalid_inputs", str(error)
        except UnsupportedWorkflowNodeError as error:
            message = str(error)
            batch = any(sign in message for sign in _BATCH_SIGNS)
            reason = "unsupported_batch_input" if batch else "unsupported_node"
        except TooManySessionsError as error:
            reason, message = "exceeds_capacity", str(error)
        except ValueError as error:
            reason, message = "invalid_graph", str(error)
        else:
            return {"is_callable": True, "reason": "ok", "message": None}
        return {"is_callable": False, "reason": reason, "message": message}

    def _usual_inputs(self, workflow: Mapping[str, Any]) -> dict[str, Any]:
        """Every exposed field with its default, in place of what was saved."""
        schemas = self._simulation.schemas
        types = {
            node["id"]: str(node.get("data", {}).get("type"))
            for node in workflow["nodes"]
        }
        inputs: dict[str, Any] = {}
        for name in exposed_inputs(workflow):
            node_id, _, field = name[len(CALL_INPUT_PREFIX) :].rpartition("::")
            node_type = types.get(node_id, "")
            if node_type not in schemas.node_types:
                continue
            declared = schemas.node_schema(node_type)["properties"].get(field, {})
            if "default" in declared:
                inputs[name] = declared["default"]
        return inputs

    def _children(
        self,
        workflow: Mapping[str, Any],
        inputs: Mapping[str, Any],
        room: int,
        resolve: Resolve,
    ) -> list[tuple[Graph, Optional[list[FieldValue]]]]:
        """The graphs that a call runs, with the batch values that make each.

        Raises:
            ValueError: It cannot be called like this.
        """
        schemas = self._simulation.schemas
        nodes = called_nodes(workflow, inputs, schemas)
        batch = read_batch(workflow, nodes, resolve)
        if batch is None:
            return [(call_graph(workflow, nodes, schemas), None)]
        running = {key: data for key, data in nodes.items() if key not in batch.used}
        graph = call_graph(workflow, running, schemas)
        data = [[BatchDatum(**datum) for datum in group] for group in batch.groups]
        whole = Batch.model_validate({"graph": graph, "data": data}, context=schemas)
        if requested_count(whole) > room:
            raise TooManySessionsError(TOO_MANY)
        return [
            (stored_graph(session, schemas), list(values))
            for session, values in expand(whole, room)
        ]

    def begin(self, row: Row, session: Session, node: Any) -> None:
        """Enqueue the child of a call and let the caller wait.

        Raises:
            ValueError: The workflow is not there, cannot be called or not with these
                inputs, or calls are nested too deep.
        """
        workflow = self._workflow(row, node.workflow_id)
        room = self._simulation.queue.free_places(row["queue_id"])
        if room <= 0:
            raise ValueError(TOO_MANY)
        frame = self._frame(session, node)
        resolve = self._resolver(row["user_id"], room)
        found = self._children(workflow, self._inputs(session, node), room, resolve)
        children = [Session(graph, self._simulation.schemas) for graph, _ in found]
        call = new_call(session, children, frame)
        for child in children:
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
        # Saved already here: a child may end before the last one is in the queue.
        with self._simulation.database.transaction():
            call["child_item_ids"] = [
                self._enqueue(row, child, call, values)
                for child, (_, values) in zip(children, found)
            ]
            queue.save_session(item_id, session)
        queue.set_status(item_id, "waiting")

    def _resolver(self, user_id: str, room: int) -> Resolve:
        """Makes the values of generator nodes, with the images that a user sees."""

        def board_images(board_id: str, kind: str) -> list[str]:
            self._check_board(board_id, user_id)
            wanted = ["general"] if kind == "images" else list(_ASSETS)
            chosen = MediaFilter(
                board_id=board_id, categories=wanted, is_intermediate=False
            )
            oldest_first = MediaOrder(ascending=True, starred_first=False)
            rows = self._simulation.images.rows(chosen, oldest_first)
            return [str(row["image_name"]) for row in rows]

        return lambda data: generated_items(data, room, board_images)

    def _check_board(self, board_id: str, user_id: str) -> None:
        user = self._simulation.users.record(user_id)
        if user is not None and user["is_admin"]:
            return
        try:
            board = self._simulation.boards.record(board_id)
        except BoardNotFoundError:
            raise UnsupportedWorkflowNodeError(
                f"call_saved_workflow could not access board '{board_id}' for image "
                "generator expansion"
            ) from None
        if board["user_id"] != user_id and board["board_visibility"] == "private":
            raise UnsupportedWorkflowNodeError(
                "call_saved_workflow caller does not have access to board "
                f"'{board_id}' for image generator expansion"
            )

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

    def _enqueue(
        self,
        row: Row,
        child: Session,
        call: dict[str, Any],
        values: Optional[list[FieldValue]],
    ) -> int:
        now = timestamp()
        queue = self._simulation.queue
        item_id = self._simulation.database.insert(
            "session_queue",
            {
                "queue_id": row["queue_id"],
                "session": json.dumps(child.dump()),
                "session_id": child.id,
                "batch_id": row["batch_id"],
                "field_values": None if values is None else json.dumps(values),
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
            self._cancel_others(row)
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
        call = session.call["waiting_workflow_call_execution"]
        problem = None
        if len(returned) != 1:
            problem = (
                "The selected saved workflow produced an unsupported number of "
                "workflow_return executions."
            )
        else:
            values = returned[0].model_dump(mode="json")["values"]
            problem = record_child(call, int(row["item_id"]), values)
        if problem is not None:
            self._cancel_others(row)
            self._fail(parent, problem)
            return
        if len(call["completed_child_item_ids"]) < call["expected_child_count"]:
            self._simulation.queue.save_session(int(parent["item_id"]), session)
            return
        output = returned[0].model_copy(update={"values": returned_values(call)})
        node = end_call(session, "completed", None)
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

    def _cancel_others(self, row: Row) -> None:
        """Cancel what else a call has begun when one of its children is of no use."""
        others = self._simulation.database.all(
            "SELECT item_id FROM session_queue WHERE item_id <> ? AND "
            "(workflow_call_id = ? OR parent_item_id IN (SELECT item_id FROM "
            "session_queue WHERE workflow_call_id = ?)) ORDER BY item_id",
            (row["item_id"], row["workflow_call_id"], row["workflow_call_id"]),
        )
        for other in others:
            self._simulation.queue.set_status(int(other["item_id"]), "canceled")

    def _fail(self, parent: Row, message: str) -> None:
        session = self._simulation.load_session(parent)
        node = end_call(session, "failed", message)
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
