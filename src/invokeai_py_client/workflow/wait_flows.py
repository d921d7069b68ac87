"""What can be done with a submission: wait, stream its events, look, cancel."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Generic, Optional

from invokeai_py_client._core.events import ServerEvent, parse_event
from invokeai_py_client._core.flow import Flow, emit, gather, notify, now, pause
from invokeai_py_client._core.messages import RawEvent, RetryRule
from invokeai_py_client._core.outage import may_pass
from invokeai_py_client._core.paging import chunks
from invokeai_py_client._core.send import call, get, post
from invokeai_py_client._core.tracker import STATUS_EVENT, JobTracker, read_look
from invokeai_py_client.exceptions import (
    APIError,
    FieldProblem,
    FieldValidationError,
    JobTimeoutError,
    NotFoundError,
)
from invokeai_py_client.models import JobStatus
from invokeai_py_client.video.files import VIDEO
from invokeai_py_client.workflow import queue_calls
from invokeai_py_client.workflow.build_result import (
    build_result,
    named_images,
    named_videos,
)
from invokeai_py_client.workflow.media_reader import MediaReader, NamedMedia
from invokeai_py_client.workflow.progress import ProgressMeter, RunProgress
from invokeai_py_client.workflow.read_session import JobRecord, read_job
from invokeai_py_client.workflow.results import ImageT, RunResult, VideoT
from invokeai_py_client.workflow.stillness import why_nothing_moves
from invokeai_py_client.workflow.ticket import Ticket
from invokeai_py_client.workflow.watch_flows import (
    LAST_LOOK_TIMEOUT,
    LOOK_TIMEOUT,
    Watch,
    WatchTimeout,
    patiently,
)

logger = logging.getLogger("invokeai_py_client")

__all__ = [
    "OnProgress",
    "SubmissionStatus",
    "cancel",
    "cancel_surely",
    "checked_timeout",
    "look",
    "stream_events",
    "wait",
]

OnProgress = Callable[[RunProgress], Any]

# How late the parts of a result may come when all jobs were over in time.
RESULT_TIMEOUT = 1.5
# An error event comes after the status that ends a stream.
LATE_EVENTS = 0.3
# Jobs of a batch that was being enqueued when the caller was interrupted have been
# seen to appear 0.6 s later.
SURE_AFTER = 2.0


@dataclass(frozen=True)
class SubmissionStatus:
    """How a submission stands at one moment.

    Attributes:
        total: How many jobs it has.
        counts: Jobs by status; ``lost`` for those that were deleted unfinished.
        jobs: The status of each job by item id, in expansion order.
        why: Why nothing moves, in words; None when jobs move or all are over.
    """

    total: int
    counts: Mapping[str, int]
    jobs: Mapping[int, JobStatus] = field(repr=False)
    why: Optional[str] = None

    @property
    def is_done(self) -> bool:
        """True when every job is over."""
        over = ("completed", "failed", "canceled", "lost")
        return sum(self.counts.get(word, 0) for word in over) == self.total


def checked_timeout(timeout: Optional[float]) -> Optional[float]:
    """The timeout of a wait; refused before anything is submitted when it is none.

    Raises:
        FieldValidationError: It is neither None nor a number.
    """
    if timeout is None:
        return None
    if _is_number(timeout):
        return float(timeout)
    allowed = "seconds, or None to wait for ever"
    message = f"timeout is {timeout!r}; allowed: {allowed}"
    raise FieldValidationError(
        [FieldProblem(message, "timeout", value=timeout, allowed=allowed)]
    )


def _is_number(value: object) -> bool:
    # NumPy's numbers are real ones, but not all of them floats or ints.
    return not isinstance(value, bool) and isinstance(value, Real) and value == value


def wait(
    ticket: Ticket,
    read: MediaReader[ImageT, VideoT],
    *,
    timeout: Optional[float] = None,
    check: bool = True,
    on_progress: Optional[OnProgress] = None,
    on_over: Optional[Callable[[str], None]] = None,
) -> Flow[RunResult[ImageT, VideoT]]:
    """Wait until every job is over and return what they gave.

    `on_over` is called with the submission's id once all are over.
    """
    timeout = checked_timeout(timeout)
    started = yield from now()
    deadline = None if timeout is None else started + timeout
    waiting = _Waiting(ticket, read, on_progress, deadline)
    watch = waiting.watch
    try:
        yield from watch.follow()
    except WatchTimeout:
        result = yield from waiting.known_so_far()
        raise _too_late(ticket, watch, timeout, result) from watch.failure
    if on_over is not None:
        on_over(ticket.id)
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
        ticket: Ticket,
        read: MediaReader[ImageT, VideoT],
        on_progress: Optional[OnProgress],
        deadline: Optional[float],
    ) -> None:
        self._ticket = ticket
        self._read = read
        self._on_progress = on_progress
        self._records: dict[int, JobRecord] = {}
        self._tracker = ticket.tracker()
        self._meter = ProgressMeter(self._tracker, ticket.legend, ticket.node_count)
        self.watch = Watch(
            batch_id=ticket.id,
            queue_id=ticket.queue_id,
            tracker=self._tracker,
            heed=self._heed,
            deadline=deadline,
        )

    def report(self) -> Flow[None]:
        """Tell the callback how far things are."""
        if self._on_progress is not None:
            yield from notify(self._on_progress, self._meter.show(self.watch.why))

    def result(self) -> Flow[RunResult[ImageT, VideoT]]:
        """Read what was not read yet and put the result together."""
        ticket, deadline = self._ticket, self.watch.deadline
        try:
            yield from patiently(lambda: self._read_sessions(again=True), deadline)
            media = yield from patiently(self._read_media_in_time, deadline)
        except APIError as error:
            if not may_pass(error) or deadline is None:
                raise
            raise JobTimeoutError(
                f"all {len(ticket.jobs)} jobs of {ticket.id} are over, but their "
                f"results could not be read: {error.message}",
                result=self._built(NamedMedia(self._read)),
            ) from error
        return self._built(media)

    def known_so_far(self) -> Flow[RunResult[ImageT, VideoT]]:
        """The result of what is known already, for a wait whose time is over."""
        try:
            media = yield from self._read_media(LAST_LOOK_TIMEOUT)
        except APIError as error:
            logger.info("images of %s could not be read: %s", self._ticket.id, error)
            media = NamedMedia(self._read)
        return self._built(media)

    def _heed(self, event: Optional[RawEvent]) -> Flow[None]:
        if event is None or self._meter.hear(event):
            yield from self.report()
        try:
            yield from self._read_sessions()
        except APIError as error:
            if not may_pass(error):
                raise
            logger.info("a session could not be read yet: %s", error)

    def _read_sessions(self, *, again: bool = False) -> Flow[None]:
        """Read the sessions of jobs that have just ended; `again` all that lack."""
        if again:
            new = [key for key in self._tracker.finished if key not in self._records]
        else:
            new = self._tracker.take_finished()
        if not new:
            return
        timeout = yield from self.watch.look_timeout()
        if again:
            # Once all are over, results are worth a little more than punctuality.
            timeout = max(timeout, RESULT_TIMEOUT)
        items = yield from queue_calls.list_items(
            self._ticket.queue_id, new, timeout=timeout
        )
        for item_id, item in items.items():
            status = read_look(item)
            if status is not None:
                self._tracker.see(status)
            if status is not None and status.is_over:
                self._records[item_id] = read_job(item, self._ticket.legend)

    def _read_media_in_time(self) -> Flow[NamedMedia[ImageT, VideoT]]:
        timeout = max((yield from self.watch.look_timeout()), RESULT_TIMEOUT)
        return (yield from self._read_media(timeout))

    def _read_media(self, timeout: float) -> Flow[NamedMedia[ImageT, VideoT]]:
        names = named_images(self._records.values())
        parts = yield from gather(
            [_image_records(part, timeout) for part in chunks(names)], limit=4
        )
        videos = yield from gather(
            [
                _video_record(name, timeout)
                for name in named_videos(self._records.values())
            ],
            limit=4,
        )
        read = self._read
        return NamedMedia(
            read,
            {item["image_name"]: read.image(item) for part in parts for item in part},
            {item["video_name"]: read.video(item) for item in videos},
        )

    def _built(self, media: NamedMedia[ImageT, VideoT]) -> RunResult[ImageT, VideoT]:
        ticket = self._ticket
        return build_result(
            ticket.id,
            [self._tracker[item_id] for item_id in self._tracker.item_ids],
            self._records,
            ticket.legend,
            media,
            field_values=[job.field_values for job in ticket.jobs],
        )


def _image_records(names: list[str], timeout: float) -> Flow[list[Mapping[str, Any]]]:
    # Not repeated here but by `patiently`, which knows how long to go on.
    path = "/api/v1/images/images_by_names"
    records = yield from call(post(path, json={"image_names": names}, timeout=timeout))
    return [
        record
        for record in (records if isinstance(records, list) else [])
        if isinstance(record, Mapping) and isinstance(record.get("image_name"), str)
    ]


def _video_record(name: str, timeout: float) -> Flow[Mapping[str, Any]]:
    try:
        # Not repeated here but by `patiently`, as for images.
        request = get(VIDEO.path(name), timeout=timeout, retry=RetryRule.NEVER)
        record = yield from call(request)
    except NotFoundError:
        # Deleted since: only its name is left.
        return {"video_name": name}
    return record if isinstance(record, Mapping) else {"video_name": name}


def stream_events(ticket: Ticket) -> Flow[None]:
    """Emit the submission's events; ends when every job is over."""
    tracker = ticket.tracker()
    shown = {item_id: tracker[item_id].word for item_id in tracker.item_ids}

    def heed(event: Optional[RawEvent]) -> Flow[None]:
        if event is not None and event.name != STATUS_EVENT:
            yield from emit(parse_event(event))
            return
        # A status is emitted once, whether an event or a look brought it first.
        look = None if event is None else read_look(event.payload)
        for item_id in tracker.item_ids if look is None else (look.item_id,):
            if item_id in tracker and tracker[item_id].word != shown[item_id]:
                shown[item_id] = tracker[item_id].word
                yield from emit(_status_event(ticket, tracker, item_id, event))

    watch = Watch(ticket.id, ticket.queue_id, tracker, heed)
    yield from watch.follow()
    yield from heed(None)
    yield from watch.drain(LATE_EVENTS)


def _status_event(
    ticket: Ticket, tracker: JobTracker, item_id: int, event: Optional[RawEvent]
) -> ServerEvent:
    if event is not None:
        return parse_event(event)
    look = tracker[item_id]
    payload = {
        "queue_id": ticket.queue_id,
        "item_id": item_id,
        "batch_id": ticket.id,
        "status": "canceled" if look.lost else look.status,
        "status_sequence": look.sequence,
        "error_type": look.error_type,
        "error_message": look.error_message,
        "error_traceback": look.error_traceback,
    }
    return parse_event(RawEvent(STATUS_EVENT, payload))


def look(ticket: Ticket) -> Flow[SubmissionStatus]:
    """Ask once how the jobs stand."""
    tracker = ticket.tracker()
    rows = yield from queue_calls.list_rows(ticket.queue_id, tracker.item_ids)
    looks = [found for found in map(read_look, rows) if found is not None]
    for found in looks:
        tracker.see(found)
    tracker.lose(set(tracker.item_ids) - {found.item_id for found in looks})
    why = None
    if not tracker.is_done:
        still = yield from why_nothing_moves(ticket.queue_id, tracker, LOOK_TIMEOUT)
        why = None if still is None else still.why
    return SubmissionStatus(
        total=len(tracker.item_ids),
        counts=tracker.counts,
        jobs={key: _public_status(tracker, key) for key in tracker.item_ids},
        why=why,
    )


def _public_status(tracker: JobTracker, item_id: int) -> JobStatus:
    found = tracker[item_id]
    return JobStatus.CANCELED if found.lost else JobStatus(found.status)


def cancel(ticket: Ticket) -> Flow[None]:
    """Cancel every job that is not over; those that are stay as they are."""
    yield from queue_calls.cancel_batch(ticket.queue_id, ticket.id)


def cancel_surely(queue_id: str, batch_id: str) -> Flow[None]:
    """Cancel a batch that may still be on its way into the queue."""
    end = (yield from now()) + SURE_AFTER
    while True:
        yield from queue_calls.cancel_batch(queue_id, batch_id)
        counts = yield from queue_calls.batch_status(queue_id, batch_id)
        if counts["total"] or (yield from now()) >= end:
            return
        yield from pause(0.25)


def _too_late(
    ticket: Ticket, watch: Watch, timeout: Optional[float], result: RunResult[Any, Any]
) -> JobTimeoutError:
    counts = ", ".join(
        f"{count} {word}" for word, count in watch.tracker.counts.items()
    )
    reason = f"; {watch.why}" if watch.why else ""
    return JobTimeoutError(
        f"batch {ticket.id} was not done after {timeout:g} s: {counts}{reason}",
        result=result,
        hint="the jobs go on; wait again, or cancel() the submission",
    )
