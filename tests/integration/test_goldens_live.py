"""The recorded cases against a real server: what it accepts, refuses or chokes on.

The server is one of its own, with the processor paused: nothing runs, and every batch
is cancelled as soon as it is in the queue. What our checks refuse is judged by the
server's own models in a process of its own, so that no queue can be blocked.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import pytest
from goldens import ABSENT, Golden, own_goldens, shared_goldens
from payload_parity import unexplained

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.server import LocalServer, find_installation
from invokeai_py_client.workflow.checking.check_workflow import check_workflow

pytestmark = [
    pytest.mark.live,
    pytest.mark.real_server("asks the server's own models"),
    pytest.mark.timeout(600),
]

CATALOG = NodeCatalog.bundled()
# The server takes these, and then a node fails or nothing runs.
FAILS_LATER = {
    "batch_empty",
    "edge_value",
    "generator",
    "missing_input",
    "model_base",
    "model_type",
    "result",
    "stalled_branch",
}
# Shipped with node types that the GUI cannot show any more, but accepted.
BLOCKED_BY_THE_GUI = {
    "default--esrgan-upscaling-with-canny-controlnet",
    "default--face-detailer-with-ip-adapter-canny-see-note-in-details",
    "default--flux-image-to-image",
    "default--flux-text-to-image",
    "default--multi-controlnet-canny-depth",
}
# What a queue takes; one case makes more jobs than that.
QUEUE_SIZE = 10_000
JUDGE = Path(__file__).with_name("judge_batches.py")


@dataclass(frozen=True)
class Payload:
    """What we make of one variant of a golden, and what the GUI sends."""

    golden: Golden
    variant: str
    ours: Mapping[str, Any]
    guis: Optional[Mapping[str, Any]]
    problems: Sequence[FieldProblem]

    def __str__(self) -> str:
        return f"{self.golden.name} {self.variant}"


@pytest.fixture(scope="module")
def own_server() -> Iterator[str]:
    """Address of a server that runs nothing."""
    with LocalServer() as server:
        ask(server.url, "PUT", "/api/v1/queue/default/processor/pause")
        yield server.url


@pytest.fixture(scope="module")
def library(own_server: str) -> list[Mapping[str, Any]]:
    """The default workflows of the server's library."""
    with InvokeAIClient.from_url(own_server) as client:
        records = client.workflow_repo.list_workflows(categories=("default",))
    assert len(records) == 26
    replies = [
        ask(own_server, "GET", f"/api/v1/workflows/i/{record.workflow_id}")
        for record in records
    ]
    return [reply["workflow"] for _, reply in replies]


@pytest.fixture(scope="module")
def goldens(library: Any, request: pytest.FixtureRequest) -> list[Golden]:
    """All goldens there are; without the shared folder, those of the repository."""
    own = {golden.name: golden for golden in own_goldens()}
    try:
        folder = request.getfixturevalue("shared_dir")
    except pytest.skip.Exception:
        return list(own.values())
    shared = dict(shared_goldens(folder, library))
    assert [name for name, golden in shared.items() if golden is None] == []
    return list({**own, **shared}.values())


@pytest.fixture(scope="module")
def payloads(goldens: list[Golden]) -> list[Payload]:
    """Every variant of every golden, each different payload once."""
    found: dict[str, Payload] = {}
    for golden in goldens:
        for variant in golden.variant_names() if golden.loads else ():
            item = payload(golden, variant)
            found.setdefault(json.dumps([item.ours, item.guis]), item)
    return list(found.values())


def payload(golden: Golden, variant: str) -> Payload:
    compiled = golden.compile(variant, CATALOG)
    wanted = golden.wanted(variant)
    guis = None
    if wanted["data"] is not ABSENT:
        guis = batch(wanted["graph"], wanted["data"], None)
    return Payload(
        golden,
        variant,
        ours=batch(compiled.graph, compiled.data, compiled.workflow),
        guis=guis,
        problems=[*compiled.problems, *check_workflow(compiled, CATALOG)[0]],
    )


def kinds(item: Payload) -> set[str]:
    return {problem.kind for problem in item.problems}


def batch(graph: Any, data: Any, workflow: Any) -> dict[str, Any]:
    return {
        "graph": graph,
        "data": list(data),
        "runs": 1,
        "workflow": workflow,
        "origin": "workflows",
        "destination": "gallery",
    }


def ask(url: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    call = urllib.request.Request(
        url + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(call, timeout=60) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def is_whole(reply: Mapping[str, Any]) -> bool:
    wanted = min(reply["requested"], QUEUE_SIZE)
    return 0 < reply["enqueued"] == wanted


def enqueue(url: str, body: Mapping[str, Any]) -> tuple[int, Any]:
    """Enqueue and take back at once: the answer to the first."""
    path = "/api/v1/queue/default"
    sent = {"batch": body, "prepend": False}
    status, reply = ask(url, "POST", f"{path}/enqueue_batch", sent)
    if status == 200:
        ids = {"batch_ids": [reply["batch"]["batch_id"]]}
        ask(url, "PUT", f"{path}/cancel_by_batch_ids", ids)
    return status, reply


def judge(batches: Sequence[Any]) -> list[str]:
    """What the server's own models make of the batches."""
    installation = find_installation("6.14.2")
    assert installation is not None
    done = subprocess.run(
        [installation.python, JUDGE],
        input=json.dumps(batches),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    verdicts: list[str] = json.loads(done.stdout)
    return verdicts


def test_the_payload_of_the_servers_own_workflows_is_the_guis(
    goldens: list[Golden], capsys: pytest.CaptureFixture[str]
) -> None:
    """Read from its library over HTTP, where some things are stored otherwise."""
    faults = {golden.name: unexplained(golden) for golden in goldens}
    defaults = [name for name in faults if name.startswith("default--")]
    with capsys.disabled():
        sys.stdout.write(
            f"\nparity with a live library: {len(faults)} goldens, "
            f"{len(defaults)} of them the server's default workflows\n"
        )
    assert {name: found for name, found in faults.items() if found} == {}


@pytest.fixture(scope="module")
def verdicts(payloads: list[Payload]) -> dict[str, tuple[str, str]]:
    """What the server's models make of the GUI's payload, and of ours."""
    pairs = [(item.guis or item.ours, item.ours) for item in payloads]
    said = judge([body for pair in pairs for body in pair])
    return {
        str(item): (guis, ours)
        for item, guis, ours in zip(payloads, said[::2], said[1::2])
    }


def test_what_the_checks_pass_the_server_takes(
    own_server: str, payloads: list[Payload]
) -> None:
    passed = [item for item in payloads if not item.problems]
    assert len(passed) > 30
    replies = {str(item): enqueue(own_server, item.ours) for item in passed}
    refused = {
        name: str(reply)[:300]
        for name, (status, reply) in replies.items()
        if status != 200 or not is_whole(reply)
    }
    assert refused == {}


def test_what_the_server_takes_from_the_gui_it_takes_from_us(
    payloads: list[Payload], verdicts: dict[str, tuple[str, str]]
) -> None:
    """Unless the checks refuse it: a value that the GUI would forget or ignore."""
    refused = {str(item) for item in payloads if kinds(item) - FAILS_LATER}
    assert [
        name
        for name, (guis, ours) in verdicts.items()
        if guis == "fine" != ours and name not in refused
    ] == []


def test_what_the_checks_refuse_the_server_refuses_or_chokes_on(
    own_server: str,
    payloads: list[Payload],
    verdicts: dict[str, tuple[str, str]],
) -> None:
    refused = [item for item in payloads if kinds(item) - FAILS_LATER]
    assert len(refused) > 10
    assert {
        str(item): [problem.message for problem in item.problems]
        for item in refused
        if verdicts[str(item)][1] == "fine"
    } == {}
    # The judge says what the running server says; what blocks is not sent.
    statuses = {
        str(item): enqueue(own_server, item.ours)[0]
        for item in refused
        if verdicts[str(item)][1] == "refused"
    }
    assert {name: code for name, code in statuses.items() if code < 400} == {}


def test_no_payload_blocks_a_queue_unseen(
    payloads: list[Payload], verdicts: dict[str, tuple[str, str]]
) -> None:
    unseen = {str(item) for item in payloads if not kinds(item) - FAILS_LATER}
    assert [name for name in unseen if verdicts[name][1] == "blocks"] == []


def test_workflows_that_only_the_gui_blocks_are_warned_of(
    goldens: list[Golden],
) -> None:
    blocked = [golden for golden in goldens if golden.name in BLOCKED_BY_THE_GUI]
    for golden in blocked:
        assert golden.expected["readiness"], golden.name
        filled = payload(golden, "filled")
        assert [problem.message for problem in filled.problems] == [], golden.name
        assert golden.compile("filled", CATALOG).warnings, golden.name


def test_the_queue_is_left_empty(own_server: str, payloads: list[Payload]) -> None:
    del payloads
    _, status = ask(own_server, "GET", "/api/v1/queue/default/status")
    assert status["queue"]["pending"] == status["queue"]["in_progress"] == 0
