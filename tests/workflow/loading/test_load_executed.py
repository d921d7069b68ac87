"""What is loaded out of an image or a job is what ran."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import urlopen

import pytest
import workflow_builder as build
from paths import DATA, PORTRAIT

from invokeai_py_client import (
    InvokeAIClient,
    WorkflowDefinition,
    WorkflowFormatError,
)
from invokeai_py_client.simulator import SimulatedServer

GENERATED = DATA / "shared" / "graph_and_metadata_only.png"
GRAPH_BODY = json.loads((DATA / "shared" / "graph_body.json").read_text("utf-8"))
SMALL = {"model": "Simulated SD 1.5", "width": 64, "height": 64, "steps": 2}


@pytest.fixture(scope="module")
def client():
    with SimulatedServer() as server, InvokeAIClient(server.url) as made:
        yield made


@pytest.fixture(scope="module")
def swept(client):
    """Three images of one submission, each with a seed of its own."""
    workflow = client.workflow_repo.load(PORTRAIT)
    return workflow.run(runs=3, seed="random", positive_prompt="a fox", **SMALL)


def kinds(handle: Any) -> list[str]:
    return [warning.kind for warning in handle.warnings]


@pytest.mark.parametrize("index", range(3))
def test_each_image_of_a_sweep_gives_its_own_seed_and_values(
    client, swept, index, tmp_path
):
    saved = swept.images[index].save(tmp_path / "image.png")
    name = swept.images[index].image_name
    for source in (
        saved,
        saved.read_bytes(),
        swept.images[index],
        name,
        f"{client.url}/api/v1/images/i/{name}/full",
    ):
        handle = client.workflow_repo.load(source)
        assert handle["seed"] == swept.seeds[index]
        assert handle["positive_prompt"] == "a fox"
        assert handle["width"] == 64
        differs = swept.seeds[index] != swept.seeds[0]
        assert kinds(handle) == ["executed_value"] * differs
        assert str(swept.seeds[index]) in "".join(
            [warning.message for warning in handle.warnings] or [str(handle["seed"])]
        )
    assert len(handle.inputs) == 10


def test_an_image_of_another_server_gives_its_values_too(swept):
    with SimulatedServer() as server, InvokeAIClient(server.url) as other:
        handle = other.workflow_repo.load(swept.images[1])
    assert handle["seed"] == swept.seeds[1]


def test_a_number_that_a_node_drew_is_pinned_where_the_metadata_has_it(client):
    workflow = client.workflow_repo.load(build.random_seed_document(noted=True))
    results = [workflow.run() for _ in range(2)]
    assert results[0].seeds != results[1].seeds
    for result in results:
        handle = client.workflow_repo.load(result.image)
        assert [seed.value for seed in handle.seeds] == [result.seeds[0]] * 2
        assert handle.run().seeds == result.seeds


def test_a_number_that_nobody_knows_is_warned_of(client):
    result = client.workflow_repo.load(build.random_seed_document(noted=False)).run()
    for job in result.jobs:
        client.queue_repo.delete_job(job.item_id)
    handle = client.workflow_repo.load(result.image)
    assert kinds(handle) == ["unknown_value"]
    assert "what the rand_int node r drew is not known" in handle.warnings[0].message


def test_a_job_and_its_session_know_what_a_node_drew(client):
    workflow = client.workflow_repo.load(build.random_seed_document(noted=False))
    submission = workflow.submit()
    result = submission.wait()
    number = submission.jobs[0].item_id
    with urlopen(f"{client.url}/api/v1/queue/default/i/{number}") as reply:
        job = json.load(reply)
    handle = client.workflow_repo.load(job)
    assert [seed.value for seed in handle.seeds] == [result.seeds[0]]
    session = client.workflow_repo.load(job["session"])
    assert [seed.value for seed in session.seeds] == [result.seeds[0]]
    assert session.inputs.in_order == ()


def test_a_batch_gives_the_value_that_the_image_got(client):
    nodes = [
        build.node("i", "integer_batch", {"integers": [64, 128]}),
        build.node("b", "blank_image", {"height": 64}, is_intermediate=False),
    ]
    document = build.document(nodes, ["i.value -> b.width"])
    result = client.workflow_repo.load(document).run()
    assert [image.width for image in result.images] == [64, 128]
    handle = client.workflow_repo.load(result.images[1])
    assert handle.get_node_field("b", "width").value == 128
    assert handle.run().image.width == 128


def test_an_image_of_the_generate_tab_is_a_workflow_without_a_form(client):
    handle = client.workflow_repo.load(GENERATED)
    assert handle.definition.is_graph
    assert handle.get_node_field("noise", "width").value == 64
    assert (handle["width"], handle["height"], handle["seed"]) == (64, 64, 3)
    message = "; ".join(warning.message for warning in handle.warnings)
    assert "positive_prompt" in message
    assert "seed is 1554095076, the graph has 3" in message
    handle["seed"] = 9
    graph = handle.compile().graph["nodes"]
    assert graph["s"]["value"] == 9
    assert handle.check() == []
    assert handle.run().is_complete


def test_the_metadata_names_the_inputs_of_a_graph():
    noted = {"positive_prompt": "a fox", "steps": 7, "width": 64}
    noted.update(note="no input", cfg_scale=3)
    graph = {
        "nodes": {
            "p": {"id": "p", "type": "string", "value": "a fox"},
            "d": {"id": "d", "type": "denoise_latents", "steps": 7},
            "n": {"id": "n", "type": "noise", "width": 64},
            "o": {"id": "o", "type": "noise", "width": 64},
            "c": {"id": "c", "type": "add", "a": 1, "b": 2},
            "m": {"id": "m", "type": "core_metadata", "steps": 7, "width": 64},
        },
        "edges": [
            # What was calculated is no input.
            {
                "source": {"node_id": "c", "field": "value"},
                "destination": {"node_id": "m", "field": "cfg_scale"},
            },
            {
                "source": {"node_id": "p", "field": "value"},
                "destination": {"node_id": "m", "field": "positive_prompt"},
            },
        ],
    }
    definition = WorkflowDefinition.from_dict({"graph": graph, "metadata": noted})
    exposed = definition.document["exposedFields"]
    assert [(item["nodeId"], item["fieldName"]) for item in exposed] == [
        ("p", "value"),
        ("d", "steps"),
    ]
    (warning,) = [item for item in definition.warnings if item.kind == "metadata"]
    assert "width (2 inputs), note, cfg_scale" in warning.message
    assert all(node["data"]["isOpen"] for node in definition.document["nodes"])


@pytest.mark.parametrize(
    "document",
    [GRAPH_BODY, GRAPH_BODY["batch"], GRAPH_BODY["batch"]["graph"]],
    ids=["request", "batch", "graph"],
)
def test_a_graph_and_a_request_to_the_queue_are_workflows(client, document):
    for source in (document, json.dumps(document), json.dumps(document).encode()):
        handle = client.workflow_repo.load(source)
        assert handle.definition.is_graph
        assert handle.get_node_field("n", "seed").value == 8
        handle.set_node_value("b", "width", 128)
        assert handle.run().image.width == 128
    assert client.workflow_repo.create_workflow(document).definition.is_graph


def test_a_graph_is_saved_to_the_library_with_the_versions_of_its_nodes(client):
    record = client.workflow_repo.save_workflow(GENERATED, name="Generated")
    saved = client.workflow_repo.get_workflow(record)
    assert all(node["data"]["version"] for node in saved.document["nodes"])
    assert client.workflow_repo.load("Generated")["seed"] == 3


def test_an_item_of_a_list_that_nobody_knows_is_warned_of(client):
    nodes = [
        build.node("l", "integer_collection", {"collection": [64, 128]}),
        build.node("i", "iterate"),
        build.node("b", "blank_image", {"height": 64}, is_intermediate=False),
    ]
    # Or the image of another test is taken out of the cache.
    nodes[2]["data"]["useCache"] = False
    edges = ["l.collection -> i.collection", "i.item -> b.width"]
    result = client.workflow_repo.load(build.document(nodes, edges)).run()
    handle = client.workflow_repo.load(result.images[1])
    assert kinds(handle) == ["unknown_value"]
    assert "i runs once per item of a list" in handle.warnings[0].message


def test_an_image_without_a_workflow_says_so(client):
    image = client.image_repo.upload_image(GENERATED.parent / "plain.png")
    with pytest.raises(WorkflowFormatError, match="carries no workflow"):
        client.workflow_repo.load(image)


def test_a_damaged_graph_leaves_the_workflow():
    document = build.document([build.node("a", "add", {"a": 1})])
    texts = {"invokeai_workflow": json.dumps(document), "invokeai_graph": "{"}
    definition = WorkflowDefinition(texts)
    assert definition == WorkflowDefinition.from_dict(document)
    assert [warning.kind for warning in definition.warnings] == ["graph"]


def test_a_graph_of_another_workflow_changes_nothing():
    document = build.document([build.node("a", "add", {"a": 1})])
    graph = {"nodes": {"b": {"id": "b", "type": "add", "a": 5}}, "edges": []}
    definition = WorkflowDefinition.from_dict({"workflow": document, "graph": graph})
    assert definition == WorkflowDefinition.from_dict(document)


def test_the_board_of_that_moment_does_not_replace_auto():
    values = {"board": "auto", "width": 64}
    document = build.document([build.node("b", "blank_image", values)])
    ran = {"id": "b", "type": "blank_image", "board": {"board_id": "x"}, "width": 64.0}
    definition = WorkflowDefinition.from_dict(
        {"workflow": document, "graph": {"nodes": {"b": ran}, "edges": []}}
    )
    assert definition == WorkflowDefinition.from_dict(document)
