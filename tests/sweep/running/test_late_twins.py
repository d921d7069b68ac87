"""Two servers made one item: the first result counts, and the file is its file."""

from __future__ import annotations

import hashlib
import threading
from functools import partial
from types import SimpleNamespace

import pytest
from ledger_rig import new_ledger, send

from invokeai_py_client import InvokeAIClient
from invokeai_py_client._core.flow import run_blocking
from invokeai_py_client.sweep.batches.outcomes import MediaName, Outcome
from invokeai_py_client.sweep.folder.outputs import LocalOutputs
from invokeai_py_client.sweep.folder.saved_file import SavedFile
from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.ledger.records import BatchJob
from invokeai_py_client.sweep.running.record_flows import BatchRecorder
from invokeai_py_client.sweep.running.sweep_run import SweepRun


class Twins:
    """One item in two batches, on a slow server and on a fast one."""

    def __init__(self, folder):
        self.ledger = new_ledger(folder, 1)
        self.folder = folder
        self.run = SweepRun(
            ledger=self.ledger,
            folder=folder,
            outputs=LocalOutputs(folder),
            name_files=lambda *_: ["images/0.png"],
            tag="ivk-sweep:test",
            urls=["slow", "fast"],
        )
        self.items = {"slow": self._send("slow")}
        self.may_go_on, self.has_begun = threading.Event(), threading.Event()
        self.delivered = []
        (folder / "images").mkdir()

    def _send(self, batch_id):
        send(self.ledger, batch_id, 1)
        self.ledger.accept(batch_id, [BatchJob(0, 1, batch_id)])
        (row,) = self.ledger.open_batches()
        return row.items[0]

    def give_up_slow(self):
        self.ledger.mark_lost("slow", "out of reach")
        self.items["fast"] = self._send("fast")

    def record(self, batch_id, outcome=None):
        server = SimpleNamespace(url=batch_id, context=None)
        recorder = BatchRecorder(
            self.run, server, batch_id, note, partial(self._deliver, batch_id)
        )
        outcome = outcome or Outcome("done", made=(MediaName("image", "i.png"),))
        found = [(self.items[batch_id], outcome)]
        with InvokeAIClient("http://127.0.0.1:9") as client:
            client._runner.run(recorder.record(found))

    def _deliver(self, batch_id, _, names):
        if batch_id == "slow":
            self.has_begun.set()
            yield from run_blocking(partial(self.may_go_on.wait, 30))
        self.delivered.append(batch_id)
        content = batch_id.encode()
        (self.folder / names[0]).write_bytes(content)
        return SavedFile(hashlib.sha256(content).hexdigest(), len(content))

    def record_late_slow(self, outcome=None):
        """Record the slow one's result as if it had been on its way when given up."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Ledger, "is_batch_open", lambda *_: True)
            self.record("slow", outcome)

    def check(self):
        (row,) = self.ledger.outputs()
        content = (self.folder / row.output.path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row.output.sha256
        counts = self.ledger.counts()
        assert (counts.done, counts.reruns, counts.doubles) == (1, 0, 1)


def note(*_):
    yield from ()


@pytest.fixture
def twins(tmp_path):
    made = Twins(tmp_path)
    yield made
    made.ledger.close()


def test_a_late_twin_waits_for_the_first_one_and_takes_no_name(twins):
    """The server is given up while its file is on its way."""
    slow = threading.Thread(target=twins.record, args=("slow",))
    slow.start()
    assert twins.has_begun.wait(30)
    twins.give_up_slow()
    fast = threading.Thread(target=twins.record, args=("fast",))
    fast.start()
    # Time to do wrong.
    fast.join(0.5)
    twins.may_go_on.set()
    slow.join(30)
    fast.join(30)
    assert twins.delivered == ["slow"]
    twins.check()


def test_a_twin_of_an_item_that_is_done_is_not_even_downloaded(twins):
    twins.give_up_slow()
    twins.record("fast")
    twins.record_late_slow()
    assert twins.delivered == ["fast"]
    twins.check()


def test_a_twin_that_fails_does_not_fail_the_item(twins):
    twins.give_up_slow()
    twins.record("fast")
    twins.record_late_slow(Outcome("failed", "node_error", "odd"))
    assert twins.run.failures == 0
    assert twins.ledger.counts().done == 1
