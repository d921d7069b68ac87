"""Ctrl-C: once, and what is known is recorded; twice, and the run ends at once."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from sweep_rig import (
    Client,
    blank,
    check_exact,
    counts,
    done_in,
    jobs_made,
    run_sweep,
)

from invokeai_py_client.simulator import RequestFault, SimulatedServer
from invokeai_py_client.sweep.ledger.ledger import Ledger

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="signals of POSIX"),
    pytest.mark.slow,
]

COUNT = 60
AGAIN = "Ctrl-C again"


@pytest.fixture
def server():
    with SimulatedServer(job_delay=0.1) as running:
        yield running


def await_done(folder, process_is_over):
    """Wait until an item is done."""
    while not process_is_over():
        if done_in(folder):
            return
        time.sleep(0.02)
    raise AssertionError("it ended before")


def check_recorded(folder):
    """The tables say what the ledger says, and every batch is known to be there."""
    found = counts(folder)
    with Ledger.open_readonly(folder / "ledger.db") as ledger:
        assert {row.state for row in ledger.open_batches()} <= {"accepted"}
    with (folder / "manifest.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == found.done
    status = json.loads((folder / "status.json").read_text())
    assert (status["done"], status["sent"]) == (found.done, found.sent)
    assert not list(folder.rglob("*.part"))
    return found


def test_ctrl_c_once_records_what_is_known_and_the_next_run_goes_on(server, tmp_path):
    folder = tmp_path / "s"
    with Client(server.url, folder, COUNT, listens=True) as client:
        await_done(folder, lambda: client.is_over)
        client.interrupt()
        client.await_line(AGAIN)
        assert "KeyboardInterrupt" in client.said()
        assert client.wait(60) == -signal.SIGINT
    assert check_recorded(folder).done
    run_sweep(server.url, folder, COUNT)
    check_exact(folder, COUNT)
    assert counts(folder).reruns == 0
    assert jobs_made(server) == COUNT


def test_ctrl_c_twice_ends_at_once_although_a_download_hangs(server, tmp_path):
    folder = tmp_path / "s"
    fault = RequestFault("delay", path="/full", seconds=600, times=100)
    server.faults.add_request(fault)
    with Client(server.url, folder, COUNT, listens=True) as client:
        while not client.is_over and not list((folder / "images").rglob("*.part")):
            time.sleep(0.02)
        client.interrupt()
        client.await_line(AGAIN)
        assert not client.is_over
        client.interrupt()
        assert client.wait(60) == -signal.SIGINT
        client.said()
    server.faults.clear()
    run_sweep(server.url, folder, COUNT)
    check_exact(folder, COUNT)
    assert jobs_made(server) == COUNT


def test_the_command_ends_with_130_and_says_how_to_go_on(server, tmp_path):
    folder, workflow = tmp_path / "s", tmp_path / "blank.json"
    workflow.write_text(blank().to_json())
    words = [sys.executable, "-m", "invokeai_py_client", "sweep", "run", str(workflow)]
    words += ["--product", "width=8..67", "--out", str(folder), "--url", server.url]
    command = subprocess.Popen(
        [*words, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    await_done(folder, lambda: command.poll() is not None)
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=60)
    assert (command.returncode, AGAIN in err) == (130, True), err
    found = check_recorded(folder)
    envelope = json.loads(out)
    assert envelope["error"]["code"] == "interrupted"
    assert f"ivk sweep resume {folder}" in envelope["error"]["hint"]
    assert envelope["data"]["done"] == found.done
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
    assert counts(folder).done == jobs_made(server) == COUNT
