"""Names that resemble one that does not exist."""

from __future__ import annotations

from invokeai_py_client._suggestions import did_you_mean, list_names, near_names


def test_names_that_contain_the_text_come_before_those_spelled_alike():
    names = ["Jugernaut", "Juggernaut XL", "SDXL"]
    assert near_names("juggernaut", names) == ["Juggernaut XL", "Jugernaut"]


def test_case_and_punctuation_do_not_count():
    assert near_names("CFG-Scale", ["cfg_scale", "steps"]) == ["cfg_scale"]


def test_names_in_any_script_are_found():
    assert near_names("ландшафт", ["Ландшафты", "猫"]) == ["Ландшафты"]


def test_a_mapping_tells_what_to_suggest_for_a_word():
    words = {"Positive Prompt": "prompt", "prompt": "prompt", "Steps": "steps"}
    assert near_names("positiv prompt", words) == ["prompt"]


def test_nothing_resembles_an_empty_text():
    assert near_names("", ["a", "b"]) == []


def test_five_names_are_suggested_at_most():
    assert len(near_names("cat", [f"cat {number}" for number in range(9)])) == 5


def test_the_question_names_every_suggestion():
    assert did_you_mean(["a", "b"]) == "did you mean 'a' or 'b'?"
    assert did_you_mean([]) == ""


def test_a_long_listing_says_how_many_more_there_are():
    assert list_names("abcdefg") == "'a', 'b', 'c', 'd', 'e' and 2 more"
    assert list_names([]) == "none"
