"""Why the queue does not move, and waiting until it is empty, as flows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Optional

from invokeai_py_client._core.events import (
    BatchEnqueuedEvent,
    JobsCanceledEvent,
    JobStatusChangedEvent,
    QueueClearedEvent,
    ServerEvent,
)
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import Subscribe
from invokeai_py_client._core.paging import chunks
from invokeai_py_client._core.send import call_model, get, route
from invokeai_py_client._core.wait_loop import wait_for
from invokeai_py_client._job import IvkJob, JobStatus
from invokeai_py_client.exceptions import InternalServerError, QueueBlockedError
from invokeai_py_client.queue.flows import (
    JobRef,
    find_current,
    full_jobs,
    get_job,
    summaries,
)
from invokeai_py_client.queue.models import QueuePosition, QueueStatus, Stall, StallKind
from invokeai_py_client.queue.requests import (
    QUEUE,
    SESSION_CHUNK,
    UNREADABLE,
    item_ids,
)

_Together = tuple[str, Any]

_TELLING_EVENTS = (
    BatchEnqueuedEvent,
    JobsCanceledEvent,
    JobStatusChangedEvent,
    QueueClearedEvent,
)

PAUSED = Stall(
    kind=StallKind.PAUSED,
    message="the processor is paused; queue_repo.resume_processor() starts it",
)
BUSY_ELSEWHERE = Stall(
    kind=StallKind.BUSY_ELSEWHERE, message="the processor runs a job of another queue"
)
BETWEEN_JOBS = Stall(
    kind=StallKind.BETWEEN_JOBS,
    message="the processor is about to take the next job; if this stays, a job of "
    "another queue blocks it",
)


def read_status(queue_id: str) -> Flow[QueueStatus]:
    """The counts and the processor, without asking why nothing moves."""
    return (yield from call_model(QueueStatus, get(route(QUEUE + "/status", queue_id))))


def get_status(queue_id: str) -> Flow[QueueStatus]:
    """The counts, the processor, and why nothing moves."""
    status = yield from read_status(queue_id)
    stall = yield from find_stall(queue_id, status)
    return status if stall is None else status.model_copy(update={"stall": stall})


def find_stall(queue_id: str, status: QueueStatus) -> Flow[Optional[Stall]]:
    """Why jobs do not move; None when they do or there are none."""
    if status.queue.in_progress:
        return (yield from _find_stop(queue_id, status))
    if not status.queue.pending:
        return None
    if not status.processor.is_started:
        return PAUSED
    try:
        yield from find_current(queue_id, "next")
    except InternalServerError as error:
        if UNREADABLE not in str(error.detail):
            raise
        return (yield from _blocked(queue_id))
    return BUSY_ELSEWHERE if status.processor.is_processing else BETWEEN_JOBS


def _find_stop(queue_id: str, status: QueueStatus) -> Flow[Optional[Stall]]:
    """The job that runs although the processor runs none; None when it runs one."""
    if not _is_stopped(status):
        return None
    # A job may have ended between the counts and the processor's state.
    again = yield from read_status(queue_id)
    item_id = again.queue.item_id
    if not _is_stopped(again) or item_id != status.queue.item_id:
        return None
    job = "a job" if item_id is None else f"job {item_id}"
    return Stall(
        kind=StallKind.STOPPED,
        message=f"the processor has stopped in the middle of {job}, and no job of any "
        "queue runs until the server is restarted; first take the job away by "
        f"queue_repo.cancel_batch({again.queue.batch_id!r}), or it may not start again",
        item_id=item_id,
        batch_id=again.queue.batch_id,
    )


def _is_stopped(status: QueueStatus) -> bool:
    return bool(status.queue.in_progress) and not status.processor.is_processing


def _blocked(queue_id: str) -> Flow[Stall]:
    """Find the pending job that the server cannot read: it is left out of answers."""
    for chunk in chunks(sorted((yield from item_ids(queue_id)))):
        short = yield from summaries(queue_id, chunk)
        pending = [job for job in short if job.status is JobStatus.PENDING]
        # It is one of the first, unless others came before it.
        for part in chunks(pending, SESSION_CHUNK):
            ids = [job.item_id for job in part]
            readable = {job.item_id for job in (yield from full_jobs(queue_id, ids))}
            blocking = [job for job in part if job.item_id not in readable]
            for job in blocking[:1]:
                return Stall(
                    kind=StallKind.BLOCKED,
                    message=f"the queue is blocked by job {job.item_id}, which the "
                    f"server cannot read; queue_repo.cancel_batch({job.batch_id!r}) "
                    "takes it away",
                    item_id=job.item_id,
                    batch_id=job.batch_id,
                )
    return Stall(
        kind=StallKind.BLOCKED,
        message="the queue is blocked by a job that the server cannot read",
    )


def get_position(queue_id: str, ref: JobRef) -> Flow[QueuePosition]:
    """How many jobs run before this one, and why nothing moves."""
    job = yield from get_job(queue_id, ref)
    if job.status is not JobStatus.PENDING:
        message = f"job {job.item_id} is {job.status}"
        return QueuePosition(item_id=job.item_id, ahead=0, message=message)
    ahead = len((yield from jobs_ahead(queue_id, job)))
    status = yield from get_status(queue_id)
    message = f"{ahead} jobs ahead" if ahead != 1 else "1 job ahead"
    if status.why:
        message = f"{message}; {status.why}"
    return QueuePosition(
        item_id=job.item_id, ahead=ahead, stall=status.stall, message=message
    )


def jobs_ahead(queue_id: str, job: IvkJob) -> Flow[list[IvkJob]]:
    """The jobs that run before a pending one, in order and without their sessions.

    Summaries have no priority, which jobs that were enqueued together share: one of
    them is read in full, and none whose place its age tells. Unreadable ones are judged
    by age.
    """
    live: list[IvkJob] = []
    for chunk in chunks(sorted((yield from item_ids(queue_id)))):
        short = yield from summaries(queue_id, chunk)
        live += [other for other in short if not other.status.is_terminal]
    priorities = yield from _priorities(queue_id, job, live)

    def turn(other: IvkJob) -> tuple[bool, int, int]:
        priority = priorities.get(_enqueued_with(other), job.priority)
        return other.status is JobStatus.PENDING, -priority, other.item_id

    return sorted(
        (
            other
            for other in live
            if other.status is JobStatus.IN_PROGRESS
            or (other.status is JobStatus.PENDING and turn(other) < turn(job))
        ),
        key=turn,
    )


def _priorities(
    queue_id: str, job: IvkJob, live: Sequence[IvkJob]
) -> Flow[dict[_Together, int]]:
    """The priorities of jobs, where they may change their place before `job`."""
    groups: dict[_Together, list[int]] = {}
    for other in live:
        if _enqueued_with(other) != _enqueued_with(job):
            groups.setdefault(_enqueued_with(other), []).append(other.item_id)
    ranges = [(ids[0], ids[-1]) for ids in groups.values()]
    # No priority is below 0.
    doubtful = {
        oldest for oldest, _ in ranges if job.priority > 0 and oldest < job.item_id
    }
    newer = {oldest for oldest, newest in ranges if newest > job.item_id}
    if newer and not (yield from _has_highest(queue_id, job)):
        doubtful |= newer
    found = yield from full_jobs(queue_id, sorted(doubtful))
    priorities = {_enqueued_with(other): other.priority for other in found}
    return {**priorities, _enqueued_with(job): job.priority}


def _has_highest(queue_id: str, job: IvkJob) -> Flow[bool]:
    """True when no pending job has a higher priority."""
    try:
        first = yield from find_current(queue_id, "next")
    except InternalServerError:
        return False
    return first is not None and first.priority <= job.priority


def _enqueued_with(job: IvkJob) -> _Together:
    return job.batch_id, job.created_at


def wait_until_idle(queue_id: str, timeout: Optional[float]) -> Flow[QueueStatus]:
    """Wait until no job of the queue is pending, running or waiting."""
    return (
        yield from wait_for(
            "the queue to become idle",
            partial(_unblocked_status, queue_id),
            lambda status: status.is_idle,
            describe=_what_is_left,
            subscription=changes_of_queue(queue_id),
            timeout=timeout,
        )
    )


def _unblocked_status(queue_id: str) -> Flow[QueueStatus]:
    status = yield from get_status(queue_id)
    stall = status.stall
    if stall is not None and stall.kind in (StallKind.BLOCKED, StallKind.STOPPED):
        raise QueueBlockedError(stall.message)
    return status


def _what_is_left(status: QueueStatus) -> str:
    counts = status.queue
    left = f"{counts.pending} pending, {counts.in_progress} running"
    return f"{left}; {status.why}" if status.why else left


def changes_of_queue(queue_id: str) -> Subscribe:
    """The events after which the queue may have changed."""
    return Subscribe(partial(_is_telling, queue_id), queue_id)


def _is_telling(queue_id: str, event: ServerEvent) -> bool:
    return isinstance(event, _TELLING_EVENTS) and event.queue_id in (None, queue_id)
