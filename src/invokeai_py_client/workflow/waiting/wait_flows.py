"""What can be done with a submission: wait, stream its events, ask, cancel."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Optional

from invokeai_py_client._arguments import Seconds, kind_of
from invokeai_py_client._core.events import JobStatusChangedEvent, ServerEvent
from invokeai_py_client._core.flow import Flow, call_back, emit, gather
from invokeai_py_client._core.messages import Mailbox
from invokeai_py_client._core.paging import chunks
from invokeai_py_client._core.retry import may_pass
from invokeai_py_client._core.send import get, request_json
from invokeai_py_client._core.tracker import JobState, read_state
from invokeai_py_client._core.wait_loop import wait_for
from invokeai_py_client._exports import set_module
from invokeai_py_client._job import JobStatus
from invokeai_py_client.exceptions import (
    APIError,
    JobLostError,
    JobTimeoutError,
    NotFoundError,
)
from invokeai_py_client.image.flows import read_records
from invokeai_py_client.queue import requests as queue_requests
from invokeai_py_client.video import files as video_files
from invokeai_py_client.workflow.jobs.submission_record import SubmissionRecord
from invokeai_py_client.workflow.results.build_result import (
    MediaFactory,
    NamedMedia,
    build_result,
    lost_text,
    named_media,
)
from invokeai_py_client.workflow.results.read_session import (
    IMAGE,
    VIDEO,
    JobRecord,
    read_job,
)
from invokeai_py_client.workflow.results.run_result import ImageT, RunResult, VideoT
from invokeai_py_client.workflow.waiting.progress import ProgressMeter, RunProgress
from invokeai_py_client.workflow.waiting.watch_flows import JobWatch, find_stall_reason

logger = logging.getLogger("invokeai_py_client")

OnProgress = Callable[[RunProgress], Any]

_TIMEOUT = kind_of(Optional[Seconds])
# An error event comes after the status that ends a stream.
LATE_EVENTS = 0.3


@set_module("invokeai_py_client")
@dataclass(frozen=True)
class SubmissionStatus:
    """How far a submission is at one moment.

    Attributes:
        total: How many jobs it has.
        counts: Jobs by status; ``lost`` for those that were deleted unfinished.
        jobs: The status of each job by item id, in expansion order.
        why: Why no job makes progress; None when one does or all are over.
    """

    _SET: ClassVar[str] = (
        "it is how far the jobs were; submission.status() reads it again"
    )

    total: int
    counts: Mapping[str, int]
    jobs: Mapping[int, JobStatus] = field(repr=False)
    why: Optional[str] = None

    @property
    def is_done(self) -> bool:
        """True when every job is over."""
        over = ("completed", "failed", "canceled", "lost")
        return sum(self.counts.get(word, 0) for word in over) == self.total


def wait(
    record: SubmissionRecord,
    read: MediaFactory[ImageT, VideoT],
    *,
    timeout: Optional[float] = None,
    deadline: Optional[float] = None,
    check: bool = True,
    on_progress: Optional[OnProgress] = None,
    on_over: Optional[Callable[[str], None]] = None,
    mailbox: Optional[Mailbox] = None,
) -> Flow[RunResult[ImageT, VideoT]]:
    """Wait until every job is over and return the result.

    `deadline` is when `timeout` is over, if that began before; `on_over` is called
    with the submission's id once all are over; `mailbox` has been filled since before
    the jobs were enqueued, if there is one.
    """
    timeout = _TIMEOUT.read("timeout", timeout)
    waiting = _Waiting(record, read, on_progress, timeout, deadline, mailbox)
    yield from waiting.follow()
    if on_over is not None:
        on_over(record.id)
    yield from waiting.report()
    result = yield from waiting.result()
    if check:
        result.raise_for_status()
    return result


class _Waiting(Generic[ImageT, VideoT]):
    """One wait: its watch, and what was read of the jobs that are over.

    Sessions are read as jobs end, not at the end: somebody may prune the queue.
    """

    def __init__(
        self,
        record: SubmissionRecord,
        read: MediaFactory[ImageT, VideoT],
        on_progress: Optional[OnProgress],
        timeout: Optional[float],
        deadline: Optional[float],
        mailbox: Optional[Mailbox],
    ) -> None:
        self._record = record
        self._read = read
        self._on_progress = on_progress
        self._records: dict[int, JobRecord] = {}
        self._watch = JobWatch(
            record,
            self._on_news,
            timeout=timeout,
            deadline=deadline,
            mailbox=mailbox,
        )
        self._tracker = self._watch.tracker
        self._meter = ProgressMeter(
            self._tracker, record.result_names, record.node_count
        )

    def follow(self) -> Flow[None]:
        """Return when every job is over.

        Raises:
            JobTimeoutError: The time was over first.
            APIConnectionError: The server stayed out of reach.
        """
        loop, tracker = self._watch.loop, self._tracker
        if (yield from loop.run()):
            return
        counts = ", ".join(f"{count} {word}" for word, count in tracker.counts.items())
        stall = self._watch.why if loop.failure is None else None
        loop.raise_timeout(
            "; ".join([counts, stall] if stall else [counts]),
            result=(yield from self._known_so_far()),
            hint="the jobs go on; wait again, or cancel() the submission",
        )

    def report(self) -> Flow[None]:
        """Report the progress to the callback."""
        if self._on_progress is not None:
            progress = self._meter.snapshot(self._watch.why)
            yield from call_back(self._on_progress, progress)

    def result(self) -> Flow[RunResult[ImageT, VideoT]]:
        """Read what was not read yet and put the result together."""
        try:
            media = yield from wait_for(
                f"the results of batch {self._record.id}, whose jobs are over",
                self._read_results,
                lambda _: True,
                timeout=self._watch.loop.timeout,
                deadline=self._watch.loop.deadline,
            )
        except JobTimeoutError as error:
            error.result = self._built(NamedMedia(self._read))
            raise
        return self._built(media)

    def _known_so_far(self) -> Flow[RunResult[ImageT, VideoT]]:
        """The result of what is known already, for a wait whose time is over."""
        media = NamedMedia(self._read)
        try:
            media = yield from self._watch.loop.bounded(self._read_media())
        except APIError as error:
            logger.info("images of %s could not be read: %s", self._record.id, error)
        return self._built(media)

    def _on_news(self, event: Optional[ServerEvent]) -> Flow[None]:
        if event is None or self._meter.apply_event(event):
            yield from self.report()
        ended = self._tracker.take_finished()
        if not ended:
            return
        try:
            yield from self._watch.loop.bounded(self._read_sessions(ended))
        except APIError as error:
            if not may_pass(error):
                raise
            logger.info("a session could not be read yet: %s", error)

    def _read_results(self) -> Flow[NamedMedia[ImageT, VideoT]]:
        finished = self._tracker.finished
        yield from self._read_sessions([i for i in finished if i not in self._records])
        return (yield from self._read_media())

    def _read_sessions(self, item_ids: Sequence[int]) -> Flow[None]:
        if not item_ids:
            return
        record = self._record
        for job in (yield from queue_requests.list_records(record.queue_id, item_ids)):
            state = read_state(job)
            if state is None or not self._tracker.owns(state):
                continue
            self._tracker.update(state)
            if state.is_over:
                self._records[state.item_id] = read_job(job, record.result_names)

    def _read_media(self) -> Flow[NamedMedia[ImageT, VideoT]]:
        records = self._records.values()
        parts = yield from gather(
            [read_records(part) for part in chunks(named_media(records, IMAGE))],
            limit=4,
        )
        videos = yield from gather(
            [_video_record(name) for name in named_media(records, VIDEO)],
            limit=4,
        )
        read = self._read
        return NamedMedia(
            read,
            {
                item["image_name"]: read.image(item)
                for part in parts
                for item in part
                if isinstance(item, Mapping) and isinstance(item.get("image_name"), str)
            },
            {item["video_name"]: read.video(item) for item in videos},
        )

    def _built(self, media: NamedMedia[ImageT, VideoT]) -> RunResult[ImageT, VideoT]:
        record = self._record
        return build_result(
            record.id,
            [self._tracker[item_id] for item_id in self._tracker.item_ids],
            self._records,
            record.result_names,
            media,
            field_values=[job.field_values for job in record.jobs],
            warnings=record.warnings,
        )


def _video_record(name: str) -> Flow[Mapping[str, Any]]:
    try:
        record = yield from request_json(get(video_files.VIDEO.path(name)))
    except NotFoundError:
        # Deleted since: only its name is left.
        return {"video_name": name}
    return record if isinstance(record, Mapping) else {"video_name": name}


def stream_events(record: SubmissionRecord) -> Flow[None]:
    """Emit the submission's events; ends when every job is over."""
    shown = dict.fromkeys(record.item_ids, "pending")

    def on_news(event: Optional[ServerEvent]) -> Flow[None]:
        if event is not None and not isinstance(event, JobStatusChangedEvent):
            yield from emit(event)
            return
        # A status is emitted once, whether an event or a poll brought it first.
        for item_id in record.item_ids if event is None else (event.item_id or -1,):
            state = watch.tracker[item_id] if item_id in shown else None
            if state is not None and state.word != shown[item_id]:
                shown[item_id] = state.word
                yield from emit(event or _status_event(record, state))

    watch = JobWatch(record, on_news)
    yield from watch.loop.run()
    yield from on_news(None)
    yield from watch.loop.drain(LATE_EVENTS)


def _status_event(record: SubmissionRecord, state: JobState) -> ServerEvent:
    """The event the server would have sent for a change that a poll found."""
    payload = {
        "queue_id": record.queue_id,
        "item_id": state.item_id,
        "batch_id": record.id,
        "status": "canceled" if state.lost else state.status,
        "status_sequence": state.sequence,
        "error_type": state.error_type,
        "error_message": state.error_message,
        "error_traceback": state.error_traceback,
    }
    return JobStatusChangedEvent("queue_item_status_changed", payload)


def get_status(record: SubmissionRecord) -> Flow[SubmissionStatus]:
    """Ask once how far the jobs are."""
    tracker = record.tracker()
    rows = yield from queue_requests.list_summaries(record.queue_id, tracker.item_ids)
    tracker.apply_records(tracker.item_ids, rows)
    why = ""
    if not tracker.is_done:
        why, _ = yield from find_stall_reason(record.queue_id, tracker)
    states = [tracker[item_id] for item_id in tracker.item_ids]
    return SubmissionStatus(
        total=len(states),
        counts=tracker.counts,
        jobs={
            state.item_id: JobStatus("canceled" if state.lost else state.status)
            for state in states
        },
        why=why or None,
    )


def cancel(record: SubmissionRecord) -> Flow[None]:
    """Cancel every job that is not over; those that are stay as they are.

    Raises:
        JobLostError: The batch id belongs to other jobs now, as a key's can.
    """
    job = next((job for job in record.jobs if job.session_id), None)
    if job is not None:
        item = yield from queue_requests.find_record(record.queue_id, job.item_id)
        state = read_state(item or {})
        if state is not None and not record.tracker().owns(state):
            raise JobLostError(lost_text(job.item_id))
    yield from queue_requests.cancel_batches(record.queue_id, record.batch_ids)
