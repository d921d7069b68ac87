"""What can be done to the queue, as flows: cancel, delete, retry, pause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import RetryRule
from invokeai_py_client._core.paging import chunks
from invokeai_py_client._core.send import (
    call_field,
    call_model,
    delete,
    learn_version,
    put,
    request_json,
    route,
)
from invokeai_py_client._core.versions import is_at_least
from invokeai_py_client._job import IvkJob, JobStatus
from invokeai_py_client.exceptions import (
    InternalServerError,
    QueueError,
    QueueFullError,
)
from invokeai_py_client.queue import requests
from invokeai_py_client.queue.flows import (
    JobRef,
    full_jobs,
    get_job,
    one_job,
    raise_job_error,
    summaries,
)
from invokeai_py_client.queue.models import ProcessorStatus
from invokeai_py_client.queue.requests import ITEM, QUEUE, item_ids

RETRYABLE = frozenset({JobStatus.FAILED, JobStatus.CANCELED})


def cancel_job(queue_id: str, ref: JobRef) -> Flow[IvkJob]:
    """Cancel one job; one that has ended stays as it is."""
    yield from _check_first(queue_id, ref)
    request = put(route(ITEM + "/cancel", queue_id, ref.item_id), retry=RetryRule.SAFE)
    return (yield from one_job(queue_id, ref.item_id, request))


def delete_job(queue_id: str, ref: JobRef) -> Flow[None]:
    """Delete one job, cancelling it first."""
    yield from _check_first(queue_id, ref)
    try:
        yield from requests.delete_job(queue_id, ref.item_id)
    except InternalServerError as error:
        yield from raise_job_error(queue_id, ref.item_id, error)


def _check_first(queue_id: str, ref: JobRef) -> Flow[None]:
    """Make sure that this job is in this queue, where the server does not.

    6.8 cancels and deletes jobs of other queues, and deletes what is not there.
    """
    if ref.is_certain or not is_at_least((yield from learn_version()), "6.14"):
        yield from get_job(queue_id, ref)


def delete_destination(queue_id: str, destination: str) -> Flow[int]:
    """Delete the jobs of a destination."""
    if "/" in destination:
        # The server has no route for such a name, however it is quoted.
        return (yield from _delete_one_by_one(queue_id, destination))
    request = delete(route(QUEUE + "/d/{}", queue_id, destination))
    data = yield from request_json(request)
    # An earlier try may have done it, only its answer was lost.
    return 0 if data is None else parse(int, parse(dict[str, Any], data).get("deleted"))


def _delete_one_by_one(queue_id: str, destination: str) -> Flow[int]:
    yield from change_jobs(queue_id, "cancel_by_destination", destination=destination)
    count = 0
    for chunk in chunks(sorted((yield from item_ids(queue_id)))):
        for job in (yield from summaries(queue_id, chunk)):
            if job.destination == destination:
                yield from delete_job(queue_id, JobRef(job.item_id))
                count += 1
    return count


# What bulk changes count. Repeating one on the pending jobs could hit newer jobs.
_COUNTED = {
    "cancel_by_destination": ("canceled", RetryRule.SAFE),
    "cancel_all_except_current": ("canceled", RetryRule.NEVER),
    "delete_all_except_current": ("deleted", RetryRule.NEVER),
    "clear": ("deleted", RetryRule.SAFE),
    "prune": ("deleted", RetryRule.SAFE),
}


def change_jobs(queue_id: str, verb: str, **params: str) -> Flow[int]:
    """Make a bulk change, one of `_COUNTED`; returns how many jobs it changed."""
    key, retry = _COUNTED[verb]
    request = put(route(QUEUE + "/{}", queue_id, verb), params=params, retry=retry)
    return (yield from call_field(int, request, key))


def set_processor(queue_id: str, verb: str) -> Flow[ProcessorStatus]:
    """``"pause"`` or ``"resume"`` the one processor of all queues."""
    request = put(route(QUEUE + "/processor/{}", queue_id, verb), retry=RetryRule.SAFE)
    return (yield from call_model(ProcessorStatus, request))


def retry_jobs(queue_id: str, refs: Sequence[JobRef]) -> Flow[list[IvkJob]]:
    """Run failed or cancelled jobs once more and return the new jobs.

    The server answers with the old ids and skips silently what it cannot retry, so
    that is checked before, and the new jobs are looked up after.
    """
    if not refs:
        return []
    jobs = yield from _require_jobs(queue_id, refs)
    ids = [job.item_id for job in jobs]
    refused = [job for job in jobs if job.status not in RETRYABLE]
    if refused:
        shown = ", ".join(f"job {job.item_id} is {job.status}" for job in refused[:5])
        raise QueueError(f"only failed and canceled jobs can be retried: {shown}")
    newest = max((yield from item_ids(queue_id)))
    request = put(route(QUEUE + "/retry_items_by_id", queue_id), json=ids)
    yield from request_json(request)
    later = [item for item in (yield from item_ids(queue_id)) if item > newest]
    # A retried job names the first job of its chain, not the one that was retried.
    first_ids = {
        first
        for job in jobs
        for first in (job.item_id, job.retried_from_item_id, job.root_item_id)
    } - {None}
    batches = {job.batch_id for job in jobs}
    new = [
        job
        for job in (yield from full_jobs(queue_id, sorted(later)))
        if job.batch_id in batches and job.retried_from_item_id in first_ids
    ]
    # A job that a running workflow started is retried as the job that runs it.
    wanted = len({job.root_item_id or job.item_id for job in jobs})
    if len(new) < wanted:
        raise QueueFullError(
            f"the queue took {len(new)} of {wanted} retried jobs",
            requested=wanted,
            enqueued=len(new),
        )
    return new


def _require_jobs(queue_id: str, refs: Sequence[JobRef]) -> Flow[list[IvkJob]]:
    by_id = {ref.item_id: ref for ref in refs}
    answer = yield from full_jobs(queue_id, list(by_id))
    found = {job.item_id: job for job in answer}
    jobs = []
    for ref in by_id.values():
        # Reading one raises: unknown, in another queue, or unreadable.
        job = found.get(ref.item_id) or (yield from get_job(queue_id, ref))
        ref.check(queue_id, job)
        jobs.append(job)
    return jobs
