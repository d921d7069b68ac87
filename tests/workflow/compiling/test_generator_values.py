"""Generators make the GUI's numbers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from paths import DATA

from invokeai_py_client.workflow.compiling import generator_values
from invokeai_py_client.workflow.compiling.generator_values import (
    MAX_ITEMS,
    GeneratorError,
    MissingAnswerError,
    draws_values,
    generate,
    generator_query,
    uniform,
)
from invokeai_py_client.workflow.editor.server_facts import (
    BoardImagesQuery,
    DynamicPromptsQuery,
    ServerFacts,
)

VECTORS = json.loads((DATA / "generator-vectors.json").read_text())
NOTHING = ServerFacts()


def field_type(kind: str) -> str:
    return f"{kind.partition('_')[0].capitalize()}GeneratorField"


def test_every_recorded_vector_is_reproduced_exactly() -> None:
    checked = 0
    for vector in VECTORS["vectors"]:
        value = vector["value"]
        if vector["resolved"] is None or "dynamic_prompts" in value["type"]:
            continue
        made = generate(field_type(value["type"]), value, NOTHING, lambda: 0.5)
        wanted = [
            None if item in ("<Infinity>", "<-Infinity>") else item
            for item in vector["resolved"]
        ]
        assert made == wanted, value
        checked += 1
    assert checked >= 30


@pytest.mark.parametrize("seed", VECTORS["mtwist"]["raw"])
def test_seeded_numbers_are_the_guis(seed: str) -> None:
    draw = uniform(int(seed), lambda: 0.0)
    wanted = VECTORS["mtwist"]["raw"][seed]["random"]
    assert [draw() for _ in wanted] == wanted


def test_defaults_fill_what_settings_leave_out() -> None:
    parts = VECTORS["defaults"].values()
    lists = [part.values() if isinstance(part, dict) else part for part in parts]
    defaults = [item for part in lists for item in part if isinstance(item, dict)]
    assert len(defaults) >= 8
    for default in defaults:
        kind = default["type"]
        if "board" in kind or "dynamic" in kind:
            continue
        bare = generate(field_type(kind), {"type": kind}, NOTHING, lambda: 0.5)
        assert bare == generate(field_type(kind), default, NOTHING, lambda: 0.5)


@pytest.mark.parametrize(
    ("text", "split_on", "wanted"),
    [
        ("1,2", ",", [1, 2]),
        ("1\n2", "\\n", [1, 2]),
        ("1x2", "x", [1, 2]),
        ("3x|0x10|4e2||abc", "|", [3, 0, 4]),
        (" 7 ", "", [7]),
        ('1"2', '"', [1, 2]),
        ("99999999999999999999", ",", [100000000000000000000]),
    ],
)
def test_integers_of_text_are_read_by_their_leading_digits(
    text: str, split_on: str, wanted: list[int]
) -> None:
    value = {
        "type": "integer_generator_parse_string",
        "input": text,
        "splitOn": split_on,
    }
    assert generate("IntegerGeneratorField", value, NOTHING) == wanted


def test_texts_are_not_trimmed_and_empty_ones_are_dropped() -> None:
    value = {
        "type": "string_generator_parse_string",
        "input": " a, b,,",
        "splitOn": ",",
    }
    assert generate("StringGeneratorField", value, NOTHING) == [" a", " b"]


def test_infinity_becomes_null_as_in_json() -> None:
    value = {
        "type": "float_generator_parse_string",
        "input": "1,-Infinity,1e999",
        "splitOn": ",",
    }
    assert generate("FloatGeneratorField", value, NOTHING) == [1, None, None]


def test_unseeded_numbers_come_from_the_given_source() -> None:
    value = {"type": "integer_generator_random_distribution_uniform", "count": 2}
    made = generate("IntegerGeneratorField", value, NOTHING, lambda: 0.5)
    assert made == [5, 5]


def test_a_board_generator_needs_the_boards_images() -> None:
    value = {
        "type": "image_generator_images_from_board",
        "board_id": "b",
        "category": "assets",
    }
    query = BoardImagesQuery("b", ("control", "mask", "user", "other"))
    assert generator_query("ImageGeneratorField", value) == query
    with pytest.raises(GeneratorError) as caught:
        generate("ImageGeneratorField", value, NOTHING)
    assert isinstance(caught.value, MissingAnswerError)
    facts = NOTHING.answered({query: ["1.png"]})
    made = generate("ImageGeneratorField", value, facts)
    assert made == [{"image_name": "1.png"}]


def test_a_board_generator_without_board_makes_nothing() -> None:
    value = {"type": "image_generator_images_from_board", "category": "images"}
    assert generator_query("ImageGeneratorField", value) is None
    assert generate("ImageGeneratorField", value, NOTHING) == []


def test_dynamic_prompts_come_from_the_server() -> None:
    value = {
        "type": "string_generator_dynamic_prompts_random",
        "input": "{a|b}",
        "count": 3,
        "seed": 7,
    }
    query = DynamicPromptsQuery("{a|b}", 3, False, 7)
    assert generator_query("StringGeneratorField", value) == query
    facts = ServerFacts(dynamic_prompts={DynamicPromptsQuery("{a|b}", 3, False): ["a"]})
    assert generate("StringGeneratorField", value, facts) == ["a"]


def test_an_answer_for_any_seed_serves_prompts_without_a_seed() -> None:
    """The GUI then draws a seed itself, so that no answer is the right one."""
    value = {
        "type": "string_generator_dynamic_prompts_random",
        "input": "{a|b}",
        "count": 3,
    }
    recorded = {
        DynamicPromptsQuery("{a|b}", 2, False, 1): ["other count"],
        DynamicPromptsQuery("{a|b}", 3, True): ["combinatorial"],
        DynamicPromptsQuery("{a|b}", 3, False, 1): ["a"],
    }
    facts = ServerFacts(dynamic_prompts=recorded)
    assert generate("StringGeneratorField", value, facts) == ["a"]
    with pytest.raises(GeneratorError):
        generate("StringGeneratorField", {**value, "seed": 2}, facts)


def test_integers_beyond_the_exact_ones_are_added_as_doubles() -> None:
    value = {
        "type": "integer_generator_arithmetic_sequence",
        "start": 2**53 - 1,
        "step": 1,
        "count": 4,
    }
    found = generate("IntegerGeneratorField", value, NOTHING)
    assert found == [2**53 - 1, 2**53, 2**53, 2**53 + 2]
    assert all(type(item) is int for item in found)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("IntegerGeneratorField", None),
        ("IntegerGeneratorField", {"type": "float_generator_arithmetic_sequence"}),
        (
            "IntegerGeneratorField",
            {"type": "integer_generator_arithmetic_sequence", "start": 1.5},
        ),
        ("FloatGeneratorField", {"start": "x", "min": "x", "input": 1}),
        (
            "FloatGeneratorField",
            {"type": "float_generator_linear_distribution", "count": MAX_ITEMS + 1},
        ),
    ],
)
def test_settings_of_no_generator_are_an_error(kind: str, value: object) -> None:
    with pytest.raises(GeneratorError):
        generate(kind, value, NOTHING)


@pytest.mark.parametrize(
    ("kind", "settings", "drawn"),
    [
        ("Integer", {"type": "integer_generator_random_distribution_uniform"}, True),
        ("Integer", {"type": "integer_generator_arithmetic_sequence"}, False),
        (
            "Float",
            {"type": "float_generator_random_distribution_uniform", "seed": 0},
            False,
        ),
        (
            "Float",
            {"type": "float_generator_random_distribution_uniform", "values": [1]},
            False,
        ),
        ("String", {"type": "string_generator_dynamic_prompts_random"}, True),
        ("String", {"type": "string_generator_dynamic_prompts_combinatorial"}, False),
        ("Integer", "no settings", False),
    ],
)
def test_only_a_random_generator_without_a_seed_draws_values(
    kind: str, settings: Any, drawn: bool
) -> None:
    assert draws_values(f"{kind}GeneratorField", settings) is drawn


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("integer_generator_arithmetic_sequence", {"count": 4}),
        ("float_generator_linear_distribution", {"count": 4}),
        ("string_generator_parse_string", {"input": "a,b,c,d", "splitOn": ","}),
    ],
)
def test_a_generator_makes_as_many_values_as_any_queue_takes(
    kind: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = {"type": kind, **settings}
    monkeypatch.setattr(generator_values, "MAX_ITEMS", 4)
    assert len(generate(field_type(kind), value, NOTHING)) == 4
    monkeypatch.setattr(generator_values, "MAX_ITEMS", 3)
    with pytest.raises(GeneratorError, match="more than 3 values"):
        generate(field_type(kind), value, NOTHING)
