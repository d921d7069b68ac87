"""Numbers and keys as JavaScript prints them."""

from __future__ import annotations

import sys

import pytest

from invokeai_py_client.workflow.document.js_semantics import (
    as_doubles,
    as_key,
    double_sum,
    is_finite,
    is_safe_integer,
    parse_float,
    parse_int,
    round_half_up,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (["x", None, 1.5], "x,,1.5"),
        ({}, "[object Object]"),
        (1.0, "1"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (2.0**60, "1152921504606847000"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (0.00001, "0.00001"),
        (-0.00000123, "-0.00000123"),
        (0.000001, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (5e-324, "5e-324"),
    ],
)
def test_keys_are_what_javascript_makes_of_values(value, text):
    assert as_key(value) == text


def test_what_doubles_do_not_change_is_not_copied():
    plain = {"a": 1, "b": [1, 2.5, "x"], "c": {"d": None}}
    assert as_doubles(plain) is plain
    assert as_doubles(plain["b"]) is plain["b"]
    changed = as_doubles({"a": 2.0, "b": plain["b"]})
    assert (changed, type(changed["a"])) == ({"a": 2, "b": plain["b"]}, int)
    assert changed["b"] is plain["b"]
    assert as_doubles(2**53 + 1) == 2**53
    assert as_doubles([10**400]) == [10**400]


@pytest.mark.parametrize(
    ("value", "rounded"),
    [(0.4, 0), (0.5, 1), (1.5, 2), (-0.4, 0), (-0.5, 0), (-0.6, -1), (-1.5, -1)],
)
def test_halves_are_rounded_up(value, rounded):
    assert round_half_up(value) == rounded


def test_numbers_are_added_as_doubles():
    assert double_sum(0.1, 0.2) == 0.30000000000000004
    assert repr(double_sum(1.5, 0.5)) == "2"
    assert double_sum(2**53, 1) == 2**53


@pytest.mark.parametrize(
    ("value", "finite", "safe"),
    [
        (3, True, True),
        (-3.0, True, True),
        (2.5, True, False),
        (2**53 - 1, True, True),
        (2**53, True, False),
        (sys.float_info.max, True, False),
        (10**309, False, False),
        (float("inf"), False, False),
        (float("nan"), False, False),
        (True, False, False),
        ("3", False, False),
        (None, False, False),
    ],
)
def test_what_a_double_holds_is_finite_and_what_it_tells_apart_is_safe(
    value, finite, safe
):
    assert (is_finite(value), is_safe_integer(value)) == (finite, safe)


@pytest.mark.parametrize(
    ("text", "whole", "number"),
    [
        ("12.5px", 12, 12.5),
        ("\ufeff -7 ", -7, -7),
        ("1e3", 1, 1000),
        (".5", None, 0.5),
        ("9007199254740993", 2**53, 2**53),
        ("-Infinity", None, float("-inf")),
        ("px", None, None),
        ("", None, None),
    ],
)
def test_numbers_are_read_from_the_start_of_a_text(text, whole, number):
    assert (parse_int(text), parse_float(text)) == (whole, number)
