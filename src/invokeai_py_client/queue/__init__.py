"""The session queue: what runs, what waits, what is in the way."""

from __future__ import annotations

from invokeai_py_client.queue.async_queue_repo import AsyncQueueRepository
from invokeai_py_client.queue.models import (
    BatchStatus,
    DestinationCounts,
    QueueCounts,
    QueuePosition,
    QueueStatus,
    Stall,
    StallKind,
)
from invokeai_py_client.queue.queue_repo import QueueRepository

__all__ = [
    "AsyncQueueRepository",
    "BatchStatus",
    "DestinationCounts",
    "QueueCounts",
    "QueuePosition",
    "QueueRepository",
    "QueueStatus",
    "Stall",
    "StallKind",
]
