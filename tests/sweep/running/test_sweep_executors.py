"""A sweep whose batches are done by threads or processes elsewhere."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import pickle
import threading
import time
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace

import fsspec
import pytest
from sweep_rig import blank, check_exact, counts, jobs_made, run_sweep, sizes

from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient
from invokeai_py_client._core import retry
from invokeai_py_client.exceptions import APIStatusError, ArgumentError
from invokeai_py_client.simulator import RequestFault, SimulatedServer
from invokeai_py_client.sweep import ServerPool, Sweep
from invokeai_py_client.sweep.folder.incoming import DriverGoneError


@pytest.fixture
def pair():
    with SimulatedServer(job_delay=0.01) as one, SimulatedServer(job_delay=0.01) as two:
        yield one, two


@pytest.fixture
def server():
    with SimulatedServer() as running:
        yield running


def run_on(servers, folder, count, executor, **options):
    with InvokeAIClient(servers[0].url, settle_time=0.5) as client:
        plan = client.workflow_repo.create_workflow(blank()).sweep(zip=sizes(count))
        urls = [server.url for server in servers]
        return plan.run(folder, servers=urls, executor=executor, **options)


class Workers(Executor):
    """Threads that get tasks as another process would; `do` says what they do."""

    def __init__(self, do=lambda work, task: work(task), threads=4):
        self.do = do
        self.futures = []
        self._threads = ThreadPoolExecutor(threads)

    def submit(self, work, task):
        arrived = pickle.loads(pickle.dumps(task))
        future = self._threads.submit(self.do, work, arrived)
        self.futures.append(future)
        return future

    def shutdown(self, wait=True, **_):
        self._threads.shutdown(wait)
        # The driver takes these for workers that died, and does their batches itself.
        for future in self.futures:
            failure = None if future.cancelled() else future.exception()
            if isinstance(failure, AssertionError):
                raise failure


def elsewhere(task, path):
    """The task, as a machine sees it that does not have the sweep's folder."""
    missing = path / "missing"
    return replace(task, incoming=replace(task.incoming, path=missing, ledger=missing))


def spawned(workers):
    """Processes that share nothing with this one."""
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))


def test_threads_do_the_batches(pair, tmp_path):
    with ThreadPoolExecutor(4) as executor:
        result = run_on(pair, tmp_path / "s", 60, executor)
    check_exact(tmp_path / "s", 60)
    assert sum(map(jobs_made, pair)) == 60
    # Those of the workers are counted: an image is a request.
    assert result.requests > 60
    assert not (tmp_path / "s" / "incoming").exists()


@pytest.mark.slow
def test_a_process_that_is_killed_costs_nothing(pair, tmp_path):
    def kill(progress):
        if progress.done >= 10:
            for process in multiprocessing.active_children()[:1]:
                process.kill()

    with spawned(2) as executor:
        run_on(pair, tmp_path / "s", 60, executor, on_progress=kill)
        # It was broken, and this process went on.
        with pytest.raises(RuntimeError):
            executor.submit(print)
    check_exact(tmp_path / "s", 60)
    assert sum(map(jobs_made, pair)) == 60
    assert counts(tmp_path / "s").reruns == 0


def test_the_asyncio_client_has_workers_too(pair, tmp_path):
    async def run(executor):
        async with AsyncInvokeAIClient(pair[0].url) as client:
            plan = client.workflow_repo.create_workflow(blank()).sweep(zip=sizes(40))
            urls = [server.url for server in pair]
            found = plan.stream(tmp_path / "s", servers=urls, executor=executor)
            return [item async for item in found]

    with Workers() as executor:
        items = asyncio.run(run(executor))
    assert sorted(item.index for item in items) == list(range(40))
    assert executor.futures
    check_exact(tmp_path / "s", 40)


def test_a_task_that_is_done_twice_takes_over_the_jobs_of_the_first_time(
    server, tmp_path
):
    def do(work, task):
        work(task)
        return work(task)

    with Workers(do) as executor:
        run_on([server], tmp_path / "s", 40, executor)
    check_exact(tmp_path / "s", 40)
    assert jobs_made(server) == 40


def test_what_a_killed_worker_sent_last_is_waited_for(server, tmp_path):
    """Its request reaches the queue only after the next worker has looked."""
    slow = RequestFault("delay", path="enqueue_batch", seconds=1)
    sent = []

    def do(work, task):
        server.faults.add_request(slow)
        assert task.incoming.begin(task.row.id)
        sent.append(sending.submit(send, task))
        while server.faults._requests:
            time.sleep(0.01)
        return work(replace(task, settle_time=10))

    def send(task):
        stored = json.loads(task.row.payload)
        path = f"/api/v1/queue/{stored.pop('queue_id')}/enqueue_batch"
        with InvokeAIClient(server.url) as client:
            client.request("POST", path, json=stored)

    with ThreadPoolExecutor(1) as sending, Workers(do, threads=1) as executor:
        run_on([server], tmp_path / "s", 5, executor)
    assert [future.result() for future in sent] == [None]
    check_exact(tmp_path / "s", 5)
    assert jobs_made(server) == 5


def test_two_workers_that_do_one_task_at_the_same_time_make_its_items_once(
    server, tmp_path
):
    def do(work, task):
        task = replace(task, settle_time=10)
        twin = ThreadPoolExecutor(1)
        other = twin.submit(work, task)
        facts = work(task)
        other.exception()
        twin.shutdown()
        return facts

    with Workers(do) as executor:
        run_on([server], tmp_path / "s", 40, executor)
    check_exact(tmp_path / "s", 40)
    assert jobs_made(server) == 40


def test_workers_that_die_are_replaced_and_at_last_by_the_driver(server, tmp_path):
    tried = []

    def do(work, task):
        tried.append(task.key)
        # Before it is sent, after that, and when all is done.
        if len(tried) > 1:
            work(task)
        raise EOFError("the worker died")

    with Workers(do) as executor:
        run_on([server], tmp_path / "s", 5, executor)
    check_exact(tmp_path / "s", 5)
    assert jobs_made(server) == 5
    assert tried[1:] == [f"{tried[0]}-1", f"{tried[0]}-2"]


def test_an_executor_that_was_shut_down_leaves_the_work_to_the_driver(
    server, tmp_path, caplog
):
    with ThreadPoolExecutor(1) as executor:
        pass
    run_on([server], tmp_path / "s", 5, executor)
    check_exact(tmp_path / "s", 5)
    assert "no more workers" in caplog.text


def test_a_worker_that_does_not_see_the_folder_returns_the_files(server, tmp_path):
    def do(work, task):
        facts = work(elsewhere(task, tmp_path))
        assert facts.files
        assert all(file.content for file in facts.files.values())
        return facts

    with Workers(do) as executor:
        run_on([server], tmp_path / "s", 20, executor)
    check_exact(tmp_path / "s", 20)


def test_files_that_do_not_arrive_are_downloaded_by_the_driver(server, tmp_path):
    def do(work, task):
        facts = work(task)
        files = list(facts.files.values())
        assert len(files) > 1
        incoming = tmp_path / "s" / "incoming"
        (incoming / files[0].name).unlink()
        (incoming / files[1].name).write_bytes(b"half")
        return facts

    with Workers(do) as executor:
        run_on([server], tmp_path / "s", 20, executor)
    check_exact(tmp_path / "s", 20)


def test_what_a_worker_meets_is_raised_here_and_nothing_is_lost(server, tmp_path):
    server.faults.add_request(RequestFault("status", path="enqueue_batch", status=400))
    with Workers() as executor:
        with pytest.raises(APIStatusError) as caught:
            run_on([server], tmp_path / "s", 10, executor)
        assert caught.value.status_code == 400
        # The server surely took nothing: it costs no attempt.
        assert counts(tmp_path / "s").todo == 10
        run_on([server], tmp_path / "s", 10, executor)
    check_exact(tmp_path / "s", 10)
    assert jobs_made(server) == 10


def test_workers_stop_when_the_driver_does_and_the_next_run_goes_on(server, tmp_path):
    begun, goes_on = threading.Event(), threading.Event()

    def do(work, task):
        begun.set()
        goes_on.wait()
        return work(task)

    async def interrupt(executor):
        async with AsyncInvokeAIClient(server.url) as client:
            workflow = client.workflow_repo.create_workflow(blank())
            run = workflow.sweep(zip=sizes(30)).run(tmp_path / "s", executor=executor)
            running = asyncio.ensure_future(run)
            while not begun.is_set():
                await asyncio.sleep(0.01)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

    with Workers(do) as executor:
        asyncio.run(interrupt(executor))
        goes_on.set()
    assert isinstance(executor.futures[0].exception(), DriverGoneError)
    assert jobs_made(server) == 0
    run_sweep(server.url, tmp_path / "s", 30)
    check_exact(tmp_path / "s", 30)


def test_a_server_that_stays_away_loses_its_batches_to_the_others(
    pair, tmp_path, monkeypatch
):
    monkeypatch.setattr(retry, "GIVE_UP_SECONDS", 1.0)
    monkeypatch.setattr(retry, "GIVE_UP_FAILURES", 2)
    left = [pair[1].stop]

    def stop(progress):
        if left and progress.done >= 10:
            left.pop()()

    with Workers() as executor:
        run_on(pair, tmp_path / "s", 80, executor, on_progress=stop)
    check_exact(tmp_path / "s", 80)
    assert not left


def test_a_pool_of_servers_and_outputs_elsewhere_have_workers_too(pair, tmp_path):
    target = fsspec.filesystem("memory")
    with Workers() as executor, ServerPool([server.url for server in pair]) as pool:
        workflow = pool.clients[0].workflow_repo.create_workflow(blank())
        plan = workflow.sweep(zip=sizes(20))
        url = f"memory://{tmp_path.name}"
        plan.run(tmp_path / "s", servers=pool, executor=executor, outputs=url)
        resumed = Sweep.open(tmp_path / "s").resume(pool.clients[0], executor=executor)
    assert resumed.progress.done == 20
    assert sum(map(jobs_made, pair)) == 20
    assert len(target.find(f"/{tmp_path.name}/images")) == 20


def test_a_task_has_the_options_of_its_client_and_shows_no_credentials(
    server, tmp_path
):
    seen = []

    def do(work, task):
        with task.recipe.open() as client:
            again = client._settings
        seen.append((again.credentials.token, again.max_retries, client._settle_time))
        assert "secret" not in repr(task)
        return work(task)

    options = {"token": "secret-token", "max_retries": 7, "settle_time": 0.5}
    with Workers(do) as executor, InvokeAIClient(server.url, **options) as client:
        workflow = client.workflow_repo.create_workflow(blank())
        workflow.sweep(zip=sizes(3)).run(tmp_path / "s", executor=executor)
    assert set(seen) == {("secret-token", 7, 0.5)}
    check_exact(tmp_path / "s", 3)


def test_only_executors_are_taken_and_clients_that_others_can_make(server, tmp_path):
    with pytest.raises(ArgumentError, match="an Executor"):
        run_on([server], tmp_path / "s", 3, "a cluster")
    with ThreadPoolExecutor(1) as executor:
        options = {"http_options": {"event_hooks": {"request": [lambda _: None]}}}
        with InvokeAIClient(server.url, **options) as client:
            workflow = client.workflow_repo.create_workflow(blank())
            plan = workflow.sweep(zip=sizes(3))
            with pytest.raises(ArgumentError, match="local functions"):
                plan.run(tmp_path / "s", executor=executor)
