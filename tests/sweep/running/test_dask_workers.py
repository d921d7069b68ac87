"""Sweeps whose batches are done by workers of a Dask cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest
from sweep_rig import blank, check_exact, counts, jobs_made, sizes

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.simulator import SimulatedServer

distributed = pytest.importorskip("distributed")

from invokeai_py_client.sweep.dask import DaskExecutor  # noqa: E402

# What Dask and its event loop leave to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def run_on(servers, folder, count, executor, **options):
    with InvokeAIClient(servers[0].url, settle_time=0.5) as client:
        plan = client.workflow_repo.create_workflow(blank()).sweep(zip=sizes(count))
        urls = [server.url for server in servers]
        return plan.run(folder, servers=urls, executor=executor, **options)


@pytest.fixture
def dask():
    """A cluster of threads."""
    with distributed.Client(
        processes=False,
        # Else it looks for the address of this machine.
        protocol="tcp",
        host="127.0.0.1",
        n_workers=1,
        threads_per_worker=4,
        # Any port that is free: tests run side by side.
        dashboard_address="127.0.0.1:0",
        resources={"near": 2},
    ) as client:
        yield client


def test_workers_do_the_batches(dask, tmp_path):
    with (
        SimulatedServer() as server,
        DaskExecutor(dask, resources={server.url: {"near": 1}}) as executor,
    ):
        run_on([server], tmp_path / "s", 30, executor)
        check_exact(tmp_path / "s", 30)
        assert jobs_made(server) == 30
    # Every result is released.
    while dask.futures:
        time.sleep(0.01)


class Task:
    """A batch, as far as Dask is concerned."""

    key = "of-a-batch"
    server = "http://localhost:9090"


def test_the_workers_of_a_server_are_those_with_its_resources(dask):
    executor = DaskExecutor(dask, resources={f"{Task.server}/": {"far": 1}})
    future = executor.submit(lambda task: task.key, Task())
    tasks = dask.cluster.scheduler.tasks
    while Task.key not in tasks:
        assert not future.done()
        time.sleep(0.01)
    assert tasks[Task.key].resource_restrictions == {"far": 1}


def test_a_task_has_the_key_of_its_batch_and_what_it_raises_comes_back(dask):
    executor = DaskExecutor(dask)
    future = executor.submit(lambda task: task.key, Task())
    assert future.result(30) == "of-a-batch"
    failing = executor.submit(lambda: 1 / 0)
    assert isinstance(failing.exception(30), ZeroDivisionError)
    executor.shutdown()
    with pytest.raises(RuntimeError):
        executor.submit(print)


def test_only_a_client_of_dask_is_taken():
    with pytest.raises(ArgumentError, match=r"distributed\.Client"):
        DaskExecutor("tcp://scheduler:8786")


@pytest.mark.parametrize("missing", ["distributed", "dask"])
def test_without_the_extra_its_name_is_said(missing):
    code = f"""import sys
sys.modules[{missing!r}] = None
try:
    import invokeai_py_client.sweep.dask
except ModuleNotFoundError as error:
    assert 'install the extra "dask"' in str(error), error
else:
    raise SystemExit("it is not needed")
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_and_doubles_nothing(tmp_path, capsys):
    """Two workers, four servers, 400 items."""
    killed = []

    def kill(progress):
        if progress.done >= 100 and not killed:
            killed.append(cluster.workers[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    with ExitStack() as stack:
        servers = [
            stack.enter_context(SimulatedServer(job_delay=0.02)) for _ in range(4)
        ]
        options = {
            "n_workers": 2,
            "threads_per_worker": 4,
            "dashboard_address": "127.0.0.1:0",
        }
        cluster = stack.enter_context(distributed.LocalCluster(**options))
        client = stack.enter_context(distributed.Client(cluster))
        executor = DaskExecutor(client)
        folder = tmp_path / "s"
        run_on(servers, folder, 400, executor, on_progress=kill)
        check_exact(folder, 400)
        made, found = sum(map(jobs_made, servers)), counts(folder)
    with capsys.disabled():
        sys.stdout.write(
            f"\nDask, a worker killed: {found.done} done, {made} jobs, "
            f"{found.reruns} reruns, {found.doubles} doubles\n"
        )
    assert killed
    assert (made, found.reruns, found.doubles) == (400, 0, 0)
