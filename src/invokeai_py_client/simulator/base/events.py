"""Events: a name, a payload, and who may see it.

This module decides; `socket_server.py` delivers. In single-user mode every socket
belongs to the user `system`, who is an administrator.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

Payload = Mapping[str, Any]
Emit = Callable[[str, Payload], None]
"""Sends an event: its name and payload."""

_BULK = {
    "queue_items_retried": ("retried_item_ids", "retried_item_ids_by_user"),
    "queue_items_canceled": ("canceled_item_ids", "canceled_item_ids_by_user"),
}
_PRIVATE = (
    "invocation_started", "invocation_complete", "invocation_error",
    "recall_parameters_updated",
)  # fmt: skip
_HIDDEN_STATUS = (
    "item_id", "session_id", "batch_id", "user_pending", "user_in_progress",
)  # fmt: skip
_OWNER_ONLY = ("invocation_progress", "model_load_started", "model_load_complete")


@dataclass(frozen=True)
class Delivery:
    """One emission.

    Attributes:
        event: The event's name.
        payload: What is sent.
        rooms: A socket in any of these gets it once.
        except_users: Sockets of these users do not get it.
        except_admins: Whether administrators' sockets do not get it either.
    """

    event: str
    payload: Payload
    rooms: Sequence[str]
    except_users: Sequence[str] = ()
    except_admins: bool = False


def deliveries(event: str, payload: Payload) -> list[Delivery]:
    """Who receives which form of an event.

    The owner of a job and administrators see everything; others who subscribed to the
    queue see that something happened, with the identifiers removed.
    """
    payload = {"timestamp": int(time.time()), **payload}
    if event in _BULK:
        return _bulk(event, payload, *_BULK[event])
    owner = payload.get("user_id")
    if event in _PRIVATE or event.startswith("llm_task_"):
        return [Delivery(event, payload, (f"user:{owner}", "admin"))]
    if event in _OWNER_ONLY:
        return [Delivery(event, payload, (f"user:{owner}",))]
    if event in ("queue_item_status_changed", "batch_enqueued", "queue_cleared"):
        return _with_companion(event, payload, owner)
    if event.startswith("bulk_download"):
        if owner != "system":
            return [Delivery(event, payload, (f"user:{owner}", "admin"))]
        return [Delivery(event, payload, (payload["bulk_download_id"],))]
    if event.startswith("workflow_"):
        shared = ("workflows:shared",) if payload.get("is_public") else ()
        return [Delivery(event, payload, (f"user:{owner}", "admin", *shared))]
    return [Delivery(event, payload, ("admin",))]


def _with_companion(
    event: str, payload: Payload, owner: Optional[str]
) -> list[Delivery]:
    queue = str(payload["queue_id"])
    if owner is None:
        return [Delivery(event, payload, (queue,))]
    return [
        Delivery(event, payload, (f"user:{owner}", "admin")),
        Delivery(event, redacted(event, payload), (queue,), (owner,), True),
    ]


def redacted(event: str, payload: Payload) -> Payload:
    """What users see of another user's event."""
    hidden: dict[str, Any] = {**payload, "user_id": "redacted"}
    if event == "queue_cleared":
        return hidden
    hidden.update(batch_id="redacted", origin=None)
    if event == "batch_enqueued":
        return hidden
    hidden.update(
        session_id="redacted",
        destination=None,
        error_type=None,
        error_message=None,
        error_traceback=None,
        batch_status={
            **payload["batch_status"],
            "batch_id": "redacted",
            "origin": None,
            "destination": None,
        },
        queue_status={**payload["queue_status"], **dict.fromkeys(_HIDDEN_STATUS)},
    )
    return hidden


def _bulk(
    event: str, payload: Payload, ids_key: str, by_user_key: str
) -> list[Delivery]:
    by_user: Mapping[str, list[int]] = payload[by_user_key]
    result = []
    for user, ids in by_user.items():
        own = {**payload, ids_key: ids, "user_ids": [user], by_user_key: {user: ids}}
        result.append(Delivery(event, own, (f"user:{user}",), except_admins=True))
    result.append(Delivery(event, payload, ("admin",)))
    nothing = {**payload, ids_key: [], "user_ids": [], by_user_key: {}}
    queue = str(payload["queue_id"])
    result.append(Delivery(event, nothing, (queue,), tuple(by_user), True))
    return result
