"""`IvkJob`: one item of the queue, as the server last showed it."""

from __future__ import annotations

from typing import Any, ClassVar, Optional

from pydantic import Field

from invokeai_py_client._exports import html_table, set_module
from invokeai_py_client._snapshot import OpenEnum, Snapshot, UtcDatetime


@set_module("invokeai_py_client")
class JobStatus(OpenEnum):
    """The status of a job; values unknown today are kept and are not terminal."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_terminal(self) -> bool:
        """True when the job will not change any more."""
        return self in TERMINAL_STATUSES


TERMINAL_STATUSES = frozenset(
    {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELED}
)


@set_module("invokeai_py_client")
class IvkJob(Snapshot):
    """One item of the server's queue.

    Attributes:
        item_id: The server's number for the job; never used twice.
        status_sequence: Grows by one with each change of status; None on servers
            before 6.13. Order by it, not by arrival.
        field_values: The batch values of this job; None for jobs that a running
            workflow started itself.
        session: The graph, its results and errors; None in summaries.
    """

    _SET: ClassVar[str] = (
        "queue_repo changes jobs on the server, such as cancel_job(job)"
    )

    item_id: int
    status: JobStatus
    batch_id: str
    queue_id: str = "default"
    status_sequence: Optional[int] = None
    priority: int = 0
    origin: Optional[str] = None
    destination: Optional[str] = None
    session_id: Optional[str] = None
    error_type: Optional[str] = None
    error_message: Optional[str] = None
    error_traceback: Optional[str] = Field(default=None, repr=False)
    created_at: Optional[UtcDatetime] = None
    updated_at: Optional[UtcDatetime] = None
    started_at: Optional[UtcDatetime] = None
    completed_at: Optional[UtcDatetime] = None
    user_id: Optional[str] = None
    field_values: Optional[list[dict[str, Any]]] = Field(default=None, repr=False)
    retried_from_item_id: Optional[int] = None
    parent_item_id: Optional[int] = None
    root_item_id: Optional[int] = None
    workflow_call_depth: Optional[int] = None
    device: Optional[str] = None
    session: Optional[dict[str, Any]] = Field(default=None, repr=False)

    def _repr_html_(self) -> str:
        head = ("job", "status", "batch", "error")
        row = (self.item_id, self.status, self.batch_id, self.error_message or "")
        return html_table(head, [row])
