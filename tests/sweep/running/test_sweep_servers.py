"""One sweep on several servers: shared, and taken over when one stays away."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from paths import PORTRAIT
from sweep_rig import blank, check_exact, counts, jobs_made, sizes

from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient
from invokeai_py_client._core import retry
from invokeai_py_client.exceptions import ArgumentError, FieldValidationError
from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.sweep.running import engine_flows, sweep_work
from invokeai_py_client.sweep.scheduling.scheduler import SchedulerOptions


@pytest.fixture
def pair():
    with SimulatedServer(job_delay=0.01) as one, SimulatedServer(job_delay=0.02) as two:
        yield one, two


@pytest.fixture
def impatient(monkeypatch):
    """A server is given up after a second."""
    monkeypatch.setattr(retry, "GIVE_UP_SECONDS", 1.0)
    monkeypatch.setattr(retry, "GIVE_UP_FAILURES", 2)
    monkeypatch.setattr(engine_flows, "PROBE", 0.3)
    options = SchedulerOptions(switch_seconds=0.0)
    monkeypatch.setattr(sweep_work, "OPTIONS", options)


def run_on(servers, folder, count, **options):
    with InvokeAIClient(servers[0].url, settle_time=0.5) as client:
        plan = client.workflow_repo.create_workflow(blank()).sweep(zip=sizes(count))
        urls = [server.url for server in servers]
        return plan.run(folder, servers=urls, **options)


def test_two_servers_share_a_sweep(pair, tmp_path):
    told = []
    result = run_on(pair, tmp_path / "s", 240, on_progress=told.append)
    assert result.progress.done == 240
    check_exact(tmp_path / "s", 240)
    made = [jobs_made(server) for server in pair]
    assert sum(made) == 240 + counts(tmp_path / "s").reruns
    assert min(made) > 20
    # Those to either server are counted: an image is a request.
    assert result.requests > 240
    for progress in told:
        assert [server.url for server in progress.servers] == [s.url for s in pair]
        assert all(server.is_reachable for server in progress.servers)
    assert max(sum(s.done for s in progress.servers) for progress in told) == 240
    assert max(server.in_flight for server in told[0].servers) > 0


def test_the_asyncio_client_shares_a_sweep(pair, tmp_path):
    async def run():
        async with AsyncInvokeAIClient(pair[0].url) as one:
            plan = one.workflow_repo.create_workflow(blank()).sweep(zip=sizes(90))
            async with AsyncInvokeAIClient(pair[1].url) as two:
                found = plan.stream(tmp_path / "s", servers=[one, two])
                return [item async for item in found]

    items = asyncio.run(run())
    assert sorted(item.index for item in items) == list(range(90))
    assert {item.server for item in items} == {server.url for server in pair}
    check_exact(tmp_path / "s", 90)


def test_a_server_that_stays_away_loses_its_items_to_the_others(
    pair, tmp_path, impatient
):
    left = [pair[1].stop]
    reachable = []

    def kill(progress):
        reachable.append([server.is_reachable for server in progress.servers])
        if left and progress.done >= 40:
            left.pop()()

    run_on(pair, tmp_path / "s", 240, on_progress=kill)
    check_exact(tmp_path / "s", 240)
    assert not left
    assert (reachable[0], reachable[-1]) == ([True, True], [True, False])


def test_a_server_that_is_away_from_the_beginning_is_not_waited_for(
    pair, tmp_path, impatient
):
    pair[1].stop()
    run_on(pair, tmp_path / "s", 60)
    check_exact(tmp_path / "s", 60)


@pytest.mark.slow
def test_a_server_that_is_back_gets_work_again(tmp_path, impatient):
    # More than the other server takes into its queue meanwhile.
    count = 650
    one = SimulatedServer(root=tmp_path / "one", job_delay=0.02)
    two = SimulatedServer(root=tmp_path / "two")
    with one, two, InvokeAIClient(one.url, settle_time=0.5) as client:
        items = []
        plan = client.workflow_repo.create_workflow(blank()).sweep(zip=sizes(count))
        for item in plan.stream(tmp_path / "s", servers=[one.url, two.url]):
            items.append(item.server)
            if len(items) == 30:
                two.stop()
            if len(items) == 90:
                two.start()
        check_exact(tmp_path / "s", count)
        assert two.url in items[120:]
        # What it had is made by the other one; nothing else is made twice.
        found = counts(tmp_path / "s")
        made = jobs_made(one) + jobs_made(two)
        assert made <= count + found.reruns + found.doubles


def test_a_model_that_one_server_lacks_is_told_before_anything_is_sent(tmp_path):
    with SimulatedServer() as three, InvokeAIClient(three.url) as client:
        models = client.request("GET", "/api/v2/models/")["models"]
        (usual,) = [model for model in models if model["name"] == "Simulated SD 1.5"]
        rare = {**usual, "name": "Rare", "key": str(uuid.uuid4()), "hash": "blake3:1"}
        more = [*models, rare]
        with SimulatedServer(models=more) as one, SimulatedServer(models=more) as two:
            servers = (one, two, three)
            workflow = client.workflow_repo.load(PORTRAIT)
            workflow.set_inputs(width=64, height=64)
            names = {"model": [usual["name"], "Rare"]}
            plan = workflow.sweep(product=names, seed="random")
            with pytest.raises(FieldValidationError) as told:
                plan.run(tmp_path / "s", servers=[server.url for server in servers])
            assert three.url in str(told.value)
            assert "item 1, column 'model'" in str(told.value)
            assert "'Rare'" in str(told.value)
            assert [jobs_made(server) for server in servers] == [0, 0, 0]
            # Nothing is in the way of the servers that have it.
            result = plan.run(tmp_path / "s", servers=[one.url, two.url])
            assert result.progress.done == 2


def test_servers_are_addresses_or_clients_each_once(pair, tmp_path):
    with pytest.raises(ArgumentError, match="each server once"):
        run_on([pair[0], pair[0]], tmp_path / "s", 3)
    with InvokeAIClient(pair[0].url) as client:
        plan = client.workflow_repo.create_workflow(blank()).sweep(zip=sizes(3))
        with pytest.raises(ArgumentError, match="clients"):
            plan.run(tmp_path / "s", servers=[42])
        with pytest.raises(ArgumentError, match="at least one"):
            plan.run(tmp_path / "s", servers=[])
