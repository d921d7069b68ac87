"""Frozen snapshots of what the server holds: jobs, images and their enums."""

from __future__ import annotations

from typing import Any, Optional

from invokeai_py_client._snapshot import OpenEnum, Snapshot, UtcDatetime
from invokeai_py_client.image.async_image_handle import AsyncIvkImage
from invokeai_py_client.image.image_handle import IvkImage
from invokeai_py_client.image.models import ImageCategory, ImageOrigin

__all__ = [
    "AsyncIvkImage",
    "ImageCategory",
    "ImageOrigin",
    "IvkImage",
    "IvkJob",
    "JobStatus",
    "OpenEnum",
    "Snapshot",
    "UtcDatetime",
]


class JobStatus(OpenEnum):
    """Where a job stands; values unknown today are kept and are not terminal."""

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
    error_traceback: Optional[str] = None
    created_at: Optional[UtcDatetime] = None
    updated_at: Optional[UtcDatetime] = None
    started_at: Optional[UtcDatetime] = None
    completed_at: Optional[UtcDatetime] = None
    user_id: Optional[str] = None
    field_values: Optional[list[dict[str, Any]]] = None
    retried_from_item_id: Optional[int] = None
    parent_item_id: Optional[int] = None
    root_item_id: Optional[int] = None
    workflow_call_depth: Optional[int] = None
    device: Optional[str] = None
    session: Optional[dict[str, Any]] = None
