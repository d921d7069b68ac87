"""`ivk` against a server: what a user types, and what comes of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from paths import REPOSITORY

from invokeai_py_client import InvokeAIClient

pytestmark = pytest.mark.live

SD1 = "Text to Image - SD1.5"


@pytest.fixture
def ivk(live_url):
    """Run `ivk ... --json` on the server: exit code and envelope."""

    def run(*words: object) -> tuple[int, dict]:
        command = [sys.executable, "-m", "invokeai_py_client", *map(str, words)]
        done = subprocess.run(
            [*command, "--json", "--url", live_url],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        envelope = json.loads(done.stdout)
        assert envelope["ok"] is (done.returncode == 0), done.stderr
        return done.returncode, envelope

    return run


def small(seed: object, *more: str) -> list[str]:
    """Options that make a default workflow quick."""
    return [
        "--set", "width=64", "--set", "height=64",
        "--set-node", "denoise_latents.steps=2", "--seed", str(seed), *more,
    ]  # fmt: skip


def test_a_default_workflow_returns_the_image_of_its_seed(ivk, tiny_models, tmp_path):
    def picture(seed: int, folder: str) -> bytes:
        code, envelope = ivk(
            "workflow", "run", SD1, "--set", "model=tiny-sd1", *small(seed),
            "--out", tmp_path / folder,
        )  # fmt: skip
        assert code == 0, envelope["error"]
        [job] = envelope["data"]["jobs"]
        assert list(job["seeds"].values()) == [seed]
        assert job["values"]["width"] == 64
        [image] = job["images"]
        assert (image["width"], image["height"]) == (64, 64)
        # The image is the one that the workflow's output node gave.
        giving = [o for o in job["outputs"] if image["image_name"] in o["images"]]
        assert [output["node_type"] for output in giving] == ["l2i"]
        return pixels(Path(image["path"]))

    first, other, again = picture(7, "a"), picture(8, "b"), picture(7, "c")
    assert first == again != other


def pixels(path: Path) -> bytes:
    from PIL import Image

    with Image.open(path) as image:
        return image.convert("RGB").tobytes()


def test_an_sdxl_workflow_runs(ivk, tiny_models, tmp_path):
    _, shown = ivk("workflow", "inputs", "Text to Image - SDXL")
    names = [item["name"] for item in shown["data"]["inputs"]]
    models = [
        item["name"]
        for item in shown["data"]["inputs"]
        if item["type"] == "ModelIdentifierField"
    ]
    given = [
        word
        for name in models
        for word in (
            "--set",
            f"{name}={'tiny-sdxl-vae' if 'vae' in name else 'tiny-sdxl'}",
        )
    ]
    for size in ("width", "height"):
        if size in names:
            given += ["--set", f"{size}=64"]
        else:
            given += ["--set-node", f"noise.{size}=64"]
    code, envelope = ivk(
        "workflow", "run", "Text to Image - SDXL", *given,
        "--set-node", "denoise_latents.steps=2", "--out", tmp_path,
    )  # fmt: skip
    assert code == 0, envelope["error"]
    [job] = envelope["data"]["jobs"]
    [image] = job["images"]
    assert Path(image["path"]).is_file()
    giving = [o for o in job["outputs"] if image["image_name"] in o["images"]]
    assert [output["node_type"] for output in giving] == ["l2i"]


def test_an_image_uploaded_to_a_board_downloads_unchanged(ivk, tmp_path):
    from PIL import Image

    name = f"test {uuid.uuid4().hex[:8]}"
    source = tmp_path / "red.png"
    Image.new("RGB", (5, 3), (200, 10, 20)).save(source)
    _, made = ivk("board", "create", name)
    try:
        code, sent = ivk("image", "upload", source, "--board", name)
        assert code == 0, sent["error"]
        [image] = sent["data"]
        assert image["board_id"] == made["data"]["board_id"]
        _, listed = ivk("image", "list", "--board", name)
        assert [item["image_name"] for item in listed["data"]] == [image["image_name"]]
        _, got = ivk("image", "download", "--board", name, "--out", tmp_path / "back")
        assert pixels(Path(got["data"][0]["path"])) == pixels(source)
    finally:
        code, gone = ivk("board", "delete", name, "--images", "--yes")
    assert code == 0
    assert gone["data"]["deleted_images"] == [image["image_name"]]
    code, envelope = ivk("image", "list", "--board", name)
    assert (code, envelope["error"]["code"]) == (3, "not_found")


def test_models_queue_and_doctor_answer(ivk, tiny_models):
    _, models = ivk("model", "list", "tiny", "--type", "main")
    assert {model["name"] for model in models["data"]} == {"tiny-sd1", "tiny-sdxl"}
    code, missing = ivk("model", "show", "tiny-sd")
    assert (code, missing["error"]["code"]) == (3, "model_error")
    assert "tiny-sd1" in json.dumps(missing["error"])
    code, status = ivk("queue", "status")
    assert code == 0
    assert status["data"]["processor"]["is_started"] is True
    code, doctor = ivk("doctor")
    assert code == 0, doctor["data"]
    states = {check["name"]: check["state"] for check in doctor["data"]["checks"]}
    assert states["server"] == states["events"] == states["models"] == "ok"


def test_what_would_be_refused_is_refused_before_it_is_sent(ivk, tiny_models):
    _, before = ivk("queue", "list", "--limit", 1000)
    code, envelope = ivk("workflow", "run", SD1, "--set", "model=tiny-sdx")
    assert code == 1
    assert envelope["error"]["problems"][0]["input_index"] == 0
    code, envelope = ivk("workflow", "run", SD1, "--set", "width=65")
    assert (code, envelope["error"]["code"]) == (1, "invalid_value")
    code, envelope = ivk("workflow", "run", SD1)
    assert (code, envelope["error"]["code"]) == (1, "invalid_value")
    code, envelope = ivk("workflow", "run", SD1.replace("Text", "Txt"))
    assert (code, envelope["error"]["code"]) == (3, "workflow_not_found")
    assert SD1 in envelope["error"]["candidates"]
    _, after = ivk("queue", "list", "--limit", 1000)
    assert len(after["data"]) == len(before["data"])


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_cancels_the_jobs_of_this_command_and_ends_with_130(
    ivk, live_url, tiny_models
):
    command = [
        sys.executable, "-m", "invokeai_py_client", "workflow", "run", SD1,
        "--set", "model=tiny-sd1", *small("random", "--runs", "40"),
        "--json", "--url", live_url,
    ]  # fmt: skip
    with InvokeAIClient.from_url(live_url) as client:
        newest = max((job.item_id for job in client.queue_repo.list_jobs()), default=0)
        child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        while True:
            current = client.queue_repo.find_current_job()
            if current is not None and current.item_id > newest:
                break
            assert time.monotonic() < deadline, "the jobs never started"
            time.sleep(0.05)
    os.killpg(child.pid, signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 130
    assert json.loads(out)["error"]["code"] == "interrupted"
    _, listed = ivk("queue", "list", "--batch", current.batch_id, "--limit", 100)
    states = [job["status"] for job in listed["data"]]
    assert len(states) == 40
    assert set(states) <= {"canceled", "completed"}
    assert states.count("canceled") >= 30


def test_a_workflow_is_pushed_run_by_its_name_watched_pulled_and_deleted(ivk, tmp_path):
    name = f"test {uuid.uuid4().hex[:8]}"
    blank = REPOSITORY / "examples/workflows/blank.json"
    code, pushed = ivk("workflow", "push", blank, "--name", name)
    assert code == 0, pushed["error"]
    try:
        code, ran = ivk("run", name, "-s", "width=72", "-o", tmp_path / "out")
        assert code == 0, ran["error"]
        [image] = ran["data"]["jobs"][0]["images"]
        assert Path(image["path"]).is_file()
        assert ivk("image", "delete", image["image_name"])[0] == 1
        assert ivk("image", "delete", image["image_name"], "--yes")[0] == 0
        assert ivk("image", "show", image["image_name"])[0] == 3
        code, seen = ivk("queue", "watch", "--until-idle")
        assert code == 0
        assert (seen["data"]["pending"], seen["data"]["in_progress"]) == (0, 0)
        assert ivk("workflow", "pull", name, tmp_path / "back.json")[0] == 0
        back = json.loads((tmp_path / "back.json").read_text("utf-8"))
        assert back["name"] == name
    finally:
        code, gone = ivk("workflow", "delete", name, "--yes")
    assert code == 0, gone["error"]
    assert ivk("workflow", "show", name)[0] == 3
