"""The queue's rows: enqueue, dequeue, and one status transition at a time."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any, Optional

from ..base.database import Database, Row, timestamp
from ..base.events import Emit
from ..graphs.batch import Batch, KeyedBatch
from ..graphs.node_schema import Node, NodeSchemas
from ..nodes.node_context import invocation_event
from ..session.batch_expansion import expand, requested_count
from ..session.session import Session
from ..session.session_state import SessionState, stored_json
from .receipts import Receipts

TERMINAL = ("completed", "failed", "canceled")
STATUSES = ("pending", "in_progress", "waiting", *TERMINAL)

_ITEM = (
    "SELECT q.*, u.display_name AS user_display_name, u.email AS user_email "
    "FROM session_queue q LEFT JOIN users u ON q.user_id = u.user_id "
)
# Round robin: the user who was served longest ago, then priority, then age. Jobs here
# take less than the clock's millisecond; of equals, the user with fewer jobs is first.
_ROUND_ROBIN = (
    _ITEM
    + """WHERE q.status = 'pending'
    AND q.item_id = (SELECT p.item_id FROM session_queue p
        WHERE p.status = 'pending' AND p.user_id = q.user_id
        ORDER BY p.priority DESC, p.item_id LIMIT 1)
    ORDER BY COALESCE((SELECT MAX(s.started_at) FROM session_queue s
        WHERE s.user_id = q.user_id), '1970-01-01'),
        (SELECT COUNT(s.started_at) FROM session_queue s
        WHERE s.user_id = q.user_id), q.item_id LIMIT 1"""
)
_FIRST_IN = (
    _ITEM + "WHERE q.status = 'pending' ORDER BY q.priority DESC, q.item_id LIMIT 1"
)
_ANNOUNCED = (
    "queue_id", "item_id", "batch_id", "origin", "destination", "user_id",
    "session_id", "status", "status_sequence", "error_type", "error_message",
    "error_traceback", "created_at", "updated_at", "started_at", "completed_at",
)  # fmt: skip


class ItemNotFoundError(LookupError):
    """No queue item has this id."""


class QueueState:
    """The rows of every queue."""

    def __init__(
        self,
        database: Database,
        emit: Emit,
        *,
        max_queue_size: int = 10_000,
        round_robin: bool = False,
        receipts: Optional[Receipts] = None,
    ) -> None:
        self.database = database
        self.emit = emit
        self.max_queue_size = max_queue_size
        self.receipts = receipts
        self._next = _ROUND_ROBIN if round_robin else _FIRST_IN

    def free_places(self, queue_id: str) -> int:
        """How many more items a queue takes; only pending ones count."""
        pending = self._counts("queue", queue_id, "", None)["pending"]
        return max(self.max_queue_size - pending, 0)

    def enqueue(
        self, queue_id: str, batch: Batch, *, prepend: bool, user_id: str
    ) -> dict[str, Any]:
        """Store the sessions of a batch and announce them.

        What does not fit is left out silently, as on the real server: `enqueued` is
        then less than `requested`.

        Returns:
            The reply of `enqueue_batch`. Its `item_ids` are those of every item with
            this batch id, newest first; by the rules of 7, where no two batches share
            an id, oldest first.

        Raises:
            ApiError: 409 or 429, by the rules of 7; see `Receipts`.
        """
        with self.database.transaction():
            if self.receipts is None or not isinstance(batch, KeyedBatch):
                answer = self._add(queue_id, batch, prepend, user_id)
            else:
                settled = self.receipts.settled(queue_id, user_id, batch, prepend)
                if settled is not None:
                    return _repeated(batch, settled)
                free = self._free_batch_id(queue_id, user_id, batch.batch_id)
                accepted = batch.model_copy(update={"batch_id": free})
                has_key = batch.idempotency_key is not None
                if has_key and self.free_places(queue_id):
                    self.receipts.demand_room(user_id)
                answer = self._add(queue_id, accepted, prepend, user_id)
                answer["item_ids"].sort()
                if has_key and answer["enqueued"]:
                    self.receipts.keep(user_id, batch, prepend, answer)
        self.emit(
            "batch_enqueued",
            {
                **{
                    name: answer[name]
                    for name in ("queue_id", "enqueued", "requested", "priority")
                },
                "batch_id": answer["batch"]["batch_id"],
                "origin": batch.origin,
                "user_id": user_id,
            },
        )
        return answer

    def _add(
        self, queue_id: str, batch: Batch, prepend: bool, user_id: str
    ) -> dict[str, Any]:
        priority = 0
        if prepend:
            highest = self.database.value(
                "SELECT MAX(priority) FROM session_queue "
                "WHERE queue_id = ? AND status = 'pending'",
                (queue_id,),
            )
            priority = (highest or 0) + 1
        rows = self._rows(queue_id, batch, priority, user_id)
        self.database.insert_all("session_queue", rows)
        found = self.database.all(
            "SELECT item_id FROM session_queue WHERE batch_id = ? "
            "ORDER BY item_id DESC",
            (batch.batch_id,),
        )
        return {
            "queue_id": queue_id,
            "enqueued": len(rows),
            "requested": requested_count(batch),
            "batch": batch.model_dump(mode="json"),
            "priority": priority,
            "item_ids": [row["item_id"] for row in found],
        }

    def _free_batch_id(self, queue_id: str, user_id: str, batch_id: str) -> str:
        """The id that a batch gets: its own, unless items of the user have it."""
        taken = self.database.value(
            "SELECT 1 FROM session_queue WHERE queue_id = ? AND user_id = ? "
            "AND batch_id = ? LIMIT 1",
            (queue_id, user_id, batch_id),
        )
        return str(uuid.uuid4()) if taken else batch_id

    def _rows(
        self, queue_id: str, batch: Batch, priority: int, user_id: str
    ) -> list[Row]:
        workflow = batch.workflow and batch.workflow.model_dump_json()
        now = timestamp()
        return [
            {
                "queue_id": queue_id,
                "session": json.dumps(session),
                "session_id": session["id"],
                "batch_id": batch.batch_id,
                "field_values": json.dumps(values),
                "priority": priority,
                "workflow": workflow,
                "origin": batch.origin,
                "destination": batch.destination,
                "user_id": user_id,
                "created_at": now,
                "updated_at": now,
            }
            for session, values in expand(batch, self.free_places(queue_id))
        ]

    def item(self, item_id: int) -> Row:
        """The row of an item."""
        row = self.database.one(_ITEM + "WHERE q.item_id = ?", (item_id,))
        if row is None:
            raise ItemNotFoundError(f"No queue item with id {item_id}")
        return row

    def items(self, where: str, parameters: tuple[Any, ...]) -> list[Row]:
        """The rows that a condition on `q` selects."""
        return self.database.all(_ITEM + "WHERE " + where, parameters)

    def next_pending(self) -> Optional[Row]:
        """The item that would run next, of any queue."""
        return self.database.one(self._next)

    def set_status(
        self,
        item_id: int,
        status: str,
        *,
        error: Optional[tuple[str, str, str]] = None,
        device: Optional[str] = None,
    ) -> bool:
        """Move an item to a status and announce it.

        Args:
            item_id: The item.
            status: Where it goes; nothing leaves a terminal status.
            error: Type, message and traceback of a failure.
            device: Set when an item is taken up.

        Returns:
            False when the item was finished already.

        Raises:
            ItemNotFoundError: The item is gone.
        """
        now = timestamp()
        with self.database.transaction():
            row = self.item(item_id)
            if row["status"] in TERMINAL:
                return False
            started = now if status == "in_progress" else row["started_at"]
            completed = now if status in TERMINAL else row["completed_at"]
            self.database.run(
                "UPDATE session_queue SET status = ?, error_type = ?, "
                "status_sequence = COALESCE(status_sequence, 0) + 1, "
                "error_message = ?, error_traceback = ?, started_at = ?, "
                "completed_at = ?, updated_at = ?, device = COALESCE(?, device) "
                "WHERE item_id = ?",
                (
                    status,
                    *(error or (None, None, None)),
                    started,
                    completed,
                    now,
                    device,
                    item_id,
                ),
            )
            self.announce(self.item(item_id))
        return True

    def announce(self, row: Row) -> None:
        """Send the status event of a row."""
        self.emit(
            "queue_item_status_changed",
            {
                **{key: row[key] for key in _ANNOUNCED},
                "batch_status": self.batch_status(row["queue_id"], row["batch_id"]),
                "queue_status": self.queue_status(row["queue_id"], row["user_id"]),
            },
        )

    def fail(
        self, row: Row, session: SessionState, node: Node, error: tuple[str, str, str]
    ) -> None:
        """Mark an item failed because of a node; its session is saved already."""
        # The status event leaves before the node's error event, as on the real server.
        self.set_status(int(row["item_id"]), "failed", error=error)
        event = invocation_event(row, session, node)
        event.update(zip(("error_type", "error_message", "error_traceback"), error))
        self.emit("invocation_error", event)

    def save_session(self, item_id: int, session: SessionState) -> None:
        """Store a session."""
        changed = self.database.run(
            "UPDATE session_queue SET session = ?, updated_at = ? WHERE item_id = ?",
            (stored_json(session.dump()), timestamp(), item_id),
        )
        if not changed:
            raise ItemNotFoundError(f"No queue item with id {item_id}")

    def cancel_interrupted(self) -> None:
        """Cancel what a killed server left running, without events."""
        self.database.run(
            "UPDATE session_queue SET status = 'canceled', updated_at = ?, "
            "status_sequence = COALESCE(status_sequence, 0) + 1 "
            "WHERE status = 'in_progress'",
            (timestamp(),),
        )

    def _counts(
        self, kind: str, queue_id: str, name: str, user_id: Optional[str]
    ) -> dict[str, int]:
        where, parameters = of_user(
            "kind = ? AND queue_id = ? AND name = ?", (kind, queue_id, name), user_id
        )
        rows = self.database.all(
            f"SELECT status, SUM(n) AS n FROM tally WHERE {where} GROUP BY status",
            parameters,
        )
        counts = {row["status"]: int(row["n"]) for row in rows}
        result = {status: counts.get(status, 0) for status in STATUSES}
        result["total"] = sum(counts.values())
        return result

    def batch_status(
        self, queue_id: str, batch_id: str, user_id: Optional[str] = None
    ) -> dict[str, Any]:
        """The counts of a batch, all zero when there is none; of one user if given."""
        where, parameters = of_user(
            "queue_id = ? AND batch_id = ?", (queue_id, batch_id), user_id
        )
        first = self.database.one(
            f"SELECT origin, destination FROM session_queue WHERE {where} LIMIT 1",
            parameters,
        )
        return {
            "queue_id": queue_id,
            "batch_id": batch_id,
            "origin": first["origin"] if first else None,
            "destination": first["destination"] if first else None,
            **self._counts("batch", queue_id, batch_id, user_id),
        }

    def destination_counts(
        self, queue_id: str, destination: str, user_id: Optional[str] = None
    ) -> dict[str, Any]:
        """The counts of everything sent to a destination."""
        return {
            "queue_id": queue_id,
            "destination": destination,
            **self._counts("destination", queue_id, destination, user_id),
        }

    def queue_status(
        self, queue_id: str, user_id: str, *, is_admin: bool = False
    ) -> dict[str, Any]:
        """The counts of a queue and its running item.

        The counts are everyone's; the running item is named only to its owner and to
        administrators.
        """
        own = self._counts("queue", queue_id, "", user_id)
        current = self.database.one(
            "SELECT item_id, session_id, batch_id, user_id FROM session_queue "
            "WHERE queue_id = ? AND status = 'in_progress' LIMIT 1",
            (queue_id,),
        )
        if current is not None and not is_admin and current["user_id"] != user_id:
            current = None
        shown = current or {}
        return {
            "queue_id": queue_id,
            "item_id": shown.get("item_id"),
            "batch_id": shown.get("batch_id"),
            "session_id": shown.get("session_id"),
            **self._counts("queue", queue_id, "", None),
            "user_pending": own["pending"],
            "user_in_progress": own["in_progress"],
        }


def _repeated(batch: Batch, receipt: Row) -> dict[str, Any]:
    """The reply to a batch that was enqueued before."""
    accepted = batch.model_copy(update={"batch_id": receipt["batch_id"]})
    names = ("queue_id", "enqueued", "requested", "priority", "item_ids")
    return {
        **{name: receipt[name] for name in names},
        "batch": accepted.model_dump(mode="json"),
    }


def load_session(row: Row, schemas: NodeSchemas) -> Session:
    """The session of a queue row."""
    return Session.load(json.loads(row["session"]), schemas)


def of_user(
    condition: str, parameters: Sequence[Any], user_id: Optional[str]
) -> tuple[str, tuple[Any, ...]]:
    """A condition on items with its parameters, limited to a user if one is given."""
    if user_id is None:
        return condition, tuple(parameters)
    return f"{condition} AND user_id = ?", (*parameters, user_id)
