# Generated from submission.py by scripts/generate_async.py; do not edit.
"""`AsyncSubmission`: jobs that were put into the queue together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Optional

from invokeai_py_client._core.events import ServerEvent
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client.image.async_image_handle import AsyncIvkImage
from invokeai_py_client.video.async_video_handle import AsyncIvkVideo
from invokeai_py_client.workflow import wait_flows
from invokeai_py_client.workflow.media_reader import MediaReader
from invokeai_py_client.workflow.results import RunResult
from invokeai_py_client.workflow.ticket import SubmittedJob, Ticket
from invokeai_py_client.workflow.wait_flows import OnProgress, SubmissionStatus

__all__ = ["AsyncSubmission"]


class AsyncSubmission:
    """Jobs that were put into the queue together, as they were submitted.

    It is a fixed identity: it knows nothing of the present and asks the server each
    time. Another process finds it by `queue_repo.get_submission(id)`.

    Args:
        runner: What runs the flows: the client's.
        ticket: What was submitted.
        on_over: Called with the id when a wait has seen all jobs end.
    """

    def __init__(
        self,
        runner: AsyncRunner,
        ticket: Ticket,
        on_over: Optional[Callable[[str], None]] = None,
    ) -> None:
        self._runner = runner
        self._ticket = ticket
        self._on_over = on_over
        self._read = MediaReader(
            AsyncIvkImage.bound_to(runner), AsyncIvkVideo.bound_to(runner)
        )

    @property
    def id(self) -> str:
        """The batch id: the same for the same key, on every machine."""
        return self._ticket.id

    @property
    def queue_id(self) -> str:
        """The queue the jobs are in."""
        return self._ticket.queue_id

    @property
    def jobs(self) -> tuple[SubmittedJob, ...]:
        """Every job, in expansion order: its number and its batch values."""
        return self._ticket.jobs

    @property
    def requested(self) -> int:
        """How many jobs were asked for; more than `jobs` with ``on_full="partial"``."""
        return self._ticket.requested

    @property
    def adopted(self) -> bool:
        """True when the jobs were in the queue before, under the same key."""
        return self._ticket.adopted

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was odd about the workflow, its values or the submission."""
        return self._ticket.warnings

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}: {len(self.jobs)} jobs>"

    def __len__(self) -> int:
        return len(self.jobs)

    async def status(self) -> SubmissionStatus:
        """Ask the server once how the jobs stand, and why nothing moves."""
        return await self._runner.run(wait_flows.look(self._ticket))

    async def wait(
        self,
        timeout: Optional[float] = None,
        check: bool = True,
        on_progress: Optional[OnProgress] = None,
    ) -> RunResult[AsyncIvkImage, AsyncIvkVideo]:
        """Wait until every job is over, for ever by default, and return what they gave.

        Leaving a wait, by its timeout or by an interruption, cancels nothing.

        Args:
            timeout: Seconds for the whole wait, not for one request.
            check: Raise when a job did not complete; False returns the result, whose
                `jobs` then hold the errors.
            on_progress: Called with a `RunProgress` whenever something happens, in
                the context of this call; with the asynchronous client it may be
                ``async def``.

        Raises:
            JobFailedError: A job failed; `.result` has everything that succeeded.
            JobCanceledError: A job was cancelled, deleted or lost.
            JobTimeoutError: The time was over first; the jobs go on, and `.result`
                has those that are over.
            APIConnectionError: The server stayed out of reach for a minute.
        """
        return await self._runner.run(
            wait_flows.wait(
                self._ticket,
                self._read,
                timeout=timeout,
                check=check,
                on_progress=on_progress,
                on_over=self._on_over,
            )
        )

    def events(self) -> AsyncIterator[ServerEvent]:
        """Iterate over what happens to the jobs until all are over.

        Status changes come exactly once each, also when the event socket missed
        them; progress, previews and outputs of nodes only as long as the socket is
        there. Workflows that a job calls report under the same submission.

        Raises:
            APIConnectionError: The server stayed out of reach for a minute.
        """
        return self._runner.stream(wait_flows.stream_events(self._ticket))

    async def cancel(self) -> None:
        """Cancel every job that is not over; a running one stops at its next step."""
        await self._runner.run(wait_flows.cancel(self._ticket))
