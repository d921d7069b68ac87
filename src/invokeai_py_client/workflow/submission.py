"""`Submission`: jobs that were put into the queue together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Optional

from invokeai_py_client._arguments import Seconds, checks_arguments
from invokeai_py_client._core.events import ServerEvent
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import Runner
from invokeai_py_client._objects.handle import Handle
from invokeai_py_client.image.image_handle import IvkImage
from invokeai_py_client.video.video_handle import IvkVideo
from invokeai_py_client.workflow.jobs.submission_record import (
    SubmissionRecord,
    SubmittedJob,
)
from invokeai_py_client.workflow.results.build_result import MediaFactory
from invokeai_py_client.workflow.results.run_result import RunResult
from invokeai_py_client.workflow.waiting import wait_flows
from invokeai_py_client.workflow.waiting.wait_flows import OnProgress, SubmissionStatus


@checks_arguments
@set_module("invokeai_py_client")
class Submission(Handle):
    """Jobs that were put into the queue together, as they were submitted.

    It holds no current state: each call asks the server. Another process finds it by
    `queue_repo.get_submission(id)`.

    Args:
        runner: What runs the flows: the client's.
        record: What was submitted.
        on_over: Called with the id when a wait has seen all jobs end.
    """

    _KEEP = "its id, for queue_repo.get_submission(id),"

    def __init__(
        self,
        runner: Runner,
        record: SubmissionRecord,
        on_over: Optional[Callable[[str], None]] = None,
    ) -> None:
        self._runner = runner
        self._record = record
        self._on_over = on_over
        self._read = MediaFactory(IvkImage.bound_to(runner), IvkVideo.bound_to(runner))

    def _advise(self, name: str) -> str:
        if hasattr(RunResult, name):
            return f"wait() returns the result, which has .{name}"
        return super()._advise(name)

    @property
    def id(self) -> str:
        """The batch id: the same for the same key, on every machine."""
        return self._record.id

    @property
    def queue_id(self) -> str:
        """The queue the jobs are in."""
        return self._record.queue_id

    @property
    def jobs(self) -> tuple[SubmittedJob, ...]:
        """Every job, in expansion order: its number and its batch values."""
        return self._record.jobs

    @property
    def requested(self) -> int:
        """How many jobs were asked for; more than `jobs` with ``on_full="partial"``."""
        return self._record.requested

    @property
    def adopted(self) -> bool:
        """True when the jobs, or some, were enqueued by another call with this key."""
        return self._record.adopted

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was odd about the workflow, its values or the submission."""
        return self._record.warnings

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}: {len(self.jobs)} jobs>"

    def __len__(self) -> int:
        return len(self.jobs)

    def status(self) -> SubmissionStatus:
        """Ask the server once how far the jobs are, and why none makes progress."""
        return self._runner.run(wait_flows.get_status(self._record))

    def wait(
        self,
        *,
        timeout: Optional[Seconds] = None,
        check: bool = True,
        on_progress: Optional[OnProgress] = None,
    ) -> RunResult[IvkImage, IvkVideo]:
        """Wait until every job is over, and return their results.

        Leaving a wait, by its timeout or by an interruption, cancels nothing.

        Args:
            timeout: Seconds for the whole wait; None without a limit.
            check: Raise when a job did not complete; False returns the result, whose
                `jobs` then hold the errors.
            on_progress: Called with a `RunProgress` whenever something happens, in
                the context of this call; with the asynchronous client it may be
                ``async def``.

        Raises:
            JobFailedError: A job failed; `.result` has everything that succeeded.
            JobCanceledError: A job was cancelled, deleted or lost.
            JobTimeoutError: The timeout expired; the jobs go on, and `.result`
                has those that are over.
            APIConnectionError: The server stayed out of reach for a minute.
        """
        return self._runner.run(
            wait_flows.wait(
                self._record,
                self._read,
                timeout=timeout,
                check=check,
                on_progress=on_progress,
                on_over=self._on_over,
            )
        )

    def events(self) -> Iterator[ServerEvent]:
        """Iterate over what happens to the jobs until all are over.

        Status changes come exactly once each, also when the event socket missed
        them; progress, previews and outputs of nodes only as long as the socket is
        there. Workflows that a job calls report under the same submission.

        Raises:
            APIConnectionError: The server stayed out of reach for a minute.
        """
        return self._runner.stream(wait_flows.stream_events(self._record))

    def cancel(self) -> None:
        """Cancel every job that is not over; a running one stops at its next step."""
        self._runner.run(wait_flows.cancel(self._record))
