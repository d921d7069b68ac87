"""What a schema allows and which type it has, in all the ways that schemas say so."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from invokeai_py_client.nodes import (
    UNSET,
    FieldType,
    NodeCatalog,
    parse_openapi,
)
from invokeai_py_client.nodes.field_types import ref_name, type_of_schema
from invokeai_py_client.nodes.limits import NO_LIMITS, read_limits
from invokeai_py_client.nodes.template import Limits

Schema = dict[str, Any]
LIST = {"type": "array", "items": {"type": "integer"}}
REF = {"$ref": "#/components/schemas/ImageField"}


def limits_of(schema: Any, **schemas: Any) -> Limits:
    return read_limits(schema, schemas)


NESTINGS: dict[str, Callable[[Schema], Schema]] = {
    "all of": lambda inner: {"allOf": [inner]},
    "or null": lambda inner: {"anyOf": [inner, {"type": "null"}]},
    "or a list": lambda inner: {"anyOf": [inner, {"type": "array"}]},
    "the list": lambda inner: {"type": "array", "anyOf": [{"type": "integer"}, inner]},
    "items": lambda inner: {"type": "array", "items": inner},
}


@pytest.mark.parametrize("kind", NESTINGS)
def test_limits_are_found_up_to_eight_schemas_deep(kind: str) -> None:
    def pattern(levels: int) -> Any:
        schema: Schema = {"type": "array", "pattern": "x"}
        if kind == "or a list":
            schema = {"type": "integer", "pattern": "x"}
        for _ in range(levels):
            schema = NESTINGS[kind](schema)
        found = limits_of(schema)
        while found.item is not None:
            found = found.item
        return found.pattern

    assert pattern(1) == pattern(8) == "x"
    assert pattern(9) is None


def test_references_are_followed_up_to_eight_deep() -> None:
    schemas: dict[str, Schema] = {
        f"S{level}": {"$ref": f"#/components/schemas/S{level + 1}"}
        for level in range(1, 9)
    }
    schemas["S9"] = {"type": "integer", "minimum": 3}
    assert limits_of({"$ref": "#/components/schemas/S2"}, **schemas).minimum == 3
    assert limits_of({"$ref": "#/components/schemas/S1"}, **schemas) == NO_LIMITS


@pytest.mark.parametrize(
    ("schema", "nullable"),
    [
        ({"type": ["integer", "null"]}, True),
        ({"type": ["integer", "string"]}, False),
        ({"type": "null"}, False),
        ({"type": "integer", "nullable": True}, True),
        ({"type": "integer", "nullable": False}, False),
        ({"type": "integer", "nullable": "yes"}, False),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, True),
        ({"anyOf": [{"type": "integer"}, LIST]}, False),
    ],
)
def test_null_is_allowed_in_each_way_that_a_schema_says_so(
    schema: Schema, nullable: bool
) -> None:
    assert limits_of(schema).nullable is nullable


@pytest.mark.parametrize(
    "members",
    [
        [{"type": "integer", "minimum": 1}, {"type": "string", "maxLength": 2}],
        [{"type": "integer", "minimum": 1}, True],
        [{"type": "integer", "minimum": 1}, {"type": "number"}, LIST],
    ],
)
def test_limits_of_one_alternative_do_not_bind_the_others(members: Any) -> None:
    assert limits_of({"anyOf": members}) == NO_LIMITS


@pytest.mark.parametrize("turned", [False, True])
def test_limits_of_a_value_or_a_list_of_it_are_those_of_both(turned: bool) -> None:
    members = [
        {"type": "integer", "minimum": 1},
        {"type": "array", "items": {"maximum": 9}, "maxItems": 4},
    ]
    found = limits_of({"anyOf": members[::-1] if turned else members})
    assert (found.minimum, found.max_items) == (1, 4)
    assert found.item == Limits(maximum=9)
    assert not found.list_refused


@pytest.mark.parametrize(
    ("lengths", "items"),
    [
        ({"minLength": 2}, (2, None)),
        ({"maxLength": 5}, (None, 5)),
        ({"minLength": 2, "maxLength": 5}, (2, 5)),
        ({"minLength": 2, "minItems": 3}, (3, None)),
        ({"maxLength": 5, "maxItems": 4}, (None, 4)),
    ],
)
def test_lengths_at_a_union_with_a_list_are_those_of_the_list(
    lengths: Schema, items: tuple[Any, Any]
) -> None:
    found = limits_of({"anyOf": [{"type": "integer"}, LIST], **lengths})
    assert (found.min_items, found.max_items) == items
    assert (found.min_length, found.max_length) == (None, None)
    text = limits_of({"anyOf": [{"type": "string"}, LIST], "maxLength": 5})
    assert (text.max_length, text.max_items) == (5, None)


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ({"$ref": "#/components/schemas/ImageField"}, "ImageField"),
        ({"$ref": "ImageField"}, "ImageField"),
        ({"$ref": "#/components/schemas/"}, None),
        ({"$ref": ""}, None),
        ({"$ref": 7}, None),
        ({}, None),
        ("ImageField", None),
    ],
)
def test_a_reference_is_named_by_what_it_ends_in(schema: Any, name: Any) -> None:
    assert ref_name(schema) == name
    if isinstance(schema, dict) and schema:
        expected = FieldType(name) if name else None
        assert type_of_schema(schema) == expected


@pytest.mark.parametrize(
    ("single", "items", "name"),
    [
        (REF, REF, "ImageField"),
        (REF, {"$ref": "#/components/schemas/Other"}, None),
        (REF, {"type": "integer"}, None),
        ({"type": "integer"}, REF, None),
        ({"type": "integer"}, {"type": "integer"}, "IntegerField"),
        ({"type": "integer"}, {"type": "number"}, None),
        ({"type": "object"}, {"type": "object"}, "object"),
        ({"type": "array"}, {"type": "array"}, None),
        ({"type": "integer"}, {}, None),
        ({"type": "integer"}, None, None),
        ({}, {}, None),
        (7, {"type": "integer"}, None),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_value_or_a_list_has_a_type_where_both_are_of_it(
    single: Any, items: Any, name: Any, turned: bool
) -> None:
    members = [single, {"type": "array", "items": items}]
    schema = {"anyOf": members[::-1] if turned else members}
    if single == {"type": "array"} and turned:
        schema = {"anyOf": members}
    expected = FieldType(name, "SINGLE_OR_COLLECTION") if name else None
    assert type_of_schema(schema) == expected


def node(**more: Any) -> dict[str, Any]:
    schemas: Any = {
        "ProbeInvocation": {
            "class": "invocation",
            "properties": {
                "type": {"const": "probe"},
                "text": {
                    "type": "string",
                    "field_kind": "input",
                    "input": "any",
                    "maxLength": 9,
                    "minimum": 2,
                },
                "image": {**REF, "field_kind": "input", "maxLength": 9},
            },
            "output": {"$ref": "#/components/schemas/ProbeOutput"},
            **more,
        },
        "ProbeOutput": {"class": "output", "properties": {}},
    }
    return {"components": {"schemas": schemas}}


@pytest.mark.parametrize(
    ("more", "title"),
    [
        ({}, "Probe"),
        ({"title": "ProbeInvocation"}, "Probe"),
        ({"title": "Invocation of InvocationNodes"}, " of InvocationNodes"),
        ({"title": "Mine"}, "Mine"),
        ({"title": 7}, "Probe"),
    ],
)
def test_a_node_is_titled_as_the_gui_does(more: Any, title: str) -> None:
    """The GUI drops the first "Invocation" of a title."""
    assert parse_openapi(node(**more))["probe"].title == title


def test_an_input_has_the_gui_limits_of_its_type_and_no_others() -> None:
    inputs = parse_openapi(node())["probe"].inputs
    assert inputs["text"].gui == {"maxLength": 9}
    assert inputs["image"].gui == {}


def test_a_catalog_of_given_templates_is_a_mapping_of_them() -> None:
    template = NodeCatalog.bundled()["add"]
    catalog = NodeCatalog({"add": template})
    assert "add" in catalog
    assert "sub" not in catalog
    assert catalog["add"] is template
    assert list(NodeCatalog.from_json(catalog.to_json())) == ["add"]


def test_the_absence_of_a_value_is_false() -> None:
    assert not UNSET
