"""Watching a queue: a snapshot whenever something changed, as a flow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Optional

from invokeai_py_client._core.flow import Flow, emit
from invokeai_py_client._core.paging import CHUNK
from invokeai_py_client._core.wait_loop import wait_for
from invokeai_py_client._job import IvkJob, JobStatus
from invokeai_py_client.queue.flows import JobRef, get_job, summaries
from invokeai_py_client.queue.models import QueueSnapshot, QueueStatus
from invokeai_py_client.queue.requests import item_ids
from invokeai_py_client.queue.wait_flows import (
    changes_of_queue,
    get_status,
    jobs_ahead,
)

# Jobs of which the pace is the average; older ones may have been of another kind.
PACE_JOBS = 20


class _Pace:
    """How long a job takes here, read again when more of them have ended."""

    def __init__(self) -> None:
        self.seconds: Optional[float] = None
        self._ended = -1

    def update(self, queue_id: str, status: QueueStatus) -> Flow[None]:
        ended = status.queue.completed + status.queue.failed
        if ended == self._ended:
            return
        self._ended = ended
        newest = sorted((yield from item_ids(queue_id)))[-CHUNK:]
        self.seconds = seconds_per_job((yield from summaries(queue_id, newest)))


def watch(queue_id: str, ref: Optional[JobRef], until_idle: bool) -> Flow[None]:
    """Emit what the queue looks like, and again whenever that has changed.

    Ends when the job `ref` has ended, or with `until_idle` when the queue is idle.
    """
    yield from wait_for(
        "changes of the queue",
        partial(_take_snapshot, queue_id, ref, _Pace()),
        partial(_is_last, until_idle),
        subscription=changes_of_queue(queue_id),
        on_change=emit,
    )


def _is_last(until_idle: bool, found: QueueSnapshot) -> bool:
    if found.job is not None:
        return found.job.status.is_terminal
    return until_idle and found.status.is_idle


def _take_snapshot(
    queue_id: str, ref: Optional[JobRef], pace: _Pace
) -> Flow[QueueSnapshot]:
    status = yield from get_status(queue_id)
    yield from pace.update(queue_id, status)
    current: Optional[IvkJob] = None
    if status.queue.item_id is not None:
        found = yield from summaries(queue_id, [status.queue.item_id])
        current = found[0] if found else None
    job, ahead = None, None
    if ref is not None:
        job = yield from get_job(queue_id, ref)
        is_pending = job.status is JobStatus.PENDING
        ahead = (yield from jobs_ahead(queue_id, job)) if is_pending else []
        job = job.model_copy(update={"session": None})
    return snapshot(status, current, job, ahead, pace.seconds)


def snapshot(
    status: QueueStatus,
    current: Optional[IvkJob],
    job: Optional[IvkJob],
    ahead: Optional[Sequence[IvkJob]],
    pace: Optional[float],
) -> QueueSnapshot:
    """Put a snapshot together, with its estimate and its message."""
    waiting = status.queue.unfinished if ahead is None else len(ahead)
    estimate = None
    if pace is not None and (status.stall is None or not status.stall.is_lasting):
        # Several devices run several jobs at a time.
        estimate = waiting * pace / max(status.queue.in_progress, 1)
    return QueueSnapshot(
        status=status,
        current=current,
        job=job,
        ahead=None if ahead is None else list(ahead),
        seconds_per_job=pace,
        estimate=estimate,
        message=_message(status, job, waiting, estimate),
    )


def _message(
    status: QueueStatus, job: Optional[IvkJob], waiting: int, estimate: Optional[float]
) -> str:
    counts = status.queue
    if job is not None and job.status is JobStatus.PENDING:
        words = f"{waiting} job{'s' * (waiting != 1)} ahead of job {job.item_id}"
    elif job is not None:
        words = f"job {job.item_id} is {job.status}"
    elif status.is_idle:
        words = "idle"
    else:
        words = f"{counts.in_progress} running, {counts.pending} pending"
    if status.why:
        return f"{words}; {status.why}"
    return f"{words}, about {estimate:.0f} s" if estimate else words


def seconds_per_job(jobs: Sequence[IvkJob]) -> Optional[float]:
    """The average duration of the jobs that completed last; None without any."""
    spans = sorted(
        (job.completed_at, (job.completed_at - job.started_at).total_seconds())
        for job in jobs
        if job.status is JobStatus.COMPLETED and job.started_at and job.completed_at
    )
    latest = [seconds for _, seconds in spans[-PACE_JOBS:]]
    return sum(latest) / len(latest) if latest else None
