"""The rows of a map that are left, given out to the slots of all servers."""

from __future__ import annotations

import heapq
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Optional

from invokeai_py_client.exceptions import APIError
from invokeai_py_client.sweep.batches.payloads import batch_id_of
from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.ledger.records import BatchIntent, LedgerItem


@dataclass(frozen=True)
class BegunRow:
    """A row that is under way on a server.

    Attributes:
        attempt: How often it was begun anew, this time included.
        chain: Identity of this attempt, of which the keys of submissions are made.
        is_new: It was begun just now, so that nothing of it can be on the server.
    """

    item: LedgerItem
    attempt: int
    chain: str
    server: str
    is_new: bool = False


class ChainWork:
    """What is to do, and what is under way where; threads share it.

    Attributes:
        away: Servers that have been out of reach for a minute, and why.
    """

    def __init__(self, ledger: Ledger, servers: Iterable[str]) -> None:
        self._ledger = ledger
        self._todo = [(item.index, item) for item in ledger.items("todo")]
        self._begun: dict[str, deque[BegunRow]] = {url: deque() for url in servers}
        for batch in ledger.open_batches():
            (item,) = batch.items
            row = BegunRow(item.item, item.attempt, batch.id, batch.server)
            self._begun[batch.server].append(row)
        self._in_flight = 0
        self._paused: set[str] = set()
        self._lock = threading.RLock()
        self.away: dict[str, APIError] = {}

    @property
    def is_over(self) -> bool:
        """True when nothing is left, or only for servers that stay away."""
        with self._lock:
            here = self._begun.keys() - self.away.keys()
            waits = bool(here and self._todo) or any(self._begun[url] for url in here)
            return not (waits or self._in_flight)

    @property
    def left(self) -> int:
        """How many rows are not over."""
        with self._lock:
            begun = sum(map(len, self._begun.values()))
            return len(self._todo) + begun + self._in_flight

    def next(self, server: str) -> Optional[BegunRow]:
        """A row for a server: recorded as begun there before it is returned."""
        with self._lock:
            if server in self._paused:
                return None
            if self._begun[server]:
                row = self._begun[server].popleft()
            elif self._todo:
                row = self._begin(self._todo[0][1], server)
                heapq.heappop(self._todo)
            else:
                return None
            self._in_flight += 1
            return row

    def _begin(self, item: LedgerItem, server: str) -> BegunRow:
        chain = batch_id_of(self._ledger.sweep_id, [item])
        attempt = item.attempts + 1
        self._ledger.intend(
            BatchIntent(chain, server, ((item.index, attempt),), b"", "")
        )
        return BegunRow(item, attempt, chain, server, is_new=True)

    def end(self) -> None:
        """A row has an outcome, which is recorded."""
        with self._lock:
            self._in_flight -= 1

    def again(self, row: BegunRow, attempts: int) -> None:
        """A row is to do again, after so many attempts; the ledger knows."""
        with self._lock:
            item = replace(row.item, attempts=attempts)
            heapq.heappush(self._todo, (item.index, item))
            self._in_flight -= 1

    def keep(self, row: BegunRow) -> None:
        """A row stays under way on its server, which cannot be reached."""
        with self._lock:
            self._begun[row.server].append(row)
            self._in_flight -= 1

    # -- servers that are out of reach ------------------------------------------------

    def is_paused(self, server: str) -> bool:
        """True when a server gets no rows until it answers."""
        return server in self._paused

    def pause(self, server: str) -> None:
        """A server cannot be reached."""
        with self._lock:
            self._paused.add(server)

    def give_up(self, server: str, error: APIError) -> None:
        """A server has been out of reach for a minute: what it has does not hold up."""
        with self._lock:
            self._paused.add(server)
            self.away[server] = error

    def welcome(self, server: str) -> None:
        """A server is back."""
        with self._lock:
            self._paused.discard(server)
            self.away.pop(server, None)
