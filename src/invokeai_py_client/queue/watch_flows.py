"""Watching a queue: a snapshot whenever something changed, as a flow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Optional

from invokeai_py_client._core.flow import Flow, emit, listen, next_event, now, pause
from invokeai_py_client._core.messages import Listen, Mailbox
from invokeai_py_client._core.outage import Outage
from invokeai_py_client._core.paging import CHUNK
from invokeai_py_client.exceptions import APIError
from invokeai_py_client.models import IvkJob, JobStatus
from invokeai_py_client.queue.flows import get_job, item_ids, summaries
from invokeai_py_client.queue.models import QueueSnapshot, QueueStatus
from invokeai_py_client.queue.wait_flows import (
    POLL_WITH_EVENTS,
    POLL_WITHOUT_EVENTS,
    concerns,
    get_status,
    runs_before,
    unfinished_jobs,
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


def watch(queue_id: str, item_id: Optional[int], until_idle: bool) -> Flow[None]:
    """Emit what the queue looks like, and again whenever that has changed.

    Ends when the job `item_id` has ended, or with `until_idle` when the queue is idle.
    """
    mailbox = yield from listen(Listen(partial(concerns, queue_id), queue_id))
    outage = Outage()
    pace = _Pace()
    last: Optional[QueueSnapshot] = None
    while True:
        try:
            seen = yield from _look(queue_id, item_id, pace)
        except APIError as error:
            outage.note(error, (yield from now()))
        else:
            outage.over()
            if seen != last:
                yield from emit(seen)
            last = seen
            if is_over(seen, until_idle):
                return
        yield from _rest(mailbox)


def is_over(seen: QueueSnapshot, until_idle: bool) -> bool:
    """True when there is nothing left to watch."""
    if seen.job is not None:
        return seen.job.status.is_terminal
    return until_idle and seen.status.is_idle


def _rest(mailbox: Optional[Mailbox]) -> Flow[None]:
    if mailbox is None:
        yield from pause(POLL_WITHOUT_EVENTS)
        return
    event = yield from next_event(mailbox, POLL_WITH_EVENTS)
    while event is not None:
        # One look for all that came together.
        event = yield from next_event(mailbox, 0.0)


def _look(queue_id: str, item_id: Optional[int], pace: _Pace) -> Flow[QueueSnapshot]:
    status = yield from get_status(queue_id)
    yield from pace.update(queue_id, status)
    current: Optional[IvkJob] = None
    if status.queue.item_id is not None:
        found = yield from summaries(queue_id, [status.queue.item_id])
        current = found[0] if found else None
    job, ahead = None, None
    if item_id is not None:
        job = yield from get_job(queue_id, item_id)
        ahead = yield from _jobs_ahead(queue_id, job)
        job = job.model_copy(update={"session": None})
    return snapshot(status, current, job, ahead, pace.seconds)


def _jobs_ahead(queue_id: str, job: IvkJob) -> Flow[list[IvkJob]]:
    if job.status is not JobStatus.PENDING:
        return []
    others = yield from unfinished_jobs(queue_id, job.item_id)
    before = [other for other in others if runs_before(other, job)]
    before.sort(
        key=lambda other: (
            other.status is JobStatus.PENDING,
            -other.priority,
            other.item_id,
        )
    )
    return [other.model_copy(update={"session": None}) for other in before]


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
    status: QueueStatus,
    job: Optional[IvkJob],
    waiting: int,
    estimate: Optional[float],
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
