"""What other programs and older versions of InvokeAI wrote into an image."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st
from media_files import png, png_chunk

from invokeai_py_client import Recipe
from invokeai_py_client.recipe.other_texts import (
    read_a1111,
    read_beta_text,
    read_dream,
    read_sd_metadata,
)

LAST = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x768"
FULL = (
    "a fox, (red:1.2), <lora:foxes v2:0.8>\n"
    "in a wood, Steps: many\n"
    "Negative prompt: blurry, text: none,\n"
    "ugly\n"
    f'{LAST}, Model hash: 0123456789, Model: "a, b: c", Clip skip: 2, '
    'Lora hashes: "foxes v2: 1234", Version: v1.10.1'
)


def test_every_part_of_an_a1111_text_is_found() -> None:
    assert read_a1111(FULL) == {
        "prompt": "a fox, (red:1.2), <lora:foxes v2:0.8>\nin a wood, Steps: many",
        "negative_prompt": "blurry, text: none,\nugly",
        "steps": 20,
        "scheduler": "Euler a",
        "cfg_scale": 7,
        "seed": 965400086,
        "width": 512,
        "height": 768,
        "model_hash": "0123456789",
        "model": "a, b: c",
        "clip_skip": 2,
        "lora_hashes": "foxes v2: 1234",
        "version": "v1.10.1",
        "loras": [{"model": {"name": "foxes v2"}, "weight": 0.8}],
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("a fox", {"prompt": "a fox"}),
        (
            "a fox\nNegative prompt: text",
            {"prompt": "a fox", "negative_prompt": "text"},
        ),
        (f"Negative prompt: text\n{LAST}", {"negative_prompt": "text"}),
        (f"{LAST}", {"seed": 965400086}),
        (f"a fox\r\n{LAST}", {"prompt": "a fox", "width": 512}),
        # Two are no parameters: this is a prompt.
        ("a fox\nSteps: 20, Seed: 3", {"prompt": "a fox\nSteps: 20, Seed: 3"}),
        (
            "a <lora:x>\n" + LAST,
            {"prompt": "a <lora:x>", "loras": [{"model": {"name": "x"}}]},
        ),
        (f"a fox\n{LAST}, Prompt: other", {"prompt": "a fox", "prompt_text": "other"}),
    ],
)
def test_what_is_missing_in_an_a1111_text_is_not_made_up(text, expected) -> None:
    found = read_a1111(text)
    assert expected.items() <= found.items()
    assert "prompt" in expected or "prompt" not in found
    assert "negative_prompt" in expected or "negative_prompt" not in found


LINES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"))
).map(str.strip)
WORDS = st.lists(LINES.filter(lambda line: "Negative prompt:" not in line), min_size=1)
PROMPTS = WORDS.map("\n".join).map(str.strip).filter(bool)


@given(
    prompt=PROMPTS,
    negative=PROMPTS,
    seed=st.integers(0, 2**32 - 1),
    model=st.text(min_size=1).filter(lambda name: name.strip() == name),
)
def test_an_a1111_text_is_read_as_it_was_written(prompt, negative, seed, model) -> None:
    # As the web UI writes values: in quotation marks where they would end early.
    quoted = (
        json.dumps(model, ensure_ascii=False) if set(model) & set(',\n:"') else model
    )
    text = (
        f"{prompt}\nNegative prompt: {negative}\n"
        f"Steps: 20, Seed: {seed}, Model: {quoted}, CFG scale: 7.5, Version: 1"
    )
    if "\n" in quoted or "\r" in model:
        return
    found = read_a1111(text)
    assert (found["prompt"], found["negative_prompt"]) == (prompt, negative)
    assert (found["seed"], found["steps"], found["cfg_scale"]) == (seed, 20, 7.5)
    assert found["model"] == model


@given(st.text())
def test_no_text_breaks_the_readers(text) -> None:
    assert isinstance(read_a1111(text), dict)
    assert isinstance(read_dream(text), dict)
    content = png(1, 1, png_chunk(b"iTXt", b"parameters\0\0\0\0\0" + text.encode()))
    assert Recipe.from_bytes(content).values["prompt"].source in (
        "a1111 text",
        "unknown",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '"a fox [blurry, text]" -s 50 -S 1234 -W 512 -H 640 -C 7.5 -A k_lms',
            {
                "prompt": "a fox",
                "negative_prompt": "blurry, text",
                "steps": 50,
                "seed": 1234,
                "width": 512,
                "height": 640,
                "cfg_scale": 7.5,
                "scheduler": "k_lms",
            },
        ),
        ("a fox -S1234 -s50", {"prompt": "a fox", "seed": 1234, "steps": 50}),
        ('"say \\"no\\" -S 3" -S 4', {"prompt": 'say "no" -S 3', "seed": 4}),
        ("a well-known fox", {"prompt": "a well-known fox"}),
    ],
)
def test_a_dream_line_is_read(text, expected) -> None:
    assert read_dream(text) == expected


SD_METADATA = {
    "model": "stable diffusion",
    "model_weights": "stable-diffusion-1.5",
    "model_hash": "cc6cb2",
    "app_id": "invoke-ai/InvokeAI",
    "app_version": "2.3.5",
    "image": {
        "prompt": [{"prompt": "a fox [text]", "weight": 1.0}],
        "steps": 30,
        "cfg_scale": 7.5,
        "sampler": "k_euler_a",
        "width": 512,
        "height": 640,
        "seed": 42,
        "type": "txt2img",
        "postprocessing": None,
    },
}


def test_metadata_of_invokeai_2_is_read() -> None:
    assert read_sd_metadata(SD_METADATA) == {
        "prompt": "a fox",
        "negative_prompt": "text",
        "model": "stable-diffusion-1.5",
        "seed": 42,
        "steps": 30,
        "cfg_scale": 7.5,
        "scheduler": "k_euler_a",
        "width": 512,
        "height": 640,
        "generation_mode": "txt2img",
        "model_hash": "cc6cb2",
        "app_version": "2.3.5",
    }


def test_of_mixed_prompts_none_is_the_prompt() -> None:
    prompts = [{"prompt": "a", "weight": 1}, {"prompt": "b", "weight": 2}]
    assert "prompt" not in read_sd_metadata({"image": {"prompt": prompts}})


@pytest.mark.parametrize("data", [{}, {"image": None}, {"image": {"prompt": [1]}}])
def test_damaged_metadata_of_invokeai_2_says_nothing(data) -> None:
    assert read_sd_metadata(data) == {}


def test_metadata_of_the_betas_of_invokeai_3_is_read() -> None:
    data = {"type": "t2l", "positive_conditioning": "a fox", "seed": 3, "steps": None}
    assert read_beta_text(data) == {
        "generation_mode": "t2l",
        "prompt": "a fox",
        "seed": 3,
    }


def text_chunk(keyword: str, text: str) -> bytes:
    return png_chunk(b"tEXt", keyword.encode() + b"\0" + text.encode())


def test_an_image_of_another_program_says_where_each_value_is_from(tmp_path) -> None:
    path = tmp_path / "fox.png"
    path.write_bytes(png(8, 4, text_chunk("parameters", FULL)))
    recipe = Recipe.from_file(path)
    assert (recipe.seed, recipe.steps, recipe.model) == (965400086, 20, "a, b: c")
    assert (recipe.width, recipe.height, recipe.size) == (512, 768, (8, 4))
    assert recipe.values["seed"].source == "a1111 text"
    assert recipe.scheduler == "Euler a"
    assert recipe.inputs == {}


def test_an_image_of_invokeai_2_is_read_from_both_of_its_texts() -> None:
    chunks = (
        text_chunk("Dream", '"a fox" -s 30 -S 42 -A k_euler_a'),
        text_chunk("sd-metadata", json.dumps(SD_METADATA)),
    )
    recipe = Recipe.from_bytes(png(1, 1, *chunks))
    assert recipe.values["seed"].source == "sd-metadata text"
    assert recipe.model == "stable-diffusion-1.5"
    recipe = Recipe.from_bytes(png(1, 1, chunks[0]))
    assert (recipe.seed, recipe.values["seed"].source) == (42, "dream text")
    assert recipe.model is None
