"""Frozen snapshots of a queue, and why nothing moves."""

from __future__ import annotations

from enum import Enum
from typing import Optional

from invokeai_py_client._exports import set_module
from invokeai_py_client._job import IvkJob
from invokeai_py_client._snapshot import Snapshot


class _Counts(Snapshot):
    """How many jobs have which status."""

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


@set_module("invokeai_py_client")
class QueueCounts(_Counts):
    """The jobs of a queue.

    Attributes:
        item_id: The running job; None when none runs.
        batch_id: Its batch.
        user_pending: The caller's own pending jobs; None when the server does not
            say (for a single user, or before 6.12).
    """

    item_id: Optional[int] = None
    batch_id: Optional[str] = None
    session_id: Optional[str] = None
    user_pending: Optional[int] = None
    user_in_progress: Optional[int] = None


@set_module("invokeai_py_client.queue")
class BatchStatus(_Counts):
    """The jobs of a batch; all zero when the server knows none of that id.

    `total` counts the jobs that running workflows started themselves as well.
    """

    batch_id: str
    origin: Optional[str] = None
    destination: Optional[str] = None


@set_module("invokeai_py_client.queue")
class DestinationCounts(_Counts):
    """The jobs of a destination; all zero when the server knows none."""

    destination: str


@set_module("invokeai_py_client.queue")
class ProcessorStatus(Snapshot):
    """The one worker that serves all queues of a server.

    Attributes:
        is_started: False when it is paused.
        is_processing: True while it runs a job, of any queue.
    """

    is_started: bool
    is_processing: bool


@set_module("invokeai_py_client.queue")
class StallKind(str, Enum):
    """Why the jobs of this queue do not move.

    `STOPPED`: an error ended the processor in the middle of a job, and only a restart
    of the server helps.
    """

    STOPPED = "stopped"
    PAUSED = "paused"
    BLOCKED = "blocked"
    BUSY_ELSEWHERE = "busy_elsewhere"
    BETWEEN_JOBS = "between_jobs"

    def __str__(self) -> str:
        return str(self.value)


@set_module("invokeai_py_client.queue")
class Stall(Snapshot):
    """Why nothing moves, and what to do.

    Attributes:
        kind: `STOPPED`, `PAUSED` and `BLOCKED` do not pass by themselves; others do.
        message: One line for people.
        item_id: The job that blocks, or was running; None when unknown.
        batch_id: Its batch, which `cancel_batch` takes away.
    """

    kind: StallKind
    message: str
    item_id: Optional[int] = None
    batch_id: Optional[str] = None

    @property
    def is_lasting(self) -> bool:
        """True when it does not pass by itself."""
        return self.kind in _LASTING


_LASTING = (StallKind.STOPPED, StallKind.PAUSED, StallKind.BLOCKED)


@set_module("invokeai_py_client")
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
        """Why nothing moves, as one line; None when something does."""
        return None if self.stall is None else self.stall.message


@set_module("invokeai_py_client.queue")
class QueuePosition(Snapshot):
    """How far a job is from running.

    Attributes:
        ahead: Jobs that run before it: pending with higher priority, or as high and
            older, and the one that runs now. 0 when it is not pending.
        stall: Why nothing moves at all; None when something does.
        message: Both as one line.
    """

    item_id: int
    ahead: int
    stall: Optional[Stall] = None
    message: str


@set_module("invokeai_py_client.queue")
class QueueSnapshot(Snapshot):
    """A queue at one moment, as `QueueRepository.watch_queue` yields it.

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
        """Why nothing moves, as one line; None when something does."""
        return self.status.why
