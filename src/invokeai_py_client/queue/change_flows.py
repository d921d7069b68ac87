"""What can be done to the queue, as flows: cancel, delete, retry, pause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import RetryRule
from invokeai_py_client._core.paging import chunks
from invokeai_py_client._core.send import (
    call,
    call_model,
    delete,
    learn_version,
    put,
    route,
)
from invokeai_py_client._core.versions import is_at_least
from invokeai_py_client.exceptions import (
    InternalServerError,
    QueueError,
    QueueFullError,
)
from invokeai_py_client.models import IvkJob, JobStatus
from invokeai_py_client.queue.flows import (
    ITEM,
    QUEUE,
    full_jobs,
    get_job,
    item_ids,
    one_job,
    raise_job_error,
    summaries,
)
from invokeai_py_client.queue.models import ProcessorStatus

RETRYABLE = frozenset({JobStatus.FAILED, JobStatus.CANCELED})


def cancel_job(queue_id: str, item_id: int) -> Flow[IvkJob]:
    """Cancel one job; one that has ended stays as it is."""
    yield from _check_first(queue_id, item_id)
    request = put(route(ITEM + "/cancel", queue_id, item_id), retry=RetryRule.SAFE)
    return (yield from one_job(queue_id, item_id, request))


def delete_job(queue_id: str, item_id: int) -> Flow[None]:
    """Delete one job, cancelling it first."""
    yield from _check_first(queue_id, item_id)
    try:
        yield from call(delete(route(ITEM, queue_id, item_id)))
    except InternalServerError as error:
        yield from raise_job_error(queue_id, item_id, error)


def _check_first(queue_id: str, item_id: int) -> Flow[None]:
    """Make sure that the job is in this queue, where the server does not.

    6.8 cancels and deletes jobs of other queues, and deletes what is not there.
    """
    if not is_at_least((yield from learn_version()), "6.14"):
        yield from get_job(queue_id, item_id)


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
