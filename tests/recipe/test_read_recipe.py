"""The values of graphs, workflows and metadata, each from the best that has it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import workflow_builder as build
from media_files import png, png_chunk
from paths import DATA

from invokeai_py_client import ImageError, ImageFileNotFoundError, Recipe
from invokeai_py_client.recipe.read_recipe import Known, read_recipe
from invokeai_py_client.recipe.recipe import make_recipe
from invokeai_py_client.recipe.values import MAIN_NAMES, model_name

MODEL = {"key": "k", "hash": "h", "name": "tiny", "base": "sd-1", "type": "main"}
LORA = {**MODEL, "name": "foxes", "type": "lora"}
NODES: dict[str, Any] = {
    "loader": {"type": "main_model_loader", "model": MODEL},
    "lora": {"type": "lora_loader", "lora": LORA, "weight": 0.5},
    "text": {"type": "string", "value": "a fox"},
    "good": {"type": "compel", "prompt": ""},
    "bad": {"type": "compel", "prompt": "blurry"},
    "noise": {"type": "noise", "seed": 7, "width": 64, "height": 48},
    "sample": {
        "type": "denoise_latents",
        "steps": 9,
        "cfg_scale": 5.5,
        "scheduler": "lms",
    },
    "save": {"type": "l2i", "is_intermediate": False},
}
EDGES = (
    "loader.unet -> lora.unet",
    "lora.unet -> sample.unet",
    "loader.clip -> good.clip",
    "loader.clip -> bad.clip",
    "text.value -> good.prompt",
    "good.conditioning -> sample.positive_conditioning",
    "bad.conditioning -> sample.negative_conditioning",
    "noise.noise -> sample.noise",
    "sample.latents -> save.latents",
)
RANDOM = {**NODES, "random": {"type": "rand_int", "low": 0, "high": 100}}


def read(nodes: dict[str, Any], *edges: str, **known: Any) -> dict[str, Any]:
    values = read_recipe(Known(graph=build.graph(nodes, *edges), **known)).values
    return {name: value.value for name, value in values.items()}


def test_a_graph_says_what_its_sampler_got() -> None:
    assert read(NODES, *EDGES) == {
        "prompt": "a fox",
        "negative_prompt": "blurry",
        "seed": 7,
        "model": MODEL,
        "steps": 9,
        "cfg_scale": 5.5,
        "scheduler": "lms",
        "width": 64,
        "height": 48,
        "loras": [{"model": LORA, "weight": 0.5}],
    }


def test_every_value_says_where_it_is_from() -> None:
    found = read_recipe(Known(graph=build.graph(NODES, *EDGES)))
    seed = found.values["seed"]
    assert (seed.source, seed.node_id, seed.field_name) == ("graph", "noise", "seed")
    assert str(seed) == "seed = 7 (graph: noise.seed)"
    assert model_name(found.values["model"].value) == "tiny"


def test_what_an_edge_supplied_is_unknown_and_says_of_which_node() -> None:
    graph = build.graph(RANDOM, *EDGES, "random.value -> noise.seed")
    seed = read_recipe(Known(graph=graph)).values["seed"]
    assert not seed.is_known
    assert "the rand_int node random supplied it" in seed.note


@pytest.mark.parametrize("key", ["noted", "of the same name"])
def test_what_the_metadata_has_is_of_the_metadata(key) -> None:
    nodes = {**RANDOM, "notes": {"type": "core_metadata"}}
    edges = [*EDGES, "random.value -> noise.seed"]
    edges += ["random.value -> notes.seed"] if key == "noted" else []
    graph = build.graph(nodes, *edges)
    seed = read_recipe(Known(graph=graph, metadata={"seed": 41})).values["seed"]
    assert (seed.value, seed.source) == (41, "metadata")


def test_a_random_node_that_is_pinned_is_known() -> None:
    nodes = {**NODES, "random": {"type": "rand_int", "low": 5, "high": 6}}
    assert read(nodes, *EDGES, "random.value -> noise.seed")["seed"] == 5


def test_where_two_samplers_differ_neither_is_guessed() -> None:
    nodes = {
        **NODES,
        "again": {**NODES["sample"], "steps": 4},
        "mix": {"type": "lblend"},
    }
    edges = (
        *EDGES[:-1],
        "good.conditioning -> again.positive_conditioning",
        "noise.noise -> again.noise",
        "sample.latents -> mix.latents_a",
        "again.latents -> mix.latents_b",
        "mix.latents -> save.latents",
    )
    found = read_recipe(Known(graph=build.graph(nodes, *edges))).values
    assert not found["steps"].is_known
    assert {value.value for value in found["steps"].candidates} == {4, 9}
    assert "sample.steps = 9" in found["steps"].note
    assert (found["seed"].value, found["scheduler"].value) == (7, "lms")
    noted = Known(graph=build.graph(nodes, *edges), metadata={"steps": 9})
    assert read_recipe(noted).values["steps"].source == "metadata"


def session(*, has_run: bool = True) -> dict[str, Any]:
    """A job in which every node is to run once for each of two seeds."""
    prepared = {
        f"{key}-{index}": {**node, "seed": 10 + index} if key == "noise" else node
        for index in range(2)
        for key, node in NODES.items()
    }
    edges = [
        " -> ".join(f"{end.split('.')[0]}-{i}.{end.split('.')[1]}" for end in ends)
        for i in range(2)
        for ends in (text.split(" -> ") for text in EDGES)
    ]
    prepared["good-0"] = {"type": "compel", "prompt": "a fox"}
    return {
        "graph": build.graph(NODES, *EDGES),
        "execution_graph": build.graph(prepared, *edges),
        "prepared_source_mapping": {key: key.partition("-")[0] for key in prepared},
        "results": {key: {} for key in prepared} if has_run else {},
    }


@pytest.mark.parametrize("index", [0, 1])
def test_of_a_loop_the_image_has_what_its_own_round_used(index) -> None:
    job = {"session": session()}
    found = read_recipe(Known(job=job, node_id=f"save-{index}"))
    seed = found.values["seed"]
    assert (seed.value, seed.source, seed.node_id) == (10 + index, "session", "noise")


def test_what_did_not_run_is_none_of_the_session() -> None:
    job = {"session": session(has_run=False)}
    found = read_recipe(Known(job=job, node_id="save-0"))
    assert found.values["seed"].source == "graph"


def workflow() -> dict[str, Any]:
    nodes = [build.node(key, node["type"], node) for key, node in NODES.items()]
    exposed = [("noise", "seed"), ("good", "prompt"), ("save", "board")]
    return {
        **build.document(nodes, list(EDGES)),
        "exposedFields": [{"nodeId": n, "fieldName": f} for n, f in exposed],
    }


def test_inputs_have_what_ran_not_what_the_workflow_holds() -> None:
    nodes = {**NODES, "noise": {**NODES["noise"], "seed": 99}}
    graph = build.graph(nodes, *EDGES)
    found = read_recipe(Known(workflow=json.dumps(workflow()), graph=json.dumps(graph)))
    seed, prompt, board = found.inputs.values()
    assert (seed.name, seed.value, seed.source) == ("seed_", 99, "graph")
    # The form shows the prompt; an edge feeds it.
    assert (prompt.value, prompt.source) == ("a fox", "graph")
    assert (board.is_known, board.note) == (False, "no value was sent")


def test_an_input_that_a_batch_feeds_has_the_value_of_this_image() -> None:
    nodes = [build.node(key, node["type"], node) for key, node in NODES.items()]
    nodes.append(build.node("many", "string_batch", {"strings": ["a fox", "an owl"]}))
    edges = [edge for edge in EDGES if not edge.startswith("text.")]
    document = {
        **build.document(nodes, [*edges, "many.value -> good.prompt"]),
        "exposedFields": [{"nodeId": "many", "fieldName": "strings"}],
    }
    ran = {**NODES, "good": {"type": "compel", "prompt": "an owl"}}
    found = read_recipe(Known(workflow=document, graph=build.graph(ran, *edges)))
    (value,) = found.inputs.values()
    assert (value.value, value.node_id, value.source) == ("an owl", "good", "graph")


def test_a_model_of_a_session_is_the_one_of_the_graph() -> None:
    job = {"session": session()}
    for node in job["session"]["execution_graph"]["nodes"].values():
        if "model" in node:
            node["model"] = {**node["model"], "submodel_type": None}
    found = read_recipe(Known(job=job, node_id="save-0")).values["model"]
    assert (found.value, found.source) == (MODEL, "session")


def test_a_workflow_alone_says_that_it_is_only_the_workflow() -> None:
    found = read_recipe(Known(workflow=workflow()))
    assert found.values["seed"].source == "workflow"
    assert found.values["prompt"].value == "a fox"
    assert found.inputs["seed_"].source == "workflow"


def test_what_cannot_be_read_is_noted_and_the_rest_is_read() -> None:
    found = read_recipe(Known(workflow="{", graph=5, metadata={"seed": 3}))
    assert found.values["seed"].value == 3
    assert len(found.notes) == 1


def test_nothing_known_is_all_unknown() -> None:
    found = read_recipe(Known())
    assert list(found.values) == list(MAIN_NAMES)
    assert not any(value.is_known for value in found.values.values())
    assert (found.inputs, found.notes) == ({}, ())


def test_metadata_of_invokeai_3_has_models_of_its_own_form() -> None:
    model = {"model_name": "old", "base_model": "sd-1", "model_type": "main"}
    known = Known(metadata={"model": model, "positive_prompt": "a"})
    recipe = make_recipe(known, "x.png")
    assert (recipe.model, recipe.prompt) == ("old", "a")


# -- files -----------------------------------------------------------------------------


def test_an_image_of_the_generate_tab_is_read_without_a_server() -> None:
    recipe = Recipe.from_file(DATA / "shared" / "graph_and_metadata_only.png")
    assert (recipe.prompt, recipe.seed) == ("p", 1554095076)
    assert recipe.values["seed"].source == "metadata"
    assert recipe.inputs["width"].value == 64
    assert recipe.inputs["width"].source == "graph"


@pytest.mark.parametrize("content", [png(), b"\xff\xd8\xff\xe0"])
def test_an_image_that_says_nothing_has_a_recipe_of_unknowns(content, tmp_path) -> None:
    path = tmp_path / "plain.png"
    path.write_bytes(content)
    recipe = Recipe.from_file(path)
    assert (recipe.prompt, recipe.seed, recipe.model) == (None, None, None)
    assert recipe.size == ((1, 1) if content == png() else None)


def test_a_file_that_is_none_or_no_image_is_an_error(tmp_path) -> None:
    with pytest.raises(ImageFileNotFoundError):
        Recipe.from_file(tmp_path / "missing.png")
    with pytest.raises(ImageError, match="is not a PNG"):
        Recipe.from_bytes(b"text")
    with pytest.raises(ImageError):
        Recipe.from_file(tmp_path)


def test_a_recipe_is_shown_in_a_line_and_in_a_notebook() -> None:
    chunk = png_chunk(b"tEXt", b"invokeai_metadata\0" + b'{"seed": 3, "steps": 2}')
    recipe = Recipe.from_bytes(png(1, 1, chunk), image="fox.png")
    assert repr(recipe) == "<Recipe of fox.png: seed='3', steps='2'>"
    assert "<td>metadata</td>" in recipe._repr_html_()
    assert "seed = 3 (metadata)" in str(recipe)
