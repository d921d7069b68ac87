"""The jobs of a sweep's batch have their items' values, as the server runs them."""

from __future__ import annotations

import io
import json
import time
import uuid
from types import SimpleNamespace

import pytest
from PIL import Image
from workflow_builder import definition, node

from invokeai_py_client.sweep.chunks.prepare_chunk import prepare_chunk
from invokeai_py_client.sweep.planning.base_plan import BaseSweepPlan
from invokeai_py_client.sweep.planning.plain_values import Contents
from invokeai_py_client.sweep.planning.plan_sweep import plan_sweep
from invokeai_py_client.workflow.submitting.enqueue_flows import enqueue
from invokeai_py_client.workflow.submitting.enqueue_options import EnqueueOptions

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

NODES = [
    node("b", "blank_image", is_intermediate=False),
    node("t", "boolean"),
    node("f", "float"),
    node("s", "string"),
    node("r", "rand_int"),
    node("n", "noise", {"width": 64, "height": 64}),
    node("i", "img_resize", {"width": 16, "height": 16}),
]
FORM = [("b", "width"), ("b", "mode"), ("i", "image")]


def png(color):
    content = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(content, "PNG")
    return content.getvalue()


def planned(handle, keep):
    parts = plan_sweep(
        handle,
        zip={
            "width": [64, 72, 80],
            "mode": ["RGB", "RGBA", "RGB"],
            "t.value": [True, False, True],
            "f.value": [0.5, 2, -1e-7],
            "s.value": ["a", "", "ü\n\u2028\U0001f600"],
            "image": [png("red"), png("blue"), png("red")],
        },
        runs=2,
        seed="random",
        keep=keep,
    )
    return [
        SimpleNamespace(index=item.index, key=item.key, values=json.loads(item.values))
        for item in BaseSweepPlan(parts)._planned_items()
    ]


def ended(client, item_id):
    end = time.monotonic() + 120
    while time.monotonic() < end:
        job = client.queue_repo.get_job(item_id)
        if job.status in ("completed", "failed", "canceled"):
            return job
        time.sleep(0.2)
    raise AssertionError("the job does not end")


def test_each_job_has_the_values_of_its_item(live_client, tmp_path):
    handle = live_client.workflow_repo.create_workflow(
        definition(NODES, ["r.value -> n.seed"], FORM)
    )
    contents = Contents()
    items = planned(handle, contents.keep)
    (tmp_path / "inputs").mkdir()
    contents.hand_to(
        lambda data, name: str((tmp_path / "inputs" / name).write_bytes(data))
    )
    flow = prepare_chunk(
        handle._context(), handle, items, str(uuid.uuid4()), "ivk-t", folder=tmp_path
    )
    chunk = handle._runner.run(flow)
    outcome = handle._runner.run(enqueue(chunk.batch, EnqueueOptions()))
    assert len(outcome.jobs) == len(items) == 6
    images = set()
    for item, sent, place in zip(items, chunk.batch.expansion(), outcome.jobs):
        job = ended(live_client, place.item_id)
        assert job.status == "completed"
        assert list(job.field_values) == [dict(value) for value in sent]
        nodes = job.session["graph"]["nodes"]
        want, image = item.values, nodes["i"]["image"]["image_name"]
        assert nodes["b"]["width"] == want["width"]
        assert nodes["b"]["mode"] == want["mode"]
        assert nodes["t"]["value"] is want["t.value"]
        assert nodes["f"]["value"] == want["f.value"]
        assert nodes["s"]["value"] == want["s.value"]
        ran = job.session["results"].values()
        assert want["seed"] in [result.get("value") for result in ran]
        images.add((want["image"]["sha256"], image))
    assert len(images) == 2
