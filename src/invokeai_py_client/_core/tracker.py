"""The states of a submission's jobs, made of events and REST answers.

Events arrive late, twice, out of order or not at all, and a REST answer may be older
than an event that overtook it. Three rules make the outcome the same for every such
mixture:

* a terminal status absorbs: the server never changes it again;
* of two statuses with a `status_sequence` the higher one counts, because a status
  can go back to ``pending`` (a job that waited for a workflow it called);
* where a sequence is missing (servers before 6.13, job summaries) the later answer
  counts, which at worst shows an older non-terminal status until the next poll.

A job's number is a hint: a server that was replaced by one with another database gives
it to somebody else's job. So what names another batch or session is not about our job,
and a job whose number has another owner is lost.

Nothing here does I/O or knows the time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional

from invokeai_py_client._core.events import (
    JobStatusChangedEvent,
    ServerEvent,
    integer,
    text,
)

# Only names and values of statuses; `models` has the public enum.
TERMINAL = frozenset({"completed", "failed", "canceled"})
REDACTED = "redacted"


@dataclass(frozen=True)
class JobState:
    """What an event or a REST answer says about a job.

    Attributes:
        status: As the server reports it, also one that is unknown today.
        sequence: The job's `status_sequence`; None where the source has none.
        lost: The job is not in the queue any more; what became of it is unknown.
        replaced: It is lost, and its number belongs to another job.
        batch_id: The batch; None where the source does not say.
        session_id: The session likewise.
    """

    item_id: int
    status: str = "pending"
    sequence: Optional[int] = None
    error_type: Optional[str] = None
    error_message: Optional[str] = None
    error_traceback: Optional[str] = None
    lost: bool = False
    replaced: bool = False
    batch_id: Optional[str] = None
    session_id: Optional[str] = None

    @property
    def is_over(self) -> bool:
        """True when nothing about this job will change any more."""
        return self.lost or self.status in TERMINAL

    @property
    def word(self) -> str:
        """The status, or ``lost``."""
        return "lost" if self.lost else self.status


def read_state(record: Mapping[str, Any]) -> Optional[JobState]:
    """The state in a status event, a queue item or a summary; None without one."""
    item_id, status = integer(record.get("item_id")), text(record.get("status"))
    if item_id is None or status is None:
        return None
    return JobState(
        item_id=item_id,
        status=status,
        sequence=integer(record.get("status_sequence")),
        error_type=text(record.get("error_type")),
        error_message=text(record.get("error_message")),
        error_traceback=text(record.get("error_traceback")),
        batch_id=_owner(record.get("batch_id")),
        session_id=_owner(record.get("session_id")),
    )


def _owner(value: Any) -> Optional[str]:
    """An id; None where it is hidden from others than its owner."""
    return None if value == REDACTED else text(value)


class JobTracker:
    """The jobs of one submission, in expansion order.

    Children that a running workflow enqueues carry the same batch id; they are not
    among `item_ids` and are ignored.

    Args:
        item_ids: The server's numbers of the jobs.
        batch_ids: Their batches, as far as they are known.
        session_ids: Their sessions, as far as they are known; others are remembered
            when they are first seen.
    """

    def __init__(
        self,
        item_ids: Iterable[int],
        batch_ids: Optional[Mapping[int, str]] = None,
        session_ids: Optional[Mapping[int, str]] = None,
    ) -> None:
        self._batch_ids = dict(batch_ids or {})
        self._session_ids = dict(session_ids or {})
        self._states = {item_id: JobState(item_id) for item_id in item_ids}
        # Kept up to date, because every event of ten thousand jobs asks for them.
        self._open = dict.fromkeys(self._states)
        self._counts = Counter({"pending": len(self._states)})
        self._news: list[int] = []

    @property
    def item_ids(self) -> tuple[int, ...]:
        """Every job, in expansion order."""
        return tuple(self._states)

    @property
    def unfinished(self) -> tuple[int, ...]:
        """Jobs that may still change, in expansion order."""
        return tuple(self._open)

    @property
    def finished(self) -> tuple[int, ...]:
        """Jobs that are over, however they ended, in expansion order."""
        return tuple(key for key, state in self._states.items() if state.is_over)

    @property
    def is_done(self) -> bool:
        """True when every job is over."""
        return not self._open

    @property
    def counts(self) -> Mapping[str, int]:
        """How many jobs are in which status; lost ones count as ``lost``."""
        return {word: count for word, count in self._counts.items() if count}

    def __getitem__(self, item_id: int) -> JobState:
        return self._states[item_id]

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._states

    def update(self, state: JobState) -> bool:
        """Take a reported state into account; True when it moved the job."""
        known = self._states.get(state.item_id)
        if known is None or not self.owns(state):
            return False
        if state.session_id is not None:
            self._session_ids[state.item_id] = state.session_id
        return self._keep(known, merge(known, state))

    def owns(self, state: JobState) -> bool:
        """False when the state is about another job that has the same number."""
        item_id = state.item_id
        known = (self._batch_ids.get(item_id), self._session_ids.get(item_id))
        pairs = zip(known, (state.batch_id, state.session_id))
        return all(None in pair or pair[0] == pair[1] for pair in pairs)

    def apply_records(
        self, item_ids: Iterable[int], records: Iterable[Mapping[str, Any]]
    ) -> bool:
        """Take the server's answer about jobs into account; True when it moved any.

        Args:
            item_ids: The jobs it was asked about; those it does not have are lost.
            records: What it has.
        """
        states = [state for state in map(read_state, records) if state is not None]
        moved = [self.update(state) for state in states]
        ours = {state.item_id for state in states if self.owns(state)}
        replaced = {state.item_id for state in states} - ours
        return self.mark_lost(set(item_ids) - ours, replaced) or any(moved)

    def mark_lost(
        self, item_ids: Iterable[int], replaced: Collection[int] = ()
    ) -> bool:
        """Mark jobs as gone from the queue; True when that moved any.

        Args:
            item_ids: The jobs.
            replaced: Those of them whose number belongs to another job now.
        """
        moved = False
        for item_id in item_ids:
            known = self._states.get(item_id)
            if known is not None and not known.is_over:
                gone = replace(known, lost=True, replaced=item_id in replaced)
                moved = self._keep(known, gone)
        return moved

    def _keep(self, known: JobState, state: JobState) -> bool:
        self._states[state.item_id] = state
        if state.word == known.word:
            return False
        self._counts[known.word] -= 1
        self._counts[state.word] += 1
        if state.is_over:
            self._open.pop(state.item_id, None)
            self._news.append(state.item_id)
        return True

    def take_finished(self) -> list[int]:
        """Jobs that ended since this was last asked, in the order they ended."""
        news, self._news = self._news, []
        return news

    def apply_event(self, event: ServerEvent) -> bool:
        """Take an event of the socket into account; True when it moved a job."""
        if not isinstance(event, JobStatusChangedEvent):
            return False
        state = read_state(event.payload)
        return state is not None and self.update(state)


def merge(known: JobState, state: JobState) -> JobState:
    """The later of two states of the same job, by the rules of this module."""
    if known.lost and state.status in TERMINAL:
        # It ended before it was deleted, and that was reported late.
        return state
    if known.is_over:
        return _with_errors_of(known, state) if state.status == known.status else known
    if state.is_over:
        return state
    if known.sequence is None:
        return state
    if state.sequence is None:
        return replace(state, sequence=known.sequence)
    return state if state.sequence > known.sequence else known


def _with_errors_of(known: JobState, state: JobState) -> JobState:
    """Fill in error texts that the first report of a failure did not have."""
    if known.error_message is not None or state.error_message is None:
        return known
    return replace(
        known,
        error_type=state.error_type,
        error_message=state.error_message,
        error_traceback=state.error_traceback,
    )
