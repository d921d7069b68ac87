"""Would the server take this value in this field? Pure functions of a template.

The server reads values with pydantic in its lenient mode: ``"7"`` and ``7.0`` are
integers to it, ``5`` is a string, ``true`` is not. These functions accept and refuse
the same values, so a file that runs from the GUI runs from here. (The typed fields of
`ivk_fields` are stricter about what a user may *set*.)

The server does not check the values of a batch when they are enqueued; one that does
not fit blocks the queue later. `batch_value_problem` checks them as the worker will.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.ivk_fields.field_types import FIELD_TYPES, describe_input
from invokeai_py_client.ivk_fields.server_rules import ServerRule, not_allowed
from invokeai_py_client.ivk_fields.value_rules import (
    allowed_choices,
    allowed_numbers,
    is_unicode,
)
from invokeai_py_client.nodes.limits import NO_LIMITS
from invokeai_py_client.nodes.template import InputTemplate, Limits
from invokeai_py_client.workflow.checking.edge_objects import EDGE_OBJECTS

NOT_JSON = not_allowed("json", "a value that JSON can carry, strings in valid Unicode")
# Values of any kind go: metadata items, what an iterator hands on, `if`.
OPEN_TYPES = frozenset({"AnyField", "CollectionItemField"})


def literal_problem(template: InputTemplate, value: Any) -> Optional[FieldProblem]:
    """Why the server would refuse the literal `value`; None when it takes it."""
    if value is None:
        if template.limits.nullable or template.type.name in OPEN_TYPES:
            return None
        return not_allowed("type", describe_input(template))
    return _type_problem(template, value) or _model_problem(template, value)


def batch_value_problem(template: InputTemplate, item: Any) -> Optional[FieldProblem]:
    """Why a batch value would be refused or block the queue; None when it is fine."""
    if not all(map(_is_batch_scalar, item if isinstance(item, list) else [item])):
        return not_allowed(
            "batch_item",
            "a string, a number, an image, a video, or a list of these: "
            "models, boards and null cannot be batched",
        )
    if not _is_known(template):
        name = _wire_type(template)
        return not_allowed("batch_target", f"nothing: {name} takes no batch")
    return literal_problem(template, stored_batch_item(item))


def _is_batch_scalar(item: Any) -> bool:
    if isinstance(item, Mapping):
        names = (item.get("image_name"), item.get("video_name"))
        return any(isinstance(name, str) for name in names)
    return isinstance(item, (str, int, float)) and _is_json_number(item)


def _is_json_number(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def stored_batch_item(item: Any) -> Any:
    """A batch item as the server stores it: bools become floats."""
    if isinstance(item, list):
        return [stored_batch_item(inner) for inner in item]
    return float(item) if isinstance(item, bool) else item


def _wire_type(template: InputTemplate) -> str:
    """The type the server itself knows, where the GUI shows another one."""
    return (template.type.original or template.type).name


def _rule_of(name: str) -> Optional[ServerRule]:
    row = FIELD_TYPES.get(name)
    return row.server_rule if row else EDGE_OBJECTS.get(name)


def _is_known(template: InputTemplate) -> bool:
    name = _wire_type(template)
    is_open = name in OPEN_TYPES or name == "CollectionField"
    return is_open or template.limits.choices is not None or _rule_of(name) is not None


def _type_problem(template: InputTemplate, value: Any) -> Optional[FieldProblem]:
    if not is_json(value):
        return NOT_JSON
    name, limits = _wire_type(template), template.limits
    cardinality = (template.type.original or template.type).cardinality
    if name in OPEN_TYPES:
        return None
    if cardinality != "SINGLE" and isinstance(value, (list, tuple)):
        if limits.list_refused:
            allowed = allowed_numbers(limits, "one number")
            return not_allowed("type", f"{allowed}: the server cannot take a list")
        return _list_problem(name, limits, value)
    if cardinality == "COLLECTION":
        return not_allowed("type", describe_input(template))
    return _single_problem(name, limits, value)


def _list_problem(
    name: str, limits: Limits, value: Sequence[Any]
) -> Optional[FieldProblem]:
    if limits.min_items is not None and len(value) < limits.min_items:
        return not_allowed("min_items", f"at least {limits.min_items} items")
    if limits.max_items is not None and len(value) > limits.max_items:
        return not_allowed("max_items", f"at most {limits.max_items} items")
    if name == "CollectionField":
        return None
    item_limits = limits.item or NO_LIMITS
    for index, item in enumerate(value):
        if item is None:
            refused = None if item_limits.nullable else not_allowed("type", "no null")
        else:
            refused = _single_problem(name, item_limits, item)
        if refused:
            return not_allowed(refused.kind, f"item {index}: {refused.allowed}")
    return None


def _single_problem(name: str, limits: Limits, value: Any) -> Optional[FieldProblem]:
    if limits.choices is not None:
        return _choice_problem(limits.choices, value)
    rule = _rule_of(name)
    return rule(value, limits) if rule else None


def _choice_problem(choices: Sequence[Any], value: Any) -> Optional[FieldProblem]:
    if any(type(choice) is type(value) and choice == value for choice in choices):
        return None
    return not_allowed("choice", f"one of {allowed_choices(choices)}")


# A model that fits everywhere, and one the server could not identify.
OPEN_BASES = frozenset({"any", "unknown"})


def _model_problem(template: InputTemplate, value: Any) -> Optional[FieldProblem]:
    """Why a model is not one the template asks for: its node would fail."""
    if template.type.name != "ModelIdentifierField" or not isinstance(value, Mapping):
        return None
    for key, own, is_open in (
        ("base", value.get("base"), value.get("base") in OPEN_BASES),
        ("type", value.get("type"), value.get("type") == "unknown"),
    ):
        wanted = template.gui.get(f"ui_model_{key}")
        if wanted and not is_open and own not in wanted:
            return not_allowed(
                f"model_{key}", f"a model of {key} {' or '.join(wanted)}"
            )
    return None


def is_json(value: Any) -> bool:
    """Whether JSON and the server's database can carry the value."""
    if isinstance(value, Mapping):
        keys_are_strings = all(
            isinstance(key, str) and is_unicode(key) for key in value
        )
        return keys_are_strings and all(map(is_json, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(is_json, value))
    if isinstance(value, str):
        return is_unicode(value)
    return isinstance(value, (int, float, type(None))) and _is_json_number(value)
