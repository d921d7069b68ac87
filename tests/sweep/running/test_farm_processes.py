"""A sweep on four servers in processes of their own; one is killed, one comes later."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from sweep_rig import blank, check_exact, sizes

from invokeai_py_client import InvokeAIClient
from invokeai_py_client._core import retry
from invokeai_py_client._local_server.process import free_port
from invokeai_py_client.sweep.running import engine_flows, sweep_work
from invokeai_py_client.sweep.scheduling.scheduler import SchedulerOptions

COUNT = 240
DELAYS = (0.08, 0.04, 0.02, 0.03)


class Process:
    """A simulated server that can be killed."""

    def __init__(self, delay):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        module = ["-m", "invokeai_py_client.simulator", "--port", str(self.port)]
        self._command = [sys.executable, *module, "--job-delay", str(delay)]
        self._process = None

    def start(self):
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, text=True
        )
        assert json.loads(self._process.stdout.readline())["port"] == self.port

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@pytest.mark.slow
def test_a_farm_of_processes_makes_every_item_once(tmp_path, monkeypatch):
    monkeypatch.setattr(retry, "GIVE_UP_SECONDS", 1.0)
    monkeypatch.setattr(retry, "GIVE_UP_FAILURES", 2)
    monkeypatch.setattr(engine_flows, "PROBE", 0.3)
    options = SchedulerOptions(switch_seconds=0.0)
    monkeypatch.setattr(sweep_work, "OPTIONS", options)
    *first, late = servers = [Process(delay) for delay in DELAYS]
    try:
        for server in first:
            server.start()
        items = []
        with InvokeAIClient(first[0].url, settle_time=0.5) as client:
            plan = client.workflow_repo.create_workflow(blank()).sweep(zip=sizes(COUNT))
            urls = [server.url for server in servers]
            for item in plan.stream(tmp_path / "s", servers=urls):
                items.append(item)
                if len(items) == 50:
                    late.start()
                if len(items) == 120:
                    first[1].kill()
    finally:
        for server in servers:
            server.kill()
    check_exact(tmp_path / "s", COUNT)
    assert sorted(item.index for item in items) == list(range(COUNT))
    # How much the late one gets depends on how busy this machine is.
    assert {item.server for item in items} <= set(urls)
