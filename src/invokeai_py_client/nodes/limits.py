"""What the server itself allows, wherever in a schema it says so.

The GUI reads limits from a property's top level only. Required and nullable inputs
are unions with null, so theirs sit one level deeper, and an enumeration may be behind
a reference; here they all count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Optional

from invokeai_py_client.nodes.field_types import (
    Schema,
    is_null,
    non_null_members,
    ref_name,
)
from invokeai_py_client.nodes.template import Limits

NO_LIMITS = Limits()
# A schema that refers to itself would not end.
MAX_DEPTH = 8

# In the GUI's order.
NUMBER_KEYS = {
    "multipleOf": "multiple_of",
    "maximum": "maximum",
    "exclusiveMaximum": "exclusive_maximum",
    "minimum": "minimum",
    "exclusiveMinimum": "exclusive_minimum",
}
LENGTH_KEYS = {
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_items",
    "maxItems": "max_items",
}
KEYWORDS = {**NUMBER_KEYS, **LENGTH_KEYS}
"""The keywords of JSON Schema, by which the GUI names its limits too."""
# pydantic writes limits of a union under its own names.
UNION_KEYS = {
    "ge": "minimum",
    "le": "maximum",
    "gt": "exclusive_minimum",
    "lt": "exclusive_maximum",
    "multiple_of": "multiple_of",
}


def read_limits(schema: Any, schemas: Schema, depth: int = 0) -> Limits:
    """The limits of a property.

    Args:
        schema: The property's schema.
        schemas: Every named schema, for references.
        depth: How many schemas this one is inside of.
    """
    if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
        return NO_LIMITS
    found = _own_limits(schema)
    for other in _inner_schemas(schema, schemas):
        found = _joined(found, read_limits(other, schemas, depth + 1))
    found = _joined(found, _union_limits(schema, schemas, depth))
    if _is_union_with_list(schema):
        found = replace(
            _lengths_as_items(found),
            # pydantic holds a bound of a union against every member of it.
            list_refused=found.list_refused or bool(_bounds(schema)),
        )
    items = schema.get("items")
    if isinstance(items, Mapping):
        inner = read_limits(items, schemas, depth + 1)
        if inner != NO_LIMITS:
            found = replace(found, item=inner)
    return found


def _own_limits(schema: Schema) -> Limits:
    values = _bounds(schema)
    values.update(
        (name, int(schema[key]))
        for key, name in LENGTH_KEYS.items()
        if is_number(schema.get(key))
    )
    if isinstance(schema.get("pattern"), str):
        values["pattern"] = schema["pattern"]
    choices = _choices(schema)
    if choices is not None:
        values["choices"] = choices
    declared = schema.get("type")
    if isinstance(declared, list) and "null" in declared:
        values["nullable"] = True
    if schema.get("nullable") is True:
        values["nullable"] = True
    return Limits(**values) if values else NO_LIMITS


def _bounds(schema: Schema) -> dict[str, Any]:
    bounds = {
        name: schema[key]
        for key, name in {**NUMBER_KEYS, **UNION_KEYS}.items()
        if is_number(schema.get(key))
    }
    # OpenAPI 3.0 says exclusive with a flag beside the limit.
    for side in ("minimum", "maximum"):
        if schema.get(f"exclusive{side.capitalize()}") is True and side in bounds:
            bounds[f"exclusive_{side}"] = bounds.pop(side)
    return bounds


def is_number(value: Any) -> bool:
    """True for JSON numbers; a bool is not one."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _choices(schema: Schema) -> Optional[tuple[Any, ...]]:
    if isinstance(schema.get("enum"), list):
        return tuple(schema["enum"])
    if "const" in schema:
        return (schema["const"],)
    return None


def _inner_schemas(schema: Schema, schemas: Schema) -> list[Any]:
    """Schemas that hold together with this one."""
    all_of = schema.get("allOf")
    inner = list(all_of) if isinstance(all_of, list) else []
    name = ref_name(schema)
    if name is not None:
        inner.append(schemas.get(name))
    # The members of an object are not limits of the object.
    return [
        other
        for other in inner
        if isinstance(other, Mapping) and other.get("type") != "object"
    ]


def _union_limits(schema: Schema, schemas: Schema, depth: int) -> Limits:
    any_of = schema.get("anyOf")
    if not isinstance(any_of, list):
        return NO_LIMITS
    found = Limits(nullable=True) if any(map(is_null, any_of)) else NO_LIMITS
    members = non_null_members(schema)
    if len(members) == 1:
        inner = read_limits(members[0], schemas, depth + 1)
        return _joined(found, inner)
    if len(members) != 2:
        return found
    for single, many in (members, members[::-1]):
        if isinstance(many, Mapping) and many.get("type") == "array":
            found = _joined(found, read_limits(single, schemas, depth + 1))
            return _joined(found, read_limits(many, schemas, depth + 1))
    return found


def _is_union_with_list(schema: Schema) -> bool:
    """True for a union with a list whose other side has no length of its own."""
    kinds = [
        member.get("type") if isinstance(member, Mapping) else None
        for member in non_null_members(schema)
    ]
    return "array" in kinds and "string" not in kinds


def _lengths_as_items(limits: Limits) -> Limits:
    """Lengths stated at a union with a list are lengths of that list."""
    if limits.min_length is None and limits.max_length is None:
        return limits
    return replace(
        limits,
        min_length=None,
        max_length=None,
        min_items=limits.min_length if limits.min_items is None else limits.min_items,
        max_items=limits.max_length if limits.max_items is None else limits.max_items,
    )


def _joined(first: Limits, second: Limits) -> Limits:
    """Both together; where both say something, the first, which is the outer one."""
    if second == NO_LIMITS:
        return first
    if first == NO_LIMITS:
        return second
    missing = {
        item.name: getattr(second, item.name)
        for item in fields(Limits)
        if getattr(first, item.name) == item.default
    }
    return replace(first, **missing)
