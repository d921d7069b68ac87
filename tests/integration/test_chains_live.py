"""A pool and its chains on a server, with the client killed on the way."""

from __future__ import annotations

import signal
import time

import pytest
from chain_rig import MapProcesses, chain, check_chain, rows
from sweep_rig import blank, done_in

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.sweep import ServerPool

pytestmark = pytest.mark.live

COUNT = 4


def test_chains_survive_kills_of_the_client(live_url, tmp_path):
    folder = tmp_path / "m"
    with InvokeAIClient(live_url) as client:
        before = client.queue_repo.get_queue_status().queue.total
        with MapProcesses() as process:
            for point in (1, 2):
                process.start(folder, COUNT, [live_url])
                while not process.is_over and done_in(folder) < point:
                    time.sleep(0.05)
                process.send(signal.SIGKILL)
                process.wait(30)
        with ServerPool([client]) as pool:
            results = pool.map(chain, rows(COUNT), folder)
        check_chain(results, COUNT, [live_url])
        assert {result.attempts for result in results} == {1}
        made = client.queue_repo.get_queue_status().queue.total - before
        assert made == 2 * COUNT


def test_a_pool_of_one_runs_a_workflow(live_url):
    with ServerPool([live_url]) as pool:
        flow = pool.clients[0].workflow_repo.create_workflow(blank())
        result = pool.run(flow, width=72, timeout=60)
        assert result.image.width == 72
        first, again = (pool.submit(flow, key="pool") for _ in range(2))
        assert again.adopted
        assert again.jobs[0].item_id == first.jobs[0].item_id
