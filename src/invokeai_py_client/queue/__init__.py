"""The session queue: what runs, what waits, what is in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._exports import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client._aio.queue_repo import (
        AsyncQueueRepository as AsyncQueueRepository,
    )
    from invokeai_py_client.queue.models import (
        BatchStatus as BatchStatus,
        DestinationCounts as DestinationCounts,
        ProcessorStatus as ProcessorStatus,
        QueueCounts as QueueCounts,
        QueuePosition as QueuePosition,
        QueueSnapshot as QueueSnapshot,
        QueueStatus as QueueStatus,
        Stall as Stall,
        StallKind as StallKind,
    )
    from invokeai_py_client.queue.queue_repo import QueueRepository as QueueRepository
else:
    _HOMES = {
        "_aio.queue_repo": "AsyncQueueRepository",
        "queue.models": (
            "BatchStatus DestinationCounts ProcessorStatus QueueCounts "
            "QueuePosition QueueSnapshot QueueStatus Stall StallKind"
        ),
        "queue.queue_repo": "QueueRepository",
    }
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
