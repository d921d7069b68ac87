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

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def example(live_url, tiny_models, tmp_path):
    """Run an example: the lines it printed, and the pictures by name."""

    def run(name: str, *more: str) -> tuple[list[str], dict[str, Image.Image]]:
        done = subprocess.run(
            [sys.executable, EXAMPLES / f"{name}.py", tmp_path / "out", *more],
            env={**os.environ, "INVOKEAI_URL": live_url, "SIZE": "64", "STEPS": "2"},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        pictures = {
            path.name: Image.open(path).convert("RGB")
            for path in sorted((tmp_path / "out").glob("*.png"))
        }
        return done.stdout.splitlines(), pictures

    return run


def test_the_quickstart_makes_a_picture_and_enlarges_it(example):
    lines, pictures = example("quickstart")
    assert lines[0].endswith("lighthouse.png seed 7")
    assert pictures["lighthouse.png"].size == (64, 64)
    assert pictures["lighthouse-2x.png"].size == (128, 128)


def test_step_by_step_lists_the_form_and_the_outputs(example):
    lines, pictures = example("step_by_step")
    assert lines[1].startswith("1 positive_prompt Positive Prompt")
    assert len(lines) == 12
    assert lines[10].startswith("decode Portrait ['")
    assert [picture.size for picture in pictures.values()] == [(64, 64)]


def test_text_to_image_gives_three_different_pictures_named_by_seed(example):
    lines, pictures = example("text_to_image")
    assert any(line.startswith("100%") for line in lines)
    assert len({picture.tobytes() for picture in pictures.values()}) == 3
    assert {Path(line).name for line in lines[-3:]} == set(pictures)


def test_image_to_image_takes_a_file_of_this_machine(example, tmp_path):
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (80, 60), "teal").save(photo)
    _, pictures = example("image_to_image", str(photo))
    assert {picture.size for picture in pictures.values()} == {(64, 64)}
    assert len(pictures) == 3


def test_chained_workflows_hand_over_the_very_picture(example):
    lines, pictures = example("chained_workflows")
    made, taken, upscaled = (line.split(": ")[1].split() for line in lines[:3])
    assert made[0] == taken[0]
    assert upscaled == ["128", "128"]
    assert pictures["harbour.png"].size == (128, 128)


def test_async_many_gives_every_task_its_own_colour(example):
    _, pictures = example("async_many")
    pixels = {name: picture.getpixel((5, 5)) for name, picture in pictures.items()}
    assert len(pixels) == 6
    assert pixels["brick.png"] == (0xB5, 0x53, 0x3C)
    assert pixels["sea.png"] == (0x2F, 0x6F, 0x8F)


def test_the_benchmark_times_every_combination(example, tmp_path):
    lines, pictures = example("benchmark_loop")
    table = (tmp_path / "out" / "benchmark.csv").read_text()
    rows = list(csv.DictReader(table.splitlines()))
    assert [(row["scheduler"], row["steps"]) for row in rows] == [
        (scheduler, steps)
        for scheduler in ("euler", "dpmpp_2m", "unipc")
        for steps in ("2", "4")
    ]
    assert all(float(row["seconds"]) > 0 for row in rows)
    assert {row["picture"] for row in rows} == set(pictures)
    assert len(lines) == len(rows)
