"""What is left to do, given out piece by piece to the slots of all servers."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Optional, Union

from invokeai_py_client.sweep.batches.outcomes import OUT_OF_MEMORY
from invokeai_py_client.sweep.chunks.chunk_limits import ChunkLimits, fitting
from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.ledger.records import BatchRow, LedgerItem
from invokeai_py_client.sweep.running.sweep_run import SweepServer
from invokeai_py_client.sweep.scheduling.memory import MemoryNeeds
from invokeai_py_client.sweep.scheduling.scheduler import (
    Scheduler,
    SchedulerOptions,
    Take,
)

_LIMITS = ChunkLimits()
OPTIONS = SchedulerOptions()
LARGEST_TASK = 50
"""Items of a batch that a worker elsewhere does: they end together, and their files may
have to travel."""


@dataclass
class Piece:
    """A batch of an earlier run, or items to be sent as one.

    Attributes:
        taken: When it was given out, by the clock of `now`.
    """

    take: Take
    work: Union[BatchRow, list[LedgerItem]]
    taken: float


class SweepWork:
    """The scheduler, and the items that it counts; threads may share it."""

    def __init__(
        self,
        ledger: Ledger,
        servers: Sequence[SweepServer],
        largest: int = OPTIONS.largest,
    ) -> None:
        self._ledger = ledger
        options = replace(OPTIONS, largest=min(largest, OPTIONS.largest))
        self._scheduler = Scheduler(ledger.parts(), options)
        self._open: dict[str, deque[BatchRow]] = {}
        self._lost: dict[str, list[str]] = {}
        # When items of a server last ended: since then it was busy with others.
        self._noted: dict[str, float] = {}
        self._lock = threading.RLock()
        # Indices of items that ran out of memory elsewhere, by who has more of it.
        self._moved: dict[str, list[int]] = {server.url: [] for server in servers}
        self._memory = MemoryNeeds()
        self._had_chance: set[int] = set()
        for server in servers:
            self._scheduler.add_server(server.url, server.traits.devices)
            self._open[server.url] = deque(ledger.open_batches(server.url))
        for index, url, words in ledger.failed_attempts(OUT_OF_MEMORY):
            self._memory.ran_out(index, url, words)
            self._had_chance.add(index)
        for index in self._had_chance:
            self._move(index)

    @property
    def is_over(self) -> bool:
        """True when nothing is left, and nothing is under way that could come back."""
        with self._lock:
            waiting = any(
                self._open[url] or self._moved[url]
                for url in self._open
                if url not in self._lost
            )
            busy = self._scheduler.in_flight or self._scheduler.todo
            return not waiting and not busy

    def next(self, server: SweepServer, moment: float) -> Optional[Piece]:
        """A batch of an earlier run, else items to do; None when there are none now."""
        with self._lock:
            if server.url in self._lost:
                return None
            rows = self._open[server.url]
            if rows:
                return self._resumed(server, rows.popleft(), moment)
            moved = self._moved_items(server)
            if moved:
                count = len(moved)
                return Piece(
                    self._scheduler.resume(server.url, moved[0].part, count),
                    moved,
                    moment,
                )
            while True:
                take = self._scheduler.take(server.url)
                if take is None:
                    return None
                items = self._items(server, take)
                if items:
                    return Piece(take, items, moment)

    def _resumed(self, server: SweepServer, row: BatchRow, moment: float) -> Piece:
        left = [item for item in row.items if item.state == "sent"]
        part = left[0].item.part if left else ""
        take = self._scheduler.resume(server.url, part, len(left))
        return Piece(take, row, moment)

    def _items(self, server: SweepServer, take: Take) -> list[LedgerItem]:
        items = self._ledger.take(take.part, take.count)
        self._scheduler.drop(take, take.count - len(items))
        if not items:
            return []
        fit = _fitting(server, items)
        if fit < len(items):
            self._ledger.release(items[fit:])
            self._scheduler.give_back(take, len(items) - fit)
        return items[:fit]

    def note(self, piece: Piece, ended: int, back: int, moment: float) -> None:
        """Items of a piece are over, or are to do again."""
        with self._lock:
            if ended:
                url = piece.take.server
                since = max(piece.taken, self._noted.get(url, piece.taken))
                self._scheduler.note_done(piece.take, max(moment - since, 0.0), ended)
                self._noted[url] = moment
            if back:
                self._scheduler.give_back(piece.take, back)

    def withdraw(self, piece: Piece) -> None:
        """Nothing more of a piece will come: what is left of it is to do again."""
        with self._lock:
            self._scheduler.give_back(piece.take)

    def in_flight_at(self, url: str) -> Optional[int]:
        """How many items a server has; None while it is out of reach."""
        with self._lock:
            return None if url in self._lost else self._scheduler.in_flight_at(url)

    # -- servers that are too small ---------------------------------------------------

    def move(self, index: int, url: str, words: str) -> bool:
        """An item ran out of memory; whether another server is to try it, once.

        Args:
            index: The item, which nobody else gets from now on if so.
            url: Where it did.
            words: What the server said.
        """
        with self._lock:
            self._memory.ran_out(index, url, words)
            if index in self._had_chance:
                return False
            self._had_chance.add(index)
            return self._move(index)

    def _move(self, index: int) -> bool:
        here = [url for url in self._open if url not in self._lost]
        url = self._memory.largest_for(index, here)
        if url:
            self._ledger.reserve(index)
            self._moved[url].append(index)
        return bool(url)

    def _moved_items(self, server: SweepServer) -> list[LedgerItem]:
        """Items of one part that ran out of memory elsewhere, for a batch of theirs."""
        waiting = self._moved[server.url]
        found: list[LedgerItem] = []
        for index in waiting[: _LIMITS.items]:
            item = self._ledger.item(index)
            if item.state == "todo":
                if not found or item.part == found[0].part:
                    found.append(item)
            # Until it is back from the other batch, it is sent.
            elif item.state != "sent":
                waiting.remove(index)
        found = found[: _fitting(server, found)] if found else []
        for item in found:
            waiting.remove(item.index)
        return found

    # -- servers that are out of reach ------------------------------------------------

    def has_others(self, server: SweepServer) -> bool:
        """True when another server can do what this one cannot."""
        with self._lock:
            return any(u != server.url and u not in self._lost for u in self._open)

    def lose(self, server: SweepServer, why: str) -> bool:
        """Give what a server has to the others; False when that was done already."""
        with self._lock:
            if server.url in self._lost:
                return False
            rows = self._ledger.open_batches(server.url)
            self._lost[server.url] = [i for row in rows for i in row.server_ids]
            for row in rows:
                self._ledger.mark_lost(row.id, why)
            self._scheduler.lose_server(server.url, gone=True)
            # Of those that nobody had taken up the scheduler does not know.
            for row in self._open[server.url]:
                for item in row.items:
                    if item.state == "sent":
                        self._scheduler.add(item.item.part, 1)
            self._open[server.url].clear()
            for index in self._moved.pop(server.url):
                if not self._move(index):
                    nobodys = self._ledger.item(index)
                    self._ledger.release([nobodys])
                    self._scheduler.add(nobodys.part, 1)
            self._moved[server.url] = []
            return True

    def welcome(self, server: SweepServer) -> list[str]:
        """A server is back; the ids of the batches that it may still have."""
        with self._lock:
            self._scheduler.add_server(server.url, server.traits.devices)
            return self._lost.pop(server.url, [])


def _fitting(server: SweepServer, items: Sequence[LedgerItem]) -> int:
    limits = replace(_LIMITS, jobs=min(_LIMITS.jobs, server.traits.batch_jobs))
    return fitting(server.handle, items, limits, server.jobs_per_item)
