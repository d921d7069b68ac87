"""What is loaded out of images and files of elsewhere, on a real server too."""

from __future__ import annotations

import json

import pytest
import workflow_builder as build
from paths import DATA, PORTRAIT

from .noun_calls import done

pytestmark = pytest.mark.live

SMALL = {"model": "tiny-sd1", "width": 64, "height": 64, "steps": 2}


async def test_each_image_of_a_sweep_gives_its_own_seed_and_values(
    client, tiny_models, tmp_path
):
    workflow = await done(client.workflow_repo.load(PORTRAIT))
    result = await done(
        workflow.run(runs=3, seed="random", positive_prompt="a fox", **SMALL)
    )
    assert len(set(result.seeds)) == 3
    for image, seed in zip(result.images, result.seeds):
        path = await done(image.save(tmp_path / image.image_name))
        for source in (path, image, image.image_name):
            handle = await done(client.workflow_repo.load(source))
            assert (handle["seed"], handle["positive_prompt"]) == (seed, "a fox")
            assert (handle["width"], handle["steps"]) == (64, 2)
            assert "has no key" not in str(handle["model"])


async def test_a_number_that_a_node_drew_is_pinned_where_the_metadata_has_it(client):
    workflow = await done(
        client.workflow_repo.load(build.random_seed_document(noted=True))
    )
    result = await done(workflow.run(timeout=60))
    handle = await done(client.workflow_repo.load(result.image))
    assert [seed.value for seed in handle.seeds] == [result.seeds[0]] * 2
    assert (await done(handle.run(timeout=60))).seeds == result.seeds


async def test_a_number_that_a_node_drew_is_known_while_there_is_the_job(client):
    workflow = await done(
        client.workflow_repo.load(build.random_seed_document(noted=False))
    )
    result = await done(workflow.run(timeout=60))
    name = result.image.image_name
    for source in (result.image, name):
        handle = await done(client.workflow_repo.load(source))
        assert [seed.value for seed in handle.seeds] == [result.seeds[0]]
    await done(client.queue_repo.delete_job(result.jobs[0].item_id))
    handle = await done(client.workflow_repo.load(name))
    kinds = [warning.kind for warning in handle.warnings]
    assert "unknown_value" in kinds


async def test_a_graph_with_metadata_runs(client):
    path = DATA / "shared" / "graph_and_metadata_only.png"
    handle = await done(client.workflow_repo.load(path))
    handle["width"] = 128
    assert (await done(handle.run(timeout=60))).is_complete


async def test_an_uploaded_image_of_the_generate_tab_is_a_workflow(client):
    path = DATA / "shared" / "graph_and_metadata_only.png"
    image = await done(client.image_repo.upload_image(path))
    handle = await done(client.workflow_repo.load(image))
    assert (handle["width"], handle["seed"]) == (64, 3)
    await done(client.image_repo.delete_image(image))


async def test_a_model_of_another_server_is_linked_by_its_name(client, tiny_models):
    document = json.loads(PORTRAIT.read_text("utf-8"))
    model = await done(client.model_repo.get_model("tiny-sd1"))
    named = {**model.identifier(), "key": "another server's", "hash": "blake3:another"}
    for node in document["nodes"]:
        if node["id"] == "model":
            node["data"]["inputs"]["model"]["value"] = named
    workflow = await done(client.workflow_repo.load(document))
    result = await done(workflow.run(width=64, height=64, steps=2, timeout=60))
    (warning,) = result.warnings
    assert "linked by its name" in warning
    assert model.key in warning
    by_hash = {**named, "hash": model.hash, "name": "renamed"}
    result = await done(
        workflow.run(width=64, height=64, steps=2, model=by_hash, timeout=60)
    )
    assert "linked by its hash" in result.warnings[0]
