"""What a session notes of the workflows that it calls."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Optional

from .node_schema import Node
from .session import Session


def record_child(
    call: dict[str, Any], item_id: int, values: dict[str, Any]
) -> Optional[str]:
    """Note what a child returned; gives back what is wrong with it."""
    outputs = call["child_outputs"]
    first = next(iter(outputs.values()), None)
    if first is not None and first.keys() != values.keys():
        return "Batched child workflows returned different workflow return keys."
    call["completed_child_item_ids"].append(item_id)
    outputs[str(item_id)] = values
    ended = [str(key) for key in call["child_item_ids"] if str(key) in outputs]
    call["aggregated_values"] = {
        key: [outputs[child][key] for child in ended] for key in values
    }
    return None


def returned_values(call: dict[str, Any]) -> dict[str, Any]:
    """The values of a call: lists of them when it had more than one child."""
    values = call["aggregated_values"]
    if call["expected_child_count"] > 1:
        return dict(values)
    return {key: listed[0] for key, listed in values.items()}


def new_call(
    session: Session, children: Sequence[Session], frame: dict[str, Any]
) -> dict[str, Any]:
    """What a session notes of a call that it makes."""
    return {
        "id": str(uuid.uuid4()),
        "parent_session_id": session.id,
        "child_session_id": children[0].id,
        **frame,
        "status": "running_child",
        "error_message": None,
        "child_session_ids": [child.id for child in children],
        "child_item_ids": [],
        "expected_child_count": len(children),
        "completed_child_item_ids": [],
        "aggregated_values": {},
        "child_outputs": {},
    }


def end_call(session: Session, status: str, message: Any) -> Node:
    """Close the call a session waits for; returns the calling node."""
    call = session.call["waiting_workflow_call_execution"]
    call.update(status=status, error_message=message)
    session.call["workflow_call_history"].append(call)
    frame = session.call["waiting_workflow_call"]
    session.call["waiting_workflow_call"] = None
    session.call["waiting_workflow_call_execution"] = None
    session.call["waiting_workflow_call_child_session"] = None
    return session.execution_nodes[frame["prepared_call_node_id"]]
