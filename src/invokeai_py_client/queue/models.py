"""What the server says about its queue: frozen snapshots, and why nothing moves."""

from __future__ import annotations

from enum import Enum
from typing import Optional

from invokeai_py_client._snapshot import Snapshot
from invokeai_py_client.models import IvkJob

__all__ = [
    "BatchStatus",
    "DestinationCounts",
    "ProcessorStatus",
    "QueueCounts",
    "QueuePosition",
    "QueueSnapshot",
    "QueueStatus",
    "Stall",
    "StallKind",
]


class _Counts(Snapshot):
    """How many jobs stand where."""

    queue_id: str = "default"
    pending: int = 0
    in_progress: int = 0
    waiting: int = 0
    completed: int = 0
    failed: int = 0
    canceled: int = 0
    total: int = 0

    @property
    def unfinished(self) -> int:
        """Jobs that are not done: pending, running or waiting for a child."""
        return self.pending + self.in_progress + self.waiting


class QueueCounts(_Counts):
    """The jobs of a queue.

    Attributes:
        item_id: The running job; None when none runs.
        batch_id: Its batch.
        user_pending: The caller's own pending jobs; None when the server does not
            tell (for a single user, or before 6.12).
    """

    item_id: Optional[int] = None
    batch_id: Optional[str] = None
    session_id: Optional[str] = None
    user_pending: Optional[int] = None
    user_in_progress: Optional[int] = None


class BatchStatus(_Counts):
    """The jobs of a batch; all zero when the server knows none of that id.

    `total` counts the jobs that running workflows started themselves as well.
    """

    batch_id: str
    origin: Optional[str] = None
    destination: Optional[str] = None


class DestinationCounts(_Counts):
    """The jobs of a destination; all zero when the server knows none."""

    destination: str


class ProcessorStatus(Snapshot):
    """The one worker that serves all queues of a server.

    Attributes:
        is_started: False when it is paused.
        is_processing: True while it runs a job, of whatever queue.
    """

    is_started: bool
    is_processing: bool


class StallKind(str, Enum):
    """Why jobs are pending and none of this queue runs."""

    PAUSED = "paused"
    BLOCKED = "blocked"
    BUSY_ELSEWHERE = "busy_elsewhere"
    BETWEEN_JOBS = "between_jobs"

    def __str__(self) -> str:
        return str(self.value)


class Stall(Snapshot):
    """Why nothing moves, and what to do.

    Attributes:
        kind: `PAUSED` and `BLOCKED` do not pass by themselves; the other two do.
        message: One line for people.
        item_id: The job that blocks; None when unknown.
        batch_id: Its batch, which `cancel_batch` takes away.
    """

    kind: StallKind
    message: str
    item_id: Optional[int] = None
    batch_id: Optional[str] = None

    @property
    def is_lasting(self) -> bool:
        """True when it does not pass by itself."""
        return self.kind in (StallKind.PAUSED, StallKind.BLOCKED)


class QueueStatus(Snapshot):
    """A queue and its processor at one moment.

    Attributes:
        queue: The counts.
        processor: The worker, which all queues share.
        stall: Why pending jobs do not move; None when they do or there are none.
    """

    queue: QueueCounts
    processor: ProcessorStatus
    stall: Optional[Stall] = None

    @property
    def is_idle(self) -> bool:
        """True when no job is pending, running or waiting."""
        return self.queue.unfinished == 0

    @property
    def why(self) -> Optional[str]:
        """Why nothing moves, in words; None when something does."""
        return None if self.stall is None else self.stall.message


class QueuePosition(Snapshot):
    """How far a job is from running.

    Attributes:
        ahead: Jobs that run before it: pending with higher priority, or as high and
            older, and the one that runs now. 0 when it is not pending.
        stall: Why nothing moves at all; None when something does.
        message: Both in words.
    """

    item_id: int
    ahead: int
    stall: Optional[Stall] = None
    message: str


class QueueSnapshot(Snapshot):
    """A queue at one moment, as `QueueRepository.watch` gives it.

    Attributes:
        status: The counts, the processor, and why nothing moves.
        current: The job that runs, without its session; None when none does.
        job: The watched job, without its session; None when none was named.
        ahead: The jobs that run before the watched one, in order; None when no job
            is watched.
        seconds_per_job: How long a job took of late; None when none completed.
        estimate: Seconds until the watched job starts, or until the queue is idle;
            None when nothing is known, or nothing moves.
        message: All of it in one line.
    """

    status: QueueStatus
    current: Optional[IvkJob] = None
    job: Optional[IvkJob] = None
    ahead: Optional[list[IvkJob]] = None
    seconds_per_job: Optional[float] = None
    estimate: Optional[float] = None
    message: str

    @property
    def pending(self) -> int:
        """Jobs that have not started."""
        return self.status.queue.pending

    @property
    def in_progress(self) -> int:
        """Jobs that run."""
        return self.status.queue.in_progress

    @property
    def blocked_by(self) -> Optional[str]:
        """Why nothing moves, in words; None when something does."""
        return self.status.why
