"""Queue items as the API shows them, and as other users may see them."""

from __future__ import annotations

import json
from typing import Any

from ..base.database import Row
from ..graphs.node_schema import NodeSchemas
from ..program.auth import User
from ..session.session_state import blank_session
from .queue_state import load_session

_COLUMNS = (
    "item_id", "status", "status_sequence", "priority", "batch_id", "origin",
    "destination", "session_id", "error_type", "error_message", "error_traceback",
    "created_at", "updated_at", "started_at", "completed_at", "queue_id", "user_id",
    "user_display_name", "user_email", "retried_from_item_id", "device",
)  # fmt: skip
# Saved workflows are not called here.
_OF_CALLS = (
    "workflow_call_id", "parent_item_id", "parent_session_id", "root_item_id",
    "workflow_call_depth",
)  # fmt: skip
_SUMMARY = (
    "item_id", "created_at", "status", "device", "started_at", "completed_at",
    "origin", "destination", "batch_id", "user_id", "user_display_name", "user_email",
)  # fmt: skip
_OPEN_TO_ALL = (
    "item_id", "queue_id", "status", "status_sequence", "device", "created_at",
    "updated_at", "started_at", "completed_at",
)  # fmt: skip
# Free-form parts in which a null is a value like any other.
_VERBATIM = frozenset({"workflow", "field_values", "metadata"})


def full_item(row: Row, schemas: NodeSchemas, user: User) -> dict[str, Any]:
    """An item with its session."""
    item = {**{key: row[key] for key in _COLUMNS}, **dict.fromkeys(_OF_CALLS)}
    item["field_values"] = _parsed(row["field_values"])
    item["session"] = load_session(row, schemas).dump()
    item["workflow"] = _parsed(row["workflow"])
    return redacted(item, user)


def summary(row: Row, user: User) -> dict[str, Any]:
    """An item without session, errors and sequence."""
    item = {**{key: row[key] for key in _SUMMARY}, "parent_item_id": None}
    item["field_values"] = _parsed(row["field_values"])
    return redacted(item, user)


def redacted(item: dict[str, Any], user: User) -> dict[str, Any]:
    """The item as a user may see it: of another user's, only that it exists."""
    if user.is_admin or item["user_id"] == user.user_id:
        return item
    hidden: dict[str, Any] = {
        key: value if key in _OPEN_TO_ALL else None for key, value in item.items()
    }
    for key in ("user_id", "batch_id", "session_id"):
        if key in item:
            hidden[key] = "redacted"
    if "priority" in item:
        hidden["priority"] = 0
    if "session" in item:
        empty: dict[str, Any] = {"nodes": {}, "edges": []}
        session = blank_session("redacted", empty)
        hidden["session"] = {**session, "execution_graph": empty}
    return hidden


def without_nulls(value: Any) -> Any:
    """A reply of `GET i/{id}`, which leaves out keys whose value is null."""
    if isinstance(value, dict):
        return {
            key: part if key in _VERBATIM else without_nulls(part)
            for key, part in value.items()
            if part is not None
        }
    if isinstance(value, list):
        return [without_nulls(part) for part in value]
    return value


def _parsed(text: Any) -> Any:
    return None if text is None else json.loads(text)
