"""The scripts in `examples/`, run as a user runs them, on a real server."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.live

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@pytest.fixture
def started(live_url, tiny_models, tmp_path):
    """How to start an example: its command and its environment."""

    def how(name: str, *more: str) -> dict:
        return {
            "args": [sys.executable, EXAMPLES / f"{name}.py", tmp_path / "out", *more],
            "env": {**os.environ, "INVOKEAI_URL": live_url, "SIZE": "64", "STEPS": "2"},
        }

    return how


@pytest.fixture
def example(started, tmp_path):
    """Run an example: the lines it printed, and the images by name."""

    def run(name: str, *more: str) -> tuple[list[str], dict[str, Image.Image]]:
        done = subprocess.run(
            **started(name, *more),
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        images = {
            path.name: Image.open(path).convert("RGB")
            for path in sorted((tmp_path / "out").glob("*.png"))
        }
        return done.stdout.splitlines(), images

    return run


def test_the_quickstart_makes_an_image_and_enlarges_it(example):
    lines, images = example("quickstart")
    assert lines[0].endswith("lighthouse.png seed 7")
    assert images["lighthouse.png"].size == (64, 64)
    assert images["lighthouse-2x.png"].size == (128, 128)


def test_step_by_step_lists_the_form_and_the_outputs(example):
    lines, images = example("step_by_step")
    assert lines[1].startswith("1 positive_prompt Positive Prompt")
    assert len(lines) == 12
    assert lines[10].startswith("decode Portrait ['")
    assert [image.size for image in images.values()] == [(64, 64)]


def test_text_to_image_gives_three_different_images_named_by_seed(example):
    lines, images = example("text_to_image")
    assert any(line.startswith("100%") for line in lines)
    assert len({image.tobytes() for image in images.values()}) == 3
    assert {Path(line).name for line in lines[-3:]} == set(images)


def test_image_to_image_takes_a_file_of_this_machine(example, tmp_path):
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (80, 60), "teal").save(photo)
    _, images = example("image_to_image", str(photo))
    assert {image.size for image in images.values()} == {(64, 64)}
    assert len(images) == 3


def test_chained_workflows_hand_over_the_same_image(example):
    lines, images = example("chained_workflows")
    made, taken, upscaled = (line.split(": ")[1].split() for line in lines[:3])
    assert made[0] == taken[0]
    assert upscaled == ["128", "128"]
    assert images["harbour.png"].size == (128, 128)


def test_async_many_gives_every_task_its_own_colour(example):
    _, images = example("async_many")
    pixels = {name: image.getpixel((5, 5)) for name, image in images.items()}
    assert len(pixels) == 6
    assert pixels["brick.png"] == (0xB5, 0x53, 0x3C)
    assert pixels["sea.png"] == (0x2F, 0x6F, 0x8F)


def test_the_benchmark_times_every_combination(example, tmp_path):
    lines, images = example("benchmark_loop")
    table = (tmp_path / "out" / "benchmark.csv").read_text()
    rows = list(csv.DictReader(table.splitlines()))
    assert [(row["scheduler"], row["steps"]) for row in rows] == [
        (scheduler, steps)
        for scheduler in ("euler", "dpmpp_2m", "unipc")
        for steps in ("2", "4")
    ]
    assert all(float(row["seconds"]) > 0 for row in rows)
    assert {row["image"] for row in rows} == set(images)
    assert len(lines) == len(rows)


def test_a_sweep_over_prompts_has_a_grid_and_a_gallery(example, tmp_path):
    lines, images = example("sweep_prompts")
    assert "12 of 12 done" in lines[-2]
    assert Path(lines[-1]).is_file()
    assert images["prompts.png"].width > images["prompts.png"].height
    files = {path.name for path in (tmp_path / "out" / "prompts").rglob("*.png")}
    assert "a-harbour-in-fog-4.png" in files
    assert len(files) == 12


def test_a_table_that_is_killed_goes_on(started, example, tmp_path):
    with subprocess.Popen(
        **started("sweep_table"), stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout.readline().strip().endswith(".png")
        first.kill()
    lines, _ = example("sweep_table")
    assert lines[-1] == "8 of 8 done"
    assert len(list((tmp_path / "out" / "scenes").rglob("*.png"))) == 8
