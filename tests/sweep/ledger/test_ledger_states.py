"""Any order of calls, with crashes between them, against a model of plain dicts."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from hypothesis.strategies import booleans, data, integers, lists, sampled_from
from ledger_rig import intent, item, output, whole_and_consistent

from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.ledger.records import BatchJob

PARTS = ("p", "q")
OPEN = ("intended", "accepted", "unknown")


class Attempt:
    """An attempt at an item, in a batch."""

    def __init__(self, index, earlier):
        self.index = index
        self.state = "sent"
        self.accepted = False
        self.rerun = False
        self.earlier = earlier


class Batch:
    """A batch of the model."""

    def __init__(self, attempts):
        self.state = "intended"
        self.attempts = attempts


class LedgerMachine(RuleBasedStateMachine):
    """The ledger and its model do the same."""

    @initialize(count=integers(1, 12))
    def create(self, count):
        self.folder = Path(tempfile.mkdtemp())
        self.ledger = Ledger.create(self.folder / "ledger.db", {})
        self.states, self.attempts, self.owner = [], [], []
        self.batches, self.winners = {}, {}
        self.extend(count)

    def teardown(self):
        if hasattr(self, "ledger"):
            self.ledger.close()
            shutil.rmtree(self.folder)

    def plan(self, count):
        return [item(n, part=PARTS[n % 2], steps=n) for n in range(count)]

    @rule(more=integers(0, 5))
    def extend(self, more):
        total = len(self.states) + more
        assert self.ledger.add_items(self.plan(total)) == more
        self.states += ["todo"] * more
        self.attempts += [0] * more
        self.owner += [None] * more

    @rule(part=sampled_from(PARTS), count=integers(1, 5), give_up=booleans())
    def take_and_intend(self, part, count, give_up):
        taken = self.ledger.take(part, count)
        todo = [n for n, s in enumerate(self.states) if s == "todo"]
        expected = [n for n in todo if PARTS[n % 2] == part][:count]
        assert [(i.index, i.attempts) for i in taken] == [
            (n, self.attempts[n]) for n in expected
        ]
        if give_up or not taken:
            self.ledger.release(taken)
            return
        batch_id = f"b{len(self.batches)}"
        self.ledger.intend(intent(batch_id, taken))
        self.batches[batch_id] = Batch([Attempt(n, []) for n in expected])
        for n in expected:
            self.states[n], self.owner[n] = "sent", batch_id
            self.attempts[n] += 1

    def a_batch(self, draw):
        return draw.draw(sampled_from(sorted(self.batches)))

    def with_batch(states=None):  # noqa: N805
        return precondition(lambda self: getattr(self, "batches", None))

    @with_batch()
    @rule(draw=data(), all_of_it=booleans())
    def accept(self, draw, all_of_it):
        batch_id = self.a_batch(draw)
        batch = self.batches[batch_id]
        taken = len(batch.attempts) if all_of_it else 1
        jobs = [BatchJob(n, 100 + n, f"s{n}") for n in range(taken)]
        self.ledger.accept(batch_id, jobs)
        if batch.state in OPEN:
            batch.state = "accepted"
        for attempt in batch.attempts[:taken]:
            others = [
                other
                for found in self.batches.values()
                if found is not batch
                for other in found.attempts
                if other.index == attempt.index and other.accepted
            ]
            if not attempt.accepted:
                attempt.accepted, attempt.rerun = True, bool(others)

    @with_batch()
    @rule(draw=data())
    def mark_unknown(self, draw):
        batch_id = self.a_batch(draw)
        self.ledger.mark_unknown(batch_id, "no answer")
        if self.batches[batch_id].state == "intended":
            self.batches[batch_id].state = "unknown"

    def send_back(self, batch_id, attempts):
        back = 0
        for attempt in attempts:
            attempt.state = "back"
            n = attempt.index
            if self.states[n] == "sent" and self.owner[n] == batch_id:
                self.states[n], self.owner[n] = "todo", None
                back += 1
        return back

    @with_batch()
    @rule(draw=data())
    def mark_lost(self, draw):
        batch_id = self.a_batch(draw)
        batch = self.batches[batch_id]
        expected = 0
        if batch.state in OPEN:
            sent = [a for a in batch.attempts if a.state == "sent"]
            expected = self.send_back(batch_id, sent)
            batch.state = "lost"
        assert self.ledger.mark_lost(batch_id, "cleared") == expected

    @with_batch()
    @rule(draw=data(), positions=lists(integers(0, 5), max_size=3))
    def back_to_todo(self, draw, positions):
        batch_id = self.a_batch(draw)
        attempts = self.batches[batch_id].attempts
        sent = [
            attempts[n]
            for n in dict.fromkeys(positions)
            if n < len(attempts) and attempts[n].state == "sent"
        ]
        expected = self.send_back(batch_id, sent)
        assert self.ledger.back_to_todo(batch_id, positions, "canceled") == expected

    @with_batch()
    @rule(draw=data())
    def withdraw(self, draw):
        waiting = [
            batch_id
            for batch_id, batch in self.batches.items()
            if batch.state in ("intended", "unknown")
            and all(a.state == "sent" for a in batch.attempts)
            and batch_id == max(self.batches, key=lambda name: int(name[1:]))
        ]
        if not waiting:
            return
        (batch_id,) = waiting
        self.ledger.withdraw(batch_id, "full")
        for attempt in self.batches.pop(batch_id).attempts:
            n = attempt.index
            if self.owner[n] == batch_id and self.states[n] == "sent":
                self.states[n], self.owner[n] = "todo", None
                self.attempts[n] -= 1

    @with_batch()
    @rule(draw=data())
    def done(self, draw):
        batch_id = self.a_batch(draw)
        attempts = self.batches[batch_id].attempts
        position = draw.draw(integers(0, len(attempts) - 1))
        attempt = attempts[position]
        path = f"{attempt.index}-{batch_id}.png"
        first = self.ledger.done(batch_id, position, [output(attempt.index, path)])
        if attempt.state not in ("done", "double"):
            is_first = self.states[attempt.index] != "done"
            attempt.state = "done" if is_first else "double"
            if is_first:
                self.states[attempt.index] = "done"
                self.winners[attempt.index] = path
        assert first == (attempt.state == "done")

    @with_batch()
    @rule(draw=data(), kind=sampled_from(["node", "memory"]))
    def failed(self, draw, kind):
        batch_id = self.a_batch(draw)
        attempts = self.batches[batch_id].attempts
        position = draw.draw(integers(0, len(attempts) - 1))
        attempt = attempts[position]
        n = attempt.index
        counts = (
            attempt.state not in ("done", "double")
            and self.states[n] == "sent"
            and self.owner[n] == batch_id
        )
        assert self.ledger.failed(batch_id, position, kind, "why") == counts
        if attempt.state not in ("done", "double"):
            attempt.state = "failed"
        if counts:
            self.states[n] = f"failed {kind}"

    @with_batch()
    @rule(draw=data())
    def mark_over(self, draw):
        batch_id = self.a_batch(draw)
        batch = self.batches[batch_id]
        if batch.state in OPEN and all(a.state != "sent" for a in batch.attempts):
            self.ledger.mark_over(batch_id)
            batch.state = "over"

    @rule(kind=sampled_from([None, "node"]))
    def reopen_failed(self, kind):
        wanted = [
            n
            for n, state in enumerate(self.states)
            if (state.startswith("failed") or state == "skipped")
            and (kind is None or state == f"failed {kind}")
        ]
        assert self.ledger.reopen(kind) == len(wanted)
        for n in wanted:
            self.states[n], self.owner[n] = "todo", None

    @rule(index=integers(0, 20))
    def skip(self, index):
        wanted = index < len(self.states) and self.states[index] == "todo"
        assert self.ledger.skip([index], "enough") == wanted
        if wanted:
            self.states[index] = "skipped"

    @rule()
    def close_and_open(self):
        self.ledger.close()
        self.ledger = Ledger.open(self.folder / "ledger.db")

    @rule()
    def kill(self):
        """What a killed process leaves: its files as they are, nothing closed."""
        copy = Path(tempfile.mkdtemp())
        for file in self.folder.iterdir():
            if not file.name.endswith("-shm"):
                shutil.copy(file, copy)
        self.ledger.close()
        shutil.rmtree(self.folder)
        self.folder = copy
        whole_and_consistent(copy / "ledger.db")
        self.ledger = Ledger.open(copy / "ledger.db")

    @invariant()
    def both_agree(self):
        if not hasattr(self, "ledger"):
            return
        counts = self.ledger.counts()
        plain = [state.split()[0] for state in self.states]
        assert counts.total == len(plain)
        for state in ("todo", "sent", "done", "failed", "skipped"):
            assert getattr(counts, state) == plain.count(state)
        assert [i.state for i in self.ledger.items()] == plain
        attempts = [a for b in self.batches.values() for a in b.attempts]
        doubles = sum(a.state == "double" for a in attempts)
        reruns = sum(a.rerun for a in attempts)
        assert counts.doubles == doubles
        assert counts.reruns == max(reruns - doubles, 0)
        found = {o.item.index: o.output.path for o in self.ledger.outputs()}
        assert found == self.winners
        still_open = {k: b.state for k, b in self.batches.items() if b.state in OPEN}
        assert {b.id: b.state for b in self.ledger.open_batches()} == still_open


LedgerMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None
)
TestAnyOrderOfCalls = LedgerMachine.TestCase
