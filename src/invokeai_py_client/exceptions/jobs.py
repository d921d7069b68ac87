"""Errors of enqueueing, and of jobs that failed, were canceled or timed out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Optional

from invokeai_py_client.exceptions.base import InvokeAIError

if TYPE_CHECKING:
    from invokeai_py_client._job import IvkJob


class QueueError(InvokeAIError):
    """Jobs could not be put into the queue, or cannot move in it."""


class QueueFullError(QueueError):
    """The server's queue took fewer jobs than were asked for.

    Attributes:
        requested: How many jobs the batch has.
        enqueued: How many the server took; they were taken back unless the
            caller chose otherwise.
    """

    def __init__(
        self,
        message: str,
        *,
        requested: int,
        enqueued: int,
        hint: Optional[str] = None,
    ) -> None:
        self.requested = requested
        self.enqueued = enqueued
        super().__init__(message, hint=hint)


class QueueBlockedError(QueueError):
    """Nothing in the queue can move, and why."""


class KeyConflictError(QueueError):
    """A key was used for a submission of other values; nothing was enqueued.

    A key belongs to its values as long as the queue knows the jobs: use another key,
    or delete those jobs.

    Attributes:
        key: The key.
        batch_id: The id of the submission that has it; see
            `queue_repo.get_submission(batch_id)`.
        differences: What is different, one line each, such as
            ``"steps is 30 there and 20 here"``.
    """

    def __init__(
        self, message: str, *, key: str, batch_id: str, differences: Sequence[str]
    ) -> None:
        self.key = key
        self.batch_id = batch_id
        self.differences = tuple(differences)
        super().__init__(
            message, hint="use another key, or delete the jobs of this one"
        )


class SubmissionUnknownError(QueueError):
    """The reply to a submission was lost and what happened cannot be told yet.

    Attributes:
        batch_id: The id under which the jobs would appear; look again later with
            `queue_repo.get_submission(batch_id)` or `settle()`.
    """

    def __init__(
        self,
        message: str,
        *,
        batch_id: str,
        settle: Optional[Callable[[], Any]] = None,
    ) -> None:
        self.batch_id = batch_id
        self._settle = settle
        super().__init__(message)

    def settle(self) -> Any:
        """Look again, and submit once more if the jobs surely are not there.

        Returns:
            The `Submission`; with the asynchronous client an awaitable of it.

        Raises:
            SubmissionUnknownError: It still cannot be told.
        """
        if self._settle is None:
            raise self
        return self._settle()


class JobError(InvokeAIError):
    """A job failed, was canceled or did not end in time.

    Attributes:
        job: The job as last seen; None when it is not known.
        result: Everything that did succeed; None when nothing is known.
    """

    def __init__(
        self,
        message: str,
        *,
        job: Optional[IvkJob] = None,
        result: Any = None,
        hint: Optional[str] = None,
    ) -> None:
        self.job = job
        self.result = result
        super().__init__(message, hint=hint)


class JobFailedError(JobError):
    """A node of the job failed on the server.

    Attributes:
        error_type: The server's exception class, such as ``"OutOfMemoryError"``.
        error_message: The server's words.
        node_id: The workflow's node that failed; None when unknown.
        node_type: Its type; None when unknown.
        traceback: The server's traceback; None when the server hides it.
        out_of_memory: True when the server ran out of memory.
    """

    def __init__(
        self,
        message: str,
        *,
        job: Optional[IvkJob] = None,
        result: Any = None,
        error_type: Optional[str] = None,
        error_message: Optional[str] = None,
        node_id: Optional[str] = None,
        node_type: Optional[str] = None,
        traceback: Optional[str] = None,
        hint: Optional[str] = None,
    ) -> None:
        self.error_type = error_type
        self.error_message = error_message
        self.node_id = node_id
        self.node_type = node_type
        self.traceback = traceback
        super().__init__(message, job=job, result=result, hint=hint)

    @property
    def out_of_memory(self) -> bool:
        """True when the server ran out of memory; a smaller image may work."""
        words = f"{self.error_type} {self.error_message}".lower()
        return "outofmemory" in words or "out of memory" in words


class JobCanceledError(JobError):
    """The job was cancelled, deleted, or lost by a restart of the server."""


class JobLostError(JobCanceledError):
    """The queue does not have the job any more; what became of it is not known.

    It was deleted, or the server was replaced by one with another database, where the
    job's number may belong to somebody else's job.
    """


class JobTimeoutError(JobError, TimeoutError):
    """The job was still running when the caller's time was over; it goes on."""
