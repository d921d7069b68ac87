"""Operations on queue items: cancel, delete, clear, prune, retry.

A running item is cancelled by a status transition of its own, so its event is sent and
its worker stops; other rows change in bulk, announced by one `queue_items_canceled`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Optional

from .database import Row, placeholders, timestamp
from .queue_state import TERMINAL, ItemNotFoundError, QueueState
from .session import blank_session

_OPEN = "status IN ('pending', 'waiting')"


class QueueOperations:
    """What clients do to queue items beside enqueueing them."""

    def __init__(self, state: QueueState) -> None:
        self._state = state
        self._database = state.database

    def chain(self, item_id: int) -> list[int]:
        """An item with every item of the workflow calls it belongs to."""
        row = self._state.item(item_id)
        root = row["root_item_id"] or item_id
        related = self._database.all(
            "SELECT item_id FROM session_queue WHERE item_id = ? OR root_item_id = ? "
            "ORDER BY item_id",
            (root, root),
        )
        return [other["item_id"] for other in related]

    def cancel(self, item_id: int) -> Row:
        """Cancel an item and its chain; a finished item stays as it is."""
        for related in self.chain(item_id):
            self._state.set_status(related, "canceled")
        return self._state.item(item_id)

    def delete(self, item_id: int) -> None:
        """Cancel an item if it is not finished and remove it with its chain."""
        related = self.chain(item_id)
        for other in related:
            self._state.set_status(other, "canceled")
        self._database.run(
            f"DELETE FROM session_queue WHERE item_id IN ({placeholders(related)})",
            related,
        )

    def cancel_where(
        self, condition: str, parameters: Sequence[Any], user_id: Optional[str]
    ) -> int:
        """Cancel every unfinished item that matches; returns how many."""
        condition, parameters = _scoped(condition, parameters, user_id)
        by_user = self._cancel_rows(f"{condition} AND {_OPEN}", parameters)
        running = self._cancel_running(condition, parameters)
        self._announce(parameters[0], by_user)
        return sum(map(len, by_user.values())) + len(running)

    def _cancel_rows(
        self, condition: str, parameters: Sequence[Any]
    ) -> dict[str, list[int]]:
        with self._database.transaction():
            by_user = self._by_user(condition, parameters)
            self._database.run(
                "UPDATE session_queue SET status = 'canceled', updated_at = ?, "
                "completed_at = ?, status_sequence = COALESCE(status_sequence, 0) + 1 "
                f"WHERE {condition}",
                (timestamp(), timestamp(), *parameters),
            )
        return by_user

    def _by_user(
        self, condition: str, parameters: Sequence[Any]
    ) -> dict[str, list[int]]:
        by_user: dict[str, list[int]] = {}
        for row in self._database.all(
            f"SELECT item_id, user_id FROM session_queue WHERE {condition}", parameters
        ):
            by_user.setdefault(row["user_id"], []).append(row["item_id"])
        return by_user

    def _cancel_running(self, condition: str, parameters: Sequence[Any]) -> list[int]:
        rows = self._database.all(
            "SELECT item_id FROM session_queue "
            f"WHERE status = 'in_progress' AND {condition}",
            parameters,
        )
        return [row["item_id"] for row in rows if self._cancel_one(row["item_id"])]

    def _cancel_one(self, item_id: int) -> bool:
        try:
            return self._state.set_status(item_id, "canceled")
        except ItemNotFoundError:
            return False  # deleted by someone else in between

    def _announce(self, queue_id: str, by_user: dict[str, list[int]]) -> None:
        if by_user:
            self._state.emit(
                "queue_items_canceled",
                {
                    "queue_id": queue_id,
                    "canceled_item_ids": [i for ids in by_user.values() for i in ids],
                    "user_ids": list(by_user),
                    "canceled_item_ids_by_user": by_user,
                },
            )

    def cancel_by_batch_ids(
        self, queue_id: str, batch_ids: Sequence[str], user_id: Optional[str]
    ) -> int:
        """Cancel the unfinished items of some batches."""
        return self.cancel_where(
            f"queue_id = ? AND batch_id IN ({placeholders(batch_ids)})",
            (queue_id, *batch_ids),
            user_id,
        )

    def cancel_by_destination(
        self, queue_id: str, destination: str, user_id: Optional[str]
    ) -> int:
        """Cancel the unfinished items that were sent to a destination."""
        return self.cancel_where(
            "queue_id = ? AND destination = ?", (queue_id, destination), user_id
        )

    def delete_by_destination(
        self, queue_id: str, destination: str, user_id: Optional[str]
    ) -> int:
        """Remove everything that was sent to a destination, finished or not."""
        condition, parameters = _scoped(
            "queue_id = ? AND destination = ?", (queue_id, destination), user_id
        )
        stopped = set(self._cancel_running(condition, parameters))
        with self._database.transaction():
            by_user = self._by_user(condition, parameters)
            deleted = self._database.run(
                f"DELETE FROM session_queue WHERE {condition}", parameters
            )
        remaining = {
            user: [item_id for item_id in ids if item_id not in stopped]
            for user, ids in by_user.items()
        }
        self._announce(queue_id, {user: ids for user, ids in remaining.items() if ids})
        return deleted

    def _not_current(
        self, queue_id: str, user_id: Optional[str]
    ) -> tuple[str, Sequence[Any]]:
        keep: set[int] = set()
        running = self._database.all(
            "SELECT item_id FROM session_queue "
            "WHERE queue_id = ? AND status = 'in_progress'",
            (queue_id,),
        ) or self._database.all(
            "SELECT c.item_id FROM session_queue c "
            "JOIN session_queue p ON p.item_id = c.parent_item_id "
            "WHERE c.queue_id = ? AND c.status = 'pending' AND p.status = 'waiting' "
            "ORDER BY c.priority DESC, c.item_id LIMIT 1",
            (queue_id,),
        )
        for row in running:
            keep.update(self.chain(row["item_id"]))
        condition, parameters = _scoped(
            f"queue_id = ? AND {_OPEN}", (queue_id,), user_id
        )
        if keep:
            condition += f" AND item_id NOT IN ({placeholders(list(keep))})"
        return condition, (*parameters, *keep)

    def cancel_all_except_current(self, queue_id: str, user_id: Optional[str]) -> int:
        """Cancel everything that waits, but not the chain of the running item."""
        by_user = self._cancel_rows(*self._not_current(queue_id, user_id))
        self._announce(queue_id, by_user)
        return sum(map(len, by_user.values()))

    def delete_all_except_current(self, queue_id: str, user_id: Optional[str]) -> int:
        """Remove everything that waits, but not the chain of the running item."""
        condition, parameters = self._not_current(queue_id, user_id)
        with self._database.transaction():
            by_user = self._by_user(condition, parameters)
            self._database.run(
                f"DELETE FROM session_queue WHERE {condition}", parameters
            )
        self._announce(queue_id, by_user)
        return sum(map(len, by_user.values()))

    def clear(self, queue_id: str, user_id: Optional[str]) -> int:
        """Stop what runs and remove everything, history included."""
        condition, parameters = _scoped("queue_id = ?", (queue_id,), user_id)
        self._cancel_running(condition, parameters)
        deleted = self._database.run(
            f"DELETE FROM session_queue WHERE {condition}", parameters
        )
        self._state.emit("queue_cleared", {"queue_id": queue_id, "user_id": user_id})
        return deleted

    def prune(self, queue_id: str, user_id: Optional[str]) -> int:
        """Remove what is finished."""
        condition, parameters = _scoped(
            f"queue_id = ? AND status IN ({placeholders(TERMINAL)})",
            (queue_id, *TERMINAL),
            user_id,
        )
        return self._database.run(
            f"DELETE FROM session_queue WHERE {condition}", parameters
        )

    def keep_newest(self, queue_id: str, count: int) -> None:
        """Delete all that ended but the newest; what runs and waits stays."""
        ended = "queue_id = ? AND status IN ('completed', 'failed', 'canceled')"
        newest = "COALESCE(completed_at, updated_at, created_at) DESC, item_id DESC"
        self._database.run(
            f"DELETE FROM session_queue WHERE {ended} AND item_id NOT IN "
            f"(SELECT item_id FROM session_queue WHERE {ended} "
            f"ORDER BY {newest} LIMIT ?)",
            (queue_id, queue_id, count),
        )

    def retry(self, queue_id: str, item_ids: Iterable[int]) -> list[int]:
        """Enqueue failed and cancelled items again.

        Returns:
            The ids of the *old* root items, as the real server does; the new items
            have `retried_from_item_id` set.
        """
        retried: list[Row] = []
        with self._database.transaction():
            places = self._state.free_places(queue_id)
            for item_id in item_ids:
                if len(retried) >= places:
                    break
                root = self._retriable(queue_id, item_id)
                if root is not None and all(
                    root["item_id"] != row["item_id"] for row in retried
                ):
                    retried.append(root)
            self._database.insert_all("session_queue", map(_retry_row, retried))
        ids = [row["item_id"] for row in retried]
        if places:
            by_user: dict[str, list[int]] = {}
            for row in retried:
                by_user.setdefault(row["user_id"], []).append(row["item_id"])
            self._state.emit(
                "queue_items_retried",
                {
                    "queue_id": queue_id,
                    "retried_item_ids": ids,
                    "user_ids": list(by_user),
                    "retried_item_ids_by_user": by_user,
                },
            )
        return ids

    def _retriable(self, queue_id: str, item_id: int) -> Optional[Row]:
        try:
            row = self._state.item(item_id)
        except ItemNotFoundError:
            return None
        if row["queue_id"] != queue_id or row["status"] not in ("failed", "canceled"):
            return None
        root = self._state.item(row["root_item_id"] or item_id)
        return root if root["status"] in ("failed", "canceled") else None


def _scoped(
    condition: str, parameters: Sequence[Any], user_id: Optional[str]
) -> tuple[str, Sequence[Any]]:
    if user_id is None:
        return condition, tuple(parameters)
    return f"{condition} AND user_id = ?", (*parameters, user_id)


def _retry_row(row: Row) -> Row:
    now = timestamp()
    session = blank_session(str(uuid.uuid4()), json.loads(row["session"])["graph"])
    first = row["retried_from_item_id"]
    return {
        "queue_id": row["queue_id"],
        "session": json.dumps(session),
        "session_id": session["id"],
        "batch_id": row["batch_id"],
        "field_values": row["field_values"] if row["field_values"] != "[]" else None,
        "priority": row["priority"],
        "workflow": row["workflow"],
        "origin": row["origin"],
        "destination": row["destination"],
        "retried_from_item_id": row["item_id"] if first is None else first,
        "user_id": row["user_id"],
        "created_at": now,
        "updated_at": now,
    }
