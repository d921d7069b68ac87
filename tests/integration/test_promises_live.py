"""What clients of this server have got wrong before, promised here.

`test_main_job.py` and the tests of the nouns hold more of them; these are the ones
about workflows that the GUI can run and a client easily cannot.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import uuid
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from both_drivers import run_in_new_loop
from workflow_builder import connector, definition, document, node

from faults.rig.proxy import FaultProxy
from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.workflow.document.definition import WorkflowDefinition

from .noun_calls import done

pytestmark = pytest.mark.live


def uncached(made: dict) -> dict:
    """The same node, which no earlier run can answer for."""
    made["data"]["useCache"] = False
    return made


def blank(form=("color", "width", "height"), **values) -> dict:
    """A workflow file with one blank image that goes to the gallery."""
    made = uncached(
        node("b", "blank_image", {"width": 16, "height": 8, **values}, label="Blank")
    )
    made["data"]["isIntermediate"] = False
    return document([made], form=[("b", name) for name in form])


async def test_every_kind_of_input_reaches_its_node_as_it_was_set(client):
    kinds = {
        "integers": ("integer_collection", "collection", [3, 1, 2]),
        "floats": ("float_collection", "collection", [0.5, 2.0]),
        "strings": ("string_collection", "collection", ["a", "", "ü"]),
        "yes": ("boolean", "value", True),
        "text": ("string", "value", "5"),
        "colour": ("color", "color", "#0a141eff"),
        "rounded": ("round_float", "decimals", 3),
    }
    nodes = [
        uncached(node(name, node_type, label=name))
        for name, (node_type, _, _) in kinds.items()
    ]
    nodes[-1]["data"]["inputs"]["value"]["value"] = 0.12345
    form = [(name, field) for name, (_, field, _) in kinds.items()]
    handle = client.workflow_repo.create_workflow(definition(nodes, form=form))
    given = {(name, field): value for name, (_, field, value) in kinds.items()}
    result = await done(handle.run(given, timeout=60))
    got = {name: result.outputs[name].value for name in kinds}
    assert got == {
        "integers": [3, 1, 2],
        "floats": [0.5, 2.0],
        "strings": ["a", "", "ü"],
        "yes": True,
        "text": "5",
        "colour": {"r": 10, "g": 20, "b": 30, "a": 255},
        "rounded": 0.123,
    }


@pytest.mark.needs_server("6.14", "image_collection with an input `images`")
async def test_a_collection_of_images_of_any_origin_is_sent_in_order(client, tmp_path):
    maker = client.workflow_repo.create_workflow(WorkflowDefinition.from_dict(blank()))
    made = (await done(maker.run(color="#ff0000", width=24, timeout=60))).image
    file = tmp_path / "saved.png"
    await done(made.save(file))
    collection = definition(
        [node("all", "image_collection", label="All")], form=[("all", "images")]
    )
    handle = client.workflow_repo.create_workflow(collection)
    result = await done(handle.run(images=[made, file, made.image_name], timeout=60))
    images = result.outputs["All"].images
    first, second, third = [image.image_name for image in images]
    assert first == third == made.image_name
    assert second != first
    uploaded = await done(client.image_repo.get_image(second))
    assert (uploaded.width, uploaded.height) == (24, 8)


async def test_what_the_editor_draws_and_no_server_runs_is_left_out(client):
    # A batch node, a connector, a note, a picture viewer and a collapsed edge; the
    # blank image's width comes over the connector, whatever its own value says.
    file = document(
        [
            node("sizes", "integer_batch", {"integers": [8, 16, 24]}),
            node("sum", "add", {"b": 8}),
            connector("bend"),
            *blank()["nodes"],
            {"id": "note", "type": "notes", "position": {"x": 0, "y": 0},
             "data": {"id": "note", "type": "notes", "label": "", "notes": "hello",
                      "isOpen": True}},
            {"id": "viewer", "type": "current_image", "position": {"x": 0, "y": 0},
             "data": {"id": "viewer", "type": "current_image", "label": "",
                      "isOpen": True}},
        ],
        ["sizes.value -> sum.a", "sum.value -> bend.in", "bend.out -> b.width"],
        [("b", "height"), ("b", "width"), ("sizes", "integers")],
    )  # fmt: skip
    collapsed = {"id": "c", "type": "collapsed", "source": "sum", "target": "b"}
    file["edges"].append(collapsed)
    handle = client.workflow_repo.create_workflow(WorkflowDefinition.from_dict(file))
    width = handle.get_input("blank_width")
    assert width.connected
    assert width.connected_from == ("sum", "value")
    result = await done(handle.run(blank_height=32, timeout=60))
    sizes = [(image.width, image.height) for image in result.images]
    assert sizes == [(16, 32), (24, 32), (32, 32)]
    assert [job.values["blank_width"] for job in result.jobs] == [16, 24, 32]
    few = await done(handle.run(integers=[40], timeout=60))
    assert few.image.width == 48


async def test_old_files_without_a_form_and_forms_with_another_root_have_inputs(client):
    old = blank()
    del old["form"]
    old["meta"]["version"] = "3.0.0"
    old["exposedFields"] = [{"nodeId": "b", "fieldName": "height"}]
    other = blank(("width", "color"))
    elements = other["form"]["elements"]
    elements["top"] = {**elements.pop("root"), "id": "top"}
    other["form"]["rootElementId"] = "top"
    for element in elements.values():
        if "parentId" in element:
            element["parentId"] = "top"
    repo = client.workflow_repo
    handles = [
        repo.create_workflow(WorkflowDefinition.from_dict(file))
        for file in (old, other)
    ]
    names = [[item.field_name for item in h.list_inputs()] for h in handles]
    assert names == [["height"], ["width", "color"]]
    result = await done(handles[0].run(blank_height=40, timeout=60))
    assert (result.image.width, result.image.height) == (16, 40)


async def test_outputs_are_mapped_although_their_board_is_not_in_the_form(client):
    # Two outputs of a type that is rarely listed, and one step on the way.
    nodes = [
        uncached(node("b", "blank_image", {"width": 16, "height": 8})),
        uncached(node("blur", "img_blur", label="Soft", is_intermediate=False)),
        uncached(
            node(
                "big",
                "img_scale",
                {"scale_factor": 3.0},
                label="Big",
                is_intermediate=False,
            )
        ),
    ]
    edges = ["b.image -> blur.image", "b.image -> big.image"]
    handle = client.workflow_repo.create_workflow(
        definition(nodes, edges, [("blur", "radius")])
    )
    assert [output.in_form for output in handle.list_outputs()] == [False, False]
    result = await done(handle.run(radius=1.5, timeout=60))
    mapped = {out.label: out.images for out in handle.map_outputs_to_images(result)}
    assert {label: len(images) for label, images in mapped.items()} == {
        "Soft": 1,
        "Big": 1,
    }
    assert mapped["Soft"][0].width == 16
    assert mapped["Big"][0].width == 48
    assert set(result.images) == {mapped["Soft"][0], mapped["Big"][0]}
    # Images of steps on the way are no gallery images, but the node has them.
    assert result.outputs["b"].images


async def test_boards_go_by_name_and_auto_means_the_board_of_the_call(client):
    name = f"test {uuid.uuid4().hex[:12]}"
    board = await done(client.board_repo.create_board(name))
    try:
        handle = client.workflow_repo.create_workflow(
            WorkflowDefinition.from_dict(blank(("board", "width")))
        )
        where = []
        for options in (
            {"blank_board": name},
            {"blank_board": board},
            {"board": name},  # the file says "auto"
            {"blank_board": "none", "board": name},
            {},
        ):
            board_of_call = options.pop("board", None)
            result = await done(handle.run(options, board=board_of_call, timeout=60))
            image = await done(client.image_repo.get_image(result.image))
            where.append(image.board_id)
        assert where == [board.board_id] * 3 + [None, None]
    finally:
        await done(client.board_repo.delete_board(board.board_id, delete_images=True))


def test_threads_may_share_one_handle_and_never_see_each_others_images(live_url):
    with InvokeAIClient.from_url(live_url) as client:
        handle = client.workflow_repo.create_workflow(
            WorkflowDefinition.from_dict(blank())
        )

        def run(n: int) -> tuple[int, int]:
            return n, handle.run(width=8 * n, timeout=100).image.width

        with ThreadPoolExecutor(8) as pool:
            widths = dict(pool.map(run, range(1, 9)))
    assert widths == {n: 8 * n for n in range(1, 9)}


def test_one_asyncio_client_serves_two_event_loops(live_url):
    client = AsyncInvokeAIClient.from_url(live_url)

    async def run(width: int) -> int:
        handle = client.workflow_repo.create_workflow(
            WorkflowDefinition.from_dict(blank())
        )
        return (await handle.run(width=width, timeout=60)).image.width

    async def last() -> int:
        async with client:
            return await run(32)

    # The first loop's connections cannot be closed any more; Python says so.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        assert [run_in_new_loop(run(24)), run_in_new_loop(last())] == [24, 32]
        gc.collect()


async def test_async_callbacks_are_awaited_and_the_loop_stays_free(live_url):
    seen, late = [], []

    async def on_progress(progress) -> None:
        await asyncio.sleep(0)
        seen.append(progress.fraction)

    async def heartbeat() -> None:
        while True:
            begun = time.monotonic()
            await asyncio.sleep(0.02)
            late.append(time.monotonic() - begun)

    async with AsyncInvokeAIClient.from_url(live_url) as client:
        handle = client.workflow_repo.create_workflow(
            WorkflowDefinition.from_dict(blank())
        )
        beating = asyncio.create_task(heartbeat())
        submission = await handle.submit(runs=3)
        await submission.wait(timeout=60, on_progress=on_progress)
        beating.cancel()
    assert seen[-1] == 1.0
    # A blocking request would have stopped the heart for as long as it took: the
    # first submission alone asks several times.
    assert len(late) > 10
    assert max(late) < 1.0


def test_a_run_is_one_request_to_the_queue_and_one_socket(live_url):
    with FaultProxy(live_url) as proxy:
        with InvokeAIClient.from_url(proxy.url) as client:
            handle = client.workflow_repo.create_workflow(
                WorkflowDefinition.from_dict(blank())
            )
            waits = [
                threading.Thread(target=handle.run, kwargs={"runs": 2, "width": 8 * n})
                for n in (1, 2, 3)
            ]
            for wait in waits:
                wait.start()
            for wait in waits:
                wait.join(100)
            assert proxy.sockets == 1
        sent = [path for method, path in proxy.seen if method == "POST"]
    assert sum(path.endswith("enqueue_batch") for path in sent) == 3
