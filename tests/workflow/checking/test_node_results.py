"""What nodes that only calculate return: the numbers of InvokeAI's own nodes."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, strategies as st

from invokeai_py_client.ivk_fields.server_rules import TOO_LARGE
from invokeai_py_client.workflow.checking.node_results import RESULTS


def value(node_type: str, **values: Any) -> Any:
    (result,) = RESULTS[node_type](values).values()
    return result


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        (0, []),
        (1, [2.0]),
        (2, [2.0, 4.0]),
        (3, [2.0, 3.0, 4.0]),
        (5, [2.0, 2.5, 3.0, 3.5, 4.0]),
    ],
)
def test_a_line_has_its_ends_and_even_steps_between(steps, line):
    assert value("float_range", start=2.0, stop=4.0, steps=steps) == line


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.integers(2, 200))
def test_every_line_starts_and_ends_where_it_should(start, stop, steps):
    line = value("float_range", start=start, stop=stop, steps=steps)
    assert (len(line), line[0], line[-1]) == (steps, start, stop)
    assert line == sorted(line, reverse=stop < start)


def test_lists_are_calculated_as_far_as_they_are_worth_it():
    assert len(value("float_range", start=0, stop=1, steps=10_000)) == 10_000
    assert len(value("range", start=0, stop=10_000, step=1)) == 10_000
    for node_type, values in (
        ("float_range", {"start": 0, "stop": 1, "steps": 10_001}),
        ("float_range", {"start": 0, "stop": 1, "steps": -1}),
        ("range", {"start": 0, "stop": 10_001, "step": 1}),
    ):
        with pytest.raises(ValueError):  # noqa: PT011  of any kind: it is not known
            value(node_type, **values)


def test_ranges_are_those_of_python():
    assert value("range", start=2, stop=9, step=3) == [2, 5, 8]
    assert value("range_of_size", start=2, size=3, step=5) == [2, 7, 12]


def test_a_random_number_is_known_where_only_one_is_possible():
    assert value("rand_int", low=7, high=8) == 7
    for high in (6, 7, 9):
        with pytest.raises(ValueError):  # noqa: PT011
            value("rand_int", low=7, high=high)


@pytest.mark.parametrize(
    ("number", "root"), [(0, 0.0), (0.25, 0.5), (1, 1.0), (4, 2.0)]
)
def test_square_roots(number, root):
    assert value("float_math", operation="SQRT", a=number, b=0) == root


def test_the_square_root_of_a_negative_number_is_none():
    assert math.isnan(value("float_math", operation="SQRT", a=-0.25, b=0))


@pytest.mark.parametrize(
    ("operation", "first", "second", "result"),
    [
        ("DIV", -7, 2, -3),
        ("MOD", -7, 2, 1),
        ("EXP", 2, 10, 1024),
        # Only a large base makes a large number.
        ("EXP", 1, 10**9, 1),
        ("EXP", -1, 10**9 + 1, -1),
        ("EXP", 0, 10**9, 0),
        ("EXP", 10, 4299, 10**4299),
        ("MIN", 3, 2, 2),
        ("MAX", 3, 2, 3),
        ("ABS", -3, 2, 3),
    ],
)
def test_integers_are_calculated_as_the_server_does(operation, first, second, result):
    assert value("integer_math", operation=operation, a=first, b=second) == result


@pytest.mark.parametrize("base", [10, -10, 3])
def test_a_power_that_nobody_can_read_is_not_calculated(base):
    found = value("integer_math", operation="EXP", a=base, b=10**12)
    assert abs(found) >= TOO_LARGE
