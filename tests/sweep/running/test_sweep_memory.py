"""Items that run out of memory: tried once more, where there is more of it."""

from __future__ import annotations

import pytest
from sweep_rig import blank, check_exact, counts, jobs_made, size_of, sizes

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.sweep import Sweep

COUNT = 160
# What a small server can make; about a quarter of the items is larger.
SMALL = 400


def too_large():
    """Items that are larger."""
    return {i for i in range(COUNT) if size_of(i)[0] * size_of(i)[1] > SMALL}


def small(**options):
    return SimulatedServer(max_pixels=SMALL, job_delay=0.005, **options)


def run(servers, folder):
    with InvokeAIClient(servers[0].url, settle_time=0.5) as client:
        plan = client.workflow_repo.create_workflow(blank()).sweep(zip=sizes(COUNT))
        items = plan.stream(folder, servers=[server.url for server in servers])
        return list(items)


def test_what_does_not_fit_is_made_by_a_server_with_more_memory(tmp_path):
    with small() as one, SimulatedServer(job_delay=0.005) as large:
        items = run([one, large], tmp_path / "s")
        check_exact(tmp_path / "s", COUNT)
        assert {i.server for i in items if i.index in too_large()} == {large.url}
        found = counts(tmp_path / "s")
        assert found.failed == 0
        # What the small one tried is made again, once.
        assert jobs_made(one) + jobs_made(large) == COUNT + found.reruns
        assert found.reruns <= len(too_large())


def test_servers_of_the_same_size_fail_what_does_not_fit_them(tmp_path):
    with small() as one, small() as two:
        items = run([one, two], tmp_path / "s")
        failed = {item.index for item in items if item.status == "failed"}
        assert failed == too_large()
        assert {item.kind for item in items if item.status == "failed"} == {
            "out_of_memory"
        }
        # Each says how much it has with its first such failure: no more is tried then.
        assert counts(tmp_path / "s").reruns < len(too_large())


@pytest.mark.slow
def test_a_retry_goes_to_a_server_that_did_not_run_out_of_memory(tmp_path):
    with small() as one, SimulatedServer(job_delay=0.005) as large:
        assert any(item.status == "failed" for item in run([one], tmp_path / "s"))
        sweep = Sweep.open(tmp_path / "s")
        assert sweep.retry(kind="out_of_memory") == len(too_large())
        with InvokeAIClient(one.url) as client:
            sweep.resume(client, servers=[one.url, large.url])
        check_exact(tmp_path / "s", COUNT)
        # It was not tried where it is known not to fit.
        assert jobs_made(large) == len(too_large())
        assert jobs_made(one) == COUNT
