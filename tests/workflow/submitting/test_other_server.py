"""Workflows, models and boards of another server: linked, left out, or refused."""

from __future__ import annotations

import copy
import json
import logging
from typing import Any

import pytest
import workflow_builder as build
from paths import REPOSITORY

from invokeai_py_client import FieldValidationError, InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer, model_record

PORTRAIT = json.loads(
    (REPOSITORY / "examples" / "workflows" / "portrait.json").read_text("utf-8")
)
SMALL = {"width": 64, "height": 64, "steps": 2}
MODELS = tuple(
    model_record(name, base=base, type=kind)
    for name, base, kind in (
        ("Dream", "sd-1", "main"),
        ("Dream XL", "sdxl", "main"),
        ("Twin", "sd-1", "controlnet"),
        ("Twin", "sd-1", "t2i_adapter"),
        ("Style", "sd-1", "lora"),
        ("Style", "sd-1", "main"),
        ("Flow", "flux", "main"),
    )
)
DREAM = MODELS[0]


@pytest.fixture(scope="module")
def client():
    with SimulatedServer(models=MODELS) as server, InvokeAIClient(server.url) as made:
        yield made


def foreign(name: str = "Dream", **parts: Any) -> dict[str, Any]:
    """A model as a file from another server names it."""
    return {
        "key": "another server's",
        "hash": "blake3:another",
        "name": name,
        "base": "sd-1",
        "type": "main",
        **parts,
    }


def portrait(model: Any, **parts: Any) -> dict[str, Any]:
    document = {**copy.deepcopy(PORTRAIT), **parts}
    for node in document["nodes"]:
        if node["id"] == "model":
            node["data"]["inputs"]["model"]["value"] = model
    return document


def graph_of(client: InvokeAIClient, document: dict[str, Any], **values: Any) -> Any:
    return client.workflow_repo.load(document).preview(**values).graph["nodes"]


def key_of(client: InvokeAIClient, name: str, kind: str = "main") -> str:
    models = client.model_repo.list_models()
    return next(m.key for m in models if (m.name, m.type) == (name, kind))


def test_a_model_of_the_same_name_and_base_is_used_and_the_warning_says_so(
    client, caplog
):
    workflow = client.workflow_repo.load(portrait(foreign()))
    result = workflow.run(**SMALL)
    (warning,) = result.warnings
    assert "input 0 'model'" in warning
    assert "'Dream' (sd-1 main) is linked by its name to" in warning
    assert key_of(client, "Dream") in warning
    assert result.is_complete
    records = [record for record in caplog.records if record.message == warning]
    assert [record.levelno for record in records] == [logging.WARNING]


def test_the_same_hash_comes_before_the_same_name(client):
    models = {model["key"]: model for model in MODELS}
    style = models[key_of(client, "Style")]
    found = graph_of(client, portrait(foreign(hash=style["hash"])))
    assert found["model"]["model"]["key"] == style["key"]
    assert found["model"]["model"]["name"] == "Style"


def test_a_value_that_was_replaced_is_not_warned_of(client):
    workflow = client.workflow_repo.load(portrait(foreign("Nothing like it")))
    assert workflow.submit(model="Dream", **SMALL).warnings == ()


def test_what_cannot_be_linked_is_named_with_near_models_and_where_to_get_it(client):
    document = portrait(
        foreign("Dreams"),
        notes="Needs:\nDreams: https://example.org/dreams.\nand patience.",
    )
    with pytest.raises(FieldValidationError) as caught:
        client.workflow_repo.load(document).run(**SMALL)
    message = str(caught.value)
    assert "the file names the model 'Dreams' (sd-1 main)" in message
    assert "did you mean 'Dream'?" in message
    assert message.count("https://example.org/dreams") == 1
    assert "another server's" not in message
    assert "has no value" not in message


def test_several_models_of_one_name_are_not_guessed_between():
    twins = [DREAM, {**DREAM, "key": "another", "hash": "blake3:other"}]
    with SimulatedServer(models=twins) as server, InvokeAIClient(server.url) as client:
        workflow = client.workflow_repo.load(portrait(foreign()))
        with pytest.raises(FieldValidationError) as caught:
            workflow.run(**SMALL)
    assert "'Dream' means 2 models" in str(caught.value)


def lora_workflow(loras: Any) -> dict[str, Any]:
    nodes = [
        build.node("m", "main_model_loader", {"model": foreign()}),
        build.node("l", "lora_collection_loader", {"loras": loras}),
    ]
    edges = ["m.unet -> l.unet", "m.clip -> l.clip"]
    return build.document(nodes, edges, form=[("l", "loras")])


def test_models_inside_lists_are_linked_too(client):
    lora = foreign("Style", type="lora")
    document = lora_workflow([{"lora": lora, "weight": 0.5}])
    (item,) = graph_of(client, document)["l"]["loras"]
    assert item == {
        "lora": {**lora, **item["lora"], "key": key_of(client, "Style", "lora")},
        "weight": 0.5,
    }
    workflow = client.workflow_repo.load(lora_workflow([]))
    workflow["loras"] = [{"lora": lora, "weight": 1}]
    (item,) = workflow.preview().graph["nodes"]["l"]["loras"]
    assert item["lora"]["key"] == key_of(client, "Style", "lora")


def test_a_lora_in_a_list_that_is_not_there_is_refused_before_the_job(client):
    document = lora_workflow([{"lora": foreign("Gone", type="lora"), "weight": 1}])
    workflow = client.workflow_repo.load(document)
    with pytest.raises(FieldValidationError) as caught:
        workflow.submit()
    assert "the file names the model 'Gone' (sd-1 lora)" in str(caught.value)


@pytest.mark.parametrize(
    ("node_type", "field_name", "kind"),
    [
        ("controlnet", "control_model", "controlnet"),
        ("t2i_adapter", "t2i_adapter_model", "t2i_adapter"),
        ("lora_selector", "lora", "lora"),
    ],
)
def test_an_old_identifier_without_a_type_means_the_type_that_the_field_takes(
    client, node_type, field_name, kind
):
    name = "Style" if kind == "lora" else "Twin"
    old = {"model_name": name, "base_model": "sd-1"}
    document = build.document([build.node("n", node_type, {field_name: old})])
    document["meta"]["version"] = "2.0.0"
    problems = []
    try:
        graph = graph_of(client, document)
    except FieldValidationError as error:
        problems = [item for item in error.problems if item.field_name == field_name]
        graph = {}
    assert problems == []
    assert graph["n"][field_name]["key"] == key_of(client, name, kind)


@pytest.mark.parametrize(
    "named",
    [
        foreign("Gone", base="flux", type="vae"),
        {"model_name": "Gone", "base_model": "flux"},
    ],
)
def test_an_optional_model_that_is_not_there_is_left_out_with_a_warning(client, named):
    model = foreign("Flow", base="flux")
    loader = build.node("f", "flux_model_loader", {"model": model, "vae_model": named})
    compiled = client.workflow_repo.load(build.document([loader])).preview()
    assert compiled.problems == []
    assert "vae_model" not in compiled.graph["nodes"]["f"]
    kinds = {warning.field_name: warning.kind for warning in compiled.warnings}
    assert kinds == {"model": "linked_model", "vae_model": "missing_model"}
    (text,) = [w.message for w in compiled.warnings if w.field_name == "vae_model"]
    assert "the file names the model 'Gone' (flux" in text


def test_a_board_that_is_not_there_is_left_out_with_a_warning(client, caplog):
    board = {"board_id": "11111111-2222-4333-8444-555555555555"}
    document = build.document(
        [
            build.node(
                "b",
                "blank_image",
                {"board": board, "width": 64, "height": 64},
                is_intermediate=False,
            )
        ],
        form=[("b", "board")],
    )
    workflow = client.workflow_repo.load(document)
    (warning,) = workflow.run().warnings
    assert board["board_id"] in warning
    assert "input 0 'board_'" in warning
    assert [r.levelno for r in caplog.records if r.message == warning] == [30]
    assert workflow.run(board_="none").warnings == ()


def test_an_image_that_is_not_there_is_named_where_a_value_is_missing(client):
    nodes = [build.node("r", "img_resize", {"image": {"image_name": "gone.png"}})]
    workflow = client.workflow_repo.load(build.document(nodes))
    with pytest.raises(FieldValidationError) as caught:
        workflow.run()
    assert (
        "has no value and needs one: the file names the image 'gone.png', which this "
        "server does not have" in str(caught.value)
    )


def test_records_and_boards_of_one_server_are_found_by_name_on_another(client):
    there = [{**DREAM, "key": "k", "hash": "blake3:h"}]
    with SimulatedServer(models=there) as server, InvokeAIClient(server.url) as other:
        record = other.model_repo.list_models()[0]
        board = other.board_repo.create_board("Shared")
        unknown = other.board_repo.create_board("Only there")
    here = client.board_repo.create_board("Shared")
    workflow = client.workflow_repo.load(portrait(foreign()))
    result = workflow.run(model=record, board_=board, **SMALL)
    assert result.image.board_id == here.board_id
    assert [line.split(": ")[0] for line in result.warnings] == [
        "input 0 'model' (Main Model - SD1.5, SD2.model)",
        "input 9 'board_' (Portrait.board)",
    ]
    assert workflow.run(board=board, **SMALL).is_complete
    with pytest.raises(FieldValidationError) as caught:
        workflow.run(board_=unknown, **SMALL)
    assert "no board 'Only there'" in str(caught.value)
    assert unknown.board_id not in str(caught.value)
