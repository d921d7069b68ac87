"""Which server takes how many items of which part.

A server stays with the part whose models it has loaded, as long as there is something
to do in it. Pieces are large at first and shrink towards the end, so that all servers
are done at about the same time (guided self-scheduling, weighted by measured speed).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Optional

from invokeai_py_client.sweep.scheduling.speeds import Speeds

# Of what is left for a server, this much is in its queue at most.
_AHEAD = 0.5

# Items of the batches that show how fast a server is.
_FIRST = 8

# An item may take longer than usual: a slow server at the end had better not try.
_CAREFUL = 2.0


@dataclass(frozen=True)
class SchedulerOptions:
    """How work is cut.

    Attributes:
        largest: Items of one batch at most: what is lost with it, and its payload.
        spare_batches: Batches in a server's queue beyond one for each device, so
            that it never waits for us.
        switch_seconds: What loading the models of another part costs about.
    """

    largest: int = 200
    spare_batches: int = 1
    switch_seconds: float = 5.0


@dataclass(eq=False)
class Take:
    """Items of one part that a server is to do, as one batch.

    Attributes:
        count: How many were taken.
        left: How many of them are not over yet.
    """

    server: str
    part: str
    count: int
    left: int


@dataclass
class _Server:
    name: str
    credits: int
    takes: list[Take]
    part: Optional[str] = None
    lost: bool = False


class Scheduler:
    """Decides from counts alone; it has no clock, and the caller's lock protects it.

    Args:
        parts: How many items each part has to do.
        options: How work is cut.
    """

    def __init__(
        self, parts: Mapping[str, int], options: Optional[SchedulerOptions] = None
    ) -> None:
        # The largest part first: what is left to the end should be small.
        by_size = sorted(parts.items(), key=lambda entry: -entry[1])
        self._todo = {part: count for part, count in by_size if count > 0}
        self._options = options or SchedulerOptions()
        self._servers: dict[str, _Server] = {}
        self._speeds = Speeds()

    @property
    def todo(self) -> Mapping[str, int]:
        """How many items nobody has taken yet, by part."""
        return dict(self._todo)

    @property
    def in_flight(self) -> int:
        """How many items are taken and not over."""
        return sum(map(_backlog, self._servers.values()))

    def in_flight_at(self, server: str) -> int:
        """How many of them a server has."""
        return _backlog(self._servers[server])

    # Servers.

    def add_server(self, server: str, devices: int = 1) -> None:
        """Give work to a server from now on, also to one that was lost."""
        known = self._servers.get(server)
        takes = known.takes if known else []
        credits = devices + self._options.spare_batches
        self._servers[server] = _Server(server, credits, takes)
        self._speeds.add_server(server, devices)

    def lose_server(self, server: str, *, gone: bool = False) -> None:
        """Give it nothing any more.

        Args:
            server: Its name.
            gone: It will never come back: what it has is to do again. Otherwise that
                waits until it is over or given back.
        """
        found = self._servers[server]
        found.lost, found.part = True, None
        if gone:
            for take in list(found.takes):
                self.give_back(take)

    # Work.

    def add(self, part: str, count: int) -> None:
        """More is to do."""
        if count > 0:
            self._todo[part] = self._todo.get(part, 0) + count

    def take(self, server: str) -> Optional[Take]:
        """The next batch of a server; None when it is to get none now.

        Ask again when anything of any server is over, given back or added.
        """
        found = self._servers[server]
        if found.lost or len(found.takes) >= found.credits:
            return None
        part = self._choose_part(found)
        if part is None:
            return None
        return self._record(found, part, self._size(found, part))

    def resume(self, server: str, part: str, count: int) -> Take:
        """Know of a batch that a server has from an earlier run.

        The items are not among those to do.
        """
        self._todo[part] = self._todo.get(part, 0) + count
        return self._record(self._servers[server], part, count)

    def note_done(self, take: Take, seconds: float, count: int = 1) -> None:
        """Items are over, done or failed.

        Args:
            take: What they belong to.
            seconds: How long the server was busy with them; 0 when not known.
            count: How many.
        """
        if seconds > 0:
            self._speeds.measure(take.server, take.part, seconds, count)
        self._end(take, count)

    def give_back(self, take: Take, count: Optional[int] = None) -> None:
        """Items (all that are left) are to do again, by any server.

        A queue that was full, a batch that is known to be lost.
        """
        count = take.left if count is None else min(count, take.left)
        self._end(take, count)
        self.add(take.part, count)

    def drop(self, take: Take, count: int) -> None:
        """Items are not to do at all: there were fewer than it seemed."""
        self._end(take, count)

    def _record(self, server: _Server, part: str, count: int) -> Take:
        take = Take(server.name, part, count, count)
        server.takes.append(take)
        server.part = part
        self._todo[part] -= count
        if not self._todo[part]:
            del self._todo[part]
        return take

    def _end(self, take: Take, count: int) -> None:
        take.left = max(take.left - count, 0)
        takes = self._servers[take.server].takes
        if not take.left and take in takes:
            takes.remove(take)

    # Decisions.

    def _choose_part(self, server: _Server) -> Optional[str]:
        """The part of before; one that nobody has; else the one that takes longest."""
        if server.part in self._todo:
            part = server.part
            return part if self._is_of_use(server, part) else None
        owned = {s.part for s in self._active()}
        free = next((part for part in self._todo if part not in owned), None)
        if free is not None:
            return free
        slowest = max(self._todo, key=self._finish, default=None)
        if slowest is None or not self._is_of_use(server, slowest):
            return None
        return slowest

    def _is_of_use(self, server: _Server, part: str) -> bool:
        """Whether one more item here is over before the part's others had done all.

        Of those that have the part, the one that would be first is always of use, so
        that no item is left to nobody.
        """
        others = [s for s in self._owners(part) if s is not server]
        if not others:
            return True
        first = min(self._seconds_to_one(other, part) for other in others)
        all_done = max(self._finish_with(others, part), first)
        return self._seconds_to_one(server, part) <= all_done

    def _seconds_to_one(self, server: _Server, part: str) -> float:
        """Until a server has done what it has and one more item."""
        work = self._queued(server) + _CAREFUL * self._speeds.cost(part)
        switch = 0.0 if server.part == part else self._options.switch_seconds
        return switch + work / self._speed(server)

    def _size(self, server: _Server, part: str) -> int:
        """How many items: a share of what is left in the part and in all parts."""
        todo, most = self._todo[part], self._options.largest
        active = self._active()
        if len(active) > 1:
            owners = {s.name: s for s in (*self._owners(part), server)}
            share = self._speed(server) / sum(map(self._speed, owners.values()))
            work = self._all_work(active) + sum(map(self._queued, active))
            seconds = work / sum(map(self._speed, active))
            own = seconds * self._speed(server) / self._speeds.cost(part)
            ahead = min(todo * share, own) * _AHEAD / server.credits
            most = min(most, math.ceil(ahead))
            if not self._speeds.knows(server.name, part):
                most = min(most, _FIRST)
        return max(1, min(most, todo))

    def _finish(self, part: str) -> float:
        return self._finish_with(self._owners(part), part)

    def _finish_with(self, owners: Iterable[_Server], part: str) -> float:
        """Seconds until these have done what is to do of a part and what they have."""
        owners = list(owners)
        speed = sum(map(self._speed, owners))
        work = self._work(part) + sum(map(self._queued, owners))
        return work / speed if speed else math.inf

    def _owners(self, part: str) -> list[_Server]:
        return [server for server in self._active() if server.part == part]

    def _active(self) -> list[_Server]:
        return [server for server in self._servers.values() if not server.lost]

    def _work(self, part: str) -> float:
        return self._todo.get(part, 0) * self._speeds.cost(part)

    def _all_work(self, active: Iterable[_Server]) -> float:
        """Of all parts; those that no server has may be many, and are not measured."""
        typical = self._speeds.typical_cost
        owned = {s.part for s in active if s.part in self._todo}
        more = (self._todo[p] * (self._speeds.cost(p) - typical) for p in owned if p)
        return sum(self._todo.values()) * typical + sum(more)

    def _queued(self, server: _Server) -> float:
        return sum(take.left * self._speeds.cost(take.part) for take in server.takes)

    def _speed(self, server: _Server) -> float:
        return self._speeds.speed(server.name)


def _backlog(server: _Server) -> int:
    return sum(take.left for take in server.takes)
