"""A batch that a full queue takes in parts, by a client that dies at any step of it."""

from __future__ import annotations

from functools import partial

import pytest
from sweep_rig import blank, check_exact, counts, jobs_made, sizes

from invokeai_py_client import InvokeAIClient
from invokeai_py_client._core.flow import with_inner
from invokeai_py_client._core.messages import Request, RunBlocking
from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.sweep.batches.run_watch import RunWatch
from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.running import run_flows
from invokeai_py_client.workflow.submitting import enqueue_flows

COUNT = 8


class CrashError(Exception):
    """The client is gone."""


class Crashing(RunWatch):
    """Dies at the n-th step, before or after a request, once the sweep has sent."""

    def __init__(self, at):
        super().__init__()
        self.left = at
        self.has_sent = False

    def count(self, flow):
        return super().count(self._dying(flow))

    def _dying(self, flow):
        answer = None
        try:
            while True:
                try:
                    message = flow.send(answer)
                except StopIteration as stop:
                    return stop.value
                self.has_sent |= "enqueue_batch" in getattr(message, "path", "")
                if isinstance(message, (Request, RunBlocking)):
                    self._step()
                answer = yield with_inner(message, self._dying)
                if isinstance(message, Request):
                    self._step()
        finally:
            flow.close()

    def _step(self):
        self.left -= self.has_sent
        if self.left <= 0:
            raise CrashError


@pytest.mark.slow
# Whoever dies closes no files.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("rules", ["6", "7"])
def test_a_batch_in_parts_survives_a_crash_at_any_step(tmp_path, monkeypatch, rules):
    monkeypatch.setattr(enqueue_flows, "ROOM_PAUSE", 0.02)
    states, before = set(), 0
    with SimulatedServer(max_queue_size=3, rules=rules) as server:
        for step in range(1, 50, 5):
            folder = tmp_path / f"s{step}"
            with monkeypatch.context() as patched:
                patched.setattr(run_flows, "RunWatch", partial(Crashing, step))
                with pytest.raises(CrashError):
                    run_quickly(server, folder)
            states |= {(row.state, len(row.server_ids)) for row in left_over(folder)}
            run_quickly(server, folder)
            check_exact(folder, COUNT)
            found = counts(folder)
            assert (found.reruns, found.doubles) == (0, 0)
            assert jobs_made(server) == before + COUNT
            before += COUNT
    # It died while the parts were sent; how far it came besides is a matter of time.
    assert ("intended", 1) in states
    assert rules == "7" or {count for _, count in states} == {1}


def run_quickly(server, folder):
    with InvokeAIClient(server.url, settle_time=0.1) as client:
        workflow = client.workflow_repo.create_workflow(blank())
        workflow.sweep(zip=sizes(COUNT)).run(folder)


def left_over(folder):
    with Ledger.open_readonly(folder / "ledger.db") as ledger:
        return ledger.open_batches()
