"""A function called for each row: what it is called with, and what comes back."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from chain_rig import chain, chain_async, check_chain, jobs_there, rows
from sweep_rig import blank
from workflow_builder import definition, node

from invokeai_py_client import InvokeAIClient
from invokeai_py_client._core import retry
from invokeai_py_client.exceptions import (
    ArgumentError,
    AuthenticationError,
    KeyConflictError,
    SweepChangedError,
    SweepError,
    SweepInUseError,
)
from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.sweep import AsyncServerPool, RowResult, ServerPool, Sweep
from invokeai_py_client.sweep.pool import chain_flows
from invokeai_py_client.sweep.pool.chain_values import NotPlainError, plain_json


@pytest.fixture
def impatient(monkeypatch):
    """A server is given up after half a second."""
    monkeypatch.setattr(retry, "GIVE_UP_SECONDS", 0.5)
    monkeypatch.setattr(retry, "GIVE_UP_FAILURES", 2)
    monkeypatch.setattr(chain_flows, "PROBE", 0.2)


def made(client, **values):
    """Run the workflow of one blank image."""
    return client.workflow_repo.create_workflow(blank()).run(**values)


# -- what comes back -------------------------------------------------------------------


def test_a_chain_of_two_workflows_is_made_once_for_each_row(pair, pool, tmp_path):
    results = pool.map(chain, rows(10), tmp_path / "m")
    check_chain(results, 10, pool.servers)
    assert {result.server for result in results} <= set(pool.servers)
    assert jobs_there(*pair) == 20
    # Rows that are done are not called again, and more rows may come.
    calls = []
    again = pool.map(lambda c, r: calls.append(r), rows(10), tmp_path / "m")
    assert (again, calls) == (results, [])
    more = pool.map(chain, rows(12), tmp_path / "m")
    assert more[:10] == results
    check_chain(more, 12, pool.servers)
    assert jobs_there(*pair) == 24


def test_the_asyncio_pool_maps_the_same_folder(pair, pool, tmp_path):
    results = pool.map(chain, rows(4), tmp_path / "m")

    async def main():
        async with AsyncServerPool(pool.servers) as other:
            return await other.map(chain_async, rows(9), tmp_path / "m")

    found = asyncio.run(main())
    assert found[:4] == results
    check_chain(found, 9, pool.servers)
    assert jobs_there(*pair) == 18


def test_rows_may_be_anything_that_is_json(pool, tmp_path):
    given = ["a", 5, None, [1, 2], {"x": {"y": 1.5}}, Path("p")]
    results = pool.map(lambda _, row: row, given, tmp_path / "m")
    assert [result.row for result in results] == given
    assert [result.value for result in results] == [*given[:5], "p"]
    table = tmp_path / "rows.csv"
    table.write_text("width,name\n8,a\n16,b\n")
    results = pool.map(lambda _, row: row["width"], str(table), tmp_path / "t")
    assert [result.value for result in results] == ["8", "16"]
    assert pool.map(lambda _, row: row, [], tmp_path / "none") == []


def test_values_become_plain_json():
    np = pytest.importorskip("numpy")
    value = {"n": np.int64(3), "f": np.float32(0.5), "b": np.bool_(True), "t": (1, 2)}
    assert plain_json(value) == {"n": 3, "f": 0.5, "b": True, "t": [1, 2]}
    for wrong, where in [
        (object(), "of type object"),
        ({"a": [b"x"]}, r"of type bytes at \['a'\]\[0\]"),
        ({1: 2}, "keys are not strings"),
        ([float("nan")], r"number nan at \[0\]"),
    ]:
        with pytest.raises(NotPlainError, match=where):
            plain_json(wrong)


def test_a_value_that_is_not_json_ends_the_map_and_loses_no_job(pair, pool, tmp_path):
    def wrong(client, row):
        return made(client, **row)

    with pytest.raises(SweepError, match="type RunResult"):
        pool.map(wrong, rows(1), tmp_path / "m")
    right = pool.map(lambda c, r: wrong(c, r).image, rows(1), tmp_path / "m")
    assert right[0].value.endswith(".png")
    assert jobs_there(*pair) == 1


# -- errors ----------------------------------------------------------------------------


def test_a_row_that_fails_is_recorded_and_the_others_go_on(pool, tmp_path):
    broken = [3]

    def some_fail(client, row):
        if row in broken:
            raise ZeroDivisionError("no such row")
        return row

    results = pool.map(some_fail, range(6), tmp_path / "m")
    assert [result.error for result in results].count(None) == 5
    assert results[3].error == "ZeroDivisionError: no such row"
    assert results[3].server in pool.servers
    # It stays so until it is to be tried again.
    broken.clear()
    assert pool.map(some_fail, range(6), tmp_path / "m") == results
    results = pool.map(some_fail, range(6), tmp_path / "m", retry=True)
    assert (results[3].value, results[3].error, results[3].attempts) == (3, None, 2)


def test_a_row_that_is_tried_again_is_made_from_its_beginning(pool, pair, tmp_path):
    def fails(client, row):
        made(client)
        raise ValueError

    pool.map(fails, [1], tmp_path / "m")
    found = pool.map(lambda c, r: made(c).image, [1], tmp_path / "m", retry=True)
    assert found[0].error is None
    assert jobs_there(*pair) == 2


def test_a_server_that_refuses_the_token_ends_the_map_before_a_row_fails(
    pair, tmp_path
):
    with SimulatedServer(multiuser=True) as closed:
        urls = [pair[0].url, closed.url]
        with ServerPool(urls, tokens={closed.url: "s3cr3t"}) as pool:
            with pytest.raises(AuthenticationError) as refused:
                pool.map(lambda c, r: made(c).image, range(20), tmp_path / "m")
            assert "s3cr3t" not in str(refused.value)
        with ServerPool(urls[:1]) as pool:
            results = pool.map(lambda c, r: 1, range(20), tmp_path / "m")
    assert {result.error for result in results} == {None}


def test_too_many_failures_end_the_map(pool, tmp_path):
    called = []

    def fail(client, row):
        called.append(row)
        raise ValueError

    with pytest.raises(SweepError, match="max_failures=2"):
        pool.map(fail, range(50), tmp_path / "m", max_failures=2)
    # Those that were under way with the third one are the last.
    assert len(called) < 50


def test_a_cancelled_job_is_made_again(pair, tmp_path):
    tries = []

    def run(client, row):
        submission = client.workflow_repo.create_workflow(blank()).submit()
        tries.append(submission.id)
        if len(tries) == 1:
            client.queue_repo.pause_processor()
            submission.cancel()
            client.queue_repo.resume_processor()
        return submission.wait().image

    with ServerPool([pair[0].url]) as pool:
        pool.clients[0].queue_repo.pause_processor()
        (result,) = pool.map(run, [1], tmp_path / "m")
    assert (result.error, result.attempts) == (None, 2)
    assert len(set(tries)) == 2


# -- the folder ------------------------------------------------------------------------


def test_a_folder_of_other_rows_is_refused_with_the_difference(pool, tmp_path):
    pool.map(lambda c, r: 1, [{"a": 1}, {"a": 2}], tmp_path / "m")
    with pytest.raises(SweepChangedError, match="item 1: a is 2 in the folder and 3"):
        pool.map(lambda c, r: 1, [{"a": 1}, {"a": 3}], tmp_path / "m")
    with pytest.raises(SweepChangedError, match="2 items"):
        pool.map(lambda c, r: 1, [{"a": 1}], tmp_path / "m")


def test_a_sweep_and_a_map_do_not_share_a_folder(pool, tmp_path):
    flow = pool.clients[0].workflow_repo.create_workflow(blank())
    flow.sweep(product={"width": [8]}).run(tmp_path / "s")
    with pytest.raises(SweepError, match="has a sweep"):
        pool.map(lambda c, r: 1, [1], tmp_path / "s")
    pool.map(lambda c, r: 1, [1], tmp_path / "m")
    with pytest.raises(SweepError, match=r"ServerPool\.map"):
        Sweep.open(tmp_path / "m")
    with pytest.raises(SweepError):
        flow.sweep(product={"width": [8]}).run(tmp_path / "m")


def test_one_process_at_a_time_has_the_folder(pool, tmp_path):
    def inner(client, row):
        with pytest.raises(SweepInUseError):
            pool.map(inner, [1], tmp_path / "m")
        return "refused"

    assert pool.map(inner, [1], tmp_path / "m")[0].value == "refused"


def test_wrong_arguments_are_refused(pool, tmp_path):
    async def wrong(client, row):
        """Cannot be called by threads."""

    with pytest.raises(ArgumentError, match="async def"):
        pool.map(wrong, [1], tmp_path / "m")
    for given in (5, {"a": 1}, b"rows"):
        with pytest.raises(ArgumentError, match="rows"):
            pool.map(lambda c, r: 1, given, tmp_path / "m")
    with pytest.raises(ArgumentError, match="row 1 has a value of type object"):
        pool.map(lambda c, r: 1, [1, object()], tmp_path / "m")
    with pytest.raises(ArgumentError, match="fn"):
        pool.map(lambda row: 1, [1], tmp_path / "m")
    assert not (tmp_path / "m").exists()


# -- seeds and keys --------------------------------------------------------------------


class Crash(BaseException):
    """The end of the process, as far as the map is concerned."""


def crash_after(number):
    """Raises at its call of this number."""
    calls = []

    def count():
        calls.append(1)
        if len(calls) == number:
            raise Crash

    return count


def noise():
    """A workflow with a seed."""
    made = node("n", "rand_int", {"low": 0, "high": 9}, is_intermediate=False)
    seeded = node("s", "noise", {"seed": 1, "width": 64, "height": 64})
    return definition([made, seeded], form=[("s", "seed")])


def test_random_seeds_are_the_same_when_a_row_is_called_again(pair, pool, tmp_path):
    seeds, crash = [], crash_after(1)

    def draw(client, row):
        flow = client.workflow_repo.create_workflow(noise())
        submission = flow.submit(seed="random", runs=2)
        found = submission.wait()
        seeds.append([job.seeds for job in found.jobs])
        crash()
        return submission.adopted

    with pytest.raises(Crash):
        pool.map(draw, [1], tmp_path / "m")
    # Also when the queue knows nothing of the jobs any more.
    for client in pool:
        client.queue_repo.clear_queue()
    assert pool.map(draw, [1], tmp_path / "m")[0].value is False
    assert seeds[0] == seeds[1]
    assert seeds[0][0] != seeds[0][1]


def test_a_function_that_has_changed_is_told(pair, pool, tmp_path):
    crash = crash_after(1)

    def run(client, row, width=8):
        image = made(client, width=width).image
        crash()
        return image

    with pytest.raises(Crash):
        pool.map(run, [1], tmp_path / "m")
    with pytest.raises(KeyConflictError) as refused:
        pool.map(lambda c, r: run(c, r, 16), [1], tmp_path / "m")
    assert "row 0: submission 1" in str(refused.value)
    assert "width is 8 there, 16 here" in str(refused.value)
    assert "another folder" in str(refused.value)
    # What it did before finds its job.
    assert pool.map(run, [1], tmp_path / "m")[0].value.endswith(".png")
    assert jobs_there(*pair) == 1


# -- servers that stay away ------------------------------------------------------------


def begun_on_second(pair, folder):
    """A map of one row that was interrupted on the second server."""
    crash = crash_after(1)

    def run(client, row):
        image = made(client).image
        crash()
        return image

    with ServerPool([pair[1].url]) as one, pytest.raises(Crash):
        one.map(run, [1], folder)
    return run


def test_a_row_stays_with_its_server_until_that_is_given_up(pair, pool, tmp_path):
    run = begun_on_second(pair, tmp_path / "m")
    with ServerPool([pair[0].url]) as other:
        with pytest.raises(SweepError, match=f"1 on {pair[1].url}"):
            other.map(run, [1], tmp_path / "m")
        assert jobs_there(*pair) == 1
        (result,) = other.map(run, [1], tmp_path / "m", abandon=[pair[1].url])
    assert (result.server, result.attempts) == (pair[0].url, 2)
    assert jobs_there(*pair) == 2


def test_a_row_goes_back_to_its_server(pair, pool, tmp_path):
    run = begun_on_second(pair, tmp_path / "m")
    (result,) = pool.map(run, [1], tmp_path / "m")
    assert (result.server, result.attempts) == (pair[1].url, 1)
    assert jobs_there(*pair) == 1


def test_rows_on_a_server_that_stays_away_hold_up_no_others(
    pair, pool, tmp_path, impatient
):
    run = begun_on_second(pair, tmp_path / "m")
    pair[1].stop()
    with pytest.raises(SweepError, match=f"1 rows are left, and {pair[1].url}"):
        pool.map(run, [1, 2, 3], tmp_path / "m")
    assert jobs_there(pair[0]) == 2
    pair[1].start()
    results = pool.map(run, [1, 2, 3], tmp_path / "m")
    assert [result.error for result in results] == [None] * 3
    assert jobs_there(*pair) == 3


def test_a_server_that_is_away_gets_no_rows(pair, pool, tmp_path, impatient):
    pair[1].stop()
    results = pool.map(chain, rows(4), tmp_path / "m")
    check_chain(results, 4, [pair[0].url])


def test_a_row_of_which_nothing_was_sent_goes_to_another_server(
    pair, pool, tmp_path, impatient
):
    lock, is_stopped = threading.Lock(), threading.Event()

    def run(client, row):
        if client.url == pair[1].url:
            with lock:
                if not is_stopped.is_set():
                    pair[1].stop()
                    is_stopped.set()
        assert is_stopped.wait(60)
        return made(client).image

    results = pool.map(run, range(6), tmp_path / "m")
    assert {(r.server, r.attempts) for r in results} == {(pair[0].url, 1)}
    assert jobs_there(pair[0]) == 6


# -- the client that is handed out -----------------------------------------------------


def test_the_client_is_like_any_other(pair, pool, tmp_path):
    def use(client, row):
        assert isinstance(client, InvokeAIClient)
        client.close()
        client.board_repo.create_board(f"Board {row}")
        flow = client.workflow_repo.create_workflow(blank())
        with_key = flow.submit(key=f"mine {row}")
        assert not with_key.adopted
        assert flow.submit(key=f"mine {row}").adopted
        many = client.submit_many([flow, (flow, {"width": 16})])
        return [len(flow.sweep(runs=3)), *(len(it.wait().jobs) for it in many)]

    results = pool.map(use, range(4), tmp_path / "m")
    assert [result.value for result in results] == [[3, 1, 1]] * 4
    assert jobs_there(*pair) == 12
    # The pool's own clients name nothing.
    flow = pool.clients[0].workflow_repo.create_workflow(blank())
    assert flow.submit().id != flow.submit().id


def test_what_a_function_kept_works_after_the_map(pair, pool, tmp_path):
    kept = []

    def keep(client, row):
        flow = client.workflow_repo.create_workflow(blank())
        kept.append((flow, flow.run().image))

    pool.map(keep, [1], tmp_path / "m")
    ((flow, image),) = kept
    assert image.save(tmp_path / "kept.png").exists()
    assert flow.submit().id != flow.submit().id


def test_a_result_is_a_plain_record():
    result = RowResult(0, {"a": 1}, value=2, server="http://a")
    assert result == RowResult(0, {"a": 1}, 2, None, "http://a", 1)
