"""One key, used by several processes at the same moment: one set of jobs for all."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

TESTS = Path(__file__).resolve().parents[1]

SUBMIT = textwrap.dedent(
    """
    import json, sys
    sys.path.insert(0, sys.argv[3])
    from invokeai_py_client.client import InvokeAIClient
    from workflow_builder import definition, node
    made = node("b", "blank_image", {"width": 16, "height": 8}, is_intermediate=False)
    noise = node("n", "noise", {"seed": 1, "width": 64, "height": 64})
    for one in (made, noise):
        one["data"]["useCache"] = False
    with InvokeAIClient(sys.argv[1]) as client:
        handle = client.workflow_repo.create_workflow(definition([made, noise]))
        handle.preview()
        print("ready", flush=True)
        sys.stdin.readline()
        submission = handle.submit(key=sys.argv[2], seed="random", runs=3)
        result = submission.wait(timeout=120)
    told = {
        "jobs": [job.item_id for job in submission.jobs],
        "seeds": list(result.seeds),
        "given": [list(job.values.values()) for job in submission.jobs],
        "adopted": submission.adopted,
    }
    print(json.dumps(told))
    """
)


def test_processes_with_one_key_and_seeds_of_their_own_share_one_set_of_jobs(
    live_url, live_client, own_destination
):
    command = [sys.executable, "-c", SUBMIT, live_url, own_destination, str(TESTS)]
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in processes:
        process.stdin.write("now\n")
        process.stdin.flush()
    told = []
    for process in processes:
        out, errors = process.communicate(timeout=200)
        assert process.returncode == 0, errors
        told.append(json.loads(out))
    first = told[0]
    assert len(first["jobs"]) == 3
    for other in told[1:]:
        assert other["jobs"] == first["jobs"]
        assert other["seeds"] == first["seeds"]
    # Who has another's jobs reports the values that these were given.
    for one in told:
        assert [values[0] for values in one["given"]] == one["seeds"]
    assert [one["adopted"] for one in told].count(False) == 1
    rows = live_client.request("get", "/api/v1/queue/default/list_all")
    batch = {row["batch_id"] for row in rows if row["item_id"] in first["jobs"]}
    ours = [row["item_id"] for row in rows if row["batch_id"] in batch]
    assert sorted(ours) == first["jobs"]
