"""One key, used by several processes at the same moment: one set of jobs for all."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from workflow_builder import definition, node

from invokeai_py_client.exceptions import KeyConflictError
from invokeai_py_client.simulator import SimulatedServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

SUPPORT = Path(__file__).resolve().parents[1] / "support"

PEOPLE = 3
ROUNDS = 4

# A process answers each line that it reads, so that rounds begin at the same moment.
SUBMIT = textwrap.dedent(
    """
    import json, sys
    sys.path.insert(0, sys.argv[2])
    from invokeai_py_client import InvokeAIClient, KeyConflictError
    from workflow_builder import definition, node
    made = node("b", "blank_image", {"width": 16, "height": 8}, is_intermediate=False)
    noise = node("n", "noise", {"seed": 1, "width": 64, "height": 64})
    for one in (made, noise):
        one["data"]["useCache"] = False
    with InvokeAIClient(sys.argv[1]) as client:
        made = definition([made, noise], form=[("b", "width"), ("n", "seed")])
        handle = client.workflow_repo.create_workflow(made)
        handle.preview()
        print("ready", flush=True)
        for line in sys.stdin:
            try:
                submission = handle.submit(**json.loads(line))
                told = {
                    "jobs": [job.item_id for job in submission.jobs],
                    "adopted": submission.adopted,
                    "warnings": submission.warnings,
                }
                result = submission.wait(timeout=120)
                told["seeds"] = list(result.seeds)
                told["given"] = [list(job.values.values())[-1] for job in result.jobs]
            except KeyConflictError as error:
                told = {"conflict": error.differences}
            print(json.dumps(told), flush=True)
    """
)


def pytest_generate_tests(metafunc):
    """Run beside a simulated server also on one with the rules of 7."""
    option = metafunc.config.getoption
    is_real = option("--live") or option("--invokeai-url")
    kinds = ["the server's rules"] if is_real else ["the server's rules", "rules of 7"]
    metafunc.parametrize("live_url", kinds, indirect=True, scope="module")


@pytest.fixture(scope="module")
def live_url(request, live_url):
    """The server under test, or a simulated one of the next version."""
    if request.param == "the server's rules":
        yield live_url
        return
    with SimulatedServer(rules="7", job_delay=0.1) as server:
        yield server.url


@pytest.fixture
def processes(live_url):
    command = [sys.executable, "-c", SUBMIT, live_url, str(SUPPORT)]
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for _ in range(PEOPLE)
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    yield started
    for process in started:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()
        process.stderr.close()


def at_once(processes, options):
    """What each process says when all submit at the same moment."""
    for process, wanted in zip(processes, options):
        process.stdin.write(json.dumps(wanted) + "\n")
        process.stdin.flush()
    told = []
    for process in processes[: len(options)]:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        told.append(json.loads(line))
    return told


def jobs_under(live_client, job):
    rows = live_client.request("get", "/api/v1/queue/default/list_all")
    batch = {row["batch_id"] for row in rows if row["item_id"] == job}
    return sorted(row["item_id"] for row in rows if row["batch_id"] in batch)


@pytest.mark.parametrize("seed", ["random", 7])
def test_processes_with_one_key_share_one_set_of_jobs(
    processes, live_client, own_destination, seed
):
    for turn in range(ROUNDS):
        wanted = {"key": f"{own_destination}-{turn}", "seed": seed, "runs": 3}
        told = at_once(processes, [wanted] * PEOPLE)
        first = told[0]
        assert len(first["jobs"]) == 3
        for other in told[1:]:
            assert other["jobs"] == first["jobs"]
            assert other["seeds"] == first["seeds"]
        # Who has another's jobs reports the values that these were given.
        for one in told:
            assert one["given"] == one["seeds"]
        assert [one["adopted"] for one in told].count(False) == 1
        assert jobs_under(live_client, first["jobs"][0]) == first["jobs"]


@pytest.mark.parametrize(
    "other", [{"width": 24}, {"runs": 4}], ids=["values", "number of runs"]
)
def test_of_two_processes_with_other_values_one_has_the_key(
    processes, live_client, own_destination, other
):
    for turn in range(ROUNDS):
        wanted = {"key": f"{own_destination}-{turn}", "runs": 2, "seed": "random"}
        told = at_once(processes, [wanted, {**wanted, **other}])
        kept = [one for one in told if "jobs" in one]
        refused = [one for one in told if "conflict" in one]
        assert (len(kept), len(refused)) == (1, 1), told
        assert not kept[0]["adopted"]
        name = "jobs" if "runs" in other else next(iter(other))
        assert name in refused[0]["conflict"][0]
        assert jobs_under(live_client, kept[0]["jobs"][0]) == kept[0]["jobs"]


def blank(live_client, **values):
    made = node("b", "blank_image", {"width": 16, "height": 8}, is_intermediate=False)
    made["data"]["useCache"] = False
    form = [("b", name) for name in ("width", "height", "color", "mode")]
    handle = live_client.workflow_repo.create_workflow(definition([made], form=form))
    handle.set_inputs(values)
    return handle


def test_one_after_the_other_sees_the_difference(live_client, own_destination):
    handle = blank(live_client, width=24)
    first = handle.submit(key=own_destination)
    again = handle.submit(key=own_destination)
    assert (first.adopted, again.adopted) == (False, True)
    assert again.jobs[0].item_id == first.jobs[0].item_id
    assert again.warnings == ()
    for values in ({"width": 32}, {"mode": "RGBA"}, {"runs": 2}):
        with pytest.raises(KeyConflictError) as caught:
            handle.submit(key=own_destination, **values)
        assert len(caught.value.differences) == 1
    first.wait(timeout=60)
    # Also when the job is over.
    assert handle.submit(key=own_destination).adopted
    with pytest.raises(KeyConflictError, match="width is 24 there, 32 here"):
        handle.submit(key=own_destination, width=32)


def test_a_second_copy_is_removed_and_said(live_client, own_destination):
    if live_client.request("get", "/api/v1/app/version")["version"].startswith("7"):
        pytest.skip("there, no two batches share an id")
    handle = blank(live_client, width=40)
    first = handle.submit(key=own_destination, runs=3)
    graph = live_client.queue_repo.get_job(first.jobs[0]).session["graph"]
    batch = {"batch_id": first.id, "graph": graph, "runs": 3}
    live_client.request(
        "post", "/api/v1/queue/default/enqueue_batch", json={"batch": batch}
    )
    again = handle.submit(key=own_destination, runs=3)
    assert [job.item_id for job in again.jobs] == [job.item_id for job in first.jobs]
    assert any("twice" in warning for warning in again.warnings)
    assert jobs_under(live_client, first.jobs[0].item_id) == [
        job.item_id for job in first.jobs
    ]


def test_a_part_that_is_missing_is_added(live_client, own_destination):
    handle = blank(live_client, width=48)
    first = handle.submit(key=own_destination, runs=4)
    first.wait(timeout=60)
    # As if the process had been killed while it waited for room.
    for job in first.jobs[2:]:
        live_client.queue_repo.delete_job(job)
    whole = handle.submit(key=own_destination, runs=4)
    result = whole.wait(timeout=60)
    assert whole.adopted
    assert result.is_complete
    assert len(result) == 4
    assert [job.item_id for job in result.jobs][:2] == [
        job.item_id for job in first.jobs
    ][:2]
    assert any("missing 2 were added" in warning for warning in whole.warnings)
    assert handle.submit(key=own_destination, runs=4).warnings == first.warnings
