"""Chains of two workflows, the second of which takes the image of the first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

from sweep_rig import blank, png_size, size_of
from workflow_builder import definition, node

from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.sweep import ServerPool


def doubled() -> Any:
    """A workflow that doubles the size of an image."""
    made = node("s", "img_scale", {"scale_factor": 2.0}, is_intermediate=False)
    made["data"]["useCache"] = False
    return definition([made], form=[("s", "image")])


def rows(count: int) -> list[dict[str, int]]:
    """Rows that tell their images apart."""
    sizes = [size_of(index) for index in range(count)]
    return [{"width": width, "height": height} for width, height in sizes]


def chain(client: Any, row: Any) -> Any:
    """Make an image, double it, and say what it is."""
    workflows = client.workflow_repo
    first = workflows.create_workflow(blank()).run(row).image
    image = workflows.create_workflow(doubled()).run(image=first).image
    return {"name": image, "width": image.width, "height": image.height}


async def chain_async(client: Any, row: Any) -> Any:
    """As `chain`, with a client for asyncio."""
    workflows = client.workflow_repo
    first = (await workflows.create_workflow(blank()).run(row)).image
    image = (await workflows.create_workflow(doubled()).run(image=first)).image
    return {"name": image, "width": image.width, "height": image.height}


def check_chain(results: Any, count: int, urls: Any) -> None:
    """Every row has its own value, and its image is on its server."""
    assert [result.index for result in results] == list(range(count))
    names = set()
    with ServerPool(list(urls)) as pool:
        clients = {client.url: client for client in pool}
        for index, result in enumerate(results):
            assert result.error is None, result.error
            width, height = size_of(index)
            value = result.value
            assert (value["width"], value["height"]) == (2 * width, 2 * height)
            image = clients[result.server].image_repo.get_image(value["name"])
            assert png_size(image.bytes()) == (2 * width, 2 * height)
            names.add(value["name"])
    assert len(names) == count


def jobs_there(*servers: SimulatedServer) -> int:
    """Jobs in the queues of servers, in whatever state."""
    query = "SELECT count(*) FROM session_queue"
    return sum(server.simulation.database.value(query) for server in servers)


# Starting Python takes longer than a map: what is killed is forked by a process that
# has imported everything.
_PARENT = """
import os, sys
import network_audit
network_audit.guard_child()
from chain_rig import chain, rows
from invokeai_py_client import InvokeAIClient
from invokeai_py_client.sweep import ServerPool
for line in iter(sys.stdin.readline, ""):
    folder, count, *urls = line.rstrip().split("\\t")
    pid = os.fork()
    if not pid:
        break
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
else:
    sys.exit()
clients = [InvokeAIClient(url, settle_time=0.5) for url in urls]
ServerPool(clients).map(chain, rows(int(count)), folder)
"""


class MapProcesses:
    """Makes processes, one after the other, that map the chain until killed."""

    def __init__(self) -> None:
        support = Path(__file__).parent
        path = os.pathsep.join([str(support), os.environ.get("PYTHONPATH", "")])
        self._parent = subprocess.Popen(
            [sys.executable, "-c", _PARENT],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._pid = 0
        self._codes: SimpleQueue[int] = SimpleQueue()

    def __enter__(self) -> MapProcesses:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.close()
        self._parent.wait(30)
        assert self._parent.stdout is not None
        self._parent.stdout.close()

    def start(self, folder: Path, count: int, urls: Any) -> None:
        """Start a process; the one before has ended."""
        stdin, stdout = self._parent.stdin, self._parent.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write("\t".join([str(folder), str(count), *urls]) + "\n")
        stdin.flush()
        self._pid = int(stdout.readline())
        Thread(target=lambda: self._codes.put(int(stdout.readline()))).start()

    def send(self, number: int) -> None:
        """Send the process a signal; it may have ended."""
        if not self.is_over:
            os.kill(self._pid, number)

    def wait(self, seconds: float) -> int:
        """Its exit code."""
        return self._codes.get(timeout=seconds)

    @property
    def is_over(self) -> bool:
        """True when the process has ended."""
        return not self._codes.empty()
