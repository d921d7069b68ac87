"""The checks against a real server: refused here means refused there, and back.

Values of a batch are not among the refusals: the server takes them and its queue
blocks (docs/dev/checks.md has that experiment, done on a server of its own).
"""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import workflow_builder as build
from edge_cases import EDGE_CASES

from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.server import DEFAULT_VERSION, find_installation
from invokeai_py_client.workflow.checking.check_workflow import check_workflow
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

pytestmark = pytest.mark.live

IMAGE = {"image_name": "none.png"}
COLOR = {"r": 1, "g": 2, "b": 3, "a": 255}
MODEL = build.MODEL


def request(url: str, method: str, path: str, body: Any) -> tuple[int, Any]:
    call = urllib.request.Request(
        url + path,
        method=method,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(call, timeout=60) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def enqueue(url: str, graph: dict[str, Any], data: Any = ()) -> int:
    """Enqueue and take back at once; the status of the first."""
    batch = {"graph": graph, "data": list(data), "runs": 1}
    path = "/api/v1/queue/checks/enqueue_batch"
    status, reply = request(url, "POST", path, {"batch": batch})
    if status == 200:
        ids = {"batch_ids": [reply["batch"]["batch_id"]]}
        request(url, "PUT", "/api/v1/queue/checks/cancel_by_batch_ids", ids)
    return status


LATER = ("missing_input", "edge_value", "result", "stalled_branch")


def problems(
    payload: dict[str, Any], data: Any = (), later: Collection[str] = LATER
) -> list[str]:
    """What our checks refuse, but for what fails in the job: the server takes that."""
    empty = BaseWorkflowHandle(build.definition([]), NodeCatalog.bundled()).compile()
    compiled = replace(empty, graph=payload, data=list(data))
    found = check_workflow(compiled, NodeCatalog.bundled())[0]
    return [item.message for item in found if item.kind not in later]


VALUES = [
    ("add", "a", 5),
    ("add", "a", "7"),
    ("add", "a", True),
    ("add", "a", 1.5),
    ("add", "a", "x"),
    ("add", "a", None),
    ("string", "value", 5),
    ("string", "value", True),
    ("boolean", "value", "yes"),
    ("boolean", "value", 2),
    ("noise", "seed", -1),
    ("noise", "width", 65),
    ("lresize", "width", 63),
    ("lresize", "width", 64),
    ("ideogram4_denoise", "steps", 0),
    ("video_concat", "fps", 0),
    ("denoise_latents", "scheduler", "nope"),
    ("denoise_latents", "cfg_scale", [7.5, 8]),
    ("denoise_latents", "cfg_scale", 0.5),
    ("controlnet", "control_weight", [1.0]),
    ("blank_image", "color", COLOR),
    ("blank_image", "color", {**COLOR, "a": 256}),
    ("blank_image", "color", {"r": 1}),
    ("img_resize", "image", IMAGE),
    ("img_resize", "image", "none.png"),
    ("l2i", "board", "auto"),
    ("l2i", "board", {"board_id": "gone"}),
    ("l2i", "vae", 5),
    ("flux_text_encoder", "t5_max_seq_len", 128),
    ("flux_kontext_image_prep", "images", []),
    ("integer_collection", "collection", [1, "x"]),
    ("lora_collection_loader", "loras", [{"lora": MODEL, "weight": 0.5}]),
    ("lora_collection_loader", "loras", [{"lora": MODEL}]),
    ("main_model_loader", "model", MODEL),
    ("main_model_loader", "model", {"key": "k"}),
    ("range", "stop", -1),
    ("integer_math", "b", 0),
    ("metadata_to_string", "custom_label", "mine"),
    ("metadata_to_string", "custom_label", " "),
]


@pytest.mark.parametrize(("node_type", "field_name", "value"), VALUES)
def test_a_literal_is_refused_here_as_there(live_url, node_type, field_name, value):
    payload = build.graph({"x": {"type": node_type, field_name: value}})
    status = enqueue(live_url, payload)
    assert (status == 200) is (problems(payload) == [])


ADD, RANGE, NEXT = {"type": "add"}, {"type": "range"}, {"type": "iterate"}
COLLECT, RESIZE = {"type": "collect"}, {"type": "img_resize"}
GRAPHS = [
    build.graph({"a": ADD, "b": ADD}, "a.value -> b.a"),
    build.graph({"a": ADD, "b": ADD}, "a.value -> b.a", "a.value -> b.a"),
    build.graph({"a": ADD, "b": ADD}, "a.value -> b.a", "b.value -> a.a"),
    build.graph({"a": ADD}, "a.value -> z.a"),
    build.graph({"a": ADD, "b": ADD}, "a.nope -> b.a"),
    build.graph({"a": ADD, "b": RESIZE}, "a.value -> b.image"),
    build.graph({"a": ADD, "b": {"type": "core_metadata"}}, "a.value -> b.cfg_scale"),
    build.graph({"a": ADD, "b": {"type": "float"}}, "a.value -> b.value"),
    build.graph({"i": NEXT}),
    build.graph({"r": RANGE, "i": NEXT}, "r.collection -> i.collection"),
    build.graph({"c": COLLECT}),
    build.graph(
        {"a": ADD, "s": {"type": "string"}, "c": COLLECT},
        "a.value -> c.item",
        "s.value -> c.item",
    ),
    build.graph(
        {"r": RANGE, "i": NEXT, "m": RESIZE},
        "r.collection -> i.collection",
        "i.item -> m.image",
    ),
    build.graph({"s": {"type": "scheduler"}, "c": COLLECT}, "s.scheduler -> c.item"),
    {"nodes": {"a": {"type": "add", "id": "b"}}, "edges": []},
    build.graph({"a": {"type": "gone"}}),
    build.graph({"a": {"type": "integer_batch"}}),
]


@pytest.mark.parametrize("payload", GRAPHS)
def test_a_graph_is_refused_here_as_there(live_url, payload):
    status = enqueue(live_url, payload)
    assert (status == 200) is (problems(payload) == [])


def test_a_job_that_can_only_fail_is_refused_here_alone(live_url):
    nodes = {"a": {"type": "integer_collection"}, "b": ADD}
    payload = build.graph(nodes, "a.collection -> b.a")
    assert enqueue(live_url, payload) == 200
    assert problems(payload) == []
    (problem,) = problems(payload, later=("missing_input",))
    assert "would get [] from a.collection (a); allowed: an integer" in problem


def datum(field_name: str, *items: Any, node: str = "a") -> dict[str, Any]:
    return {"node_path": node, "field_name": field_name, "items": list(items)}


BATCHES = [
    [[datum("a", 1, 2)], [datum("b", 1, 2.0)]],
    [[datum("a", 1, 2), datum("b", 3, 4)]],
    [[datum("a", 1, 2), datum("b", 3)]],
    [[datum("a", 1)], [datum("a", 2)]],
    [[datum("a", 1, "2")]],
    [[datum("z", 1)]],
    [[datum("a", 1, node="z")]],
    [[datum("a", None)]],
    [[datum("a", {"key": "k"})]],
    [[datum("use_cache", True, False)]],
]


@pytest.mark.parametrize("data", BATCHES)
def test_the_shape_of_a_batch_is_refused_here_as_there(live_url, data):
    payload = build.graph({"a": ADD})
    status = enqueue(live_url, payload, data)
    assert (status == 200) is (problems(payload, data) == [])


@pytest.mark.real_server("runs the server's own nodes")
@pytest.mark.timeout(300)
def test_values_of_edges_are_refused_where_the_server_would_end_or_fail() -> None:
    installation = find_installation(DEFAULT_VERSION)
    assert installation is not None
    judge = Path(__file__).with_name("judge_runs.py")
    done = subprocess.run(
        [installation.python, judge],
        input=json.dumps([graph for _, graph in EDGE_CASES.values()]),
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr
    verdicts = dict(zip(EDGE_CASES, json.loads(done.stdout)))
    assert verdicts == {case: verdict for case, (verdict, _) in EDGE_CASES.items()}
