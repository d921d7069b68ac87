"""Where the jobs of a submission stand, folded from events and REST answers.

Events arrive late, twice, out of order or not at all, and a REST answer may be older
than an event that overtook it. Three rules make the outcome the same for every such
mixture:

* a terminal status absorbs: the server never changes it again;
* of two statuses with a `status_sequence` the higher one counts, because a status
  can go back to ``pending`` (a job that waited for a workflow it called);
* where a sequence is missing (servers before 6.13, job summaries) the later look
  counts, which at worst shows an older non-terminal status until the next look.

Nothing here does I/O or knows the time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Optional

# Only names and values of statuses; `models` has the public enum.
TERMINAL = frozenset({"completed", "failed", "canceled"})

# Reasons to ask the server instead of believing the event: rows may be gone or
# events may have been missed, and the payload does not say which of it.
LOOK_AGAIN = frozenset(
    {"connect", "disconnect", "queue_cleared", "queue_items_canceled"}
)

STATUS_EVENT = "queue_item_status_changed"


class Signal(Enum):
    """What an event means for whoever waits."""

    NOTHING = "nothing"
    MOVED = "moved"
    LOOK = "look"


@dataclass(frozen=True)
class JobLook:
    """One look at a job, through an event or a REST answer.

    Attributes:
        status: The server's word, also one that is unknown today.
        sequence: The job's `status_sequence`; None where the source has none.
        lost: The job is not in the queue any more; what became of it is unknown.
    """

    item_id: int
    status: str = "pending"
    sequence: Optional[int] = None
    error_type: Optional[str] = None
    error_message: Optional[str] = None
    error_traceback: Optional[str] = None
    lost: bool = False

    @property
    def is_over(self) -> bool:
        """True when nothing about this job will change any more."""
        return self.lost or self.status in TERMINAL

    @property
    def word(self) -> str:
        """The status, or ``lost``."""
        return "lost" if self.lost else self.status


def read_look(payload: Mapping[str, Any]) -> Optional[JobLook]:
    """A look from a status event, a queue item or a summary; None when it is none."""
    item_id, status = payload.get("item_id"), payload.get("status")
    if not isinstance(item_id, int) or not isinstance(status, str):
        return None
    sequence = payload.get("status_sequence")
    return JobLook(
        item_id=item_id,
        status=status,
        sequence=sequence if isinstance(sequence, int) else None,
        error_type=_text(payload.get("error_type")),
        error_message=_text(payload.get("error_message")),
        error_traceback=_text(payload.get("error_traceback")),
    )


def _text(value: Any) -> Optional[str]:
    return value if isinstance(value, str) else None


class JobTracker:
    """The jobs of one submission, in expansion order.

    Children that a running workflow enqueues carry the same batch id; they are not
    among `item_ids` and are ignored.
    """

    def __init__(self, item_ids: Iterable[int]) -> None:
        self._looks = {item_id: JobLook(item_id) for item_id in item_ids}
        # Kept up to date, because every event of ten thousand jobs asks for them.
        self._open = dict.fromkeys(self._looks)
        self._counts = Counter({"pending": len(self._looks)})
        self._news: list[int] = []

    @property
    def item_ids(self) -> tuple[int, ...]:
        """Every job, in expansion order."""
        return tuple(self._looks)

    @property
    def unfinished(self) -> tuple[int, ...]:
        """Jobs that may still change, in expansion order."""
        return tuple(self._open)

    @property
    def finished(self) -> tuple[int, ...]:
        """Jobs that are over, however they ended, in expansion order."""
        return tuple(key for key, look in self._looks.items() if look.is_over)

    @property
    def is_done(self) -> bool:
        """True when every job is over."""
        return not self._open

    @property
    def counts(self) -> Mapping[str, int]:
        """How many jobs are in which status; lost ones count as ``lost``."""
        return {word: count for word, count in self._counts.items() if count}

    def __getitem__(self, item_id: int) -> JobLook:
        return self._looks[item_id]

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._looks

    def see(self, look: JobLook) -> bool:
        """Take a look into account; True when it moved the job."""
        known = self._looks.get(look.item_id)
        if known is None:
            return False
        return self._keep(known, merge(known, look))

    def lose(self, item_ids: Iterable[int]) -> bool:
        """Mark jobs as gone from the queue; True when that moved any."""
        moved = False
        for item_id in item_ids:
            known = self._looks.get(item_id)
            if known is not None and not known.is_over:
                moved = self._keep(known, replace(known, lost=True))
        return moved

    def _keep(self, known: JobLook, look: JobLook) -> bool:
        self._looks[look.item_id] = look
        if look.word == known.word:
            return False
        self._counts[known.word] -= 1
        self._counts[look.word] += 1
        if look.is_over:
            self._open.pop(look.item_id, None)
            self._news.append(look.item_id)
        return True

    def take_finished(self) -> list[int]:
        """Jobs that ended since this was last asked, in the order they ended."""
        news, self._news = self._news, []
        return news

    def hear(self, name: str, payload: Mapping[str, Any]) -> Signal:
        """Take an event of the socket into account."""
        if name in LOOK_AGAIN:
            return Signal.LOOK
        if name != STATUS_EVENT:
            return Signal.NOTHING
        look = read_look(payload)
        if look is not None and self.see(look):
            return Signal.MOVED
        return Signal.NOTHING


def merge(known: JobLook, look: JobLook) -> JobLook:
    """The later of two looks at the same job, by the rules of this module."""
    if known.lost and look.status in TERMINAL:
        # It ended before it was deleted, and the word of it came late.
        return look
    if known.is_over:
        return _with_errors_of(known, look) if look.status == known.status else known
    if look.is_over:
        return look
    if known.sequence is None:
        return look
    if look.sequence is None:
        return replace(look, sequence=known.sequence)
    return look if look.sequence > known.sequence else known


def _with_errors_of(known: JobLook, look: JobLook) -> JobLook:
    """Fill in error texts that the first word of a failure did not have."""
    if known.error_message is not None or look.error_message is None:
        return known
    return replace(
        known,
        error_type=look.error_type,
        error_message=look.error_message,
        error_traceback=look.error_traceback,
    )
