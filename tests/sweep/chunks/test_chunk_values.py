"""What cannot be batch data splits a plan; what can be goes up once, and is checked."""

from __future__ import annotations

import io
import json
import logging
from types import SimpleNamespace

import pytest
import workflow_builder as build
from PIL import Image

from invokeai_py_client import FieldValidationError, InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.sweep.chunks.chunk_limits import ChunkLimits, fitting
from invokeai_py_client.sweep.chunks.prepare_chunk import prepare_chunk
from invokeai_py_client.sweep.planning.base_plan import BaseSweepPlan
from invokeai_py_client.sweep.planning.drawn_seeds import seeds
from invokeai_py_client.sweep.planning.plain_values import Contents
from invokeai_py_client.sweep.planning.plan_sweep import plan_sweep

NODES = [
    build.node("n", "noise", {"width": 64}),
    build.node("m", "main_model_loader"),
    build.node("r", "img_resize", is_intermediate=False),
    build.node("b", "blank_image", is_intermediate=False),
    build.node("l", "lora_collection_loader"),
    build.node("t", "rand_int"),
]
FORM = [
    ("m", "model"),
    ("r", "image"),
    ("r", "board"),
    ("b", "color"),
    ("l", "loras"),
    ("n", "seed"),
    ("b", "width"),
]
ORANGE = {"r": 255, "g": 165, "b": 0, "a": 255}


@pytest.fixture(scope="module")
def server():
    with SimulatedServer() as server:
        yield server


@pytest.fixture
def client(server):
    with InvokeAIClient.from_url(server.url) as client:
        yield client


@pytest.fixture
def handle(client):
    made = client.workflow_repo.create_workflow(build.definition(NODES, [], FORM))
    content = made_png(64)
    models = sd_models(client)
    made.set_inputs(model=models[0], image=content)
    return made


def sd_models(client):
    return [
        model
        for model in client.model_repo.list_models()
        if model.type == "main" and model.base in ("sd-1", "sd-2")
    ]


def made_png(size):
    content = io.BytesIO()
    Image.new("RGB", (size, size), "red").save(content, "PNG")
    return content.getvalue()


def plan(handle, **arguments):
    return BaseSweepPlan(plan_sweep(handle, **arguments))


def items_of(found):
    return [
        SimpleNamespace(
            index=i.index, key=i.key, values=json.loads(i.values), part=i.part
        )
        for i in found._planned_items()
    ]


def chunk_of(handle, items, context=None, **options):
    context = context or handle._context()
    flow = prepare_chunk(context, handle, items, "b1", "ivk-sweep:1", **options)
    return handle._runner.run(flow)


def column(chunk, node_id, name):
    (found,) = (
        datum["items"]
        for group in chunk.batch.data
        for datum in group
        if (datum["node_path"], datum["field_name"]) == (node_id, name)
    )
    return found


def test_models_boards_loras_colours_and_lists_split_a_plan(client, handle):
    models = sd_models(client)
    loras = [m.name for m in client.model_repo.list_models() if m.type == "lora"][:1]
    swept = {
        "model": [models[0], models[0].name],
        "board_": ["none", "auto"],
        "color": ["orange", (1, 2, 3)],
        "loras": [[], [(name, 0.5) for name in loras]],
    }
    for name, values in swept.items():
        key = name if name in handle.inputs.names else name.strip("_")
        items = items_of(plan(handle, product={key: values, "width": [64, 72]}))
        parts = [item.part for item in items]
        assert parts[0] == parts[1] != parts[2] == parts[3], name
        chunk = chunk_of(handle, items[2:])
        assert column(chunk, "b", "width") == [64, 72]


def test_what_is_not_batched_is_compiled_in(handle):
    items = items_of(plan(handle, product={"color": ["orange"], "width": [64, 72]}))
    graph = chunk_of(handle, items).batch.graph
    assert graph["nodes"]["b"]["color"] == ORANGE


def test_no_value_is_another_part_than_a_value(handle):
    first, second, third = items_of(
        plan(
            handle,
            rows=[
                {"r.image": made_png(8)},
                {"r.image": None},
                {"r.image": made_png(16)},
            ],
            keep=Contents().keep,
        )
    )
    assert first.part == third.part != second.part


def test_local_images_go_up_once_for_all_items_and_chunks(client, handle, tmp_path):
    for size in (8, 16):
        (tmp_path / f"{size}.png").write_bytes(made_png(size))
    (tmp_path / "copy.png").write_bytes(made_png(8))
    names = ["8.png", "16.png", "copy.png", "8.png"]
    found = plan(
        handle, product={"image": [tmp_path / n for n in names], "width": [64, 72]}
    )
    items = items_of(found)
    context = handle._context()
    first, second = (
        column(chunk_of(handle, part, context), "r", "image")
        for part in (items[:4], items[4:])
    )
    sent = [image["image_name"] for image in first + second]
    assert sent[0] == sent[1] == sent[4] == sent[6] != sent[2]
    assert len(set(sent)) == 2


def test_content_comes_from_the_sweeps_folder(handle, tmp_path):
    contents = Contents()
    found = plan(
        handle, product={"image": [made_png(8), made_png(16)]}, keep=contents.keep
    )
    items = items_of(found)
    (tmp_path / "inputs").mkdir()
    contents.hand_to(
        lambda data, name: str((tmp_path / "inputs" / name).write_bytes(data))
    )
    chunk = chunk_of(handle, items, folder=tmp_path)
    assert len({image["image_name"] for image in column(chunk, "r", "image")}) == 2


def test_a_file_that_has_changed_since_is_refused_by_its_item(handle, tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in paths:
        path.write_bytes(made_png(8))
    items = items_of(plan(handle, product={"image": paths}))
    paths[1].write_bytes(made_png(24))
    with pytest.raises(FieldValidationError, match=r"item 1, column 'image'.*changed"):
        chunk_of(handle, items)
    paths[1].unlink()
    with pytest.raises(FieldValidationError, match=r"item 1, column 'image'.*gone"):
        chunk_of(handle, items)


def test_an_image_that_the_server_does_not_have_is_named_by_its_item(handle):
    items = items_of(
        plan(
            handle,
            product={"image": [made_png(8), "no-such.png"]},
            keep=Contents().keep,
        )
    )
    with pytest.raises(FieldValidationError, match=r"item 1, column 'image'.*no-such"):
        chunk_of(handle, items[1:])


def test_a_model_that_the_server_does_not_have_is_named_by_its_item(handle):
    items = items_of(plan(handle, product={"model": ["no such model"]}))
    with pytest.raises(FieldValidationError, match=r"item 0, column 'model'.*no such"):
        chunk_of(handle, items)


def test_a_seed_of_its_own_goes_before_the_one_that_all_nodes_get(client):
    nodes = [*NODES[:1], build.node("x", "noise", {}), NODES[3]]
    handle = client.workflow_repo.create_workflow(
        build.definition(nodes, [], [("n", "seed")])
    )
    found = plan(handle, zip={"seed_": [1, 2]}, product={"seed": seeds(2, start=7)})
    chunk = chunk_of(handle, items_of(found))
    assert column(chunk, "n", "seed") == [1, 1, 2, 2]
    assert column(chunk, "x", "seed") == [7, 8, 7, 8]


def test_a_seed_through_an_integer_node_is_written_there(client):
    nodes = [build.node("n", "noise"), build.node("i", "integer"), NODES[3]]
    handle = client.workflow_repo.create_workflow(
        build.definition(nodes, ["i.value -> n.seed"], [("n", "seed")])
    )
    chunk = chunk_of(handle, items_of(plan(handle, product={"seed": [4, 5]})))
    assert column(chunk, "i", "value") == [4, 5]


def test_a_workflow_without_a_seed_says_so(client):
    handle = client.workflow_repo.create_workflow(build.definition([NODES[3]], [], []))
    with pytest.raises(
        FieldValidationError, match="no node of this workflow has a seed"
    ):
        plan(handle, product={"b.width": [64]}, seed="random")


def test_a_warning_is_logged_once_for_all_chunks(client, caplog):
    handle = client.workflow_repo.create_workflow(build.definition([NODES[3]], [], []))
    items = items_of(plan(handle, product={"b.color": ["orange"]}, runs=6))
    context = handle._context()
    with caplog.at_level(logging.WARNING, "invokeai_py_client"):
        chunks = [chunk_of(handle, items[n : n + 2], context) for n in (0, 2, 4)]
    assert all(chunk.warnings for chunk in chunks)
    assert len({r.message for r in caplog.records}) == len(caplog.records)


def test_what_is_set_in_the_handle_later_is_not_in_the_plan(handle):
    found = plan(handle, product={"n.height": lambda v: v.width * 2})
    handle["width"] = 128
    assert found[0].values == {"n.height": 1024}


@pytest.mark.parametrize(
    ("limits", "count"),
    [
        (ChunkLimits(), 200),
        (ChunkLimits(items=7), 7),
        (ChunkLimits(jobs=30), 10),
        (ChunkLimits(jobs=1), 1),
        (ChunkLimits(items=9999), 333),
        (ChunkLimits(payload=1), 1),
    ],
)
def test_a_chunk_is_within_every_limit(handle, limits, count):
    items = items_of(plan(handle, product={"width": range(64, 8064, 8)}))
    assert fitting(handle, items, limits, jobs_per_item=3) == count


def test_a_chunk_of_long_prompts_stays_below_the_limit_of_its_payload(client):
    nodes = [build.node("s", "string"), NODES[0]]
    handle = client.workflow_repo.create_workflow(
        build.definition(nodes, [], [("s", "value")])
    )
    long = ["ä" * 10_000 + str(n) for n in range(300)]
    items = items_of(plan(handle, product={"value": long}, seed="random"))
    limits = ChunkLimits(items=1000, payload=1 << 20)
    count = fitting(handle, items, limits)
    body = json.dumps(chunk_of(handle, items[:count]).batch.body(), ensure_ascii=False)
    assert 10 < count < 300
    assert len(body.encode()) < limits.payload
