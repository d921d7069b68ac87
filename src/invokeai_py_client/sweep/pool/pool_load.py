"""Which server of a pool is free first: counted here, asked of no server. Pure."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Optional

AWAY_SECONDS = 30.0
"""For so long a server that could not be reached gets no run if there are others."""
FRESH_SECONDS = 1.0
"""For so long what a server said of its queue is believed."""


@dataclass
class ServerLoad:
    """What one server has to do.

    Attributes:
        devices: How many jobs it runs at a time.
        is_known: It has been asked for that.
        own: Jobs of this pool that are in its queue, or on their way into it.
        foreign: Jobs of others, when it was last asked.
        asked_at: When that was; None before.
        away_until: No run is given to it before, as long as there are others.
        taken: How many runs it was given; the one with the fewest breaks a tie.
    """

    devices: int = 1
    is_known: bool = False
    own: int = 0
    foreign: int = 0
    asked_at: Optional[float] = None
    away_until: float = 0.0
    taken: int = 0

    @property
    def wait(self) -> float:
        """Jobs before a new one, for each device."""
        return (self.own + self.foreign) / self.devices


class PoolLoad:
    """What the servers of a pool have to do; threads share it.

    Moments are by the clock of `now`.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        self._loads = {address: ServerLoad() for address in addresses}
        self._lock = threading.Lock()

    def __getitem__(self, address: str) -> ServerLoad:
        return self._loads[address]

    def to_ask(self, moment: float) -> list[str]:
        """The servers whose queue is not known well enough; they count as asked."""
        with self._lock:
            found = [
                address
                for address, load in self._loads.items()
                if load.away_until <= moment
                and (load.asked_at is None or moment - load.asked_at >= FRESH_SECONDS)
            ]
            for address in found:
                self._loads[address].asked_at = moment
            return found

    def note_queue(self, address: str, unfinished: int) -> None:
        """A server says how many jobs its queue has, those of this pool included."""
        with self._lock:
            load = self._loads[address]
            load.foreign = max(unfinished - load.own, 0)
            load.away_until = 0.0

    def set_aside(self, address: str, moment: float) -> None:
        """A server could not be reached."""
        with self._lock:
            self._loads[address].away_until = moment + AWAY_SECONDS

    def take(self, jobs: int, moment: float, tried: Collection[str]) -> Optional[str]:
        """Give a run of so many jobs to the server that is free first.

        Args:
            jobs: How many jobs it is.
            moment: Now.
            tried: Servers that it cannot be given to.

        Returns:
            Its address; None when all were tried. One that was set aside is taken
            when there is no other.
        """
        with self._lock:
            left = {url: it for url, it in self._loads.items() if url not in tried}
            if not left:
                return None
            address = min(
                left,
                key=lambda url: (
                    left[url].away_until > moment,
                    left[url].wait,
                    left[url].taken,
                ),
            )
            self._loads[address].own += jobs
            self._loads[address].taken += 1
            return address

    def free(self, address: str, jobs: int) -> None:
        """A run is over."""
        with self._lock:
            self._loads[address].own -= jobs
