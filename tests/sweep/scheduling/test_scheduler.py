"""Which server gets what, decision by decision."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)
from hypothesis.strategies import booleans, data, integers, sampled_from

from invokeai_py_client.sweep.scheduling.scheduler import Scheduler, SchedulerOptions


def scheduler(parts, *servers, **options):
    made = Scheduler(parts, SchedulerOptions(**options))
    for server in servers:
        made.add_server(server)
    return made


def finish(made, take, seconds=5.0):
    """The whole batch is done; each item took some seconds."""
    for _ in range(take.left):
        made.note_done(take, seconds)


def drain(made, server):
    """Do all that a server gets; returns parts and counts."""
    found = []
    while take := made.take(server):
        found.append((take.part, take.count))
        finish(made, take)
    return found


def test_one_server_gets_the_largest_batches():
    assert drain(scheduler({"p": 450}, "a"), "a") == [("p", 200), ("p", 200), ("p", 50)]


def test_a_server_has_a_batch_for_each_device_and_one_more():
    made = Scheduler({"p": 1000}, SchedulerOptions(largest=10))
    made.add_server("a", devices=3)
    takes = [made.take("a") for _ in range(5)]
    assert [take is None for take in takes] == [False] * 4 + [True]
    finish(made, takes[1])
    assert made.take("a") is not None
    assert made.take("a") is None


def test_a_server_stays_with_its_part_until_it_is_done():
    made = scheduler({"small": 30, "large": 50}, "a", largest=20)
    assert [part for part, _ in drain(made, "a")] == ["large"] * 3 + ["small"] * 2


def test_servers_begin_with_different_parts():
    made = scheduler({"x": 100, "y": 90}, "a", "b")
    assert [made.take(s).part for s in "ab"] == ["x", "y"]


def test_a_server_without_work_helps_where_most_is_left():
    made = scheduler({"x": 1, "y": 500, "z": 5}, "a", "b", "c")
    takes = {server: made.take(server) for server in "abc"}
    assert [takes[s].part for s in "abc"] == ["y", "z", "x"]
    finish(made, takes["c"])
    assert made.take("c").part == "y"


def test_a_server_of_unknown_speed_gets_little_at_first():
    made = scheduler({"p": 10_000}, "a", "b")
    first = made.take("a")
    assert first.count == 8
    finish(made, first)
    assert made.take("a").count > 100


def test_a_fast_server_gets_more_than_a_slow_one():
    made = scheduler({"p": 1000}, "fast", "slow")
    for server, seconds in (("fast", 2.0), ("slow", 8.0)):
        for _ in range(2):
            finish(made, made.take(server), seconds)
    fast, slow = made.take("fast").count, made.take("slow").count
    assert 3 * slow < fast < 5 * slow


@pytest.fixture
def one_item_left():
    """Two servers, one of them much slower, and one item that nobody has."""
    made = scheduler({"p": 200}, "fast", "slow")
    finish(made, made.take("slow"), 20.0)
    while sum(made.todo.values()) > 1:
        take = made.take("fast")
        finish(made, take, 1.0)
    return made


def test_a_slow_server_leaves_the_last_item_to_a_fast_one(one_item_left):
    assert one_item_left.take("slow") is None
    assert one_item_left.take("fast").count == 1


def test_a_slow_server_does_the_last_item_when_it_is_alone(one_item_left):
    one_item_left.lose_server("fast")
    assert one_item_left.take("slow").count == 1


def test_a_full_queue_costs_nothing():
    made = scheduler({"p": 100}, "a")
    made.give_back(made.take("a"))
    assert made.todo == {"p": 100}
    assert made.take("a").count == 100


def test_a_part_of_a_batch_goes_back():
    made = scheduler({"p": 100}, "a", largest=100)
    take = made.take("a")
    made.note_done(take, 5.0, count=30)
    made.give_back(take, 20)
    assert (made.todo, take.left, made.in_flight) == ({"p": 20}, 50, 50)


def test_what_a_lost_server_has_waits():
    made = scheduler({"p": 100}, "a", "b", largest=100)
    take = made.take("a")
    made.lose_server("a")
    assert made.take("a") is None
    assert made.todo == {"p": 100 - take.count}
    made.give_back(take)
    assert made.todo == {"p": 100}


def test_what_a_server_has_that_is_gone_is_done_by_others():
    made = scheduler({"p": 100}, "a", "b")
    made.take("a")
    made.take("a")
    made.lose_server("a", gone=True)
    assert sum(count for _, count in drain(made, "b")) == 100


def test_a_lost_server_that_is_back_gets_work_and_keeps_its_batches():
    made = scheduler({"p": 100}, "a", largest=10)
    made.take("a")
    made.lose_server("a")
    made.add_server("a")
    assert made.take("a").count == 10
    assert made.take("a") is None


def test_batches_of_an_earlier_run_count_as_credits():
    made = scheduler({"p": 100}, "a", largest=10)
    takes = [made.resume("a", "p", 7), made.resume("a", "q", 3)]
    assert made.todo == {"p": 100}
    assert made.take("a") is None
    finish(made, takes[0])
    assert made.take("a").count == 10


def test_items_that_there_are_not_are_dropped():
    made = scheduler({"p": 10}, "a")
    take = made.take("a")
    made.drop(take, 4)
    assert (take.left, made.todo) == (6, {})


def test_items_that_are_added_are_done():
    made = scheduler({}, "a")
    assert made.take("a") is None
    made.add("p", 3)
    assert made.take("a").count == 3


class Accounting(RuleBasedStateMachine):
    """No item is lost or invented, and no item is left to nobody."""

    def __init__(self):
        super().__init__()
        self.made = Scheduler({"x": 40, "y": 7}, SchedulerOptions(largest=9))
        self.total = 47
        self.over = 0
        self.takes = []
        self.alive = set()
        self.known = set()

    @rule(server=sampled_from("abc"), devices=integers(1, 3))
    def add_server(self, server, devices):
        self.made.add_server(server, devices)
        self.alive.add(server)
        self.known.add(server)

    @precondition(lambda self: self.alive)
    @rule(draw=data(), gone=booleans())
    def lose_server(self, draw, gone):
        server = draw.draw(sampled_from(sorted(self.alive)))
        self.made.lose_server(server, gone=gone)
        self.alive.discard(server)
        if gone:
            self.takes = [take for take in self.takes if take.server != server]

    @precondition(lambda self: self.known)
    @rule(draw=data())
    def take(self, draw):
        server = draw.draw(sampled_from(sorted(self.known)))
        take = self.made.take(server)
        if take is not None:
            assert 1 <= take.count <= 9
            assert server in self.alive
            self.takes.append(take)

    @precondition(lambda self: self.takes)
    @rule(draw=data(), seconds=sampled_from([0.0, 0.5, 5.0, 50.0]))
    def note_done(self, draw, seconds):
        take = draw.draw(sampled_from(self.takes))
        count = draw.draw(integers(1, take.left))
        self.made.note_done(take, seconds, count)
        self.over += count
        self.takes = [take for take in self.takes if take.left]

    @precondition(lambda self: self.takes)
    @rule(draw=data())
    def give_back(self, draw):
        self.made.give_back(draw.draw(sampled_from(self.takes)))
        self.takes = [take for take in self.takes if take.left]

    @invariant()
    def all_items_are_somewhere(self):
        assert self.made.in_flight == sum(take.left for take in self.takes)
        somewhere = sum(self.made.todo.values()) + self.made.in_flight + self.over
        assert somewhere == self.total

    def teardown(self):
        """However it went, those that are left can do the rest."""
        if not self.alive:
            self.made.add_server("last")
            self.alive.add("last")
        for take in self.takes:
            self.made.note_done(take, 1.0, take.left)
        while self.made.todo:
            takes = [self.made.take(server) for server in self.alive]
            assert any(takes), "nobody wants what is left"
            for take in filter(None, takes):
                self.made.note_done(take, 3.0, take.left)


Accounting.TestCase.settings = settings(max_examples=60, deadline=None)
TestEveryItemIsAccountedFor = Accounting.TestCase
