"""A map that ends at any point of a row: the next one makes it exact."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from chain_rig import (
    MapProcesses,
    check_chain,
    doubled,
    jobs_there,
    rows,
)
from hypothesis import HealthCheck, given, settings, strategies as st
from sweep_rig import blank, done_in

from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.sweep import AsyncServerPool, ServerPool
from invokeai_py_client.sweep.ledger.ledger import Ledger

COUNT = 4


class Crash(BaseException):
    """The end of the process, as far as the map is concerned."""


class Crashes:
    """Ends the map at one point of one row; several may be armed, each works once."""

    def __init__(self, points):
        self.left = list(points)

    def at(self, point, row):
        if (point, row) in self.left:
            self.left.remove((point, row))
            raise Crash

    def chain(self, client, row):
        """The chain of the rig, in the steps in which it can be interrupted."""
        index = row["width"] - 8
        workflows = client.workflow_repo
        self.at("called", index)
        first = workflows.create_workflow(blank()).submit(row)
        self.at("first enqueued", index)
        image = first.wait().image
        self.at("first made", index)
        second = workflows.create_workflow(doubled()).submit(image=image)
        self.at("second enqueued", index)
        image = second.wait().image
        self.at("second made", index)
        return {"name": image, "width": image.width, "height": image.height}

    def around(self, monkeypatch, name, before, after, index_of):
        """Let a method of the ledger be a place of two points."""
        inner = getattr(Ledger, name)

        def method(ledger, *args):
            index = index_of(ledger, args)
            self.at(before, index)
            answer = inner(ledger, *args)
            self.at(after, index)
            return answer

        monkeypatch.setattr(Ledger, name, method)


def index_of_batch(ledger, args):
    """The row of a batch id."""
    for batch in ledger.open_batches():
        if batch.id == args[0]:
            return batch.items[0].item.index
    return None


POINTS = (
    "before the record",
    "recorded",
    "called",
    "first enqueued",
    "first made",
    "second enqueued",
    "second made",
    "before the value",
    "value recorded",
)


@pytest.fixture(scope="module")
def pair():
    with SimulatedServer() as one, SimulatedServer() as two:
        yield one, two


def run_to_the_end(pair, points, folder):
    """Map until no crash is left; how many maps it took."""
    crashes = Crashes(points)
    urls = [server.url for server in pair]
    before = jobs_there(*pair)
    with pytest.MonkeyPatch.context() as patch:
        crashes.around(
            patch,
            "intend",
            "before the record",
            "recorded",
            lambda _, args: args[0].items[0][0],
        )
        crashes.around(
            patch, "done", "before the value", "value recorded", index_of_batch
        )
        maps, results = 0, None
        while results is None:
            maps += 1
            with ServerPool(urls) as pool, suppress(Crash):
                results = pool.map(crashes.chain, rows(COUNT), folder)
    assert crashes.left == []
    check_chain(results, COUNT, urls)
    assert {result.attempts for result in results} == {1}
    assert jobs_there(*pair) - before == 2 * COUNT
    return maps


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_any_point_makes_no_job_twice(pair, tmp_path, point):
    assert run_to_the_end(pair, [(point, 1)], tmp_path / "m") == 2


@pytest.mark.slow
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(POINTS), st.integers(0, 3)), max_size=6))
def test_any_number_of_crashes_makes_no_job_twice(pair, points):
    with tempfile.TemporaryDirectory() as folder:
        run_to_the_end(pair, dict.fromkeys(points), Path(folder) / "m")


def test_a_cancelled_task_ends_with_everything_recorded(pair, tmp_path):
    """In asyncio every row is in the middle of something."""
    before = jobs_there(*pair)
    started = []

    async def chain(client, row):
        started.append(row)
        workflows = client.workflow_repo
        first = (await workflows.create_workflow(blank()).run(row)).image
        flow = workflows.create_workflow(doubled())
        image = (await flow.run(image=first)).image
        return {"name": image, "width": image.width, "height": image.height}

    async def main():
        async with AsyncServerPool([server.url for server in pair]) as pool:
            task = asyncio.ensure_future(pool.map(chain, rows(8), tmp_path / "m"))
            while len(started) < 5:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await pool.map(chain, rows(8), tmp_path / "m")

    results = asyncio.run(main())
    check_chain(results, 8, [server.url for server in pair])
    assert jobs_there(*pair) - before == 16


def await_rows(process, folder, count):
    """Wait until so many rows are done, or the process has ended."""
    while not process.is_over and done_in(folder) < count:
        time.sleep(0.05)


@pytest.mark.slow
def test_ctrl_c_ends_the_process_and_the_next_one_goes_on(tmp_path):
    folder = tmp_path / "m"
    # Slow jobs: rows are left when the process hears of the first ones.
    slow = {"job_delay": 0.1}
    with SimulatedServer(**slow) as one, SimulatedServer(**slow) as two:
        urls = [one.url, two.url]
        with MapProcesses() as process:
            process.start(folder, 20, urls)
            await_rows(process, folder, 5)
            process.send(signal.SIGINT)
            # Its interpreter ends as well: no thread holds it up.
            assert process.wait(60) != 0
            assert done_in(folder) < 20
            process.start(folder, 20, urls)
            assert process.wait(120) == 0
        check_map([one, two], folder, 20)
        assert jobs_there(one, two) == 40


def check_map(servers, folder, count):
    """Every row has its value; nothing is called any more."""
    urls = [server.url for server in servers]
    with ServerPool(urls) as pool:
        results = pool.map(lambda *_: None, rows(count), folder)
    check_chain(results, count, urls)
    return results


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("rules", ["6", "7"])
def test_fifty_chains_survive_ten_kills(tmp_path, capsys, rules):
    """Killed at random instants: 50 values, and 100 jobs."""
    draw = random.Random(int(rules))
    points = sorted(draw.sample(range(1, 48), 10))
    options = {"rules": rules, "job_delay": 0.02}
    with SimulatedServer(**options) as one, SimulatedServer(**options) as two:
        urls, folder = [one.url, two.url], tmp_path / "m"
        kills = 0
        with MapProcesses() as process:
            process.start(folder, 50, urls)
            for point in points:
                await_rows(process, folder, point)
                time.sleep(draw.random() * 0.1)
                kills += not process.is_over
                process.send(signal.SIGKILL)
                process.wait(30)
                process.start(folder, 50, urls)
            assert process.wait(240) == 0
        results = check_map([one, two], folder, 50)
        reruns = sum(result.attempts - 1 for result in results)
        made = jobs_there(one, two)
        text = f"50 values, {made} jobs, {reruns} reruns, {kills} kills"
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")
        assert made == 100 + reruns
        assert reruns == 0
