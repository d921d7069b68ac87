"""Values as the server reads them, at the limits of what it takes."""

from __future__ import annotations

import pytest

from invokeai_py_client.ivk_fields.server_rules import (
    MAX_DIGITS,
    MODEL_KEYS,
    TOO_LARGE,
    boolean_rule,
    color_rule,
    id_rule,
    integer_rule,
    keys_rule,
    lora_rule,
    model_rule,
    read_float,
    read_integer,
    string_rule,
)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_integer_has_as_many_digits_as_python_reads(sign):
    assert integer_rule(sign * (TOO_LARGE - 1)) is None
    problem = integer_rule(sign * TOO_LARGE)
    assert problem is not None
    assert (problem.kind, problem.allowed) == (
        "digits",
        f"an integer of at most {MAX_DIGITS} digits",
    )


def test_integers_in_text_have_no_more_digits_either():
    assert read_integer("9" * MAX_DIGITS) == 10**MAX_DIGITS - 1
    assert read_integer("9" * (MAX_DIGITS + 1)) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((7, 7), (7.0, 7), ("7", 7), (" +7 ", 7), ("7.", 7), ("7.00", 7)),
        *(("1_000", 1000), (True, 1), (-3.0, -3)),
        *((7.5, None), (float("inf"), None), (float("nan"), None), ("7.5", None)),
        *(("", None), ("x", None), (None, None), ([7], None)),
    ],
)
def test_what_is_an_integer_to_the_server(value, number):
    assert read_integer(value) == number


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1.0), ("1.5", 1.5), (True, 1.0), ("x", None), (10**400, None), ([], None)],
)
def test_what_is_a_number_to_the_server(value, number):
    assert read_float(value) == number


@pytest.mark.parametrize(
    ("rule", "taken", "refused"),
    [
        (string_rule, ["x", "", 5, 1.5], [True, None, [], {}]),
        (
            boolean_rule,
            [True, False, 0, 1, 1.0, "on", "No", "T"],
            [2, 0.5, "2", "", None, [], {}],
        ),
        (
            id_rule("image_name", "an image"),
            [{"image_name": "a"}, {"image_name": "", "x": 1}],
            ["a", {"image_name": 1}, {"name": "a"}, {}, None, ["image_name"]],
        ),
        (
            color_rule,
            [dict.fromkeys("rgba", 0), dict.fromkeys("rgba", 255), {"r": "1", "g": 2.0,
             "b": 3, "a": 4}],
            [dict.fromkeys("rgba", 256), dict.fromkeys("rgba", -1),
             dict.fromkeys("rgb", 1), "red", None, [1, 2, 3, 4]],
        ),
        (
            model_rule,
            [dict.fromkeys(MODEL_KEYS, "x"),
             {**dict.fromkeys(MODEL_KEYS, "x"), "submodel_type": "vae"},
             {**dict.fromkeys(MODEL_KEYS, "x"), "submodel_type": None}],
            [{"key": "x"}, dict.fromkeys(MODEL_KEYS, 1), "x", None,
             {**dict.fromkeys(MODEL_KEYS, "x"), "submodel_type": 1}],
        ),
        (
            lora_rule,
            [{"lora": dict.fromkeys(MODEL_KEYS, "x"), "weight": 1}],
            [{"lora": dict.fromkeys(MODEL_KEYS, "x")}, {"lora": "x", "weight": 1},
             {"weight": 1}, "x", None],
        ),
        (
            keys_rule("UNetField", ("unet", "skipped_layers")),
            [{"unet": dict.fromkeys(MODEL_KEYS, "x"), "skipped_layers": 0}],
            [{"unet": dict.fromkeys(MODEL_KEYS, "x")}, {"unet": 1, "skipped_layers": 0},
             {}, "x", None],
        ),
    ],
)  # fmt: skip
def test_what_the_server_takes_and_refuses(rule, taken, refused):
    assert [value for value in taken if rule(value) is not None] == []
    assert [value for value in refused if rule(value) is None] == []
