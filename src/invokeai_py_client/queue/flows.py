"""What can be asked of the queue and done to it, as flows.

Waiting and telling why nothing moves are in `wait_flows.py`.
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
    delete,
    get,
    learn_version,
    post,
    put,
    route,
)
from invokeai_py_client._core.versions import (
    ROUTE_ERRORS,
    is_at_least,
    is_missing_route,
)
from invokeai_py_client.exceptions import (
    InternalServerError,
    NotFoundError,
    QueueBlockedError,
    QueueError,
    QueueFullError,
)
from invokeai_py_client.models import IvkJob, JobStatus
from invokeai_py_client.queue.models import (
    BatchStatus,
    DestinationCounts,
    ProcessorStatus,
)

QUEUE = "/api/v1/queue/{}"
ITEM = QUEUE + "/i/{}"

RETRYABLE = frozenset({JobStatus.FAILED, JobStatus.CANCELED})


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
    return (yield from _item(queue_id, item_id, get(route(ITEM, queue_id, item_id))))


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


def cancel_job(queue_id: str, item_id: int) -> Flow[IvkJob]:
    """Cancel one job; one that has ended stays as it is."""
    yield from _check_first(queue_id, item_id)
    request = put(route(ITEM + "/cancel", queue_id, item_id), retry=RetryRule.SAFE)
    return (yield from _item(queue_id, item_id, request))


def delete_job(queue_id: str, item_id: int) -> Flow[None]:
    """Delete one job, cancelling it first."""
    yield from _check_first(queue_id, item_id)
    try:
        yield from call(delete(route(ITEM, queue_id, item_id)))
    except InternalServerError as error:
        yield from _raise_item_error(queue_id, item_id, error)


def _check_first(queue_id: str, item_id: int) -> Flow[None]:
    """Make sure that the job is in this queue, where the server does not.

    6.8 cancels and deletes jobs of other queues, and deletes what is not there.
    """
    if not is_at_least((yield from learn_version()), "6.14"):
        yield from get_job(queue_id, item_id)


def _item(queue_id: str, item_id: int, request: Request) -> Flow[IvkJob]:
    try:
        return read_job(queue_id, (yield from call(request)))
    except InternalServerError as error:
        return (yield from _raise_item_error(queue_id, item_id, error))


UNREADABLE = "validation error for GraphExecutionState"
_NOT_IN_QUEUE = "404: Queue item with id"


def _raise_item_error(
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


def cancel_batches(queue_id: str, batch_ids: Sequence[str]) -> Flow[int]:
    """Cancel what is left of batches; works for unreadable jobs too."""
    return (
        yield from _count(
            queue_id,
            "cancel_by_batch_ids",
            "canceled",
            json={"batch_ids": list(batch_ids)},
            retry=RetryRule.SAFE,
        )
    )


def cancel_destination(queue_id: str, destination: str) -> Flow[int]:
    """Cancel what is left of a destination."""
    return (
        yield from _count(
            queue_id,
            "cancel_by_destination",
            "canceled",
            params={"destination": destination},
            retry=RetryRule.SAFE,
        )
    )


def cancel_all_except_current(queue_id: str) -> Flow[int]:
    """Cancel all pending jobs and leave the running one alone."""
    return (yield from _count(queue_id, "cancel_all_except_current", "canceled"))


def delete_all_except_current(queue_id: str) -> Flow[int]:
    """Delete all pending jobs and leave the running one alone."""
    return (yield from _count(queue_id, "delete_all_except_current", "deleted"))


def delete_destination(queue_id: str, destination: str) -> Flow[int]:
    """Delete the jobs of a destination."""
    if "/" in destination:
        # The server has no route for such a name, however it is quoted.
        return (yield from _delete_one_by_one(queue_id, destination))
    request = delete(route(QUEUE + "/d/{}", queue_id, destination))
    data = yield from call(request)
    # An earlier try may have done it, only its answer was lost.
    return 0 if data is None else parse(int, parse(dict[str, Any], data).get("deleted"))


def _delete_one_by_one(queue_id: str, destination: str) -> Flow[int]:
    yield from cancel_destination(queue_id, destination)
    count = 0
    for chunk in chunks(sorted((yield from item_ids(queue_id)))):
        for job in (yield from summaries(queue_id, chunk)):
            if job.destination == destination:
                yield from delete_job(queue_id, job.item_id)
                count += 1
    return count


def clear(queue_id: str) -> Flow[int]:
    """Cancel and delete everything, history included."""
    return (yield from _count(queue_id, "clear", "deleted", retry=RetryRule.SAFE))


def prune(queue_id: str) -> Flow[int]:
    """Delete the jobs that have ended."""
    return (yield from _count(queue_id, "prune", "deleted", retry=RetryRule.SAFE))


def _count(queue_id: str, verb: str, key: str, **options: Any) -> Flow[int]:
    """A bulk PUT; `retry` says whether repeating one could hit newer jobs."""
    request = put(route(QUEUE + "/{}", queue_id, verb), **options)
    data = parse(dict[str, Any], (yield from call(request)))
    return parse(int, data.get(key))


def set_processor(queue_id: str, verb: str) -> Flow[ProcessorStatus]:
    """``"pause"`` or ``"resume"`` the one processor of all queues."""
    request = put(route(QUEUE + "/processor/{}", queue_id, verb), retry=RetryRule.SAFE)
    return (yield from call_model(ProcessorStatus, request))


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


def retry_jobs(queue_id: str, ids: Sequence[int]) -> Flow[list[IvkJob]]:
    """Run failed or cancelled jobs once more and return the new jobs.

    The server answers with the old ids and skips silently what it cannot retry, so
    that is checked before, and the new jobs are looked up after.
    """
    ids = list(dict.fromkeys(ids))
    if not ids:
        return []
    jobs = yield from _require_jobs(queue_id, ids)
    refused = [job for job in jobs if job.status not in RETRYABLE]
    if refused:
        shown = ", ".join(f"job {job.item_id} is {job.status}" for job in refused[:5])
        raise QueueError(f"only failed and canceled jobs can be retried: {shown}")
    newest = max((yield from item_ids(queue_id)))
    request = put(route(QUEUE + "/retry_items_by_id", queue_id), json=ids)
    yield from call(request)
    later = [item for item in (yield from item_ids(queue_id)) if item > newest]
    new = pick_retried(jobs, (yield from full_jobs(queue_id, sorted(later))))
    # A job that a running workflow started is retried as the job that runs it.
    wanted = len({job.root_item_id or job.item_id for job in jobs})
    if len(new) < wanted:
        raise QueueFullError(
            f"the queue took {len(new)} of {wanted} retried jobs",
            requested=wanted,
            enqueued=len(new),
        )
    return new


def pick_retried(old: Sequence[IvkJob], later: Sequence[IvkJob]) -> list[IvkJob]:
    """Which of the `later` jobs repeat the `old` ones.

    A retried job names the first job of its chain, not the one that was retried.
    """
    first_ids = {
        first
        for job in old
        for first in (job.item_id, job.retried_from_item_id, job.root_item_id)
        if first is not None
    }
    batches = {job.batch_id for job in old}
    return [
        job
        for job in later
        if job.batch_id in batches and job.retried_from_item_id in first_ids
    ]


def _require_jobs(queue_id: str, ids: Sequence[int]) -> Flow[list[IvkJob]]:
    jobs = yield from full_jobs(queue_id, ids)
    found = {job.item_id for job in jobs}
    for item_id in ids:
        if item_id not in found:
            # Raises: unknown, in another queue, or unreadable.
            jobs.append((yield from get_job(queue_id, item_id)))
    return jobs
