"""How a batch is to be enqueued, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Optional

from invokeai_py_client.workflow.jobs.submission_record import SubmittedJob
from invokeai_py_client.workflow.submitting.match_jobs import (
    DefaultOf,
    Difference,
    no_default,
)

OnFull = Literal["error", "partial", "wait"]


@dataclass(frozen=True)
class EnqueueOutcome:
    """What became of a batch.

    Attributes:
        batch_id: The id that the server gave the batch: it may have replaced the one
            that was asked for. Each job has the id of its own batch, too.
        jobs: In expansion order.
        requested: How many were asked for.
        adopted: Jobs were there before, under the same key.
        warnings: What the caller should know, one line each.
    """

    batch_id: str
    jobs: tuple[SubmittedJob, ...]
    requested: int
    adopted: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def item_ids(self) -> tuple[int, ...]:
        """The jobs' numbers, in expansion order."""
        return tuple(job.item_id for job in self.jobs)


@dataclass(frozen=True)
class EnqueueOptions:
    """How to enqueue.

    Attributes:
        settle_time: Seconds to look for jobs whose reply was lost.
        on_full: What to do when the server takes fewer jobs than asked.
        settler: Makes the `settle()` of a `SubmissionUnknownError`, given the jobs
            of the batch that are known to be in the queue.
        default_of: What fields are that were not given.
        conflict: Makes the error for jobs of other values under the same key; without
            differences, for jobs that are gone.
        unacknowledged: Idempotency keys whose receipts could not be acknowledged yet.
    """

    settle_time: float = 10.0
    on_full: OnFull = "error"
    settler: Optional[Callable[[Sequence[SubmittedJob]], Callable[[], Any]]] = None
    default_of: DefaultOf = no_default
    conflict: Callable[[Sequence[Difference]], Exception] = ValueError
    unacknowledged: set[str] = field(default_factory=set)
