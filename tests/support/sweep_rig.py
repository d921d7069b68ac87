"""Sweeps of blank images whose sizes tell the items apart, and a client to kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from workflow_builder import definition, node

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.exceptions import InvokeAIError
from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.ledger.records import LedgerCounts

COLUMNS = 64


def blank(*, use_cache: bool = False) -> Any:
    """A workflow that makes one blank image."""
    values = {"width": 8, "height": 8}
    made = node("b", "blank_image", values, is_intermediate=False)
    made["data"]["useCache"] = use_cache
    return definition([made], form=[("b", "width"), ("b", "height")])


def size_of(index: int) -> tuple[int, int]:
    """Width and height of an item's image."""
    return 8 + index % COLUMNS, 8 + index // COLUMNS


def sizes(count: int) -> dict[str, list[int]]:
    """What a sweep of so many items zips."""
    pairs = [size_of(index) for index in range(count)]
    return {"width": [pair[0] for pair in pairs], "height": [pair[1] for pair in pairs]}


def run_sweep(url: str, folder: Path, count: int, **options: Any) -> Any:
    """Run the sweep in this process, or go on with it."""
    with InvokeAIClient(url, settle_time=0.5) as client:
        workflow = client.workflow_repo.create_workflow(blank())
        return workflow.sweep(zip=sizes(count)).run(folder, **options)


def counts(folder: Path) -> LedgerCounts:
    """What the ledger says."""
    with Ledger.open_readonly(folder / "ledger.db") as ledger:
        return ledger.counts()


def done_in(folder: Path) -> int:
    """Items that are done; 0 before there is a ledger."""
    try:
        return counts(folder).done
    except InvokeAIError:
        return 0


def png_size(content: bytes) -> tuple[int, int]:
    """Width and height of a whole PNG."""
    assert content.endswith(b"IEND\xaeB`\x82")
    width, height = content[16:20], content[20:24]
    return int.from_bytes(width, "big"), int.from_bytes(height, "big")


def file_size(path: Path) -> tuple[int, int]:
    """Width and height of a file that is a whole PNG."""
    return png_size(path.read_bytes())


def check_exact(folder: Path, count: int) -> None:
    """Every item is done once, and has its own image, under its own name."""
    found = counts(folder)
    assert (found.done, found.total) == (count, count)
    with Ledger.open_readonly(folder / "ledger.db") as ledger:
        rows = list(ledger.outputs())
    assert [row.item.index for row in rows] == list(range(count))
    for row in rows:
        assert file_size(folder / row.output.path) == size_of(row.item.index)
    files = [path for path in (folder / "images").rglob("*") if path.is_file()]
    assert len(files) == count


def jobs_made(server: SimulatedServer) -> int:
    """Jobs that the server's database ever had, those that were deleted included."""
    number = "SELECT seq FROM sqlite_sequence WHERE name = 'session_queue'"
    return server.simulation.database.value(number) or 0


_CHILD = """
import sys
from pathlib import Path
import network_audit
network_audit.guard_child()
from sweep_rig import run_sweep
run_sweep(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
"""


class Client:
    """A process that runs the sweep until it is killed, at the end of `with` at last.

    Args:
        url: Where.
        folder: The folder of the sweep.
        count: How many items it has.
        listens: Whether what it says is wanted.
    """

    def __init__(
        self, url: str, folder: Path, count: int, *, listens: bool = False
    ) -> None:
        support = Path(__file__).parent
        path = os.pathsep.join([str(support), os.environ.get("PYTHONPATH", "")])
        self._command = [sys.executable, "-c", _CHILD, url, str(folder), str(count)]
        self._environment = {**os.environ, "PYTHONPATH": path}
        self._stderr = subprocess.PIPE if listens else None
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, env=self._environment, stderr=self._stderr, text=True
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """End the process as ``kill -9`` does."""
        self._process.kill()
        self._process.wait(30)
        if self._process.stderr is not None:
            self._process.stderr.close()

    def kill_and_repeat(self) -> None:
        """End the process, and start the same command again."""
        self.kill()
        self._start()

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def await_line(self, text: str) -> None:
        """Wait until it says something."""
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if text in line:
                return
        raise AssertionError("".join(said))

    def said(self) -> str:
        """What else it says, to its end."""
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            return stream.read()

    def wait(self, seconds: float) -> int:
        """Its exit code, once the sweep is over."""
        return self._process.wait(seconds)

    @property
    def is_over(self) -> bool:
        """True when the process has ended."""
        return self._process.poll() is not None
