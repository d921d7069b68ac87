"""The rows of a ledger as frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Optional, Protocol


class PlannedRow(Protocol):
    """An item as the plan has it."""

    @property
    def index(self) -> int:
        """Its place in the plan, from 0 on."""
        ...

    @property
    def key(self) -> str:
        """Its identity, unique in the plan."""
        ...

    @property
    def values(self) -> str:
        """Its plain values as canonical JSON."""
        ...

    @property
    def part(self) -> str:
        """Digest of the values that one batch cannot vary."""
        ...


@dataclass(frozen=True)
class LedgerItem:
    """An item and how far it is.

    Attributes:
        values: Plain values by input name.
        attempts: How many batches have had it so far; the next one is attempt
            ``attempts + 1``.
        state: ``todo``, ``sent``, ``done``, ``failed`` or ``skipped``.
        error_kind: Of a failed item, as `Ledger.reopen` takes it.
        executed: What is known of the job that made it, such as its seeds.
    """

    index: int
    key: str
    values: Mapping[str, Any]
    part: str
    attempts: int
    state: str = "todo"
    error_kind: Optional[str] = None
    error_text: Optional[str] = None
    executed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OutputRow:
    """A file that an item gave.

    Attributes:
        ordinal: Its place among the item's outputs, from 0 on.
        path: Relative to the folder, with forward slashes.
    """

    ordinal: int
    image_name: str
    path: str
    sha256: str
    bytes: int
    width: Optional[int] = None
    height: Optional[int] = None


@dataclass(frozen=True)
class RecordedOutput:
    """An output with its item, for manifests.

    Attributes:
        finished_at: Seconds since 1970, by the clock of the client; information only.
    """

    item: LedgerItem
    output: OutputRow
    server: str
    finished_at: float


@dataclass(frozen=True)
class BatchIntent:
    """A batch that is about to be sent.

    Attributes:
        items: Index and attempt of each item, in the order of the batch: the place
            in this list is the item's *position*.
        payload: The bytes that are sent, and sent again if the reply is lost.
    """

    id: str
    server: str
    items: tuple[tuple[int, int], ...]
    payload: bytes = field(repr=False)
    digest: str


@dataclass(frozen=True)
class BatchItem:
    """An item at its position in a batch.

    Attributes:
        state: Of this attempt: ``sent``, ``done``, ``failed``, ``double`` (another
            attempt was first) or ``back`` (made again by another attempt).
    """

    position: int
    attempt: int
    state: str
    item: LedgerItem


class BatchJob(NamedTuple):
    """A job that the server made of the item at `position`; there may be several.

    Attributes:
        accepted_id: The id of its batch on the server, where that is not the one that
            was intended: a taken one is replaced, and what a full queue took later is
            a batch of its own.
    """

    position: int
    item_id: int
    session_id: Optional[str] = None
    accepted_id: Optional[str] = None


@dataclass(frozen=True)
class BatchRow:
    """A batch that is not over.

    Attributes:
        state: ``intended``, ``accepted`` or ``unknown``.
    """

    id: str
    server: str
    state: str
    payload: bytes = field(repr=False)
    items: tuple[BatchItem, ...]
    jobs: tuple[BatchJob, ...]

    @property
    def server_ids(self) -> tuple[str, ...]:
        """The ids under which the server has it."""
        ids = (job.accepted_id or self.id for job in self.jobs)
        return tuple(dict.fromkeys(ids)) or (self.id,)


@dataclass(frozen=True)
class LedgerCounts:
    """How many items are in which state, and which jobs were made more than once.

    The jobs that servers accepted, one for each item of a batch, are the items that
    were ever accepted plus `reruns` plus `doubles`.

    Attributes:
        reruns: Attempts after an item's first that were accepted.
        doubles: Results that came after another attempt had delivered the item.
    """

    total: int
    todo: int
    sent: int
    done: int
    failed: int
    skipped: int
    reruns: int
    doubles: int
