"""The session queue: what runs, what waits, what is in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._lazy import lazy_exports

if TYPE_CHECKING:
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
else:
    _HOMES = {
        "async_queue_repo": ("AsyncQueueRepository",),
        "models": (
            "BatchStatus",
            "DestinationCounts",
            "QueueCounts",
            "QueuePosition",
            "QueueStatus",
            "Stall",
            "StallKind",
        ),
        "queue_repo": ("QueueRepository",),
    }
    __getattr__, __dir__ = lazy_exports(__name__, _HOMES)

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
