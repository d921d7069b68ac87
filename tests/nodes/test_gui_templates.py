"""Input templates in the GUI's form, which workflow files of the GUI may hold."""

from __future__ import annotations

from typing import Any

import pytest

from invokeai_py_client.nodes import FieldType, NodeCatalog
from invokeai_py_client.nodes.gui_form import (
    input_template_as_gui,
    input_template_from_gui,
)

TYPE = {"name": "IntegerField", "cardinality": "SINGLE", "batch": False}
STORED: dict[str, Any] = {
    "name": "width",
    "title": "Width",
    "required": False,
    "description": "",
    "fieldKind": "input",
    "input": "any",
    "type": TYPE,
    "default": 512,
    "minimum": 64,
    "multipleOf": 8,
    "ui_order": 1,
}


def test_every_input_of_the_gui_is_the_same_after_reading() -> None:
    for template in NodeCatalog.bundled().values():
        for item in template.inputs.values():
            stored = input_template_as_gui(item)
            assert input_template_as_gui(input_template_from_gui(stored)) == stored


def test_keys_that_the_gui_does_not_know_are_left_out() -> None:
    found = input_template_from_gui({**STORED, "limits": {"minimum": 7}, "mine": 1})
    assert found.gui == {"minimum": 64, "multipleOf": 8, "ui_order": 1}
    assert found == input_template_from_gui(STORED)
    assert (found.name, found.default) == ("width", 512)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", 7),
        ("title", ["a"]),
        ("required", "yes"),
        ("required", 1),
        ("ui_hidden", 0),
        ("minimum", "64"),
        ("minimum", True),
        ("ui_order", False),
        ("minLength", 1.5),
        ("maxItems", True),
        ("options", "a"),
        ("options", [{}]),
        ("options", ["a", None]),
        ("ui_model_base", "sdxl"),
        ("ui_model_type", [["main"]]),
        ("ui_choice_labels", ["a"]),
        ("input", "all"),
        ("type", "IntegerField"),
        ("type", {**TYPE, "name": 7}),
        ("type", {**TYPE, "cardinality": "MANY"}),
        ("type", {**TYPE, "batch": 0}),
        ("type", {**TYPE, "originalType": {**TYPE, "batch": None}}),
        ("type", {**TYPE, "originalType": "IntegerField"}),
    ],
)
def test_a_key_of_another_kind_is_refused(key: str, value: Any) -> None:
    with pytest.raises(TypeError):
        input_template_from_gui({**STORED, key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("minimum", None),
        ("minimum", 0.5),
        ("ui_hidden", True),
        ("options", ["a", 1, 0.5]),
        ("options", []),
        ("ui_model_base", None),
        ("ui_choice_labels", {"a": "A"}),
        ("input", "direct"),
        ("input", "connection"),
    ],
)
def test_a_key_of_its_kind_or_null_is_taken(key: str, value: Any) -> None:
    found = input_template_from_gui({**STORED, key: value})
    if key == "input":
        assert found.input == value
    else:
        assert found.gui[key] == value


def test_a_type_that_a_hint_replaced_is_read_with_it() -> None:
    original = {"name": "EnumField", "cardinality": "SINGLE", "batch": True}
    stored = {**STORED, "type": {**TYPE, "originalType": original}}
    assert input_template_from_gui(stored).type == FieldType(
        "IntegerField", original=FieldType("EnumField", batch=True)
    )


@pytest.mark.parametrize(
    "key", ["name", "title", "required", "description", "input", "type"]
)
def test_what_every_input_has_is_missed_by_its_name(key: str) -> None:
    without = {name: value for name, value in STORED.items() if name != key}
    for stored in (without, {**STORED, key: None}):
        with pytest.raises(KeyError, match=f"'{key}'"):
            input_template_from_gui(stored)
