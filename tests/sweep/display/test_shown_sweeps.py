"""A sweep shows itself: from its folder, without a server."""

from __future__ import annotations

import json
import shutil
import sys
import types

import pytest
from workflow_builder import document, node

from invokeai_py_client import InvokeAIClient, WorkflowDefinition
from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.sweep import Sweep, grid
from invokeai_py_client.sweep.display import folder_page


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A sweep of two widths and two heights, whose items have two images each."""
    nodes = [node(name, "blank_image", {"width": 24, "height": 16}) for name in "bc"]
    for blank in nodes:
        blank["data"]["isIntermediate"] = False
    definition = WorkflowDefinition.from_dict(
        document(nodes, form=[("b", "width"), ("b", "height")])
    )
    folder = tmp_path_factory.mktemp("sweeps") / "mine"
    with SimulatedServer() as server, InvokeAIClient(server.url) as client:
        plan = client.workflow_repo.create_workflow(definition).sweep(
            product={"width": [40, 32], "height": [24, 48]}
        )
        result = plan.run(folder, name="{index:02d}-{width}x{height:03d}")
        assert result.progress.done == 4
    return folder


def test_the_files_of_an_item_are_numbered_as_everywhere(folder):
    names = sorted(path.name for path in folder.rglob("*.png"))
    assert names[:4] == [
        "00-40x024-2.png",
        "00-40x024.png",
        "01-40x048-2.png",
        "01-40x048.png",
    ]


def test_a_sweep_draws_its_grid(folder):
    sweep = Sweep.open(folder)
    image = sweep.grid("width", "height", cell=64)
    assert image.size == grid(sweep.items(), "width", "height", cell=64).size


def data_of(page):
    """The items that a page shows, and its columns."""
    text = page.read_text("utf-8")
    assert "<title>mine</title>" in text
    return json.loads(text.partition('id="data">')[2].partition("</script>")[0])


def test_a_run_leaves_a_page_that_shows_the_images_themselves(folder):
    data = data_of(folder / "index.html")
    assert data["columns"][:2] == ["height", "width"]
    assert [row[3] for row in data["items"]] == [row[4] for row in data["items"]]
    assert all((folder / row[3]).is_file() for row in data["items"])
    assert not (folder / "previews").exists()


def test_the_page_of_a_run_shows_previews_that_are_there(folder, tmp_path):
    mine = shutil.copytree(folder, tmp_path / "mine")
    sweep = Sweep.open(mine)
    sweep.gallery()
    (mine / "images" / "00000" / "00-40x024.png").touch()
    (mine / "images" / "00000" / "01-40x048.png").unlink()
    with SimulatedServer() as server, InvokeAIClient(server.url) as client:
        assert sweep.resume(client).requests == 0
    shown = [row[3] for row in data_of(mine / "index.html")["items"]]
    assert shown[0] == "images/00000/00-40x024.png"
    assert shown[2] == "images/00000/01-40x048.png"
    assert all(path.startswith("previews/") for path in (shown[1], *shown[3:]))


def test_a_run_of_very_many_items_leaves_no_page(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_page, "MOST_ITEMS", 1)
    with SimulatedServer() as server, InvokeAIClient(server.url) as client:
        blank = document([node("b", "blank_image")], form=[("b", "width")])
        workflow = client.workflow_repo.create_workflow(
            WorkflowDefinition.from_dict(blank)
        )
        workflow.sweep(product={"width": [8, 9]}).run(tmp_path / "s")
    assert not (tmp_path / "s" / "index.html").exists()
    assert Sweep.open(tmp_path / "s").gallery().exists()


def test_a_sweep_writes_its_gallery(folder):
    page = Sweep.open(folder).gallery()
    assert page == folder / "index.html"
    data = data_of(page)
    assert data["columns"][:2] == ["height", "width"]
    assert len(data["items"]) == 8
    assert all((folder / row[3]).is_file() for row in data["items"])
    other = Sweep.open(folder).gallery(folder.parent / "x.html", title="A", embed=True)
    assert "mine/images/00000/00-40x024.png" in other.read_text("utf-8")


def test_a_sweep_becomes_a_data_frame(folder, monkeypatch):
    frame = types.SimpleNamespace(from_records=list)
    pandas = types.SimpleNamespace(DataFrame=frame)
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    rows = Sweep.open(folder).to_pandas()
    assert len(rows) == 8
    assert [(row["index"], row["width"], row["status"]) for row in rows[:3]] == [
        (0, 40, "done"),
        (0, 40, "done"),
        (1, 40, "done"),
    ]
