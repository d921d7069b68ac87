"""What made an image, asked of a server: the simulated one and a real one."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
import workflow_builder as build
from paths import PORTRAIT, REPOSITORY

from invokeai_py_client import Recipe
from invokeai_py_client.recipe.same_pixels import same_pixels

from .noun_calls import done

pytestmark = pytest.mark.live

SMALL = {"model": "tiny-sd1", "width": 64, "height": 72, "steps": 2}


def check(recipe: Recipe, seed: int, source: str) -> None:
    assert (recipe.prompt, recipe.seed, recipe.steps) == ("a fox", seed, 2)
    assert (recipe.model, recipe.width, recipe.height) == ("tiny-sd1", 64, 72)
    assert (recipe.scheduler, recipe.size) == ("euler", (64, 72))
    inputs = {name: value.value for name, value in recipe.inputs.items()}
    assert (inputs["positive_prompt"], inputs["seed_"]) == ("a fox", seed)
    assert inputs["model"]["name"] == "tiny-sd1"
    named = (recipe.values["seed"], recipe.inputs["seed_"])
    assert [value.source for value in named] == [source, source]


async def test_three_images_of_a_run_have_three_seeds(client, tiny_models, tmp_path):
    workflow = await done(client.workflow_repo.load(PORTRAIT))
    result = await done(
        workflow.run(runs=3, seed="random", positive_prompt="a fox", **SMALL)
    )
    assert len(set(result.seeds)) == 3
    for job, seed in zip(result.jobs, result.seeds):
        image = await done(client.image_repo.get_image(job.image.image_name))
        check(await done(image.recipe()), seed, "session")
        check(await done(job.image.recipe()), seed, "session")
        check(
            Recipe.from_file(await done(image.save(tmp_path / "a.png"))), seed, "graph"
        )
        await done(client.queue_repo.delete_job(job.item_id))
        check(await done(image.recipe()), seed, "graph")


def drawn_document() -> dict:
    """Text to image whose seed a node draws, and nothing writes down."""
    document = build.text_to_image("rand_int").to_dict()
    for node in document["nodes"]:
        node["data"]["useCache"] = False
    return document


async def test_a_seed_that_a_node_drew_is_known_while_there_is_the_job(
    client, tiny_models
):
    workflow = await done(client.workflow_repo.load(drawn_document()))
    model = await done(client.model_repo.get_model("tiny-sd1"))
    for name, value in (("width", 64), ("height", 64), ("steps", 1)):
        for node in workflow.definition.document["nodes"]:
            if name in node["data"]["inputs"]:
                workflow.set_node_value(node["id"], name, value)
    for node in workflow.definition.document["nodes"]:
        if "model" in node["data"]["inputs"]:
            workflow.set_node_value(node["id"], "model", model)
    result = await done(workflow.run(timeout=120))
    recipe = await done(result.image.recipe())
    assert (recipe.seed, recipe.values["seed"].source) == (result.seeds[0], "session")
    await done(client.queue_repo.delete_job(result.jobs[0].item_id))
    recipe = await done(result.image.recipe())
    assert recipe.seed is None
    assert "rand_int" in recipe.values["seed"].note
    assert recipe.steps == 1


async def test_an_upload_has_a_recipe_of_unknowns(client):
    path = REPOSITORY / "tests" / "data" / "shared" / "plain.png"
    image = await done(client.image_repo.upload_image(path))
    recipe = await done(image.recipe())
    assert not any(value.is_known for value in recipe.values.values())
    assert recipe.size == (image.width, image.height)
    await done(client.image_repo.delete_image(image))


@pytest.fixture(scope="module")
def cache_home(tmp_path_factory) -> Path:
    """One index for both clients: the server may have a thousand images to read."""
    return tmp_path_factory.mktemp("cache")


async def test_images_are_found_by_what_made_them(
    client, tiny_models, cache_home, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_home))
    workflow = await done(client.workflow_repo.load(PORTRAIT))
    prompt = f"A Fox of {uuid.uuid4()}"
    result = await done(
        workflow.run(runs=2, seed="random", positive_prompt=prompt, **SMALL)
    )
    first, second = result.jobs
    board = await done(client.board_repo.create_board(prompt))
    await done(client.image_repo.move_images(first.image, board=board))

    async def found(**wanted) -> list[str]:
        images = await done(client.image_repo.search_images(**wanted))
        return sorted(map(str, images))

    both = sorted(map(str, result.images))
    assert await found(prompt=prompt.upper(), model="tiny-sd1") == both
    assert await found(prompt=prompt, seed=second.seed) == [str(second.image)]
    assert await found(prompt=prompt, board=board) == [str(first.image)]
    assert await found(prompt=prompt, since="2999-01-01") == []
    await done(client.board_repo.delete_board(board, delete_images=True))
    assert await found(prompt=prompt) == [str(second.image)]


async def test_an_image_made_again_has_the_same_pixels(client, tiny_models, tmp_path):
    workflow = await done(client.workflow_repo.load(PORTRAIT))
    first = (await done(workflow.run(positive_prompt="a fox", seed=7, **SMALL))).image
    path = await done(first.save(tmp_path / "first.png"))
    # The server's cache would give the same image, not make another.
    await done(client.image_repo.delete_image(first))
    again = (await done((await done(client.workflow_repo.load(path))).run())).image
    assert again.image_name != first.image_name
    assert same_pixels(path.read_bytes(), await done(again.bytes()))
    other = await done(client.workflow_repo.load(again))
    changed = (await done(other.run(seed=8))).image
    assert not same_pixels(path.read_bytes(), await done(changed.bytes()))


def test_a_script_makes_the_image_again(
    live_client, tiny_models, tmp_path, monkeypatch
):
    workflow = live_client.workflow_repo.load(PORTRAIT)
    result = workflow.run(positive_prompt="a 'fox'\n", seed=9, **SMALL)
    loaded = live_client.workflow_repo.load(result.image)
    loaded["steps"] = 1
    made = loaded.run()
    monkeypatch.chdir(tmp_path)
    exec(compile(loaded.to_python(), "script", "exec"), {})
    (path,) = (tmp_path / "images").iterdir()
    assert same_pixels(path.read_bytes(), made.image.bytes())
