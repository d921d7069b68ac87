"""`json_schema()` describes in JSON Schema what a field, an input and a handle take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Optional

import pytest
from field_builder import LORA, SDXL, build, limited
from goldens import own_goldens, shared_goldens
from hypothesis import given, settings, strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from invokeai_py_client.exceptions import FieldValidationError
from invokeai_py_client.ivk_fields import (
    IvkColorField,
    IvkEnumField,
    IvkField,
    IvkFloatField,
    IvkIntegerCollectionField,
    IvkIntegerField,
    IvkSchedulerField,
    IvkStringField,
    IvkUnknownField,
)
from invokeai_py_client.ivk_fields.field_types import FIELD_TYPES
from invokeai_py_client.ivk_fields.template_field import IvkRawField
from invokeai_py_client.nodes import FieldType, InputTemplate, NodeCatalog
from invokeai_py_client.nodes.field_types import STATEFUL_TYPES
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

CATALOG = NodeCatalog.bundled()
INPUTS = [
    (node.type, name)
    for node in CATALOG.values()
    for name, template in node.inputs.items()
    if template.type.name in FIELD_TYPES
]


def passes(schema: dict[str, Any], value: Any) -> bool:
    Draft202012Validator.check_schema(schema)
    return bool(Draft202012Validator(schema).is_valid(value))


def takes(field: IvkField[Any], value: Any) -> bool:
    try:
        field.value = value
    except FieldValidationError:
        return False
    return True


def test_every_input_of_the_server_has_a_valid_schema_and_a_default_it_allows():
    for node, name in INPUTS:
        schema = build(CATALOG, node, name).json_schema()
        Draft202012Validator.check_schema(schema)
        if "default" in schema:
            assert passes(schema, schema["default"]), (node, name)
            assert takes(build(CATALOG, node, name), schema["default"]), (node, name)


def check_the_schema_of(handle: BaseWorkflowHandle) -> None:
    schema = handle.json_schema()
    Draft202012Validator.check_schema(schema)
    json.dumps(schema, allow_nan=False)
    assert set(schema["required"]) <= set(schema["properties"]) <= set(handle.inputs)
    for item in handle.list_inputs():
        Draft202012Validator.check_schema(item.json_schema())
        assert (item.name in schema["properties"]) is not item.field.is_locked
    defaults = {
        name: part["default"]
        for name, part in schema["properties"].items()
        if "default" in part
    }
    errors = Draft202012Validator(schema).iter_errors(defaults)
    assert [error for error in errors if error.validator != "required"] == []
    assert not passes(schema, {**defaults, "no such input": 1})


@pytest.mark.parametrize("golden", own_goldens(), ids=lambda golden: golden.name)
def test_the_schema_of_a_workflow_is_valid_and_allows_its_own_values(golden):
    if golden.loads:
        check_the_schema_of(BaseWorkflowHandle(golden.definition, CATALOG))


def test_the_schema_of_every_shared_workflow_is_valid(shared_dir):
    for _, golden in shared_goldens(shared_dir):
        if golden is not None and golden.loads:
            check_the_schema_of(BaseWorkflowHandle(golden.definition, CATALOG))


bounds = st.none() | st.integers(-50, 50)


def number_limits() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "minimum": bounds,
            "maximum": bounds,
            "exclusive_minimum": bounds,
            "exclusive_maximum": bounds,
            "multiple_of": st.none() | st.integers(1, 9),
        }
    )


@given(limits=number_limits(), value=st.integers(-60, 60))
@settings(deadline=None)
def test_an_integer_passes_the_schema_when_the_field_takes_it(limits, value):
    field = IvkIntegerField(template=limited("IntegerField", **limits))
    assert passes(field.json_schema(), value) == takes(field, value)


@given(
    limits=number_limits().map(lambda found: {**found, "multiple_of": None}),
    value=st.integers(-60, 60) | st.floats(-60, 60),
)
@settings(deadline=None)
def test_a_number_passes_the_schema_when_the_field_takes_it(limits, value):
    field = IvkFloatField(template=limited("FloatField", **limits))
    assert passes(field.json_schema(), value) == takes(field, value)


@given(low=bounds, high=bounds, items=st.lists(st.integers(-60, 60), max_size=4))
@settings(deadline=None)
def test_a_list_passes_the_schema_when_the_field_takes_it(low, high, items):
    template = limited(
        "IntegerField",
        "COLLECTION",
        min_items=1,
        max_items=3,
        minimum=low,
        maximum=high,
    )
    field = IvkIntegerCollectionField(template=template)
    assert passes(field.json_schema(), items) == takes(field, items)


@given(
    low=st.none() | st.integers(0, 4),
    high=st.none() | st.integers(0, 6),
    value=st.text(st.characters(codec="utf-8"), max_size=8),
)
@settings(deadline=None)
def test_a_string_passes_the_schema_when_the_field_takes_it(low, high, value):
    template = limited("StringField", min_length=low, max_length=high)
    field = IvkStringField(template=template)
    assert passes(field.json_schema(), value) == takes(field, value)


@given(
    options=st.lists(st.text("abc", min_size=1) | st.integers(0, 9), min_size=1),
    value=st.text("abc", min_size=1) | st.integers(0, 9),
)
@settings(deadline=None)
def test_an_option_passes_the_schema_when_the_field_takes_it(options, value):
    options = list(dict.fromkeys(options))
    template = InputTemplate(
        "x", "X", FieldType("EnumField"), gui={"options": options}, required=True
    )
    field = IvkEnumField(template=template)
    assert passes(field.json_schema(), value) == takes(field, value)


def test_values_of_another_type_are_refused():
    for field, wrong in (
        (IvkIntegerField(), "5"),
        (IvkIntegerField(), True),
        (IvkFloatField(), "5"),
        (IvkStringField(), 5),
        (IvkSchedulerField(), "no scheduler"),
        (IvkColorField(), "#12345"),
    ):
        assert not passes(field.json_schema(), wrong)
        assert not takes(field, wrong)


def test_only_an_input_that_is_not_required_allows_null():
    optional = limited("IntegerField")
    required = InputTemplate("x", "X", FieldType("IntegerField"), required=True)
    assert passes(IvkIntegerField(template=optional).json_schema(), None)
    assert not passes(IvkIntegerField(template=required).json_schema(), None)


def test_a_number_or_a_list_of_numbers_passes_where_both_may_be():
    schema = build(CATALOG, "denoise_latents", "cfg_scale").json_schema()
    assert passes(schema, 7.5)
    assert passes(schema, [7, 7.5])
    assert not passes(schema, ["7"])


def test_the_title_the_description_and_the_default_are_those_of_the_template():
    schema = build(CATALOG, "noise", "width").json_schema()
    assert schema["title"] == "Width"
    assert schema["description"] == "Width of output (px)."
    assert schema["default"] == 512
    assert build(CATALOG, "noise", "width", value=640).json_schema()["default"] == 640


def test_a_default_that_would_be_refused_is_left_out():
    assert "default" not in build(CATALOG, "lresize", "width").json_schema()


@pytest.mark.parametrize(
    ("node", "name", "value", "default"),
    [
        ("sdxl_model_loader", "model", SDXL, SDXL["key"]),
        ("img_resize", "image", {"image_name": "a.png"}, "a.png"),
        ("flux_kontext_image_prep", "images", [{"image_name": "a.png"}], ["a.png"]),
        ("l2i", "board", {"board_id": "b1"}, "b1"),
        ("l2i", "board", "none", "none"),
        (
            "sdxl_lora_collection_loader",
            "loras",
            [{"lora": LORA, "weight": 0.5}],
            [{"lora": LORA["key"], "weight": 0.5}],
        ),
    ],
)
def test_what_the_server_names_is_a_string_in_the_schema(node, name, value, default):
    schema = build(CATALOG, node, name, value=value).json_schema()
    assert schema["default"] == default
    assert passes(schema, default)
    assert takes(build(CATALOG, node, name), default)


def test_the_description_of_a_model_says_which_models_are_taken():
    schema = build(CATALOG, "sdxl_model_loader", "model").json_schema()
    assert "key or hash of a model of base sdxl and type main" in schema["description"]


def test_a_field_that_takes_no_value_has_a_schema_that_none_passes():
    schema = IvkUnknownField.from_info({"value": 5}).json_schema()
    assert not passes(schema, 5)
    assert not passes(schema, None)


def test_a_field_of_any_json_takes_any():
    assert IvkRawField().json_schema() == {}


class Point(BaseModel):
    x: int
    y: int = 0


class TestCustomFields:
    def test_the_schema_is_that_of_the_annotation(self):
        class IvkWordsField(IvkField[list[str]]):
            value: Optional[list[str]] = None

        schema = IvkWordsField(value=["a"]).json_schema()
        assert passes(schema, ["a", "b"])
        assert passes(schema, None)
        assert not passes(schema, [1])
        assert schema["default"] == ["a"]

    def test_definitions_are_at_the_top(self):
        class IvkPointField(IvkField[Point]):
            value: Optional[Point] = None

        schema = IvkPointField().json_schema()
        assert passes(schema, {"x": 1})
        assert not passes(schema, {"x": "a"})
        assert "Point" in schema["$defs"]

    def test_a_type_that_json_does_not_have_is_left_open(self):
        class Thing:
            pass

        class IvkThingField(IvkField[Thing]):
            value: Optional[Thing] = None

        assert IvkThingField(value=Thing()).json_schema() == {}


def test_the_table_has_every_type_that_the_gui_can_hold_a_value_of():
    assert set(FIELD_TYPES) == set(STATEFUL_TYPES)


PAGE = Path(__file__).parents[2] / "docs" / "dev" / "fields.md"


@pytest.mark.skipif(not PAGE.exists(), reason="not run from a clone")
def test_the_page_has_the_table_of_field_types():
    text = PAGE.read_text(encoding="utf-8")
    for name, row in FIELD_TYPES.items():
        classes = [f"`{kind.__name__}`" for kind in (row.one, row.many) if kind]
        cell = ", ".join(dict.fromkeys(classes))
        assert f"| `{name}` | {cell} | {row.takes} |" in text
