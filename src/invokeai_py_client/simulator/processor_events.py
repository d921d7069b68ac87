"""The part that all events about a running node share."""

from __future__ import annotations

from typing import Any

from .database import Row
from .node_schema import Node
from .session import Session


def invocation_event(row: Row, session: Session, node: Node) -> dict[str, Any]:
    """What every event about a node carries."""
    invocation = node.model_dump(mode="json")
    if node.type in ("iterate", "collect"):
        invocation["collection"] = []  # the server leaves these lists out of events
    return {
        "queue_id": row["queue_id"],
        "item_id": row["item_id"],
        "batch_id": row["batch_id"],
        "origin": row["origin"],
        "destination": row["destination"],
        "user_id": row["user_id"],
        "session_id": row["session_id"],
        "invocation": invocation,
        "invocation_source_id": session.prepared_source[node.id],
    }
