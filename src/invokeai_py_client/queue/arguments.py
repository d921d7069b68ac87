"""What callers may pass for jobs, batches and filters, read into plain ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Optional, Union

from invokeai_py_client.models import IvkJob, JobStatus
from invokeai_py_client.queue.flows import JobFilter

__all__ = ["JobLike", "batch_ids_of", "item_id_of", "item_ids_of", "job_filter"]

JobLike = Union[int, IvkJob]
"""A job, or the server's number for it."""


def item_id_of(job: JobLike) -> int:
    """The server's number of `job`.

    Raises:
        TypeError: `job` is neither a number nor a job.
    """
    if isinstance(job, IvkJob):
        return job.item_id
    if isinstance(job, bool) or not isinstance(job, int):
        raise TypeError(f"expected an item id or a job, not {type(job).__name__}")
    return job


def item_ids_of(jobs: Union[JobLike, Iterable[JobLike]]) -> list[int]:
    """The server's numbers of one job or several."""
    if isinstance(jobs, (int, IvkJob)):
        return [item_id_of(jobs)]
    return [item_id_of(job) for job in jobs]


def batch_ids_of(batch: Union[str, Iterable[str]]) -> list[str]:
    """One batch id or several, as a list."""
    return [batch] if isinstance(batch, str) else list(batch)


def job_filter(
    status: Union[str, JobStatus, Iterable[Union[str, JobStatus]], None],
    batch_id: Optional[str],
    destination: Optional[str],
    origin: Optional[str],
) -> JobFilter:
    """Read the arguments of `list_jobs`.

    Raises:
        ValueError: A status that no server sends, such as a misspelt one.
    """
    if status is None:
        return JobFilter(None, batch_id, destination, origin)
    wanted = [status] if isinstance(status, str) else list(status)
    known = [item.value for item in JobStatus]
    for item in wanted:
        if str(item) not in known and not isinstance(item, JobStatus):
            raise ValueError(f"no job has status {item!r}; there are {known}")
    statuses = frozenset(str(item) for item in wanted)
    return JobFilter(statuses, batch_id, destination, origin)
