"""The TOML that people read is TOML that programs read."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from invokeai_py_client.sweep.folder.toml_text import LONGEST_LIST, toml_text

tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")

TEXT = st.text(st.characters(blacklist_categories=["Cs"]))
SCALARS = st.one_of(TEXT, st.booleans(), st.integers(), st.floats(allow_nan=False))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner),
    max_leaves=10,
)


@given(st.dictionaries(TEXT, VALUES))
def test_what_is_written_is_read_back(data):
    assert tomllib.loads(toml_text(data)) == data


def test_what_is_not_set_is_left_out():
    assert toml_text({"a": None, "b": {"c": None}}) == "[b]\n"


def test_a_list_keeps_its_length():
    assert tomllib.loads(toml_text({"model": ["A", None]})) == {"model": ["A", "null"]}


def test_a_long_list_says_how_many_more_there_are():
    text = toml_text({"seed": list(range(1000))})
    assert text.splitlines()[-2:] == ["    # and 900 more", "]"]
    assert len(tomllib.loads(text)["seed"]) == LONGEST_LIST


def test_half_a_character_is_replaced():
    assert tomllib.loads(toml_text({"prompt": "\ud83d"})) == {"prompt": "\ufffd"}


def test_not_a_number_is_a_float():
    assert math.isnan(tomllib.loads(toml_text({"x": float("nan")}))["x"])


def test_tables_come_after_the_values_beside_them():
    data = {"product": {"steps": [20, 30]}, "name": "lighthouse"}
    assert toml_text(data).splitlines() == [
        'name = "lighthouse"',
        "",
        "[product]",
        "steps = [20, 30]",
    ]
