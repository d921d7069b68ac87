"""Several servers as one: which of them a single run goes to, and that it runs once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from sweep_rig import blank, check_exact, jobs_made, sizes

from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient
from invokeai_py_client.exceptions import (
    APIConnectionError,
    APIError,
    ArgumentError,
    FieldValidationError,
    JobTimeoutError,
    SubmissionUnknownError,
)
from invokeai_py_client.simulator import RequestFault, SimulatedServer
from invokeai_py_client.sweep import AsyncServerPool, ServerPool
from invokeai_py_client.sweep.pool.pool_load import AWAY_SECONDS, PoolLoad

NOWHERE = "http://127.0.0.1:9"


def workflow(pool):
    """A workflow of the first server's client."""
    return pool.clients[0].workflow_repo.create_workflow(blank())


# -- which server: pure ----------------------------------------------------------------


def test_the_server_with_the_fewest_jobs_for_each_device_is_next():
    load = PoolLoad(["a", "b"])
    load["b"].devices = 4
    taken = [load.take(1, 0.0, ()) for _ in range(10)]
    assert (taken.count("a"), taken.count("b")) == (2, 8)


def test_jobs_of_others_count_and_own_jobs_count_once():
    load = PoolLoad(["a", "b"])
    assert load.take(3, 0.0, ()) == "a"
    # Two of the three that it says are in its queue are ours by now.
    load.note_queue("a", 3)
    load.note_queue("b", 5)
    assert (load["a"].foreign, load["b"].foreign) == (0, 5)
    assert load.take(1, 0.0, ()) == "a"
    load.free("a", 3)
    assert load["a"].wait == 1


def test_a_server_that_was_set_aside_is_the_last_choice_until_it_answers():
    load = PoolLoad(["a", "b"])
    load.set_aside("a", 0.0)
    assert load.take(1, 1.0, ()) == "b"
    assert load.take(1, 1.0, ("b",)) == "a"
    assert load.to_ask(1.0) == ["b"]
    assert load.to_ask(AWAY_SECONDS) == ["a", "b"]
    assert load.take(1, 1.0, ("a", "b")) is None


# -- making one ------------------------------------------------------------------------


def test_a_pool_says_what_it_is_made_of_and_never_a_token(pair):
    urls = [server.url for server in pair]
    with ServerPool(urls, tokens={urls[1] + "/": "s3cr3t"}) as pool:
        assert pool.servers == tuple(urls)
        assert [client.url for client in pool] == urls
        assert len(pool) == 2
        assert repr(pool) == f"<ServerPool of 2: {urls[0]}, {urls[1]}>"
        assert "s3cr3t" not in repr(vars(pool))
        assert pool.clients[1]._settings.credentials.token == "s3cr3t"
        assert pool.clients[0]._settings.credentials.token is None


def test_wrong_servers_and_tokens_are_refused_without_a_token():
    for servers in ("http://a", 5, [], [5], ["http://a", "http://a/"]):
        with pytest.raises(ArgumentError, match="servers"):
            ServerPool(servers)
    for tokens in ("s3cr3t", {"http://b": "s3cr3t"}, {"http://a": b"s3cr3t"}):
        with pytest.raises(ArgumentError) as refused:
            ServerPool(["http://a"], tokens=tokens)
        assert "s3cr3t" not in str(refused.value)
    with pytest.raises(ArgumentError, match="InvokeAIClient"):
        ServerPool([AsyncInvokeAIClient("http://a")])


def test_it_closes_the_clients_that_it_made_and_no_others(pair):
    with InvokeAIClient(pair[0].url) as mine:
        with ServerPool([mine, pair[1].url]) as pool:
            made = pool.clients[1]
        assert mine.server_version()
        with pytest.raises(APIError, match="closed"):
            made.server_version()


def test_a_sweep_takes_a_pool_for_its_servers(pair, pool, tmp_path):
    plan = workflow(pool).sweep(zip=sizes(60))
    plan.run(tmp_path / "s", servers=pool)
    check_exact(tmp_path / "s", 60)
    assert sum(jobs_made(server) for server in pair) == 60
    # It is still open.
    assert pool.run(workflow(pool)).image.width == 8


# -- single runs -----------------------------------------------------------------------


def test_runs_at_the_same_time_are_spread_over_the_servers(pair, pool):
    flow = workflow(pool)
    with ThreadPoolExecutor(12) as threads:
        widths = range(8, 20)
        results = list(threads.map(lambda w: pool.run(flow, width=w), widths))
    assert [result.image.width for result in results] == list(widths)
    # Each image fetches itself from its own server.
    assert all(result.image.bytes() for result in results)
    made = [jobs_made(server) for server in pair]
    assert sum(made) == 12
    assert min(made) >= 1


def test_a_queue_that_others_fill_is_avoided(pair, pool):
    busy = pool.clients[0]
    busy.queue_repo.pause_processor()
    workflow(pool).submit(runs=20)
    for width in (8, 9, 10):
        assert pool.run(workflow(pool), width=width).image.width == width
    assert [jobs_made(server) for server in pair] == [20, 3]


def test_a_server_that_is_away_is_passed_over(pair, pool):
    flow = workflow(pool)
    pair[0].stop()
    for width in (8, 9):
        assert pool.run(flow, width=width).image.width == width
    assert jobs_made(pair[1]) == 2


def test_a_server_that_goes_away_before_anything_is_sent_is_passed_over(pair, pool):
    # It says how long its queue is, and then nothing any more.
    fault = RequestFault("reset_before", path="app/version", times=None)
    pair[0].faults.add_request(fault)
    result = pool.run(workflow(pool))
    assert result.image.width == 8
    assert [jobs_made(server) for server in pair] == [0, 1]


def test_a_batch_whose_reply_is_lost_goes_to_no_other_server(pair):
    clients = [InvokeAIClient(server.url, settle_time=0.3) for server in pair]
    with ServerPool(clients) as pool, clients[0], clients[1]:
        for path in ("enqueue_batch", "/b/"):
            fault = RequestFault("reset_before", path=path, times=None)
            pair[0].faults.add_request(fault)
        with pytest.raises(SubmissionUnknownError):
            pool.run(workflow(pool))
    assert jobs_made(pair[1]) == 0


def test_without_any_server_the_last_error_is_raised():
    with ServerPool([NOWHERE, "http://127.0.0.1:7"]) as pool:
        with pytest.raises(APIConnectionError):
            pool.run(workflow(pool))
        with pytest.raises(JobTimeoutError, match="before anything was submitted"):
            pool.run(workflow(pool), timeout=0.01)


def test_wrong_values_name_the_server_and_wrong_options_ask_none(pair, pool):
    with pytest.raises(ArgumentError):
        pool.run(workflow(pool), runs=0)
    with pytest.raises(ArgumentError, match="workflow"):
        pool.run("portrait.json")
    with pytest.raises(FieldValidationError, match="width"):
        pool.run(workflow(pool), width="wide")
    assert sum(jobs_made(server) for server in pair) == 0


def test_a_key_finds_its_jobs_on_whichever_server_they_are(pair, pool):
    for number in range(6):
        first = pool.submit(workflow(pool), key=f"k{number}", width=8 + number)
        again = pool.submit(workflow(pool), key=f"k{number}", width=8 + number)
        assert again.adopted
        assert first.jobs[0].item_id == again.jobs[0].item_id
    # Also when they are not where they would be put now.
    for client in pool:
        flow = client.workflow_repo.create_workflow(blank())
        flow.submit(key=f"there {client.url}")
        assert pool.submit(workflow(pool), key=f"there {client.url}").adopted
    assert sum(jobs_made(server) for server in pair) == 8
    pair[1].stop()
    with pytest.raises(APIConnectionError):
        pool.submit(workflow(pool), key="k0")


def test_the_asyncio_pool_runs_side_by_side(pair, tmp_path):
    async def main():
        async with AsyncServerPool([server.url for server in pair]) as pool:
            flow = pool.clients[0].workflow_repo.create_workflow(blank())
            runs = [pool.run(flow, width=8 + n) for n in range(12)]
            results = await asyncio.gather(*runs)
            plan = flow.sweep(zip=sizes(8))
            await plan.run(tmp_path / "s", servers=pool)
            made = pool.clients[0]
        with pytest.raises(APIError, match="closed"):
            await made.server_version()
        return [result.image.width for result in results]

    assert asyncio.run(main()) == list(range(8, 20))
    made = [jobs_made(server) for server in pair]
    assert sum(made) == 20
    assert min(made) >= 1


def test_the_pool_with_an_open_client_alone_ends_in_asyncio(pair):
    async def main():
        async with AsyncInvokeAIClient(pair[0].url) as mine:
            async with AsyncServerPool([mine]) as pool:
                flow = mine.workflow_repo.create_workflow(blank())
                assert (await pool.run(flow)).image.width == 8
            return await mine.server_version()

    assert asyncio.run(main())


def test_devices_of_a_server_count(pool, pair):
    with SimulatedServer(devices=3) as wide, ServerPool([wide.url, *pool]) as both:
        both.run(workflow(both))
        load = both._servers.load
        assert [load[url].devices for url in both.servers] == [3, 1, 1]
