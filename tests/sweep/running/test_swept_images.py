"""Local images that are swept: on the server once, and asked for once in a run."""

from __future__ import annotations

import asyncio

import pytest
from media_files import png
from sweep_rig import counts
from workflow_builder import definition, node

from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.workflow.lookup import resolve_references

SIZES = list(range(8, 38))


def resized():
    """A workflow that makes another size of an image."""
    made = node("r", "img_resize", {"width": 8, "height": 8}, is_intermediate=False)
    made["data"]["useCache"] = False
    return definition([made], form=[("r", "image"), ("r", "width")])


@pytest.fixture
def images(tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, size in zip(paths, (16, 24)):
        path.write_bytes(png(size, size))
    return paths


@pytest.fixture
def asked(monkeypatch):
    """The names that the server is asked for."""
    names = []
    has_record = resolve_references.has_record

    def noting(media, name):
        names.append(name)
        return (yield from has_record(media, name))

    monkeypatch.setattr(resolve_references, "has_record", noting)
    return names


def test_an_image_is_asked_for_once_in_a_run(images, tmp_path, asked):
    with SimulatedServer() as server, InvokeAIClient(server.url) as client:
        workflow = client.workflow_repo.create_workflow(resized())
        plan = workflow.sweep(product={"width": SIZES, "image": images})
        assert plan.run(tmp_path / "s").progress.done == 60
        # This client put them there in this very run.
        assert asked == []
        plan.run(tmp_path / "again")
        assert len(asked) == len(set(asked)) == 2
        assert client.image_repo.count_images(categories="user") == 2


@pytest.mark.slow
def test_an_image_that_is_deleted_in_the_middle_is_uploaded_again(images, tmp_path):
    slow = SimulatedServer(job_delay=0.06)
    with slow as server, InvokeAIClient(server.url) as client:
        workflow = client.workflow_repo.create_workflow(resized())
        plan = workflow.sweep(product={"width": SIZES, "image": images})
        left = [1]

        def delete(_):
            if left:
                left.clear()
                uploads = client.image_repo.list_images(categories="user")
                client.image_repo.delete_images(uploads)

        result = plan.run(tmp_path / "s", on_progress=delete)
    assert not left
    assert (result.progress.done, result.progress.failed) == (60, 0)
    assert counts(tmp_path / "s").reruns > 0


def test_a_table_may_be_read_in_a_thread_beside_an_event_loop(tmp_path):
    table = tmp_path / "sizes.csv"
    table.write_text("width\n8\n9\n")

    async def run(url):
        async with AsyncInvokeAIClient(url) as client:
            workflow = client.workflow_repo.create_workflow(resized())

            plan = await asyncio.to_thread(
                workflow.sweep, rows=table, product={"image": [png(8, 8)]}
            )
            return await plan.run(tmp_path / "s")

    with SimulatedServer() as server:
        assert asyncio.run(run(server.url)).progress.done == 2
