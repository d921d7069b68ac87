"""What callers may pass for jobs, batches and filters, read into plain ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Optional, Protocol, Union, runtime_checkable

from invokeai_py_client._arguments import Kind, kind_of, whole_number
from invokeai_py_client._arguments.kinds import NAME
from invokeai_py_client._job import IvkJob, JobStatus
from invokeai_py_client.queue.flows import JobRef
from invokeai_py_client.queue.models import BatchStatus

_NUMBER = whole_number(0)


@runtime_checkable
class _HasItemId(Protocol):
    @property
    def item_id(self) -> int: ...


@runtime_checkable
class _HasId(Protocol):
    @property
    def id(self) -> str: ...


def _job_ref(value: Any) -> JobRef:
    number = value.item_id if isinstance(value, _HasItemId) else value
    ids = (getattr(value, name, None) or None for name in ("batch_id", "session_id"))
    return JobRef(_NUMBER.convert(number), *ids)


def _batch_id(value: Any) -> str:
    if not isinstance(value, str):
        # A job, a batch's counts, or a submission, whose id is its batch's.
        value = getattr(value, "batch_id", None) or getattr(value, "id", None)
    batch_id: str = NAME.convert(value)
    return batch_id


_JOB = Kind("a job or the server's number for it", _job_ref)
_BATCH = Kind("a submission, a job or the id of a batch", _batch_id)

JobLike = Annotated[Union[int, _HasItemId], _JOB]
"""A job, or the server's number for it."""
BatchLike = Annotated[Union[str, _HasId, IvkJob, BatchStatus], _BATCH]
"""A submission, a job, a batch's counts, or the id of a batch."""
Status = Annotated[Union[str, JobStatus], kind_of(JobStatus)]
Statuses = Union[Status, Iterable[Status], None]


def job_ref(job: JobLike) -> JobRef:
    """What is known of `job`."""
    ref: JobRef = _JOB.read("job", job)
    return ref


def job_refs(jobs: Union[JobLike, Iterable[JobLike]]) -> list[JobRef]:
    """What is known of one job or several."""
    # A job of pydantic's is iterable, too.
    if isinstance(jobs, _HasItemId) or not isinstance(jobs, Iterable):
        return [job_ref(jobs)]
    return [job_ref(job) for job in jobs]


def batch_id_of(batch: BatchLike) -> str:
    """The id of `batch`."""
    batch_id: str = _BATCH.read("batch", batch)
    return batch_id


def batch_ids_of(batch: Union[BatchLike, Iterable[BatchLike]]) -> list[str]:
    """One batch or several, as a list of ids."""
    several: Any = batch if isinstance(batch, (list, tuple, set)) else [batch]
    return [batch_id_of(item) for item in several]


def job_filter(
    status: Statuses,
    batch: Optional[BatchLike],
    destination: Optional[str],
    origin: Optional[str],
) -> Callable[[IvkJob], bool]:
    """Read the filters of `list_jobs`; what is returned is true for a job to list."""
    batch_id = None if batch is None else batch_id_of(batch)
    wanted = [status] if isinstance(status, str) else status
    statuses = None if wanted is None else frozenset(map(str, wanted))
    return lambda job: (
        (statuses is None or str(job.status) in statuses)
        and batch_id in (None, job.batch_id)
        and destination in (None, job.destination)
        and origin in (None, job.origin)
    )
