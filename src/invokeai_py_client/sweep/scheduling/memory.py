"""Which servers an item may fit that ran out of memory on others.

No server says how much memory it has, except in the words with which a job runs out of
it (those of CUDA name the card's capacity). A server that never ran out may have more.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

_CAPACITY = re.compile(r"total capacity of ([0-9.]+) ([MG])iB")
_UNITS = {"M": 1 / 1024, "G": 1.0}


class MemoryNeeds:
    """What is learnt from items that ran out of memory."""

    def __init__(self) -> None:
        self._capacity: dict[str, float] = {}
        self._too_small: dict[int, set[str]] = {}

    def ran_out(self, item: int, server: str, words: str) -> None:
        """Learn that an item did not fit.

        Args:
            item: Its index.
            server: Where.
            words: What the server said.
        """
        told = _CAPACITY.search(words)
        capacity = float(told.group(1)) * _UNITS[told.group(2)] if told else 0.0
        self._capacity[server] = max(capacity, self._capacity.get(server, 0.0))
        self._too_small.setdefault(item, set()).add(server)

    def largest_for(self, item: int, servers: Iterable[str]) -> str:
        """The server with the most memory, if an item may fit there; else ``""``."""
        small = self._too_small.get(item, set())
        least = max((self._capacity[server] for server in small), default=-1.0)
        fitting = [
            server
            for server in servers
            if server not in small and self._size(server) > least
        ]
        return max(fitting, key=self._size, default="")

    def _size(self, server: str) -> float:
        return self._capacity.get(server, math.inf)
