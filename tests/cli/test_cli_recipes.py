"""`ivk image show`, `search` and `rerun`: what made an image, and making it again."""

from __future__ import annotations

import json

import pytest
import workflow_builder as build
from media_files import png, png_chunk
from paths import DATA, PORTRAIT

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.recipe import same_pixels
from invokeai_py_client.simulator import SimulatedServer


@pytest.fixture(scope="module")
def made():
    """A server, and an image on it."""
    with SimulatedServer() as server, InvokeAIClient(server.url) as client:
        workflow = client.workflow_repo.load(PORTRAIT)
        values = {"model": "Simulated SD 1.5", "width": 64, "height": 64}
        result = workflow.run(positive_prompt="a fox", seed=7, **values)
        yield server.url, result.image


def test_an_image_of_a_server_is_shown_with_its_sources(ivk, ivk_json, made):
    url, image = made
    code, out, _ = ivk("image", "show", image, "--url", url)
    assert code == 0
    assert any(line.split() == ["seed", "7", "session", "noise.seed"]
               for line in out.splitlines())  # fmt: skip
    code, envelope = ivk_json("image", "show", image, "--url", url)
    values = {value["name"]: value for value in envelope["data"]["values"]}
    inputs = {value["name"]: value for value in envelope["data"]["inputs"]}
    assert (values["prompt"]["value"], inputs["seed_"]["value"]) == ("a fox", 7)
    assert envelope["data"]["size"] == [64, 64]


def test_a_file_is_shown_without_a_server(ivk_json, ivk, tmp_path):
    nowhere = ("--url", "http://127.0.0.1:9")
    path = DATA / "shared" / "graph_and_metadata_only.png"
    code, envelope = ivk_json("image", "show", path, *nowhere)
    assert (code, envelope["data"]["image"]) == (0, str(path))
    chunk = png_chunk(b"tEXt", b"parameters\0a fox\nSteps: 9, Seed: 3, CFG scale: 7")
    file = tmp_path / "fox.png"
    file.write_bytes(png(1, 1, chunk))
    code, out, _ = ivk("image", "show", file, *nowhere)
    assert code == 0
    assert "a1111 text" in out


def test_an_image_that_is_not_there_is_an_error(ivk_json, made):
    code, envelope = ivk_json("image", "show", "missing.png", "--url", made[0])
    assert (code, envelope["error"]["code"]) == (3, "not_found")


def test_images_are_searched_by_what_made_them(
    ivk_json, ivk, made, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    url, image = made
    words = ("--model", "simulated", "--seed", 7, "--since", "2000-01-01")
    code, envelope = ivk_json("image", "search", "A Fox", *words, "--url", url)
    names = [found["image_name"] for found in envelope["data"]]
    assert (code, str(image) in names) == (0, True)
    code, out, _ = ivk("image", "search", "an owl", "--url", url)
    assert (code, out) == (0, "no images\n")
    code, envelope = ivk_json("image", "search", "--since", "soon", "--url", url)
    assert (code, envelope["error"]["code"]) == (2, "usage")


# -- rerun -----------------------------------------------------------------------------


def test_an_image_made_again_has_the_same_pixels(ivk_json, ivk, made, tmp_path):
    url, image = made
    code, envelope = ivk_json("image", "rerun", image, "--url", url)
    assert (code, envelope["data"]["same_pixels"]) == (0, True)
    assert "cache" in envelope["data"]["reasons"][0]
    path = image.save(tmp_path / "old.png")
    with InvokeAIClient(url) as client:
        client.app_repo.clear_invocation_cache()
    code, _, err = ivk("image", "rerun", path, "--url", url, "--out", tmp_path / "new")
    assert code == 0
    assert f"the same pixels as {path}" in err
    (new,) = (tmp_path / "new").iterdir()
    assert new.name != str(image)


def test_an_image_made_again_with_other_values_is_not_compared(ivk_json, made):
    url, image = made
    words = ("--set", "steps=5", "--seed", "8", "--set-node", "denoise.cfg_scale=2")
    code, envelope = ivk_json("image", "rerun", image, *words, "--url", url)
    data = envelope["data"]
    (job,) = data["jobs"]
    assert (code, data["same_pixels"], data["reasons"]) == (0, None, [])
    assert (job["values"]["steps"], job["values"]["seed_"]) == (5, 8)
    assert (job["values"]["cfg_scale"], job["values"]["width"]) == (2, 64)


def test_other_pixels_say_what_may_be_the_reason(ivk_json, made, monkeypatch):
    url, _ = made
    document = build.random_seed_document(noted=False)
    with InvokeAIClient(url) as client:
        result = client.workflow_repo.load(document).run()
        client.queue_repo.delete_job(result.jobs[0].item_id)
    monkeypatch.setattr(same_pixels, "same_pixels", lambda *_: False)
    code, envelope = ivk_json("image", "rerun", result.image, "--url", url)
    assert (code, envelope["data"]["same_pixels"]) == (0, False)
    assert (
        "what the rand_int node r drew is not known" in envelope["data"]["reasons"][0]
    )
    assert envelope["warnings"]


def test_a_workflow_that_makes_no_image_is_not_compared(ivk_json, made, tmp_path):
    document = build.document([build.node("sum", "add", {"a": 1, "b": 2})], [])
    text = b"invokeai_workflow\0" + json.dumps(document).encode()
    path = tmp_path / "sum.png"
    path.write_bytes(png(1, 1, png_chunk(b"tEXt", text)))
    code, envelope = ivk_json("image", "rerun", path, "--url", made[0])
    assert (code, envelope["data"]["same_pixels"]) == (0, None)
    assert envelope["data"]["reasons"] == ["no image was made"]


def test_an_image_to_make_again_that_is_not_there_is_an_error(ivk_json, made):
    code, envelope = ivk_json("image", "rerun", "missing.png", "--url", made[0])
    assert (code, envelope["ok"]) == (3, False)
