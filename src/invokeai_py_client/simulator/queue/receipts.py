"""Receipts of enqueued batches, by the rules of 7: one batch for one key."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Optional

from ..base.database import Database, Row
from ..base.errors import ApiError
from ..graphs.batch import KeyedBatch

MOST_UNACKNOWLEDGED = 10_000
MOST_RECEIPTS = 100_000
_OWNER = ("queue_id", "user_id", "idempotency_key")


class Receipts:
    """What became of the batches that had a key; they survive their queue items."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, queue_id: str, user_id: str, key: str) -> Optional[Row]:
        """The receipt for a key of a user in a queue."""
        row = self._database.one(
            "SELECT * FROM enqueue_receipts WHERE queue_id = ? AND user_id = ? "
            "AND idempotency_key = ?",
            (queue_id, user_id, key),
        )
        return row and {**row, "item_ids": json.loads(row["item_ids"])}

    def settled(
        self, queue_id: str, user_id: str, batch: KeyedBatch, prepend: bool
    ) -> Optional[Row]:
        """The receipt of the same batch under the same key.

        Raises:
            ApiError: 409, the key has another batch.
        """
        key = batch.idempotency_key
        row = None if key is None else self.find(queue_id, user_id, key)
        if row is not None and row["payload_hash"] != payload_hash(batch, prepend):
            problem = f"Idempotency key {key} is already used by another submission"
            raise ApiError(409, problem)
        return row

    def demand_room(self, user_id: str) -> None:
        """Refuse a new receipt when the user has too many.

        Raises:
            ApiError: 429.
        """
        of_user = "SELECT COUNT(*) FROM enqueue_receipts WHERE user_id = ?"
        if self._database.value(of_user, (user_id,)) >= MOST_RECEIPTS:
            raise ApiError(429, "Enqueue receipts exceed the count limit")
        unacknowledged = f"{of_user} AND is_acknowledged = 0"
        if self._database.value(unacknowledged, (user_id,)) >= MOST_UNACKNOWLEDGED:
            raise ApiError(429, "Too many unacknowledged enqueue requests")

    def keep(self, user_id: str, batch: KeyedBatch, prepend: bool, answer: Row) -> None:
        """Store the receipt of a batch that was enqueued."""
        self._database.insert(
            "enqueue_receipts",
            {
                "queue_id": answer["queue_id"],
                "user_id": user_id,
                "idempotency_key": batch.idempotency_key,
                "payload_hash": payload_hash(batch, prepend),
                "batch_id": answer["batch"]["batch_id"],
                **{name: answer[name] for name in ("requested", "enqueued")},
                "priority": answer["priority"],
                "item_ids": json.dumps(answer["item_ids"]),
            },
        )

    def acknowledge(self, queue_id: str, user_id: str, key: str) -> None:
        """Note that the client has its receipt; it is kept, and still answers."""
        owner = dict(zip(_OWNER, (queue_id, user_id, key)))
        self._database.update("enqueue_receipts", {"is_acknowledged": 1}, **owner)


def payload_hash(batch: KeyedBatch, prepend: bool) -> str:
    """What two requests with the same content have in common."""
    content: dict[str, Any] = {
        "batch": batch.model_dump(mode="json", exclude={"batch_id", "idempotency_key"}),
        "prepend": prepend,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
