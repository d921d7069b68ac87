"""How fast servers are, learnt from what they did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

# Two unknowns explain each measurement; some rounds make them agree.
_ROUNDS = 3
# Of what a server did before, this much counts beside one more measured item.
_MEMORY = 0.99
# Items after which a measurement can be relied upon.
_ENOUGH = 3


class Speeds:
    """Seconds of an item: what the part costs, divided by how fast the server is.

    Before anything is measured, servers are as fast as their devices are many, and
    parts cost the same.

    Attributes:
        typical_cost: Of an item of a part that was not measured.
    """

    def __init__(self) -> None:
        self._devices: dict[str, int] = {}
        self._count: dict[tuple[str, str], float] = {}
        self._seconds: dict[tuple[str, str], float] = {}
        self._speed: dict[str, float] = {}
        self._cost: dict[str, float] = {}
        self._measured = 0
        self._fit_at = 0.0
        self.typical_cost = 1.0
        self._typical_speed = 1.0

    def add_server(self, server: str, devices: int) -> None:
        """Know a server."""
        self._devices[server] = devices

    def measure(self, server: str, part: str, seconds: float, count: int) -> None:
        """Learn that a server was busy for some seconds with items of a part."""
        pair = (server, part)
        kept = _MEMORY**count
        self._count[pair] = self._count.get(pair, 0.0) * kept + count
        self._seconds[pair] = self._seconds.get(pair, 0.0) * kept + seconds
        self._measured += count
        if self._measured >= self._fit_at:
            self._fit()
            # A fit goes over all pairs: so many measurements must share its cost.
            self._fit_at = self._measured + len(self._count) / 4

    def knows(self, server: str, part: str) -> bool:
        """Whether the server was measured with items of the part."""
        return self._count.get((server, part), 0.0) >= _ENOUGH

    def speed(self, server: str) -> float:
        """Of a server with all its devices; cost per second."""
        own = self._speed.get(server)
        return own if own else self._typical_speed * self._devices.get(server, 1)

    def cost(self, part: str) -> float:
        """Of an item of a part."""
        return self._cost.get(part) or self.typical_cost

    def _fit(self) -> None:
        cost, speed = dict(self._cost), dict(self._speed)
        for _ in range(_ROUNDS):
            work: defaultdict[str, float] = defaultdict(float)
            busy: defaultdict[str, float] = defaultdict(float)
            for (server, part), count in self._count.items():
                work[server] += count * cost.get(part, 1.0)
                busy[server] += self._seconds[server, part]
            speed = {s: work[s] / busy[s] for s in work if busy[s] > 0}
            spent: defaultdict[str, float] = defaultdict(float)
            items: defaultdict[str, float] = defaultdict(float)
            for (server, part), count in self._count.items():
                spent[part] += self._seconds[server, part] * speed.get(server, 1.0)
                items[part] += count
            cost = {p: spent[p] / items[p] for p in items if spent[p] > 0}
        self._cost, self._speed = cost, speed
        self.typical_cost = _mean(cost.values())
        of_devices = [v / self._devices.get(s, 1) for s, v in speed.items()]
        self._typical_speed = _mean(of_devices)


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known) if known else 1.0
