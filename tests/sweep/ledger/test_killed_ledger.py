"""A process that is killed at any instant leaves a ledger that says the truth."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time

import pytest
from ledger_rig import whole_and_consistent

from invokeai_py_client.sweep.ledger.ledger import Ledger

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")

ITEMS = 600
WORK = """
import sys
from pathlib import Path
from ledger_rig import intent, items, output
from invokeai_py_client.sweep.folder.sweep_folder import SweepFolder
from invokeai_py_client.sweep.ledger.records import BatchJob

def say(*words):
    print(*words, flush=True)

say("begun")
folder = SweepFolder.open_or_create(Path(sys.argv[1]))
ledger = folder.create_ledger(b"{}", {}) if folder.is_new else folder.open_ledger()
ledger.add_items(items(int(sys.argv[2])))
say("planned")

def work_on(batch_id, positions):
    jobs = [BatchJob(n, n, f"s{n}") for n in positions]
    ledger.accept(batch_id, jobs)
    for position in positions:
        ledger.done(batch_id, position, [output(0, f"{batch_id}-{position}.png")])
        say("done", batch_id, position)
    ledger.mark_over(batch_id)
    say("over", batch_id)

for batch in ledger.open_batches():
    work_on(batch.id, [i.position for i in batch.items if i.state == "sent"])
while taken := ledger.take("p", 25):
    batch_id = f"b{taken[0].index}-{taken[0].attempts}"
    ledger.intend(intent(batch_id, taken))
    say("intended", batch_id)
    work_on(batch_id, range(len(taken)))
ledger.close()
folder.close()
say("finished")
"""


def run(path, seconds):
    """Work until the end, or until it is killed; returns what was said."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORK, str(path), str(ITEMS)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    said = [process.stdout.readline()]
    if seconds is not None:
        time.sleep(seconds)
        process.kill()
    said += process.communicate()[0].splitlines(keepends=True)
    # The last line may be cut.
    return [line.split() for line in said if line.endswith("\n")]


def check(path, said):
    """Everything that was said is in the ledger."""
    database = path / "ledger.db"
    if ["planned"] not in said and not database.exists():
        return
    if ["planned"] in said:
        whole_and_consistent(database)
        with Ledger.open_readonly(database) as ledger:
            counts = ledger.counts()
            assert counts.total == ITEMS
            paths = {found.output.path for found in ledger.outputs()}
            is_open = {batch.id for batch in ledger.open_batches()}
            events = {
                (what, detail.split(":")[0]) for _, what, detail in ledger.events()
            }
        for what, *rest in said:
            if what == "done":
                assert f"{rest[0]}-{rest[1]}.png" in paths
            if what == "intended":
                assert ("intended", rest[0]) in events
            if what == "over":
                assert rest[0] not in is_open
        assert counts.doubles == 0
        assert counts.sent <= 25


def test_a_ledger_survives_kills_at_random_instants(tmp_path):
    rng = random.Random(7)
    path = tmp_path / "s"
    everything = []
    for _ in range(12):
        everything += run(path, rng.uniform(0.0, 0.4))
        check(path, everything)
        if ["finished"] in everything:
            break
    everything += run(path, None)
    check(path, everything)
    assert everything[-1] == ["finished"]
    with Ledger.open_readonly(path / "ledger.db") as ledger:
        counts = ledger.counts()
        assert (counts.done, counts.reruns) == (ITEMS, 0)
        assert ledger.open_batches() == []
