"""Why the queue does not move, and waiting until it is empty, as flows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Optional

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow, listen, next_event, now, pause
from invokeai_py_client._core.messages import Listen, Mailbox
from invokeai_py_client._core.outage import Outage
from invokeai_py_client._core.paging import chunks
from invokeai_py_client._core.send import call, get, route
from invokeai_py_client.exceptions import (
    APIError,
    InternalServerError,
    JobTimeoutError,
    QueueBlockedError,
)
from invokeai_py_client.models import IvkJob, JobStatus
from invokeai_py_client.queue.flows import (
    QUEUE,
    UNREADABLE,
    find_current,
    full_jobs,
    get_job,
    item_ids,
    summaries,
)
from invokeai_py_client.queue.models import (
    QueuePosition,
    QueueStatus,
    Stall,
    StallKind,
)

# Seconds between looks. Events make the next look come sooner.
POLL_WITH_EVENTS = 5.0
POLL_WITHOUT_EVENTS = 1.0

_TELLING_EVENTS = frozenset(
    {
        "batch_enqueued",
        "queue_cleared",
        "queue_item_status_changed",
        "queue_items_canceled",
        "connect",
        "disconnect",
    }
)

PAUSED = Stall(
    kind=StallKind.PAUSED,
    message="the processor is paused; queue_repo.resume() starts it",
)
BUSY_ELSEWHERE = Stall(
    kind=StallKind.BUSY_ELSEWHERE,
    message="the processor runs a job of another queue",
)
BETWEEN_JOBS = Stall(
    kind=StallKind.BETWEEN_JOBS,
    message="the processor is about to take the next job; if this stays, a job of "
    "another queue blocks it",
)


def read_status(queue_id: str) -> Flow[QueueStatus]:
    """The counts and the processor, without asking why nothing moves."""
    data = yield from call(get(route(QUEUE + "/status", queue_id)))
    return parse(QueueStatus, data)


def get_status(queue_id: str) -> Flow[QueueStatus]:
    """The counts, the processor, and why nothing moves."""
    status = yield from read_status(queue_id)
    stall = yield from find_stall(queue_id, status)
    return status if stall is None else status.model_copy(update={"stall": stall})


def find_stall(queue_id: str, status: QueueStatus) -> Flow[Optional[Stall]]:
    """Why pending jobs do not move; None when they do or there are none."""
    if not status.queue.pending or status.queue.in_progress:
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


def _blocked(queue_id: str) -> Flow[Stall]:
    """Find the pending job that the server cannot read: it is left out of answers."""
    for chunk in chunks(sorted((yield from item_ids(queue_id)))):
        short = yield from summaries(queue_id, chunk)
        pending = [job for job in short if job.status is JobStatus.PENDING]
        ids = [job.item_id for job in pending]
        readable = {job.item_id for job in (yield from full_jobs(queue_id, ids))}
        for job in pending:
            if job.item_id not in readable:
                return blocked_by(job)
    return Stall(
        kind=StallKind.BLOCKED,
        message="the queue is blocked by a job that the server cannot read",
    )


def blocked_by(job: IvkJob) -> Stall:
    """The stall that an unreadable pending job makes."""
    return Stall(
        kind=StallKind.BLOCKED,
        message=f"the queue is blocked by job {job.item_id}, which the server cannot "
        f"read; queue_repo.cancel_batch({job.batch_id!r}) takes it away",
        item_id=job.item_id,
        batch_id=job.batch_id,
    )


def get_position(queue_id: str, item_id: int) -> Flow[QueuePosition]:
    """How many jobs run before this one, and why nothing moves."""
    job = yield from get_job(queue_id, item_id)
    if job.status is not JobStatus.PENDING:
        message = f"job {item_id} is {job.status}"
        return QueuePosition(item_id=item_id, ahead=0, message=message)
    others = yield from unfinished_jobs(queue_id, item_id)
    status = yield from get_status(queue_id)
    ahead = sum(runs_before(other, job) for other in others)
    message = f"{ahead} jobs ahead" if ahead != 1 else "1 job ahead"
    if status.why:
        message = f"{message}; {status.why}"
    return QueuePosition(
        item_id=item_id, ahead=ahead, stall=status.stall, message=message
    )


def unfinished_jobs(queue_id: str, item_id: int) -> Flow[list[IvkJob]]:
    """The other jobs that run or will run, with the priority only full jobs have.

    Unreadable jobs have none and are judged by age alone.
    """
    found: list[IvkJob] = []
    for chunk in chunks(sorted((yield from item_ids(queue_id)))):
        short = yield from summaries(queue_id, chunk)
        live = {
            job.item_id: job
            for job in short
            if not job.status.is_terminal and job.item_id != item_id
        }
        for job in (yield from full_jobs(queue_id, list(live))):
            live[job.item_id] = job
        found += live.values()
    return found


def runs_before(other: IvkJob, job: IvkJob) -> bool:
    """True when the server takes `other` before the pending `job`."""
    if other.status is JobStatus.PENDING:
        return (-other.priority, other.item_id) < (-job.priority, job.item_id)
    return other.status is JobStatus.IN_PROGRESS


def wait_until_idle(queue_id: str, timeout: Optional[float]) -> Flow[QueueStatus]:
    """Wait until no job of the queue is pending, running or waiting."""
    started = yield from now()
    message = Listen(accepts=partial(concerns, queue_id), queue_id=queue_id)
    mailbox = yield from listen(message)
    status: Optional[QueueStatus] = None
    outage = Outage()
    while True:
        try:
            status = yield from get_status(queue_id)
        except APIError as error:
            outage.note(error, (yield from now()))
        else:
            outage.over()
            if status.is_idle:
                return status
            if status.stall is not None and status.stall.kind is StallKind.BLOCKED:
                raise QueueBlockedError(status.stall.message)
        seconds = POLL_WITH_EVENTS if mailbox else POLL_WITHOUT_EVENTS
        if timeout is not None:
            left = started + timeout - (yield from now())
            if left <= 0:
                raise still_busy(status, timeout)
            seconds = min(seconds, left)
        yield from _rest(mailbox, seconds)


def _rest(mailbox: Optional[Mailbox], seconds: float) -> Flow[None]:
    if mailbox is None:
        yield from pause(seconds)
    else:
        yield from next_event(mailbox, seconds)


def concerns(queue_id: str, name: str, payload: Mapping[str, Any]) -> bool:
    """True for an event after which the queue may be idle."""
    if name not in _TELLING_EVENTS:
        return False
    return payload.get("queue_id") in (None, queue_id)


def still_busy(status: Optional[QueueStatus], timeout: float) -> JobTimeoutError:
    """The error for a wait whose time is over, saying what is left and why."""
    if status is None:
        return JobTimeoutError(f"the server did not answer within {timeout:g} s")
    counts = status.queue
    left = f"{counts.pending} pending, {counts.in_progress} running"
    return JobTimeoutError(
        f"the queue is still busy after {timeout:g} s: {left}", hint=status.why
    )
