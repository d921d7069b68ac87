"""Rules of docs/dev/sweeps.md that no other test is about."""

from __future__ import annotations

import os
import re

from paths import REPOSITORY
from sweep_rig import run_sweep

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.sweep import Sweep
from invokeai_py_client.sweep.batches.payloads import batch_id_of
from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.ledger.records import LedgerItem


def item(key, attempts=0):
    return LedgerItem(0, key, {}, "p", attempts)


def test_the_same_attempts_at_the_same_items_have_the_same_batch_id():
    first = batch_id_of("sweep", [item("a"), item("b")])
    assert batch_id_of("sweep", [item("a"), item("b")]) == first
    others = [
        batch_id_of("sweep", [item("a", 1), item("b")]),
        batch_id_of("sweep", [item("b"), item("a")]),
        batch_id_of("sweep", [item("a")]),
        batch_id_of("another", [item("a"), item("b")]),
    ]
    assert len({first, *others}) == 5


def test_the_jobs_of_a_sweep_have_its_tag_which_is_not_the_guis(tmp_path):
    with SimulatedServer() as server, InvokeAIClient(server.url) as client:
        run_sweep(server.url, tmp_path / "s", 3)
        tag = f"ivk-sweep:{Sweep.open(tmp_path / 's').id}"
        jobs = client.queue_repo.list_jobs()
        assert {(job.origin, job.destination) for job in jobs} == {(tag, tag)}
        assert "/" not in tag
        assert client.queue_repo.count_tagged(tag).completed == 3


def test_a_file_is_synced_and_has_its_name_before_its_item_is_done(
    tmp_path, monkeypatch
):
    steps = []
    fsync, replace, done = os.fsync, os.replace, Ledger.done

    def noting_fsync(handle):
        steps.append("sync")
        fsync(handle)

    def noting_replace(source, target):
        if str(target).endswith(".png"):
            steps.append("rename")
        replace(source, target)

    def noting_done(ledger, batch_id, position, outputs, executed=None):
        steps.append("done")
        assert all((tmp_path / "s" / row.path).is_file() for row in outputs)
        return done(ledger, batch_id, position, outputs, executed)

    with SimulatedServer() as server, monkeypatch.context() as patched:
        patched.setattr(os, "fsync", noting_fsync)
        patched.setattr(os, "replace", noting_replace)
        patched.setattr(Ledger, "done", noting_done)
        run_sweep(server.url, tmp_path / "s", 1)
    at = steps.index("rename")
    # The file before it is renamed, its folder after that.
    assert steps[at - 1 : steps.index("done") + 1] == ["sync", "rename", "sync", "done"]


def test_every_rule_and_every_trap_has_its_tests():
    page = (REPOSITORY / "docs" / "dev" / "sweeps.md").read_text("utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    defined = {
        name
        for path in (REPOSITORY / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.M)
    }
    assert len(named) > 40
    assert named <= defined, named - defined
