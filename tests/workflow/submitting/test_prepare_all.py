"""A submission that cannot be sent says everything that is wrong with it at once."""

from __future__ import annotations

from typing import Any

import pytest
import workflow_builder as build

from invokeai_py_client import FieldValidationError, InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer


@pytest.fixture(scope="module")
def client():
    with SimulatedServer() as server, InvokeAIClient.from_url(server.url) as client:
        yield client


def handle(client: InvokeAIClient, *args: Any) -> Any:
    return client.workflow_repo.create_workflow(build.definition(*args))


def blank(**values: Any) -> dict[str, Any]:
    return build.node("b", "blank_image", values, is_intermediate=False)


def test_problems_of_names_values_and_nodes_come_together(client):
    magic = build.node("u", "my_magic", {"x": 1})
    magic["data"]["nodePack"] = "magic-pack"
    nodes = [
        build.node("n", "noise", {"width": 63}),
        build.node("m", "main_model_loader"),
        build.node("i", "img_resize"),
        build.node("c", "collect"),
        magic,
    ]
    edges = ["u.image -> i.image", "u.image -> c.item"]
    wf = handle(client, nodes, edges, [("m", "model"), ("n", "width")])
    with pytest.raises(FieldValidationError) as caught:
        wf.submit(model="nope")
    kinds = {problem.node_id: problem for problem in caught.value.problems}
    # What the unknown node would have fed is not told as a fault of its own.
    assert sorted(kinds) == ["m", "n", "u"]
    assert "magic-pack" in kinds["u"].message
    assert kinds["n"].input_name == "width"
    assert "nope" in kinds["m"].message
    assert client.queue_repo.get_queue_status().queue.total == 0


def test_an_image_that_was_deleted_meanwhile_is_found_before_the_job(client):
    image = handle(client, [blank()]).run().image
    client.image_repo.delete_image(image)
    resize = handle(client, [build.node("r", "img_resize")], [], [("r", "image")])
    with pytest.raises(FieldValidationError, match=image.image_name):
        resize.submit(image=image)


def test_what_the_server_refuses_is_told_by_the_input(client):
    prompts = build.node("p", "prompt_from_file", {"file_path": "/nope.txt"})
    wf = handle(client, [prompts], [], [("p", "file_path")])
    with pytest.raises(FieldValidationError) as caught:
        wf.submit()
    (problem,) = caught.value.problems
    assert problem.message.startswith("input 0 'file_path' (")
    assert "'/nope.txt': there is no such file on the server" in problem.message
    assert problem.value == "/nope.txt"
    assert caught.value.__cause__.status_code == 422


def test_a_board_that_no_output_takes_is_told(client):
    result = handle(client, [blank(board="none")]).run(board="x", create=True)
    assert any("board='x' does nothing" in text for text in result.warnings)
    assert not any(
        "board=" in text for text in handle(client, [blank()]).run().warnings
    )
    kept = handle(client, [blank()]).run(board="y", create=True)
    assert not any("board=" in text for text in kept.warnings)


def test_advice_about_equal_runs_fits_the_workflow(client):
    (told,) = handle(client, [blank()]).run(runs=2).warnings
    assert "seed=" not in told
    assert "cache" in told
    noise = build.node("n", "noise", {"seed": 1})
    noise["data"]["useCache"] = False
    (told,) = handle(client, [noise]).run(runs=2).warnings
    assert 'seed="random"' in told
    assert "cache" not in told
