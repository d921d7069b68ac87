"""The example that needs two servers: a real one alone would take a minute to start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from invokeai_py_client.simulator import SimulatedServer

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "sweep_servers.py"


def test_servers_share_a_sweep(tmp_path):
    with SimulatedServer(job_delay=0.1) as one, SimulatedServer(job_delay=0.1) as two:
        done = subprocess.run(
            [sys.executable, EXAMPLE, tmp_path, one.url, two.url],
            env={**os.environ, "SIZE": "64", "STEPS": "2"},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        urls = {one.url, two.url}
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    first, *servers = done.stdout.splitlines()
    assert first == "16 of 16 done"
    assert {line.split()[0] for line in servers} == urls
