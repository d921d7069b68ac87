"""Frozen snapshots of what the server holds: jobs, images and their enums."""

from __future__ import annotations

from datetime import datetime, timezone
from enum import Enum
from typing import Annotated, Any, Optional

from pydantic import BaseModel, BeforeValidator, ConfigDict

__all__ = ["ImageCategory", "IvkJob", "JobStatus", "Snapshot", "UtcDatetime"]


def _as_utc(value: Any) -> Any:
    """Read the server's naive `YYYY-MM-DD HH:MM:SS.mmm` as the UTC it is."""
    if isinstance(value, str):
        text = value.replace("Z", "+00:00").replace(" ", "T", 1)
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            return value
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=timezone.utc)
    return value


UtcDatetime = Annotated[datetime, BeforeValidator(_as_utc)]


class Snapshot(BaseModel):
    """A frozen copy of something on the server at the moment it was read.

    Keys that this version of the library does not know are kept in `model_extra`.
    """

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())


class OpenEnum(str, Enum):
    """A text enum that keeps values which a newer server may send."""

    @classmethod
    def _missing_(cls, value: object) -> Optional[OpenEnum]:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member

    def __str__(self) -> str:
        return str(self.value)


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


class ImageCategory(OpenEnum):
    """What an image is to the gallery; uploads are usually `USER`."""

    GENERAL = "general"
    MASK = "mask"
    CONTROL = "control"
    USER = "user"
    OTHER = "other"


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
