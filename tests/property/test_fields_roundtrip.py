"""Every field comes back from its wire form, and accepting twice changes nothing."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from invokeai_py_client import ivk_fields
from invokeai_py_client.exceptions import FieldValidationError
from invokeai_py_client.ivk_fields import IvkField, IvkIntegerField
from invokeai_py_client.ivk_fields.field_types import FIELD_TYPES
from invokeai_py_client.nodes import FieldType, InputTemplate, Limits

TEXT = st.text(min_size=1, max_size=20).filter(str.strip)
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**60), 2**60)
INTEGERS = st.integers(-(2**70), 2**70)
MODELS = st.fixed_dictionaries(
    dict.fromkeys(("key", "hash", "name", "base", "type"), TEXT)
)
BYTES = st.integers(0, 255)
JSON = st.recursive(
    st.booleans() | FLOATS | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=6,
)
FLOAT_CONFIGS = st.builds(
    ivk_fields.FloatArithmeticSequence, start=FLOATS, step=FLOATS, count=INTEGERS
) | st.builds(ivk_fields.FloatRandomUniform, seed=st.none() | INTEGERS, min=FLOATS)
INTEGER_CONFIGS = st.builds(
    ivk_fields.IntegerLinearDistribution, start=INTEGERS, end=INTEGERS
) | st.builds(ivk_fields.IntegerParseString, input=st.text(), splitOn=st.text())
STRING_CONFIGS = st.builds(
    ivk_fields.StringDynamicPromptsCombinatorial, maxPrompts=st.integers(1, 99)
) | st.builds(ivk_fields.StringParseString, input=st.text())
NAMES = st.from_regex(r"[0-9a-f]{8}\.png", fullmatch=True)

# What a person may give each class.
GIVEN: dict[str, st.SearchStrategy[Any]] = {
    "IvkBoardField": st.sampled_from(["auto", "none"])
    | TEXT
    | st.builds(lambda text: {"board_id": text}, TEXT),
    "IvkBooleanField": st.booleans(),
    "IvkBooleanCollectionField": st.lists(st.booleans()),
    "IvkColorField": st.tuples(BYTES, BYTES, BYTES, BYTES)
    | st.from_regex(r"#[0-9a-f]{6}", fullmatch=True),
    "IvkEnumField": TEXT | st.integers(),
    "IvkFloatField": FLOATS,
    "IvkFloatCollectionField": st.lists(FLOATS),
    "IvkFloatGeneratorField": FLOAT_CONFIGS,
    "IvkImageField": NAMES | st.binary(min_size=1),
    "IvkImageCollectionField": st.lists(NAMES | st.binary(min_size=1)),
    "IvkImageGeneratorField": st.builds(
        ivk_fields.ImagesFromBoard,
        board_id=st.none() | TEXT.filter(lambda text: text.strip() != "auto"),
    ),
    "IvkIntegerField": INTEGERS,
    "IvkIntegerCollectionField": st.lists(INTEGERS),
    "IvkIntegerGeneratorField": INTEGER_CONFIGS,
    "IvkLoRAField": st.lists(
        st.tuples(TEXT | MODELS.map(lambda model: {**model, "type": "lora"}), FLOATS)
    ),
    "IvkModelIdentifierField": TEXT | MODELS,
    "IvkRawField": JSON,
    "IvkSavedWorkflowField": st.just("") | TEXT | st.uuids().map(str),
    "IvkSchedulerField": st.sampled_from(["Euler a", "ddim", "DPM++ 2M Karras"]),
    "IvkStringField": st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    "IvkStringCollectionField": st.lists(st.text()),
    "IvkStringGeneratorField": STRING_CONFIGS,
    "IvkStylePresetField": TEXT | st.uuids().map(str),
    "IvkSystemPromptField": TEXT | st.uuids().map(str),
    "IvkVideoField": NAMES,
    "IvkVideoCollectionField": st.lists(NAMES),
}
CLASSES = {
    kind.__name__: kind
    for row in FIELD_TYPES.values()
    for kind in (row.one, row.many)
    if kind is not None
}


def test_every_class_is_tested() -> None:
    assert set(GIVEN) == set(CLASSES)


@pytest.mark.parametrize("name", sorted(GIVEN))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_field_comes_back_from_its_wire_form(name: str, data: st.DataObject) -> None:
    kind: type[IvkField[Any]] = CLASSES[name]
    field = kind(value=data.draw(GIVEN[name]))
    wire = field.to_api_format()
    again = kind.from_api_format(wire)
    assert again.value == field.value
    assert again.to_api_format() == wire
    assert again.problems() == field.problems() == []
    # The handle checks a value in a copy and then sets it again.
    copy = field.clone()
    copy.value = field.value
    assert copy.value == field.value
    if not field.unresolved():
        assert json.loads(json.dumps(wire)) == wire


@pytest.mark.parametrize("name", sorted(GIVEN))
@settings(max_examples=40, deadline=None)
@given(raw=JSON)
def test_any_stored_value_comes_back_and_is_judged_without_an_error(
    name: str, raw: Any
) -> None:
    kind: type[IvkField[Any]] = CLASSES[name]
    held = kind.holding(raw)
    wire = held.to_api_format()
    assert wire["value"] == raw
    assert kind.from_api_format(wire).value is not None
    problems = held.problems()
    assert all(problem.message and problem.kind for problem in problems)


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_an_unset_field_comes_back_unset(name: str) -> None:
    kind: type[IvkField[Any]] = CLASSES[name]
    wire = kind().to_api_format()
    assert "value" not in wire
    assert not kind.from_api_format(wire).is_set


@pytest.mark.parametrize("name", sorted(GIVEN))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_refused_value_never_replaces_the_old_one(
    name: str, data: st.DataObject
) -> None:
    kind: type[IvkField[Any]] = CLASSES[name]
    field = kind(value=data.draw(GIVEN[name]))
    before = field.to_api_format()
    given_value = data.draw(JSON | st.binary() | st.floats())
    try:
        field.value = given_value
    except FieldValidationError:
        assert field.to_api_format() == before
    else:
        assert field.problems() == []


BOUND = st.none() | st.integers(-50, 50)


@settings(deadline=None)
@given(
    value=st.integers(-60, 60),
    low=BOUND,
    high=BOUND,
    above=BOUND,
    below=BOUND,
    step=st.none() | st.integers(1, 9),
)
def test_an_integer_is_taken_exactly_when_every_limit_holds(
    value: int, low: Any, high: Any, above: Any, below: Any, step: Any
) -> None:
    limits = Limits(
        minimum=low,
        maximum=high,
        exclusive_minimum=above,
        exclusive_maximum=below,
        multiple_of=step,
    )
    field = IvkIntegerField(
        template=InputTemplate("x", "X", FieldType("IntegerField"), limits=limits)
    )
    holds = (
        (-math.inf if low is None else low)
        <= value
        <= (math.inf if high is None else high)
        and (above is None or value > above)
        and (below is None or value < below)
        and (step is None or value % step == 0)
    )
    try:
        field.value = value
    except FieldValidationError:
        assert not holds
    else:
        assert holds
