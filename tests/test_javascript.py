"""Numbers and keys as JavaScript prints them."""

from __future__ import annotations

import pytest

from invokeai_py_client.workflow.javascript import as_key


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
