"""How far a sweep is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Optional

from invokeai_py_client._exports import one_line, set_module
from invokeai_py_client.sweep.ledger.records import LedgerCounts


@set_module("invokeai_py_client.sweep")
@dataclass(frozen=True)
class ServerProgress:
    """What one server does for a sweep at one moment.

    Attributes:
        url: Its address.
        done: Items that it has done in this run.
        in_flight: Items that it has in its queue, or runs.
        is_reachable: False while it stays away and the others do its work.
    """

    url: str
    done: int
    in_flight: int
    is_reachable: bool = True

    def __str__(self) -> str:
        if not self.is_reachable:
            return f"{self.url}: {self.done} done, out of reach"
        return f"{self.url}: {self.done} done, {self.in_flight} in flight"


@set_module("invokeai_py_client.sweep")
@dataclass(frozen=True)
class SweepProgress:
    """How far a sweep is at one moment.

    Attributes:
        total: Items of the plan.
        todo: Items that no server has.
        sent: Items that are in a queue, or run.
        done: Items whose files are there.
        failed: Items that failed; `Sweep.retry` opens them again.
        skipped: Items that were given up.
        reruns: Items that were sent again: a server lost or cancelled their job, or
            `Sweep.retry` opened them again.
        doubles: Results that came although the item was done already.
        rate: Items that end per second, in this run; None until one did.
        eta: Seconds until the last one ends, at this rate; None as long as unknown.
        servers: What each server does, while the sweep runs.
    """

    total: int
    todo: int
    sent: int
    done: int
    failed: int
    skipped: int
    reruns: int
    doubles: int
    rate: Optional[float] = None
    eta: Optional[float] = None
    servers: tuple[ServerProgress, ...] = ()

    @property
    def is_complete(self) -> bool:
        """True when no item is left to do."""
        return not (self.todo or self.sent)

    def __str__(self) -> str:
        parts = [f"{self.done} of {self.total} done"]
        words = ("failed", "skipped", "sent", "todo", "reruns", "doubles")
        parts += [
            f"{getattr(self, word)} {word}" for word in words if getattr(self, word)
        ]
        return ", ".join(parts)


@set_module("invokeai_py_client.sweep")
@dataclass(frozen=True)
class SweepResult:
    """How a run of a sweep went; what it made is in its folder.

    Attributes:
        folder: The folder; `Sweep.open` reads it.
        progress: How far the sweep was at the end of this run.
        requests: What this run asked the server, downloads included.
        seconds: How long this run took.
    """

    folder: Path
    progress: SweepProgress
    requests: int
    seconds: float

    def __repr__(self) -> str:
        return one_line(f"<SweepResult {self.folder}: {self.progress}>")

    def __bool__(self) -> bool:
        return True


class ProgressMeter:
    """The pace of one run."""

    def __init__(self, started: float, counts: LedgerCounts) -> None:
        self._started = started
        self._before = counts.done + counts.failed

    def progress(
        self,
        counts: LedgerCounts,
        moment: float,
        servers: tuple[ServerProgress, ...],
    ) -> SweepProgress:
        """How far it is, by the ledger, at a moment of the same clock."""
        ended = counts.done + counts.failed - self._before
        seconds = moment - self._started
        rate = ended / seconds if ended > 0 and seconds > 0 else None
        left = counts.todo + counts.sent
        eta = left / rate if rate else None
        return replace(progress_of(counts), rate=rate, eta=eta, servers=servers)


def progress_of(counts: LedgerCounts) -> SweepProgress:
    """How far a sweep is, by its ledger."""
    return SweepProgress(**asdict(counts))
