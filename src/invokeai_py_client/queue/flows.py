"""What can be asked of the queue, as flows.

What can be done to it is in `change_flows.py`; waiting, and why nothing moves,
in `wait_flows.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Optional

from invokeai_py_client._core.decode import parse, restated
from invokeai_py_client._core.flow import Flow, emit
from invokeai_py_client._core.messages import Request
from invokeai_py_client._core.send import call_model, get, request_json, route
from invokeai_py_client._core.tracker import REDACTED
from invokeai_py_client._job import IvkJob, JobStatus
from invokeai_py_client.exceptions import (
    InternalServerError,
    NotFoundError,
    QueueBlockedError,
    QueueError,
)
from invokeai_py_client.queue import requests
from invokeai_py_client.queue.models import BatchStatus, DestinationCounts
from invokeai_py_client.queue.requests import ITEM, QUEUE, UNREADABLE, Record


def read_job(queue_id: str, data: Any) -> IvkJob:
    """A job from any of the server's records; summaries do not name their queue."""
    record = parse(dict[str, Any], data)
    return parse(IvkJob, {"queue_id": queue_id, **record})


def read_summary(queue_id: str, record: Record) -> IvkJob:
    """A job without its session, which older servers send all the same."""
    return read_job(queue_id, {**record, "session": None})


def list_jobs(
    queue_id: str,
    fits: Callable[[IvkJob], bool],
    newest_first: bool,
    limit: Optional[int],
) -> Flow[None]:
    """Emit summaries of jobs, by item id, fetched a thousand at a time."""
    if limit == 0:
        return
    left = limit
    pages = yield from requests.pages(
        queue_id, newest_first=newest_first, readable_only=True
    )
    for page in pages:
        for record in (yield from page):
            job = read_summary(queue_id, record)
            if not fits(job):
                continue
            yield from emit(job)
            left = None if left is None else left - 1
            if left == 0:
                return


def find_batch(
    queue_id: str, *batch_ids: str, total: Optional[int] = None
) -> Flow[list[IvkJob]]:
    """The jobs of a batch by ascending id, without children of workflow calls.

    No route lists one batch, so jobs are read newest first until `total` of the batch
    have been found.

    Args:
        queue_id: The queue to search.
        *batch_ids: The batch to find, or several.
        total: Jobs they have, as `batch_status` counts them; None to ask.
    """
    if total is None:
        total = (yield from requests.batch_status(queue_id, *batch_ids))["total"]
    found: dict[int, IvkJob] = {}
    for page in (yield from requests.pages(queue_id)) if total else ():
        for record in (yield from page):
            if record.get("batch_id") in batch_ids:
                found[record["item_id"]] = read_summary(queue_id, record)
        if len(found) >= total:
            break
    jobs = (job for _, job in sorted(found.items()))
    return [job for job in jobs if job.parent_item_id is None]


def summaries(queue_id: str, ids: Sequence[int]) -> Flow[list[IvkJob]]:
    """Jobs without sessions, in the order of `ids`; unknown ids are left out.

    Servers before 6.14 have no summaries; there the sessions are fetched and
    dropped, and jobs that the server cannot read are left out.
    """
    records = yield from requests.list_summaries(queue_id, ids, readable_only=True)
    return _in_order(ids, [read_summary(queue_id, record) for record in records])


def full_jobs(queue_id: str, ids: Sequence[int]) -> Flow[list[IvkJob]]:
    """Jobs with sessions, in the order of `ids`.

    Unknown jobs are left out, and so are those whose stored values the server
    cannot read.
    """
    records = yield from requests.list_readable(queue_id, ids)
    return _in_order(ids, [read_job(queue_id, record) for record in records])


def _in_order(ids: Sequence[int], jobs: Sequence[IvkJob]) -> list[IvkJob]:
    by_id = {job.item_id: job for job in jobs}
    return [by_id[item_id] for item_id in ids if item_id in by_id]


@dataclass(frozen=True)
class JobRef:
    """A job as the caller named it: its number, and what else is known of it.

    A number alone is a hint: a server that was replaced by one with another database
    gives it to another job.
    """

    item_id: int
    batch_id: Optional[str] = None
    session_id: Optional[str] = None

    @property
    def is_certain(self) -> bool:
        """True when it can be told from another job with the same number."""
        return self.batch_id is not None or self.session_id is not None

    def check(self, queue_id: str, job: IvkJob) -> None:
        """Raise when `job` only has the same number."""
        for known, found in (
            (self.batch_id, job.batch_id),
            (self.session_id, job.session_id),
        ):
            if None not in (known, found) and found not in (known, REDACTED):
                raise NotFoundError(
                    f"queue {queue_id} does not have this job: its number, "
                    f"{self.item_id}, belongs to a job of batch {job.batch_id}",
                    status_code=404,
                    hint="the server has another database now",
                )


def get_job(queue_id: str, ref: JobRef) -> Flow[IvkJob]:
    """One job with its session."""
    request = get(route(ITEM, queue_id, ref.item_id))
    job = yield from one_job(queue_id, ref.item_id, request)
    ref.check(queue_id, job)
    return job


def find_job(queue_id: str, ref: JobRef) -> Flow[Optional[IvkJob]]:
    """One job with its session; None when the queue does not know it (any more)."""
    try:
        return (yield from get_job(queue_id, ref))
    except NotFoundError:
        return None


def find_current(queue_id: str, which: str) -> Flow[Optional[IvkJob]]:
    """The ``"current"`` or the ``"next"`` job; None when there is none."""
    data = yield from request_json(get(route(QUEUE + "/{}", queue_id, which)))
    return None if data is None else read_job(queue_id, data)


def one_job(queue_id: str, item_id: int, request: Request) -> Flow[IvkJob]:
    """The job that a route for one job answers with."""
    try:
        return read_job(queue_id, (yield from request_json(request)))
    except InternalServerError as error:
        return (yield from raise_job_error(queue_id, item_id, error))


_NOT_IN_QUEUE = "404: Queue item with id"


def raise_job_error(
    queue_id: str, item_id: int, error: InternalServerError
) -> Flow[NoReturn]:
    """Say what a 500 about one job means."""
    words = str(error.detail)
    if _NOT_IN_QUEUE in words:
        # This route wraps its own 404 when the job is in another queue.
        message = f"there is no job {item_id} in queue {queue_id}"
        raise restated(error, NotFoundError, message, status_code=404) from error
    if UNREADABLE not in words:
        raise error
    # The server does not check batch values when it takes them. While such a job is
    # pending, nothing behind it runs, and only bulk operations can remove it.
    problem = " ".join(words.partition(UNREADABLE)[2].split()[:12])
    message = f"the server cannot read job {item_id}: {problem}"
    for job in (yield from summaries(queue_id, [item_id])):
        if job.status is JobStatus.PENDING:
            raise QueueBlockedError(
                f"{message}; nothing behind it can run",
                hint=f"queue_repo.cancel_batch({job.batch_id!r}) takes it away",
            ) from error
    raise QueueError(message, hint="queue_repo.prune_queue() removes it") from error


def batch_status(queue_id: str, batch_id: str) -> Flow[BatchStatus]:
    """How many jobs of a batch have which status."""
    return parse(BatchStatus, (yield from requests.batch_status(queue_id, batch_id)))


def counts_by_destination(queue_id: str, destination: str) -> Flow[DestinationCounts]:
    """How many jobs of a destination have which status."""
    request = get(
        route(QUEUE + "/counts_by_destination", queue_id),
        params={"destination": destination},
    )
    return (yield from call_model(DestinationCounts, request))
