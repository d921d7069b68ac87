"""What happens to a sweep on its server: lost, cancelled, retried, shared, refused."""

from __future__ import annotations

import shutil
import threading

import pytest
from sweep_rig import (
    blank,
    check_exact,
    counts,
    file_size,
    jobs_made,
    run_sweep,
    sizes,
)

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.exceptions import SweepError, SweepInUseError
from invokeai_py_client.simulator import RequestFault, SimulatedServer
from invokeai_py_client.sweep import Sweep


@pytest.fixture
def server():
    with SimulatedServer() as running:
        yield running


def run_meanwhile(server, folder, count, actions):
    """Run a sweep, and do each action as soon as so many items are done."""
    left = sorted(actions.items())

    def watch(progress):
        while left and progress.done >= left[0][0]:
            left.pop(0)[1]()

    result = run_sweep(server.url, folder, count, on_progress=watch)
    assert not left
    return result


def check_jobs(server, folder, count):
    """The server's jobs are those that the report says."""
    found = counts(folder)
    assert jobs_made(server) == count + found.reruns + found.doubles
    return found


def test_a_queue_that_is_cleared_twice_loses_nothing(server, tmp_path):
    def clear():
        server.simulation.operations.clear("default", None)

    run_meanwhile(server, tmp_path / "s", 400, {60: clear, 200: clear})
    check_exact(tmp_path / "s", 400)
    assert check_jobs(server, tmp_path / "s", 400).reruns > 0


def test_a_server_with_an_empty_database_makes_what_was_lost(tmp_path):
    root = tmp_path / "server"
    with SimulatedServer(root=root) as server:

        def replace():
            server.stop()
            shutil.rmtree(root)
            server.start()

        run_meanwhile(server, tmp_path / "s", 400, {100: replace})
        check_exact(tmp_path / "s", 400)
        assert counts(tmp_path / "s").reruns > 0


def test_a_retry_pressed_on_the_server_counts_nothing_twice(server, tmp_path):
    server.fail_next("blank_image", "ValueError", "odd", times=3)

    def retry():
        operations = server.simulation.operations
        operations.retry("default", range(1, 10))

    result = run_meanwhile(server, tmp_path / "s", 120, {40: retry})
    assert (result.progress.done, result.progress.failed) == (117, 3)
    sweep = Sweep.open(tmp_path / "s")
    assert sweep.failures() == {"node_error": 3}
    assert sweep.retry("node_error") == 3
    with InvokeAIClient(server.url) as client:
        assert sweep.resume(client).progress.done == 120
    check_exact(tmp_path / "s", 120)
    assert counts(tmp_path / "s").doubles == 0


def test_jobs_that_somebody_cancels_are_made_again(tmp_path):
    # Slow jobs: some are left to cancel when the client hears of the first ones.
    with SimulatedServer(job_delay=0.02) as server:

        def cancel():
            with InvokeAIClient(server.url) as client:
                client.queue_repo.cancel_pending_jobs()

        run_meanwhile(server, tmp_path / "s", 120, {1: cancel})
        check_exact(tmp_path / "s", 120)
        found = check_jobs(server, tmp_path / "s", 120)
    assert found.reruns > 0
    assert found.failed == 0


def test_one_image_of_the_cache_becomes_a_file_of_each_item(server, tmp_path):
    with InvokeAIClient(server.url) as client:
        workflow = client.workflow_repo.create_workflow(blank(use_cache=True))
        plan = workflow.sweep(product={"width": [8, 9]}, runs=5)
        result = plan.run(tmp_path / "s")
        images = client.image_repo.count_images()
    files = sorted((tmp_path / "s" / "images").rglob("*.png"))
    assert [file_size(path)[0] for path in files] == [8] * 5 + [9] * 5
    assert images == 2
    assert result.progress.done == 10
    downloads = [path for path in files if path.stat().st_nlink == 1]
    assert len(downloads) == 10


def test_replies_that_are_lost_double_nothing(server, tmp_path):
    for kind in ("reset_after", "reset_before", "reset_during"):
        fault = RequestFault(kind, path="enqueue_batch", seconds=0.1)
        server.faults.add_request(fault)
    run_sweep(server.url, tmp_path / "s", 700)
    check_exact(tmp_path / "s", 700)
    check_jobs(server, tmp_path / "s", 700)


def test_images_that_come_damaged_are_fetched_again(server, tmp_path):
    for kind in ("truncate", "html", "reset_during", "status"):
        server.faults.add_request(RequestFault(kind, path="/full", times=3))
    run_sweep(server.url, tmp_path / "s", 60)
    check_exact(tmp_path / "s", 60)


def test_an_image_that_was_deleted_on_the_server_is_made_again(server, tmp_path):
    fault = RequestFault("status", path="/full", status=404, times=2)
    server.faults.add_request(fault)
    run_sweep(server.url, tmp_path / "s", 60)
    check_exact(tmp_path / "s", 60)


@pytest.mark.parametrize("rules", ["6", "7"])
def test_a_full_queue_costs_no_attempt(tmp_path, rules):
    with SimulatedServer(max_queue_size=150, rules=rules) as server:
        run_sweep(server.url, tmp_path / "s", 500)
        check_exact(tmp_path / "s", 500)
        found = counts(tmp_path / "s")
        assert (found.reruns, jobs_made(server)) == (0, 500)


def test_a_second_process_is_refused_and_told_who_runs_it(server, tmp_path):
    refused = []

    def second():
        with pytest.raises(SweepInUseError, match="process") as told:
            run_sweep(server.url, tmp_path / "s", 150)
        refused.append(told.value)

    def meanwhile():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()

    run_meanwhile(server, tmp_path / "s", 150, {1: meanwhile})
    assert refused
    check_exact(tmp_path / "s", 150)


def test_batches_on_another_server_are_not_given_up_silently(server, tmp_path):
    folder = tmp_path / "s"
    with InvokeAIClient(server.url) as client:
        workflow = client.workflow_repo.create_workflow(blank())
        for _ in workflow.sweep(zip=sizes(150)).stream(folder):
            break
    assert counts(folder).sent
    with SimulatedServer() as other:
        with pytest.raises(SweepError, match=server.url):
            run_sweep(other.url, folder, 150)
        assert jobs_made(other) == 0
        run_sweep(other.url, folder, 150, abandon=[server.url])
        check_exact(folder, 150)


def test_copies_on_the_server_go_only_when_asked_and_only_ours(server, tmp_path):
    with InvokeAIClient(server.url) as client:
        workflow = client.workflow_repo.create_workflow(blank(use_cache=True))
        workflow.run(width=8)
        plan = workflow.sweep(product={"width": [8, 9, 10]})
        plan.run(tmp_path / "kept")
        assert client.image_repo.count_images() == 3
        workflow.sweep(product={"width": [8, 11]}).run(
            tmp_path / "s", server_copy="delete"
        )
        # The first one came out of the cache: it belongs to the run before.
        assert client.image_repo.count_images() == 3
        files = sorted((tmp_path / "s" / "images").rglob("*.png"))
        assert [file_size(path)[0] for path in files] == [8, 11]


def test_a_sweep_is_read_without_a_server(server, tmp_path):
    server.fail_next("blank_image", "OutOfMemoryError", times=2)
    run_sweep(server.url, tmp_path / "s", 20)
    server.stop()
    sweep = Sweep.open(tmp_path / "s")
    status = sweep.status()
    assert (status.done, status.failed, status.is_complete) == (18, 2, True)
    assert [item.index for item in sweep.items()] == list(range(20))
    assert {item.kind for item in sweep.items("failed")} == {"out_of_memory"}
    assert all(path.exists() for item in sweep.items("done") for path in item.paths)
    assert "2 failed: out_of_memory" in sweep.report()
    with pytest.raises(SweepError, match="no sweep"):
        Sweep.open(tmp_path)
