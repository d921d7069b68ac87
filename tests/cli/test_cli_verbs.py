"""What the verbs of queue, model, workflow and image do on a server."""

from __future__ import annotations

import json

import pytest
from model_files import pipeline
from paths import PORTRAIT
from workflow_builder import document, node

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.simulator import SimulatedServer


@pytest.fixture
def server():
    with SimulatedServer() as started:
        yield started


@pytest.fixture
def client(server):
    with InvokeAIClient(server.url) as opened:
        yield opened


@pytest.fixture
def failing(tmp_path):
    """A workflow whose only job fails."""
    broken = node("d", "div", {"a": 1, "b": 0})
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(document([broken])), "utf-8")
    return path


@pytest.fixture
def blank(tmp_path):
    made = node("b", "blank_image", {"width": 24, "height": 16})
    made["data"]["isIntermediate"] = False
    path = tmp_path / "blank.json"
    path.write_text(json.dumps(document([made], form=[("b", "width")])), "utf-8")
    return path


@pytest.mark.parametrize("words", [(), ("queue",), ("workflow", "run")])
def test_h_is_help(ivk, words):
    code, out, _ = ivk(*words, "-h")
    assert code == 0
    assert out == ivk(*words, "--help")[1]
    assert "Usage: ivk" in out


def test_ivk_run_is_the_short_form_of_ivk_workflow_run(
    ivk_json, server, blank, tmp_path
):
    code, envelope = ivk_json(
        "run", blank, "-s", "width=32", "-n", 2, "-o", tmp_path / "out",
        "--url", server.url,
    )  # fmt: skip
    assert code == 0
    assert envelope["command"] == "run"
    images = [image for job in envelope["data"]["jobs"] for image in job["images"]]
    assert len(images) == 2
    assert {image["width"] for image in images} == {32}
    assert len(list((tmp_path / "out").iterdir())) == 1  # the cached image


def test_retry_runs_what_failed_once_more(ivk_json, server, client, failing):
    sub = client.workflow_repo.load(failing).submit()
    sub.wait(check=False)
    code, envelope = ivk_json("queue", "retry", "--batch", sub.id, "--url", server.url)
    assert code == 0
    (again,) = envelope["data"]
    assert again["retried_from_item_id"] == sub.jobs[0].item_id
    code, envelope = ivk_json("queue", "retry", "--url", server.url)
    assert (code, envelope["error"]["code"]) == (2, "usage")


def test_prune_keeps_the_images_and_clear_empties_the_queue(
    ivk_json, ivk, server, client, blank
):
    client.workflow_repo.load(blank).run(runs=2)
    url = ("--url", server.url)
    code, out, said = ivk("queue", "prune", "--dry-run", *url)
    assert (code, out) == (0, "2 jobs\n")
    assert "would delete the records of 2 jobs" in said
    code, envelope = ivk_json("queue", "prune", *url)
    assert (code, envelope["error"]["code"]) == (1, "not_confirmed")
    assert client.queue_repo.get_queue_status().queue.total == 2
    code, envelope = ivk_json("queue", "prune", "--yes", *url)
    assert (code, envelope["data"]) == (0, {"deleted": 2})
    assert len(client.image_repo.list_images()) == 1
    client.queue_repo.pause_processor()
    client.workflow_repo.load(blank).submit(runs=3)
    code, envelope = ivk_json("queue", "clear", "-y", *url)
    assert (code, envelope["data"]) == (0, {"deleted": 3})
    assert client.queue_repo.get_queue_status().queue.total == 0


def test_watch_ends_when_the_queue_is_idle(ivk, server, client, blank):
    client.workflow_repo.load(blank).submit(runs=2)
    code, out, _ = ivk("queue", "watch", "--until-idle", "--url", server.url)
    assert code == 0
    assert out.strip()
    assert client.queue_repo.get_queue_status().is_idle


def test_images_are_deleted_only_with_consent(ivk_json, server, client, blank):
    image = client.workflow_repo.load(blank).run().image
    words = ("image", "delete", image.image_name, "--url", server.url)
    code, envelope = ivk_json(*words)
    assert (code, envelope["error"]["code"]) == (1, "not_confirmed")
    assert ivk_json(*words, "--dry-run")[0] == 0
    assert client.image_repo.image_exists(image.image_name)
    assert ivk_json(*words, "--yes")[0] == 0
    assert not client.image_repo.image_exists(image.image_name)


@pytest.mark.parametrize(("answer", "is_deleted"), [("y", True), ("", False)])
def test_a_person_at_a_terminal_is_asked(
    ivk, server, client, blank, monkeypatch, answer, is_deleted
):
    image = client.workflow_repo.load(blank).run().image
    monkeypatch.setattr("invokeai_py_client.cli.render.Renderer.can_ask", True)
    monkeypatch.setattr("sys.stdin.readline", lambda: f"{answer}\n", raising=False)
    code, _, said = ivk("image", "delete", image.image_name, "--url", server.url)
    assert "Delete 1 images permanently? [y/N]" in said
    assert code == (0 if is_deleted else 1)
    assert client.image_repo.image_exists(image.image_name) is not is_deleted


def test_a_workflow_goes_to_the_library_and_back(ivk_json, server, client, tmp_path):
    url = ("--url", server.url)
    code, envelope = ivk_json("workflow", "push", PORTRAIT, "--name", "Mine", *url)
    assert code == 0
    first = envelope["data"]["workflow_id"]
    code, envelope = ivk_json("workflow", "push", PORTRAIT, "--name", "Mine", *url)
    assert envelope["data"]["workflow_id"] == first
    target = tmp_path / "mine.json"
    assert ivk_json("workflow", "pull", "Mine", target, *url)[0] == 0
    assert json.loads(target.read_text("utf-8"))["name"] == "Mine"
    code, envelope = ivk_json("workflow", "pull", "Mine", target, *url)
    assert (code, envelope["error"]["code"]) == (7, "file_exists")
    assert ivk_json("workflow", "pull", "Mine", target, "--force", *url)[0] == 0
    assert ivk_json("workflow", "delete", "Mine", *url)[0] == 1
    assert ivk_json("workflow", "delete", "Mine", "--yes", *url)[0] == 0
    assert client.workflow_repo.list_workflows(query="Mine") == []


def test_a_model_is_deleted_by_its_name(ivk_json, server, client):
    url = ("--url", server.url)
    name = client.model_repo.list_models()[0].name
    code, envelope = ivk_json("model", "delete", name, *url)
    assert (code, envelope["error"]["code"]) == (1, "not_confirmed")
    assert ivk_json("model", "delete", name, "-y", *url)[0] == 0
    assert name not in [model.name for model in client.model_repo.list_models()]


def test_a_model_is_installed_from_a_folder(ivk_json, server, client, tmp_path):
    folder = pipeline(tmp_path / "here")
    code, envelope = ivk_json(
        "model", "install", folder, "--name", "Mine", "--url", server.url
    )
    assert code == 0, envelope["error"]
    assert envelope["data"]["key"] == client.model_repo.get_model("Mine").key
    assert folder.exists()


def test_a_model_that_is_not_there_is_an_error_that_names_it(
    ivk_json, server, tmp_path
):
    missing = tmp_path / "missing.safetensors"
    code, envelope = ivk_json("model", "install", missing, "--url", server.url)
    assert code != 0
    assert "missing.safetensors" in envelope["error"]["message"]
