"""`ivk simulate`, `ivk server snapshot` and `--simulate`: no server but our own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest
from PIL import Image
from workflow_builder import document, node

from invokeai_py_client.simulator import SimulatedServer, model_record

MODEL = {
    "key": "5f7b1a52-8a5e-4b06-9d2f-4d1c0a000001",
    "hash": "blake3:0123",
    "name": "Somebody's Model",
    "base": "sd-1",
    "type": "main",
}


@pytest.fixture
def workflow_file(tmp_path):
    """A workflow that names a model which no simulator has, and makes an image."""
    loader = node("m", "main_model_loader", {"model": MODEL})
    blank = node("b", "blank_image", {"width": 24, "height": 16})
    blank["data"]["isIntermediate"] = False
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(document([loader, blank], form=[("b", "width")])))
    return path


def test_a_file_runs_simulated_with_the_models_it_names(
    ivk_json, workflow_file, tmp_path
):
    code, envelope = ivk_json(
        "workflow", "run", workflow_file, "--simulate", "--set", "width=32",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 0, envelope["error"]
    [job] = envelope["data"]["jobs"]
    with Image.open(job["images"][0]["path"]) as image:
        assert image.size == (32, 16)


def test_a_simulated_run_never_asks_the_server_of_the_environment(
    ivk_json, workflow_file, monkeypatch
):
    monkeypatch.setenv("INVOKEAI_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("INVOKEAI_TOKEN", "secret")
    code, envelope = ivk_json("workflow", "run", workflow_file, "--simulate")
    assert code == 0, envelope["error"]


def test_a_snapshot_brings_the_models_of_a_server(ivk_json, tmp_path):
    farm = tmp_path / "farm.json"
    models = [model_record("Farm Model", base="sd-1", type="main")]
    with SimulatedServer(models=models) as server:
        code, made = ivk_json("server", "snapshot", "--url", server.url, "--out", farm)
    assert (code, made["data"]["models"]) == (0, 1)
    run = ("workflow", "run", "Text to Image - SD1.5", "--simulate", "--set")
    code, envelope = ivk_json(*run, "model=Farm Model", "--snapshot", farm)
    assert code == 0, envelope["error"]
    assert envelope["data"]["jobs"][0]["values"]["model"]["name"] == "Farm Model"
    code, envelope = ivk_json(*run, "model=Simulated SD 1.5", "--snapshot", farm)
    assert (code, envelope["error"]["code"]) == (1, "invalid_value")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--simulate", "--no-wait"), "outlives the command"),
        (("--snapshot", "farm.json"), "--simulate"),
        (("--simulate", "--snapshot", "FILE"), "not a snapshot"),
    ],
)
def test_options_that_contradict_are_usage_errors(ivk_json, workflow_file, words, part):
    given = [workflow_file if word == "FILE" else word for word in words]
    code, envelope = ivk_json("workflow", "run", workflow_file, *given)
    assert (code, envelope["error"]["code"]) == (2, "usage")
    assert part in envelope["error"]["message"]


def test_compiling_with_a_server_resolves_names(ivk_json, workflow_file):
    with SimulatedServer() as server:
        code, envelope = ivk_json(
            "workflow", "compile", workflow_file, "--url", server.url,
            "--set-node", "m.model=Simulated SD 1.5",
        )  # fmt: skip
        assert code == 0, envelope["error"]
        model = envelope["data"]["batch"]["graph"]["nodes"]["m"]["model"]
        assert model["name"] == "Simulated SD 1.5"
        assert model["key"] != MODEL["key"]
        assert (
            server.simulation.queue.queue_status("default", "", is_admin=True)["total"]
            == 0
        )


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_simulator_in_its_own_process_prints_its_address_and_ends_with_ctrl_c():
    child = subprocess.Popen(
        [sys.executable, "-m", "invokeai_py_client", "simulate", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        url = child.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/api/v1/app/version", timeout=20) as reply:
            assert json.loads(reply.read())["version"] == "6.14.2"
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
    finally:
        child.kill()
        child.wait()
    assert (child.returncode, out) == (0, "")
    assert "Traceback" not in err


def test_the_queue_is_paused_resumed_and_waited_for(ivk_json):
    with SimulatedServer() as server:
        there = ("--url", server.url)
        code, envelope = ivk_json("queue", "pause", *there)
        assert (code, envelope["data"]["is_started"]) == (0, False)
        ivk_json("workflow", "run", "Text to Image - SD1.5", "--no-wait", *there)
        code, envelope = ivk_json("queue", "wait", "--timeout", "0", *there)
        assert (code, envelope["error"]["code"]) == (8, "job_timeout")
        assert "1 pending" in envelope["error"]["message"]
        code, envelope = ivk_json("queue", "resume", *there)
        assert (code, envelope["data"]["is_started"]) == (0, True)
        code, envelope = ivk_json("queue", "wait", *there)
        assert (code, envelope["data"]["pending"]) == (0, 0)
        assert envelope["data"]["completed"] == 1
