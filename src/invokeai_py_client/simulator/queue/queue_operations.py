"""Operations on queue items: cancel, delete, clear, prune, retry.

A running item is cancelled by its own status transition, so that its event is sent and
its worker stops. Other rows change in bulk, announced by one `queue_items_canceled`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Optional

from ..base.database import Row, placeholders, timestamp
from ..session.session_state import blank_session
from .queue_state import TERMINAL, ItemNotFoundError, QueueState, of_user

_INHERITED = (
    "queue_id", "batch_id", "priority", "origin", "destination", "user_id", "workflow",
)  # fmt: skip
ByUser = dict[str, list[int]]
"""The ids of items, by the user of each."""

_OPEN = "status = 'pending'"


class QueueOperations:
    """What clients do with queue items except enqueueing them."""

    def __init__(self, state: QueueState) -> None:
        self._state = state
        self._database = state.database

    def cancel(self, item_id: int) -> Row:
        """Cancel an item; a finished one stays as it is."""
        with self._database.transaction():
            self._state.set_status(item_id, "canceled")
            return self._state.item(item_id)

    def delete(self, item_id: int) -> None:
        """Cancel an item if it is not finished, and remove it."""
        with self._database.transaction():
            self._state.set_status(item_id, "canceled")
            self._delete("item_id = ?", (item_id,))

    def _cancel_all(
        self, condition: str, parameters: Sequence[Any], user_id: Optional[str]
    ) -> int:
        """Cancel every unfinished item that matches; returns how many."""
        condition, parameters = of_user(condition, parameters, user_id)
        by_user = self._cancel_rows(f"{condition} AND {_OPEN}", parameters)
        running = self._cancel_running(condition, parameters)
        self._announce(parameters[0], by_user)
        return _count(by_user) + len(running)

    def _cancel_rows(self, condition: str, parameters: Sequence[Any]) -> ByUser:
        with self._database.transaction():
            by_user = self._by_user(condition, parameters)
            self._database.run(
                "UPDATE session_queue SET status = 'canceled', updated_at = ?, "
                "completed_at = ?, status_sequence = COALESCE(status_sequence, 0) + 1 "
                f"WHERE {condition}",
                (timestamp(), timestamp(), *parameters),
            )
        return by_user

    def _delete(self, condition: str, parameters: Sequence[Any]) -> ByUser:
        with self._database.transaction():
            by_user = self._by_user(condition, parameters)
            self._database.run(
                f"DELETE FROM session_queue WHERE {condition}", parameters
            )
        return by_user

    def _by_user(self, condition: str, parameters: Sequence[Any]) -> ByUser:
        columns = "SELECT item_id, user_id FROM session_queue WHERE "
        return _by_user(self._database.all(columns + condition, parameters))

    def _cancel_running(self, condition: str, parameters: Sequence[Any]) -> list[int]:
        rows = self._database.all(
            "SELECT item_id FROM session_queue "
            f"WHERE status = 'in_progress' AND {condition}",
            parameters,
        )
        canceled = []
        for row in rows:
            # It may have been deleted meanwhile.
            with suppress(ItemNotFoundError):
                if self._state.set_status(row["item_id"], "canceled"):
                    canceled.append(row["item_id"])
        return canceled

    def _announce(self, queue_id: str, by_user: ByUser) -> None:
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
        return self._cancel_all(
            f"queue_id = ? AND batch_id IN ({placeholders(batch_ids)})",
            (queue_id, *batch_ids),
            user_id,
        )

    def running(self, queue_id: str, batch_ids: Sequence[str]) -> list[int]:
        """The items of some batches that run."""
        rows = self._database.all(
            "SELECT item_id FROM session_queue WHERE status = 'in_progress' "
            f"AND queue_id = ? AND batch_id IN ({placeholders(batch_ids)})",
            (queue_id, *batch_ids),
        )
        return [row["item_id"] for row in rows]

    def cancel_by_destination(
        self, queue_id: str, destination: str, user_id: Optional[str]
    ) -> int:
        """Cancel the unfinished items that were sent to a destination."""
        return self._cancel_all(
            "queue_id = ? AND destination = ?", (queue_id, destination), user_id
        )

    def delete_by_destination(
        self, queue_id: str, destination: str, user_id: Optional[str]
    ) -> int:
        """Remove everything that was sent to a destination, finished or not."""
        condition, parameters = of_user(
            "queue_id = ? AND destination = ?", (queue_id, destination), user_id
        )
        stopped = set(self._cancel_running(condition, parameters))
        by_user = self._delete(condition, parameters)
        remaining = {
            user: [item_id for item_id in ids if item_id not in stopped]
            for user, ids in by_user.items()
        }
        self._announce(queue_id, {user: ids for user, ids in remaining.items() if ids})
        return _count(by_user)

    def cancel_all_except_current(self, queue_id: str, user_id: Optional[str]) -> int:
        """Cancel everything that waits, but not the running item."""
        pending = of_user(f"queue_id = ? AND {_OPEN}", (queue_id,), user_id)
        by_user = self._cancel_rows(*pending)
        self._announce(queue_id, by_user)
        return _count(by_user)

    def delete_all_except_current(self, queue_id: str, user_id: Optional[str]) -> int:
        """Remove everything that waits, but not the running item."""
        pending = of_user(f"queue_id = ? AND {_OPEN}", (queue_id,), user_id)
        by_user = self._delete(*pending)
        self._announce(queue_id, by_user)
        return _count(by_user)

    def clear(self, queue_id: str, user_id: Optional[str]) -> int:
        """Stop what runs and remove everything, history included."""
        condition, parameters = of_user("queue_id = ?", (queue_id,), user_id)
        self._cancel_running(condition, parameters)
        deleted = _count(self._delete(condition, parameters))
        self._state.emit("queue_cleared", {"queue_id": queue_id, "user_id": user_id})
        return deleted

    def prune(self, queue_id: str, user_id: Optional[str]) -> int:
        """Remove what is finished."""
        finished = f"queue_id = ? AND status IN ({placeholders(TERMINAL)})"
        condition, parameters = of_user(finished, (queue_id, *TERMINAL), user_id)
        return _count(self._delete(condition, parameters))

    def retry(self, queue_id: str, item_ids: Iterable[int]) -> list[int]:
        """Enqueue failed and cancelled items again.

        Returns:
            The ids of the *old* items, as the real server does; the new items have
            `retried_from_item_id` set.
        """
        retried: list[Row] = []
        with self._database.transaction():
            places = self._state.free_places(queue_id)
            for item_id in item_ids:
                if len(retried) >= places:
                    break
                row = self._retriable(queue_id, item_id)
                if row is not None and row not in retried:
                    retried.append(row)
            self._database.insert_all("session_queue", map(_retry_row, retried))
        ids = [row["item_id"] for row in retried]
        if places:
            by_user = _by_user(retried)
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
        ended = row["status"] in ("failed", "canceled")
        return row if ended and row["queue_id"] == queue_id else None


def _by_user(rows: Iterable[Row]) -> ByUser:
    by_user: ByUser = {}
    for row in rows:
        by_user.setdefault(row["user_id"], []).append(row["item_id"])
    return by_user


def _count(by_user: ByUser) -> int:
    return sum(map(len, by_user.values()))


def _retry_row(row: Row) -> Row:
    now = timestamp()
    session = blank_session(str(uuid.uuid4()), json.loads(row["session"])["graph"])
    first = row["retried_from_item_id"]
    return {
        **{key: row[key] for key in _INHERITED},
        "session": json.dumps(session),
        "session_id": session["id"],
        "field_values": row["field_values"] if row["field_values"] != "[]" else None,
        "retried_from_item_id": row["item_id"] if first is None else first,
        "created_at": now,
        "updated_at": now,
    }
