"""What is given is used or refused, never left out without a word."""

from __future__ import annotations

from typing import Any

import pytest

from invokeai_py_client import FieldValidationError
from invokeai_py_client.ivk_fields import (
    FloatRandomUniform,
    ImagesFromBoard,
    IntegerArithmeticSequence,
    IvkColorField,
    IvkIntegerField,
    IvkIntegerGeneratorField,
    IvkLoRAField,
)


@pytest.mark.parametrize(
    "value",
    [
        {"lora": "a", "wieght": 0.5},
        {"lora": "a", "model": "b"},
        {"name": "a", "weight": 0.5},
        [{"lora": "a", "weight": 1, "enabled": False}],
    ],
)
def test_a_lora_with_a_key_that_means_nothing_is_refused(value: Any) -> None:
    field = IvkLoRAField()
    with pytest.raises(FieldValidationError, match="lora and weight"):
        field.value = value
    assert field.value is None


@pytest.mark.parametrize(
    "kind", [IntegerArithmeticSequence, FloatRandomUniform, ImagesFromBoard]
)
def test_a_generator_has_no_other_settings(kind: Any) -> None:
    with pytest.raises(FieldValidationError, match="strat"):
        kind(strat=3)
    with pytest.raises(FieldValidationError, match="got 'x'"):
        IntegerArithmeticSequence(start="x")


def test_a_generator_in_wire_form_has_no_other_settings() -> None:
    field = IvkIntegerGeneratorField()
    kind = "integer_generator_arithmetic_sequence"
    with pytest.raises(FieldValidationError, match="has no 'strat'"):
        field.value = {"type": kind, "strat": 3}
    # A file may hold more, as the GUI lets it.
    stored = {"type": kind, "start": 1, "step": 1, "count": 2, "old": True}
    assert IvkIntegerGeneratorField.holding(stored).problems() == []


def test_a_color_and_a_field_have_no_other_parts() -> None:
    with pytest.raises(FieldValidationError, match="colour"):
        IvkColorField(value={"r": 1, "g": 2, "b": 3, "alpha": 4})
    with pytest.raises(FieldValidationError, match="valeu"):
        IvkIntegerField(value=3).valeu = 4  # type: ignore[attr-defined]
