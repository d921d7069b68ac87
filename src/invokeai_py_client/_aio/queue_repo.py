# Generated from queue/queue_repo.py by scripts/generate_async.py; do not edit.
"""`AsyncQueueRepository`: the jobs of a server's queue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Generic, Optional, Union

from invokeai_py_client._arguments import Count, Name, Seconds, Tag, checks_arguments
from invokeai_py_client._core.flow import collect
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client._job import IvkJob
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client.exceptions import QueueError
from invokeai_py_client.queue import (
    change_flows,
    flows,
    requests,
    wait_flows,
    watch_flows,
)
from invokeai_py_client.queue.arguments import (
    BatchLike,
    JobLike,
    Statuses,
    batch_id_of,
    batch_ids_of,
    job_filter,
    job_ref,
    job_refs,
)
from invokeai_py_client.queue.models import (
    BatchStatus,
    DestinationCounts,
    ProcessorStatus,
    QueuePosition,
    QueueSnapshot,
    QueueStatus,
)
from invokeai_py_client.queue.queue_repo import SubmissionFinder, SubmissionT

"""Makes the flow that finds a submission by (queue id, submission id)."""


@set_module("invokeai_py_client.queue")
@checks_arguments
class AsyncQueueRepository(Repository[AsyncRunner], Generic[SubmissionT]):
    """Reads and changes the jobs of one queue.

    A server has one processor for all of its queues; nearly everybody uses the one
    called ``"default"``.

    Args:
        runner: What runs the flows: the client's.
        queue_id: The queue; the server makes it by its first job.
        find_submission: Finds submissions; the client gives it.
    """

    def __init__(
        self,
        runner: AsyncRunner,
        queue_id: str = "default",
        find_submission: Optional[SubmissionFinder[SubmissionT]] = None,
    ) -> None:
        self._runner = runner
        self._queue_id = queue_id
        self._find_submission = find_submission

    @property
    def queue_id(self) -> str:
        """The queue this repository works on."""
        return self._queue_id

    def with_queue(self, queue_id: Name) -> AsyncQueueRepository[SubmissionT]:
        """A repository of the same server for another queue."""
        return AsyncQueueRepository(self._runner, queue_id, self._find_submission)

    async def get_submission(self, submission: BatchLike) -> SubmissionT:
        """Find jobs that were submitted together, by this or another process.

        Args:
            submission: A submission or its `id`, which is the id of its batch.

        Raises:
            QueueError: The queue knows no jobs of it (any more).
        """
        if self._find_submission is None:
            raise QueueError("only the queue_repo of a client finds submissions")
        return await self._runner.run(
            self._find_submission(self._queue_id, batch_id_of(submission))
        )

    async def get_queue_status(self) -> QueueStatus:
        """Read the counts, the processor, and why nothing moves if nothing does."""
        return await self._runner.run(wait_flows.get_status(self._queue_id))

    async def get_job_position(self, job: JobLike) -> QueuePosition:
        """Count the jobs that run before this one, and say why nothing moves.

        Raises:
            NotFoundError: The queue does not know this job.
        """
        return await self._runner.run(
            wait_flows.get_position(self._queue_id, job_ref(job))
        )

    async def list_jobs(
        self,
        *,
        status: Statuses = None,
        batch: Optional[BatchLike] = None,
        destination: Optional[str] = None,
        origin: Optional[str] = None,
        newest_first: bool = True,
        limit: Optional[Count] = None,
    ) -> list[IvkJob]:
        """List jobs; see `iter_jobs` for the arguments."""
        return await self._runner.run(
            collect(
                flows.list_jobs(
                    self._queue_id,
                    job_filter(status, batch, destination, origin),
                    newest_first,
                    limit,
                )
            )
        )

    def iter_jobs(
        self,
        *,
        status: Statuses = None,
        batch: Optional[BatchLike] = None,
        destination: Optional[str] = None,
        origin: Optional[str] = None,
        newest_first: bool = True,
        limit: Optional[Count] = None,
    ) -> AsyncIterator[IvkJob]:
        """Iterate over the jobs the queue still knows, as summaries.

        Summaries have no session; since 6.14 they have no error texts and no
        `status_sequence` either. `get_job` reads everything of one job.

        Args:
            status: Only jobs of this status, or of one of these.
            batch: Only jobs of this batch or submission.
            destination: Only jobs of this destination.
            origin: Only jobs of this origin.
            newest_first: Order by item id, highest or lowest first.
            limit: At most this many; None for all.
        """
        return self._runner.stream(
            flows.list_jobs(
                self._queue_id,
                job_filter(status, batch, destination, origin),
                newest_first,
                limit,
            )
        )

    async def get_job(self, job: JobLike) -> IvkJob:
        """Read one job with its session.

        The results in the session are complete only once the job has ended.

        Raises:
            NotFoundError: This queue does not know the job (any more).
            QueueBlockedError: The job is pending and the server cannot read it; the
                hint says how to take it away.
        """
        return await self._runner.run(flows.get_job(self._queue_id, job_ref(job)))

    async def find_job(self, job: JobLike) -> Optional[IvkJob]:
        """Read one job with its session; None when this queue does not know it.

        Raises:
            QueueBlockedError: As for `get_job`.
        """
        return await self._runner.run(flows.find_job(self._queue_id, job_ref(job)))

    async def find_current_job(self) -> Optional[IvkJob]:
        """Read the job that runs now; None when none of this queue does."""
        return await self._runner.run(flows.find_current(self._queue_id, "current"))

    async def find_next_job(self) -> Optional[IvkJob]:
        """Read the job that runs next; None when none of this queue is pending."""
        return await self._runner.run(flows.find_current(self._queue_id, "next"))

    async def get_batch_status(self, batch: BatchLike) -> BatchStatus:
        """Count a batch's jobs by status; all zero when the queue knows none."""
        return await self._runner.run(
            flows.batch_status(self._queue_id, batch_id_of(batch))
        )

    async def get_destination_counts(self, destination: Name) -> DestinationCounts:
        """Count a destination's jobs by status; all zero when it has none."""
        return await self._runner.run(
            flows.counts_by_destination(self._queue_id, destination)
        )

    async def count_tagged(self, tag: Tag = "ivk") -> DestinationCounts:
        """Count the jobs by status that were submitted with a tag.

        Args:
            tag: The `tag` of `run` and `submit`.
        """
        return await self.get_destination_counts(tag)

    async def cancel_job(self, job: JobLike) -> IvkJob:
        """Cancel a job; one that has ended stays as it is.

        A running node stops at its next step. Jobs that the job started itself are
        cancelled with it.

        Returns:
            The job as it is now.

        Raises:
            NotFoundError: This queue does not know the job.
            QueueBlockedError: The server cannot read the job; cancel its batch.
        """
        return await self._runner.run(
            change_flows.cancel_job(self._queue_id, job_ref(job))
        )

    async def cancel_batch(self, batch: Union[BatchLike, Iterable[BatchLike]]) -> int:
        """Cancel what is left of one batch or several.

        Returns:
            How many jobs were cancelled; 0 also when no such batch is known.
        """
        return await self._runner.run(
            requests.cancel_batches(self._queue_id, batch_ids_of(batch))
        )

    async def cancel_jobs_by_destination(self, destination: Name) -> int:
        """Cancel what is left of a destination; how many jobs that were."""
        return await self._runner.run(
            change_flows.change_jobs(
                self._queue_id, "cancel_by_destination", destination=destination
            )
        )

    async def cancel_tagged(self, tag: Tag = "ivk") -> int:
        """Cancel what is left of the jobs that were submitted with a tag.

        Jobs of the web interface, and of others with another tag, stay.

        Args:
            tag: The `tag` of `run` and `submit`.

        Returns:
            How many jobs were cancelled.
        """
        return await self.cancel_jobs_by_destination(tag)

    async def cancel_pending_jobs(self) -> int:
        """Cancel all pending jobs, not the running one; how many that were."""
        return await self._runner.run(
            change_flows.change_jobs(self._queue_id, "cancel_all_except_current")
        )

    async def delete_pending_jobs(self) -> int:
        """Delete all pending jobs, not the running one; how many that were."""
        return await self._runner.run(
            change_flows.change_jobs(self._queue_id, "delete_all_except_current")
        )

    async def delete_job(self, job: JobLike) -> None:
        """Delete a job from the queue, cancelling it first when it has not ended.

        Raises:
            NotFoundError: This queue does not know the job.
            QueueBlockedError: The server cannot read the job; cancel its batch.
        """
        return await self._runner.run(
            change_flows.delete_job(self._queue_id, job_ref(job))
        )

    async def delete_jobs_by_destination(self, destination: Name) -> int:
        """Delete the jobs of a destination, cancelling those that have not ended.

        Returns:
            How many were deleted.

        Raises:
            UnsupportedVersionError: The server is older than 6.0.
        """
        return await self._runner.run(
            change_flows.delete_destination(self._queue_id, destination)
        )

    async def clear_queue(self) -> int:
        """Cancel and delete every job, history included; how many that were."""
        return await self._runner.run(change_flows.change_jobs(self._queue_id, "clear"))

    async def prune_queue(self) -> int:
        """Delete the jobs that have ended, with their results; how many that were.

        The images stay.
        """
        return await self._runner.run(change_flows.change_jobs(self._queue_id, "prune"))

    async def retry_jobs(self, jobs: Union[JobLike, Iterable[JobLike]]) -> list[IvkJob]:
        """Run failed or cancelled jobs once more, as new jobs of the same batch.

        The request is never repeated by itself.

        Returns:
            The new jobs, oldest first.

        Raises:
            QueueError: One of them has not failed and was not cancelled; nothing
                was sent.
            NotFoundError: This queue does not know one of them; nothing was sent.
            QueueFullError: The queue took fewer jobs than were asked for.
        """
        return await self._runner.run(
            change_flows.retry_jobs(self._queue_id, job_refs(jobs))
        )

    async def pause_processor(self) -> ProcessorStatus:
        """Pause the processor of all queues; a running job finishes.

        The server forgets this when it restarts. Needs an administrator.
        """
        return await self._runner.run(
            change_flows.set_processor(self._queue_id, "pause")
        )

    async def resume_processor(self) -> ProcessorStatus:
        """Let the processor of all queues run again; needs an administrator."""
        return await self._runner.run(
            change_flows.set_processor(self._queue_id, "resume")
        )

    def watch_queue(
        self, job: Optional[JobLike] = None, *, until_idle: bool = False
    ) -> AsyncIterator[QueueSnapshot]:
        """Iterate over what the queue looks like: now, and whenever it has changed.

        Args:
            job: Report the jobs ahead of this one too, and end when it has ended. It
                costs the server a second per thousand unfinished jobs.
            until_idle: End when the queue is idle; otherwise it never ends.

        Raises:
            NotFoundError: The queue does not know the job (any more).
            QueueBlockedError: The watched job cannot be read by the server.
            APIConnectionError: The server stayed away for a minute.
        """
        return self._runner.stream(
            watch_flows.watch(
                self._queue_id, None if job is None else job_ref(job), until_idle
            )
        )

    async def wait_until_queue_idle(
        self, timeout: Optional[Seconds] = None
    ) -> QueueStatus:
        """Wait until no job of this queue is pending, running or waiting.

        A paused processor is waited for. Giving up cancels nothing.

        Args:
            timeout: Seconds for the whole wait; None without a limit, 0 to ask once.

        Returns:
            The idle queue's status.

        Raises:
            JobTimeoutError: The time is over; the message says what is left and why.
            QueueBlockedError: A job that the server cannot read blocks the queue.
            APIConnectionError: The server stayed away for a minute.
        """
        return await self._runner.run(
            wait_flows.wait_until_idle(self._queue_id, timeout)
        )
