"""Prompts, seeds and models of one sweep: its grid and its gallery."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from invokeai_py_client.sweep import Sweep, gallery, grid

pytestmark = pytest.mark.live

PROMPTS = ["a lighthouse at dawn, oil on canvas", "a fox in the snow"]
SEEDS = [7, 8, 9]
SMALL = {
    ("noise", "width"): 64,
    ("noise", "height"): 64,
    ("denoise_latents", "steps"): 2,
}
SIGNS_TURNED = bytes(byte ^ 0x80 for byte in range(256))


@pytest.fixture
def folder(tmp_path):
    """Where the images go; a place to look at them afterwards, when one is named."""
    return Path(os.environ.get("INVOKEAI_PICTURES") or tmp_path)


@pytest.fixture
def sd1_models(live_client, tiny_models, tmp_path):
    """Two models of one base: the tiny one, and a copy with other weights."""
    first = live_client.model_repo.get_model(tiny_models[0])
    copy = tmp_path / "model"
    shutil.copytree(first.path, copy)
    for weights in (copy / "unet").glob("*.safetensors"):
        content = bytearray(weights.read_bytes())
        start = 8 + int.from_bytes(content[:8], "little")
        content[start + 3 :: 4] = content[start + 3 :: 4].translate(SIGNS_TURNED)
        weights.write_bytes(content)
    live_client.model_repo.install_model(copy, name="tiny-sd1-b").wait(timeout=60)
    yield [first.name, "tiny-sd1-b"]
    live_client.model_repo.delete_model("tiny-sd1-b")


def plan_of(client, title, models):
    handle = client.workflow_repo.load(title)
    for (node, field), value in SMALL.items():
        handle.set_node_value(node, field, value)
    if title.endswith("SDXL"):
        handle.set_node_value("vae_loader", "vae_model", "tiny-sdxl-vae")
    return handle.sweep(
        product={"model": models, "positive_prompt": PROMPTS, "seed": SEEDS}
    )


def test_prompts_seeds_and_models_are_shown_side_by_side(
    live_client, sd1_models, folder
):
    plan = plan_of(live_client, "Text to Image - SD1.5", sd1_models)
    assert plan.run(folder / "models").progress.done == len(plan) == 12
    sweep = Sweep.open(folder / "models")
    files = [item.paths[0] for item in sweep.items()]
    with Image.open(files[0]) as image:
        assert image.size == (64, 64)
    assert len({path.read_bytes() for path in files}) == 12
    sweep.grid("seed", "positive_prompt", "model", cell=128).save(folder / "grid.png")
    page = sweep.gallery(title="Two models")
    assert page.read_text("utf-8").count("tiny-sd1-b") >= 6
    assert len(list((page.parent / "previews").rglob("*.webp"))) == 12


def test_models_of_two_bases_are_two_sweeps_in_one_grid(
    live_client, tiny_models, folder
):
    items = []
    for title, model in (("SD1.5", "tiny-sd1"), ("SDXL", "tiny-sdxl")):
        plan = plan_of(live_client, f"Text to Image - {title}", [model])
        plan.run(folder / model)
        items += Sweep.open(folder / model).items()
    assert len(items) == 12
    image = grid(items, "seed", "positive_prompt", "model", cell=128)
    image.save(folder / "bases.png")
    page = gallery(items, folder / "bases.html", title="Two bases")
    assert page.read_text("utf-8").count("tiny-sdxl") >= 6
