"""The queue's rows: enqueue, dequeue, and one status transition at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Optional

from .database import Database, Row, timestamp
from .expansion import expand, requested_count
from .graph import Batch
from .session import Session

TERMINAL = ("completed", "failed", "canceled")
STATUSES = ("pending", "in_progress", "waiting", *TERMINAL)
Emit = Callable[[str, Mapping[str, Any]], None]

_ITEM = (
    "SELECT q.*, u.display_name AS user_display_name, u.email AS user_email "
    "FROM session_queue q LEFT JOIN users u ON q.user_id = u.user_id "
)
# Round robin: the user who was served longest ago, then priority, then age. Jobs here
# are quicker than the clock's millisecond; between equals, who had fewer comes first.
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


class ItemNotFoundError(LookupError):
    """No queue item has this id."""


class QueueState:
    """The rows of every queue.

    Args:
        database: Where they are.
        emit: Sends an event: its name and payload.
        max_queue_size: Pending items of one queue above which enqueueing is cut short.
        round_robin: Serve users in turn, as in multi-user mode.
    """

    def __init__(
        self,
        database: Database,
        emit: Emit,
        *,
        max_queue_size: int = 10_000,
        round_robin: bool = False,
    ) -> None:
        self.database = database
        self.emit = emit
        self.max_queue_size = max_queue_size
        self._next = _ROUND_ROBIN if round_robin else _FIRST_IN

    def free_places(self, queue_id: str) -> int:
        """How many more items a queue takes; only pending ones count."""
        pending = self._counts("queue", queue_id, "", None)["pending"]
        return max(self.max_queue_size - pending, 0)

    def enqueue(
        self, queue_id: str, batch: Batch, *, prepend: bool, user_id: str
    ) -> dict[str, Any]:
        """Store the sessions of a batch and announce them.

        What does not fit is left out without a word, as on the real server; compare
        `enqueued` with `requested`.

        Returns:
            The reply of `enqueue_batch`. Its `item_ids` are those of every item with
            this batch id, newest first.
        """
        priority = 0
        with self.database.transaction():
            if prepend:
                highest = self.database.value(
                    "SELECT MAX(priority) FROM session_queue "
                    "WHERE queue_id = ? AND status = 'pending'",
                    (queue_id,),
                )
                priority = (highest or 0) + 1
            rows = self._rows(queue_id, batch, priority, user_id)
            self.database.insert_all("session_queue", rows)
            item_ids = [
                row["item_id"]
                for row in self.database.all(
                    "SELECT item_id FROM session_queue WHERE batch_id = ? "
                    "ORDER BY item_id DESC",
                    (batch.batch_id,),
                )
            ]
        requested = requested_count(batch)
        self.emit(
            "batch_enqueued",
            {
                "queue_id": queue_id,
                "batch_id": batch.batch_id,
                "enqueued": len(rows),
                "requested": requested,
                "priority": priority,
                "origin": batch.origin,
                "user_id": user_id,
            },
        )
        return {
            "queue_id": queue_id,
            "enqueued": len(rows),
            "requested": requested,
            "batch": batch.model_dump(mode="json"),
            "priority": priority,
            "item_ids": item_ids,
        }

    def _rows(
        self, queue_id: str, batch: Batch, priority: int, user_id: str
    ) -> list[Row]:
        workflow = None
        if batch.workflow is not None:
            workflow = batch.workflow.model_dump_json()
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
        """The row of an item.

        Raises:
            ItemNotFoundError: There is none.
        """
        row = self.database.one(_ITEM + "WHERE q.item_id = ?", (item_id,))
        if row is None:
            raise ItemNotFoundError(f"No queue item with id {item_id}")
        return row

    def items(self, where: str, parameters: tuple[Any, ...]) -> list[Row]:
        """The rows that a condition on `q` selects."""
        return self.database.all(_ITEM + "WHERE " + where, parameters)

    def next_pending(self) -> Optional[Row]:
        """The item that would run next, of whichever queue."""
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
                    *_error_columns(error),
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
        """Send the status event of a row as it stands."""
        keys = (
            "queue_id",
            "item_id",
            "batch_id",
            "origin",
            "destination",
            "user_id",
            "session_id",
            "status",
            "status_sequence",
            "error_type",
            "error_message",
            "error_traceback",
            "created_at",
            "updated_at",
            "started_at",
            "completed_at",
        )
        self.emit(
            "queue_item_status_changed",
            {
                **{key: row[key] for key in keys},
                "batch_status": self.batch_status(row["queue_id"], row["batch_id"]),
                "queue_status": self.queue_status(row["queue_id"], row["user_id"]),
            },
        )

    def save_session(self, item_id: int, session: Session) -> None:
        """Store a session.

        Raises:
            ItemNotFoundError: The item is gone.
        """
        changed = self.database.run(
            "UPDATE session_queue SET session = ?, updated_at = ? WHERE item_id = ?",
            (json.dumps(session.dump()), timestamp(), item_id),
        )
        if not changed:
            raise ItemNotFoundError(f"No queue item with id {item_id}")

    def cancel_interrupted(self) -> None:
        """Cancel what a killed server left running; nobody is told of it."""
        with self.database.transaction():
            interrupted = self.database.all(
                "SELECT item_id, root_item_id FROM session_queue "
                "WHERE status IN ('in_progress', 'waiting')"
            )
            for row in interrupted:
                root = row["root_item_id"] or row["item_id"]
                self.database.run(
                    "UPDATE session_queue SET status = 'canceled', "
                    "status_sequence = COALESCE(status_sequence, 0) + 1, "
                    "updated_at = ? WHERE (item_id = ? OR root_item_id = ?) "
                    "AND status IN ('pending', 'in_progress', 'waiting')",
                    (timestamp(), root, root),
                )

    def _counts(
        self, kind: str, queue_id: str, name: str, user_id: Optional[str]
    ) -> dict[str, int]:
        where, parameters = _of_user("kind = ? AND queue_id = ? AND name = ?", user_id)
        rows = self.database.all(
            f"SELECT status, SUM(n) AS n FROM tally WHERE {where} GROUP BY status",
            (kind, queue_id, name, *parameters),
        )
        counts = {row["status"]: int(row["n"]) for row in rows}
        result = {status: counts.get(status, 0) for status in STATUSES}
        result["total"] = sum(counts.values())
        return result

    def batch_status(
        self, queue_id: str, batch_id: str, user_id: Optional[str] = None
    ) -> dict[str, Any]:
        """The counts of a batch, all zero when there is none; of one user if given."""
        where, parameters = _of_user("queue_id = ? AND batch_id = ?", user_id)
        values = (queue_id, batch_id, *parameters)
        first = self.database.one(
            f"SELECT origin, destination FROM session_queue WHERE {where} LIMIT 1",
            values,
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


def _error_columns(
    error: Optional[tuple[str, str, str]],
) -> tuple[Optional[str], Optional[str], Optional[str]]:
    return error or (None, None, None)


def _of_user(where: str, user_id: Optional[str]) -> tuple[str, tuple[str, ...]]:
    if user_id is None:
        return where, ()
    return f"{where} AND user_id = ?", (user_id,)
