"""A farm of servers with a fake clock, for tests of the scheduler."""

from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass, field
from typing import Optional

from invokeai_py_client.sweep.scheduling.scheduler import Scheduler

LATENCY = 0.2
# How long it takes until a batch is known to be lost with its server.
DETECTION = 20.0


@dataclass
class FarmServer:
    """A server that does one job at a time, `speed` times as fast as a usual one."""

    name: str
    speed: float
    joins_at: float = 0.0
    dies_at: float = float("inf")
    part: Optional[str] = None
    here: bool = False
    queue: list = field(default_factory=list)
    running: bool = False
    switches: int = 0
    loads: int = 0
    busy: float = 0.0
    last: float = 0.0


def job_seconds(rng):
    """Lognormal, most of it between 2 and 20 seconds."""
    return min(max(rng.lognormvariate(1.85, 0.5), 2.0), 20.0)


class Farm:
    """Runs a sweep of `parts` on `servers` to its end."""

    def __init__(self, parts, servers, *, seed=0, switch_seconds=0.0, costs=None):
        self.rng = random.Random(seed)
        self.scheduler = Scheduler(parts)
        self.servers = {server.name: server for server in servers}
        self.switch_seconds = switch_seconds
        # The durations of a part's items, on a usual server.
        self.items = {
            part: [
                job_seconds(self.rng) * (costs or {}).get(part, 1.0)
                for _ in range(count)
            ]
            for part, count in parts.items()
        }
        self.total = sum(map(sum, self.items.values()))
        self.count = sum(map(len, self.items.values()))
        self.now = 0.0
        self.done = 0
        self.takes = []
        self._events = []
        self._order = itertools.count()

    def at(self, when, action):
        heapq.heappush(self._events, (when, next(self._order), action))

    def run(self):
        for server in self.servers.values():
            self.at(server.joins_at, lambda s=server: self._join(s))
            if server.dies_at != float("inf"):
                self.at(server.dies_at, lambda s=server: self._die(s))
        while self._events and self.done < self.count:
            self.now, _, action = heapq.heappop(self._events)
            action()
        assert self.done == self.count, "the sweep stands still"
        return self

    def _join(self, server):
        self.scheduler.add_server(server.name)
        server.here = True
        self._ask_all()

    def _die(self, server):
        self.scheduler.lose_server(server.name)
        server.here = False
        self.at(self.now + DETECTION, lambda: self._gone(server))

    def _gone(self, server):
        open_takes = {id(take): (take, work) for take, work in server.queue}
        for take, work in open_takes.values():
            self.items[take.part].extend(work)
            work.clear()
            self.scheduler.give_back(take)
        server.queue.clear()
        self._ask_all()

    def _ask_all(self):
        for server in self.servers.values():
            if server.here:
                self._ask(server)

    def _ask(self, server):
        while take := self.scheduler.take(server.name):
            self.takes.append(take)
            work = [self.items[take.part].pop() for _ in range(take.count)]
            assert len(work) == take.count
            self.at(
                self.now + LATENCY, lambda w=work, t=take: self._queue(server, t, w)
            )

    def _queue(self, server, take, work):
        server.queue.append((take, work))
        self._start(server)

    def _start(self, server):
        if server.running or not server.queue or self.now >= server.dies_at:
            return
        take, work = server.queue[0]
        seconds = work[-1] / server.speed
        if server.part != take.part:
            server.loads += 1
            server.switches += server.part is not None
            server.part = take.part
            seconds += self.switch_seconds
        server.running = True
        self.at(self.now + seconds, lambda: self._finish(server, seconds))

    def _finish(self, server, seconds):
        server.running = False
        if self.now >= server.dies_at:
            return
        server.busy += seconds
        server.last = self.now
        take, work = server.queue[0]
        work.pop()
        if not work:
            server.queue.pop(0)
        self.done += 1
        self.scheduler.note_done(take, seconds)
        self._start(server)
        self._ask_all()

    # What is judged.

    @property
    def lower_bound(self):
        """The time in which the servers could do the work if it were a liquid."""
        changes = sorted(
            {0.0}
            | {s.joins_at for s in self.servers.values()}
            | {s.dies_at for s in self.servers.values()}
        )
        work = self.total
        for start, end in zip(changes, [*changes[1:], float("inf")]):
            speed = sum(
                s.speed
                for s in self.servers.values()
                if s.joins_at <= start < s.dies_at
            )
            if speed and work <= speed * (end - start):
                return start + work / speed
            work -= speed * (end - start) if speed else 0.0
        return float("inf")

    @property
    def idle(self):
        """The part of the servers' time, while they were there, in which they idled."""
        there = busy = 0.0
        for server in self.servers.values():
            there += min(server.dies_at, self.now) - server.joins_at
            lost = server.dies_at < self.now
            # The last job of a server that died was never over.
            busy += (server.dies_at - server.joins_at) if lost else server.busy
        return 1 - busy / there
