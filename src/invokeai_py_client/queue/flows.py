"""What can be asked of the queue, as flows.

What can be done to it is in `change_flows.py`; waiting, and telling why nothing moves,
in `wait_flows.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Optional

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow, emit
from invokeai_py_client._core.messages import Request, RetryRule
from invokeai_py_client._core.paging import chunks
from invokeai_py_client._core.send import (
    call,
    call_model,
    get,
    post,
    route,
)
from invokeai_py_client._core.versions import (
    ROUTE_ERRORS,
    is_missing_route,
)
from invokeai_py_client.exceptions import (
    InternalServerError,
    NotFoundError,
    QueueBlockedError,
    QueueError,
)
from invokeai_py_client.models import IvkJob, JobStatus
from invokeai_py_client.queue.models import (
    BatchStatus,
    DestinationCounts,
)

QUEUE = "/api/v1/queue/{}"
ITEM = QUEUE + "/i/{}"


def read_job(queue_id: str, data: Any) -> IvkJob:
    """A job from any of the server's records; summaries do not name their queue."""
    record = parse(dict[str, Any], data)
    return parse(IvkJob, {"queue_id": queue_id, **record})


@dataclass(frozen=True)
class JobFilter:
    """Which jobs to list; None means any."""

    statuses: Optional[frozenset[str]] = None
    batch_id: Optional[str] = None
    destination: Optional[str] = None
    origin: Optional[str] = None

    def fits(self, job: IvkJob) -> bool:
        """True when the job passes every filter."""
        return (
            (self.statuses is None or str(job.status) in self.statuses)
            and self.batch_id in (None, job.batch_id)
            and self.destination in (None, job.destination)
            and self.origin in (None, job.origin)
        )


def list_jobs(
    queue_id: str, wanted: JobFilter, newest_first: bool, limit: Optional[int]
) -> Flow[None]:
    """Emit summaries of jobs, by item id, fetched a thousand at a time."""
    if limit is not None and limit < 0:
        raise ValueError(f"limit={limit} cannot be negative")
    if limit == 0:
        return
    left = limit
    try:
        ids = yield from item_ids(queue_id)
    except ROUTE_ERRORS as error:
        if not is_missing_route(error):
            raise
        parts: Iterable[Flow[list[IvkJob]]] = [_list_all(queue_id, newest_first)]
    else:
        ids.sort(reverse=newest_first)
        parts = (summaries(queue_id, chunk) for chunk in chunks(ids))
    for part in parts:
        for job in (yield from part):
            if not wanted.fits(job):
                continue
            yield from emit(job)
            left = None if left is None else left - 1
            if left == 0:
                return


def item_ids(queue_id: str) -> Flow[list[int]]:
    """The ids of all jobs the queue still knows, in no useful order.

    The server sorts by creation time alone, which jobs of one batch share.
    """
    data = yield from call(get(route(QUEUE + "/item_ids", queue_id)))
    return parse(list[int], parse(dict[str, Any], data).get("item_ids"))


def summaries(queue_id: str, ids: Sequence[int]) -> Flow[list[IvkJob]]:
    """Jobs without sessions, in the order of `ids`; unknown ids are left out.

    Servers before 6.14 have no summaries; there the sessions are fetched and
    dropped.
    """
    try:
        data = yield from _by_ids(queue_id, "item_summaries_by_ids", ids)
    except ROUTE_ERRORS as error:
        if not is_missing_route(error):
            raise
        data = yield from _by_ids(queue_id, "items_by_ids", ids)
    return _in_order(ids, [_summary(queue_id, record) for record in data])


def full_jobs(queue_id: str, ids: Sequence[int]) -> Flow[list[IvkJob]]:
    """Jobs with sessions, in the order of `ids`.

    Unknown jobs are left out, and so are those whose stored values the server
    cannot read.
    """
    jobs: list[IvkJob] = []
    for chunk in chunks(ids):
        data = yield from _by_ids(queue_id, "items_by_ids", chunk)
        jobs += [read_job(queue_id, record) for record in data]
    return _in_order(ids, jobs)


def _by_ids(queue_id: str, verb: str, ids: Sequence[int]) -> Flow[list[Any]]:
    request = post(
        route(QUEUE + "/{}", queue_id, verb),
        json={"item_ids": list(ids)},
        retry=RetryRule.SAFE,
    )
    return (yield from call_model(list[Any], request))


def _in_order(ids: Sequence[int], jobs: Sequence[IvkJob]) -> list[IvkJob]:
    by_id = {job.item_id: job for job in jobs}
    return [by_id[item_id] for item_id in ids if item_id in by_id]


def _list_all(queue_id: str, newest_first: bool) -> Flow[list[IvkJob]]:
    data = yield from call_model(list[Any], get(route(QUEUE + "/list_all", queue_id)))
    jobs = [_summary(queue_id, record) for record in data]
    return sorted(jobs, key=lambda job: job.item_id, reverse=newest_first)


def _summary(queue_id: str, record: Any) -> IvkJob:
    return read_job(queue_id, {**parse(dict[str, Any], record), "session": None})


def get_job(queue_id: str, item_id: int) -> Flow[IvkJob]:
    """One job with its session."""
    return (yield from one_job(queue_id, item_id, get(route(ITEM, queue_id, item_id))))


def find_job(queue_id: str, item_id: int) -> Flow[Optional[IvkJob]]:
    """One job with its session; None when the queue does not know it (any more)."""
    try:
        return (yield from get_job(queue_id, item_id))
    except NotFoundError:
        return None


def find_current(queue_id: str, which: str) -> Flow[Optional[IvkJob]]:
    """The ``"current"`` or the ``"next"`` job; None when there is none."""
    data = yield from call(get(route(QUEUE + "/{}", queue_id, which)))
    return None if data is None else read_job(queue_id, data)


def one_job(queue_id: str, item_id: int, request: Request) -> Flow[IvkJob]:
    """The job that a route for one job answers with."""
    try:
        return read_job(queue_id, (yield from call(request)))
    except InternalServerError as error:
        return (yield from raise_job_error(queue_id, item_id, error))


UNREADABLE = "validation error for GraphExecutionState"
_NOT_IN_QUEUE = "404: Queue item with id"


def raise_job_error(
    queue_id: str, item_id: int, error: InternalServerError
) -> Flow[NoReturn]:
    """Say what a 500 about one job means."""
    words = str(error.detail)
    if _NOT_IN_QUEUE in words:
        # This route wraps its own 404 when the job is in another queue.
        raise NotFoundError(
            f"there is no job {item_id} in queue {queue_id}",
            status_code=404,
            detail=error.detail,
            method=error.method,
            url=error.url,
        ) from error
    if UNREADABLE not in words:
        raise error
    found = yield from summaries(queue_id, [item_id])
    raise unreadable_job(item_id, found[0] if found else None, words) from error


def unreadable_job(item_id: int, job: Optional[IvkJob], words: str) -> QueueError:
    """The error for a job whose stored values the server cannot read back.

    The server does not check batch values when it takes them. While such a job is
    pending, nothing behind it runs, and only bulk operations can remove it.
    """
    problem = " ".join(words.partition(UNREADABLE)[2].split()[:12])
    message = f"the server cannot read job {item_id}: {problem}"
    if job is None or job.status is not JobStatus.PENDING:
        return QueueError(message, hint="prune() removes it")
    return QueueBlockedError(
        f"{message}; nothing behind it can run",
        hint=f"queue_repo.cancel_batch({job.batch_id!r}) takes it away",
    )


def batch_status(queue_id: str, batch_id: str) -> Flow[BatchStatus]:
    """How many jobs of a batch stand where."""
    request = get(route(QUEUE + "/b/{}/status", queue_id, batch_id))
    return (yield from call_model(BatchStatus, request))


def counts_by_destination(queue_id: str, destination: str) -> Flow[DestinationCounts]:
    """How many jobs of a destination stand where."""
    request = get(
        route(QUEUE + "/counts_by_destination", queue_id),
        params={"destination": destination},
    )
    return (yield from call_model(DestinationCounts, request))
