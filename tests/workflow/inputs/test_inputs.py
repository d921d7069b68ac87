"""Names of inputs and how they are found again."""

from __future__ import annotations

import inspect

import pytest

from invokeai_py_client.exceptions import InputNotFoundError
from invokeai_py_client.workflow.inputs.naming import (
    RESERVED_NAMES,
    Entry,
    find_entry,
    input_names,
    slug,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Positive Prompt", "positive_prompt"),
        ("  CFG-Scale (1..10) ", "cfg_scale_1_10"),
        ("Größe", "grosse"),
        ("Ćwiczenie łąki", "cwiczenie_laki"),
        ("①② ﬁne", "12_fine"),
        ("提示词", ""),
        ("___", ""),
        ("İstanbul", "istanbul"),
    ],
)
def test_a_slug_is_lower_case_ascii_words(text, expected):
    assert slug(text) == expected


def names(*parts: tuple[str, str, str]) -> list[str]:
    return input_names(parts)


def test_the_label_names_an_input_then_the_node_then_the_field():
    assert names(
        ("Style", "Node", "prompt"), ("", "Negative", "prompt"), ("", "", "prompt")
    ) == ["style", "negative_prompt", "prompt"]


def test_labels_without_ascii_count_as_none():
    assert names(("提示词", "", "prompt"), ("", "节点", "steps")) == ["prompt", "steps"]


def test_later_duplicates_are_numbered():
    assert names(*[("A", "", "x")] * 3) == ["a", "a_2", "a_3"]


def test_a_number_that_is_taken_is_passed_over():
    assert names(("A 2", "", "x"), ("A", "", "x"), ("A", "", "x")) == [
        "a_2",
        "a",
        "a_3",
    ]


def test_options_of_run_and_keywords_get_an_underscore():
    assert names(("", "", "seed"), ("", "", "board"), ("Class", "", "x")) == [
        "seed_",
        "board_",
        "class_",
    ]
    assert names(("", "", "seed"), ("", "", "seed")) == ["seed_", "seed_2"]


def test_a_digit_in_front_gets_an_underscore():
    assert names(("2nd prompt", "", "x")) == ["_2nd_prompt"]


def test_every_option_of_run_and_submit_is_reserved():
    handle = pytest.importorskip("invokeai_py_client.workflow.workflow_handle")
    for method in (handle.WorkflowHandle.run, handle.WorkflowHandle.submit):
        options = {
            name
            for name, parameter in inspect.signature(method).parameters.items()
            if parameter.kind is parameter.KEYWORD_ONLY
        }
        assert options <= RESERVED_NAMES


ENTRIES = [
    Entry(0, ("p", "prompt"), "positive_prompt", ("Positive Prompt",), "prompt", "0"),
    Entry(1, ("n", "prompt"), "negative_prompt", ("Negative Prompt",), "prompt", "1"),
    Entry(2, ("d", "steps"), "steps", ("Steps",), "steps", "2"),
    Entry(3, ("d", "cfg_scale"), "cfg", ("CFG",), "cfg_scale", "3"),
    Entry(4, ("d", "steps"), "steps_2", ("Steps",), "steps", "4"),
]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (1, 1),
        (("n", "prompt"), 1),
        ("negative_prompt", 1),
        ("Negative Prompt", 1),
        ("negative prompt", 1),
        ("cfg_scale", 3),
        ("scale", 3),
        # Shown twice, but one field.
        ("Steps", 2),
        ("steps_2", 4),
    ],
)
def test_an_input_is_found_by_any_key_that_means_one(key, expected):
    assert find_entry(ENTRIES, key) == expected


@pytest.mark.parametrize("key", ["prompt", "Prompt"])
def test_an_ambiguous_key_lists_what_it_could_be(key):
    with pytest.raises(InputNotFoundError) as caught:
        find_entry(ENTRIES, key)
    assert caught.value.candidates == ("positive_prompt", "negative_prompt")
    assert isinstance(caught.value, KeyError)


def test_a_near_miss_is_suggested():
    with pytest.raises(InputNotFoundError, match="did you mean 'positive_prompt'"):
        find_entry(ENTRIES, "positiv_promt")


@pytest.mark.parametrize("key", [5, -1, True, None, 1.0, ("x", "y"), ("a", "b", "c")])
def test_other_keys_are_errors_that_name_what_there_is(key):
    with pytest.raises(InputNotFoundError):
        find_entry(ENTRIES, key)


def test_an_index_error_says_the_range():
    with pytest.raises(InputNotFoundError, match="0 to 4"):
        find_entry(ENTRIES, 5)
