"""Watching the jobs of a submission until all are over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Optional

from invokeai_py_client._core.events import (
    ConnectionEvent,
    JobsCanceledEvent,
    QueueClearedEvent,
    ServerEvent,
)
from invokeai_py_client._core.flow import Flow, now, subscribe
from invokeai_py_client._core.messages import Mailbox, Subscribe
from invokeai_py_client._core.tracker import JobTracker, read_state
from invokeai_py_client._core.wait_loop import (
    FIRST_PAUSE,
    Signal,
    WaitLoop,
    not_answering,
)
from invokeai_py_client.exceptions import QueueBlockedError
from invokeai_py_client.queue import requests as queue_requests
from invokeai_py_client.queue.models import Stall, StallKind
from invokeai_py_client.queue.wait_flows import find_stall, read_status
from invokeai_py_client.workflow.jobs.submission_record import SubmissionRecord

logger = logging.getLogger("invokeai_py_client")

# Up to here a poll asks for every job; above, it asks for the batch's counts first.
FEW_JOBS = 20
# Counts can hide a change behind another one, so every so often all jobs are read.
FULL_POLL_EVERY = 5

STALL_AFTER = 5.0
STALL_CHECK_EVERY = 15.0

# Reasons to ask the server instead of believing the event: rows may be gone, and the
# payload does not say which.
POLL_EVENTS = (ConnectionEvent, QueueClearedEvent, JobsCanceledEvent)

Kinds = tuple[type[ServerEvent], ...]
EVERY_KIND: Kinds = (ServerEvent,)


def listen_early(
    queue_id: str, batch_id: str, kinds: Kinds = EVERY_KIND
) -> Flow[Optional[Mailbox]]:
    """Listen before a batch is enqueued: the events of a short job come at once."""
    accepts = partial(_is_about, frozenset([batch_id]), kinds)
    return (yield from subscribe(Subscribe(accepts, queue_id)))


def _is_about(batch_ids: frozenset[str], kinds: Kinds, event: ServerEvent) -> bool:
    if isinstance(event, POLL_EVENTS):
        return True
    return isinstance(event, kinds) and event.batch_id in batch_ids


OnNews = Callable[[Optional[ServerEvent]], Flow[None]]
"""Called after each event, and with None after a poll that found a change."""


class JobWatch:
    """The jobs of a submission and what is known of them so far.

    Args:
        record: The submission.
        on_news: Called after everything that happens.
        timeout: Seconds for the whole watch; None without a limit.
        deadline: When they are over, if they began before.
        mailbox: Where the batch's events have come since before it was enqueued.
        kinds: The events of jobs that are of interest; others cost time for nothing.
        first_pause: As of `WaitLoop`.

    Attributes:
        tracker: The jobs.
        loop: What waits.
    """

    def __init__(
        self,
        record: SubmissionRecord,
        on_news: OnNews,
        *,
        timeout: Optional[float] = None,
        deadline: Optional[float] = None,
        mailbox: Optional[Mailbox] = None,
        kinds: Kinds = EVERY_KIND,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self.tracker: JobTracker = record.tracker()
        self.loop = WaitLoop(
            f"batch {record.id}",
            self._poll,
            self._on_answer,
            self._on_event,
            Subscribe(self._accepts, record.queue_id),
            timeout,
            deadline=deadline,
            on_failure=lambda: on_news(None),
            mailbox=mailbox,
            first_pause=first_pause,
        )
        self._record = record
        self._batch_ids = frozenset(record.batch_ids)
        self._kinds = kinds
        self._on_news = on_news
        self._polls = 0
        self._batch_counts: Optional[Mapping[str, int]] = None
        self._stall: Optional[str] = None
        self._moved_at: Optional[float] = None
        self._stall_check_due = 0.0

    @property
    def why(self) -> Optional[str]:
        """Why nothing moves; None while jobs move."""
        failure = self.loop.failure
        return self._stall if failure is None else not_answering(failure)

    def _accepts(self, event: ServerEvent) -> bool:
        # By item id too: to others than its owner a job's batch id is redacted.
        if _is_about(self._batch_ids, self._kinds, event):
            return True
        return isinstance(event, self._kinds) and event.item_id in self.tracker

    def _is_of_another(self, event: ServerEvent) -> bool:
        """True when a job of another batch or session has the number of one of ours."""
        if event.item_id not in self.tracker:
            return False
        state = read_state({"status": "", **event.payload})
        return state is not None and not self.tracker.owns(state)

    def _on_event(self, event: ServerEvent) -> Flow[Signal]:
        if isinstance(event, POLL_EVENTS) or self._is_of_another(event):
            return Signal.POLL
        is_news = self.tracker.apply_event(event)
        yield from self._note_movement()
        yield from self._on_news(event)
        return self._signal(is_news)

    def _signal(self, is_news: bool) -> Signal:
        if self.tracker.is_done:
            return Signal.OVER
        return Signal.MOVED if is_news else Signal.NOTHING

    def _poll(self) -> Flow[tuple[bool, bool]]:
        """Ask the server; whether a job moved, and whether a stall was examined."""
        is_news = yield from self._update()
        return is_news, not is_news and (yield from self._examine_stall())

    def _on_answer(self, answer: tuple[bool, bool]) -> Flow[Signal]:
        is_news, is_stall_examined = answer
        if is_news:
            yield from self._note_movement()
        if is_news or is_stall_examined:
            yield from self._on_news(None)
        return self._signal(is_news)

    def _update(self) -> Flow[bool]:
        """Read how the unfinished jobs are; True when one moved."""
        tracker, record = self.tracker, self._record
        open_jobs = tracker.unfinished
        counts: Optional[Mapping[str, int]] = None
        if len(open_jobs) > FEW_JOBS:
            counts = yield from queue_requests.batch_status(
                record.queue_id, *record.batch_ids
            )
            self._polls += 1
            is_known = counts == self._batch_counts or _agree(counts, tracker.counts)
            if is_known and self._polls % FULL_POLL_EVERY:
                return False
        rows = yield from queue_requests.list_summaries(record.queue_id, open_jobs)
        # Kept only now: had reading the rows failed, the change would be forgotten.
        self._batch_counts = counts
        is_news = tracker.apply_records(open_jobs, rows)
        lost = [item_id for item_id in open_jobs if tracker[item_id].lost]
        if lost:
            logger.warning("jobs %s are no longer in the queue", sorted(lost))
        return is_news

    def _note_movement(self) -> Flow[None]:
        self._moved_at = yield from now()
        self._stall_check_due = self._moved_at + STALL_AFTER
        self._stall = None

    def _examine_stall(self) -> Flow[bool]:
        """Find out why nothing moves; False when it is too early for that."""
        if self._moved_at is None:
            yield from self._note_movement()
        moment = yield from now()
        if moment < self._stall_check_due:
            return False
        self._stall_check_due = moment + STALL_CHECK_EVERY
        queue_id = self._record.queue_id
        why, stall = yield from find_stall_reason(queue_id, self.tracker)
        if why and why != self._stall:
            is_stuck = stall is not None and stall.is_lasting
            level = logging.WARNING if is_stuck else logging.INFO
            logger.log(level, "batch %s: no movement: %s", self._record.id, why)
        if stall is not None and stall.kind is StallKind.STOPPED:
            if why == self._stall:
                raise QueueBlockedError(
                    f"batch {self._record.id} cannot go on: {why}",
                    hint="then wait again: what has not started yet will run",
                )
            self._stall_check_due = moment + STALL_AFTER
        self._stall = why or None
        return True


def _agree(counts: Mapping[str, int], known: Mapping[str, int]) -> bool:
    """True when the server counts the jobs as we do: no event was missed.

    Children of workflow calls are among the server's, so with them it is never true.
    """
    words = all(counts.get(word, 0) == number for word, number in known.items())
    return words and counts["total"] == sum(known.values())


def find_stall_reason(
    queue_id: str, tracker: JobTracker
) -> Flow[tuple[str, Optional[Stall]]]:
    """Ask the queue why nothing moves, and whether that is a stall of the queue.

    The reason is empty when a job of ours is at work or nothing is wrong.
    """
    status = yield from read_status(queue_id)
    stall = yield from find_stall(queue_id, status)
    if stall is not None:
        return stall.message, stall
    if tracker.counts.get("in_progress"):
        return "", None
    others = status.queue.pending - tracker.counts.get("pending", 0)
    if status.queue.in_progress:
        waiting = f", up to {others} more before ours" if others > 0 else ""
        return f"another job is running{waiting}", None
    return f"up to {others} other jobs are ahead" if others > 0 else "", None
