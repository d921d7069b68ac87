"""A plan that is run again has the items of its first run."""

from __future__ import annotations

import io

import pytest
import workflow_builder as build
from PIL import Image

from invokeai_py_client import InvokeAIClient, SweepChangedError
from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.sweep import seeds

NODES = [
    build.node("n", "noise", {"width": 64, "height": 64}),
    build.node("r", "rand_int"),
    build.node("i", "img_resize", {"width": 16, "height": 16}, is_intermediate=False),
    build.node("b", "blank_image", is_intermediate=False),
]
FORM = [("i", "image"), ("i", "width"), ("b", "width")]


def png(color):
    content = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(content, "PNG")
    return content.getvalue()


def size_of(path):
    with Image.open(path) as image:
        return image.size


@pytest.fixture
def server():
    with SimulatedServer() as server:
        yield server


def workflow_of(client):
    definition = build.definition(NODES, ["r.value -> n.seed"], FORM)
    handle = client.workflow_repo.create_workflow(definition)
    handle["image"] = png("white")
    return handle


def swept(server, folder, **arguments):
    """Plan and run in a new client, as a new process would."""
    with InvokeAIClient.from_url(server.url) as client:
        handle = workflow_of(client)
        return handle.sweep(**arguments).run(folder)


def test_drawn_seeds_content_and_functions_are_the_same_in_the_next_run(
    server, tmp_path
):
    def arguments():
        return {
            "rows": ({"image": png(color)} for color in ("red", "blue")),
            "product": {"seed": seeds(2), "width": lambda v: 16 + v.seed % 2},
            "runs": 2,
        }

    first = swept(server, tmp_path, **arguments())
    assert first.progress.done == 8
    again = swept(server, tmp_path, **arguments())
    assert (again.progress.done, again.requests) == (8, 0)
    assert len(list((tmp_path / "inputs").iterdir())) == 3


def test_appended_rows_are_the_only_ones_that_are_made(server, tmp_path):
    rows = [{"b.width": 8}, {"b.width": 16}]
    swept(server, tmp_path, rows=rows, seed="random")
    more = swept(server, tmp_path, rows=[*rows, {"b.width": 24}], seed="random")
    assert more.progress.done == 3
    with InvokeAIClient.from_url(server.url) as client:
        assert client.queue_repo.get_queue_status().queue.total == 3


def test_a_file_with_other_content_is_another_sweep(server, tmp_path):
    path, folder = tmp_path / "a.png", tmp_path / "sweep"
    path.write_bytes(png("red"))
    swept(server, folder, product={"image": [path]})
    path.write_bytes(png("blue") + b"longer")
    with pytest.raises(SweepChangedError):
        swept(server, folder, product={"image": [path]})


def test_what_is_set_in_the_handle_after_planning_is_not_run(server, tmp_path):
    with InvokeAIClient.from_url(server.url) as client:
        handle = workflow_of(client)
        plan = handle.sweep(product={"b.height": [8]})
        handle["width_2"] = 72
        plan.run(tmp_path)
    assert (512, 8) in map(size_of, tmp_path.glob("images/*/*"))
