"""Would the server take this value in this field? Pure functions of a template.

The server reads values with pydantic in its lenient mode: ``"7"`` and ``7.0`` are
integers to it, ``5`` is text, ``true`` is not. These functions accept what it accepts
and refuse what it refuses, so that a file which runs from the GUI runs from here. (The
typed fields of `ivk_fields` are stricter about what a user may *set*.)

Values of a batch are not looked at when they are enqueued; one that does not fit
blocks the whole queue later. `batch_refusal` judges them as the worker will.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from invokeai_py_client.ivk_fields.faults import allowed_numbers
from invokeai_py_client.nodes.template import FieldType, InputTemplate, Limits
from invokeai_py_client.workflow.object_checks import OBJECTS, keys_refusal
from invokeai_py_client.workflow.object_shapes import OBJECT_KEYS
from invokeai_py_client.workflow.refusals import Refusal, describe
from invokeai_py_client.workflow.scalar_checks import SCALARS

__all__ = [
    "NO_JSON",
    "batch_refusal",
    "is_json",
    "is_unicode",
    "refusal",
    "stored_batch_item",
]


NO_LIMITS = Limits()
NO_JSON = Refusal("json", "a value that JSON can carry, text in valid Unicode")
# Values of any kind go: metadata items, what an iterator hands on, `if`.
OPEN_TYPES = frozenset({"AnyField", "CollectionItemField"})
_SURROGATE = re.compile("[\ud800-\udfff]")


def refusal(template: InputTemplate, value: Any) -> Optional[Refusal]:
    """Why the server would refuse the literal `value`; None when it takes it."""
    limits = template.limits
    if value is None:
        if limits.nullable or template.type.name in OPEN_TYPES:
            return None
        return Refusal("type", describe(template.type, limits))
    refused = _type_refusal(_wire_type(template.type), limits, value)
    return refused or _model_refusal(template, value)


def batch_refusal(template: InputTemplate, item: Any) -> Optional[Refusal]:
    """Why a batch value would be refused or block the queue; None when it is fine."""
    if not is_batch_item(item):
        return Refusal(
            "batch_item",
            "text, a number, an image, a video, or a list of these: "
            "models, boards and null cannot be batched",
        )
    wire_type = _wire_type(template.type)
    if not _is_known(wire_type, template.limits):
        return Refusal("batch_target", f"nothing: {wire_type.name} takes no batch")
    return refusal(template, stored_batch_item(item))


def is_batch_item(item: Any) -> bool:
    """True for what the batch format can carry."""
    if isinstance(item, list):
        return all(_is_batch_scalar(inner) for inner in item)
    return _is_batch_scalar(item)


def _is_batch_scalar(item: Any) -> bool:
    if isinstance(item, Mapping):
        names = (item.get("image_name"), item.get("video_name"))
        return any(isinstance(name, str) for name in names)
    return isinstance(item, (str, int, float)) and is_json_number(item)


def is_json_number(value: Any) -> bool:
    """False only for NaN and the infinities, which JSON does not have."""
    return not isinstance(value, float) or math.isfinite(value)


def stored_batch_item(item: Any) -> Any:
    """A batch item as the server stores it: bools become floats."""
    if isinstance(item, list):
        return [stored_batch_item(inner) for inner in item]
    return float(item) if isinstance(item, bool) else item


def _wire_type(field_type: FieldType) -> FieldType:
    """The type the server itself knows, where the GUI shows another one."""
    return field_type.original or field_type


def _is_known(field_type: FieldType, limits: Limits) -> bool:
    name = field_type.name
    return (
        name in SCALARS
        or name in OBJECTS
        or name in OBJECT_KEYS
        or name in OPEN_TYPES
        or name == "CollectionField"
        or limits.choices is not None
    )


def _type_refusal(
    field_type: FieldType, limits: Limits, value: Any
) -> Optional[Refusal]:
    if not is_json(value):
        return NO_JSON
    if field_type.name in OPEN_TYPES:
        return None
    if field_type.cardinality == "SINGLE":
        return _single_refusal(field_type.name, limits, value)
    if isinstance(value, (list, tuple)):
        if limits.list_refused:
            words = allowed_numbers(limits, "one number")
            return Refusal("type", f"{words}: the server cannot take a list")
        return _list_refusal(field_type, limits, value)
    if field_type.cardinality == "SINGLE_OR_COLLECTION":
        return _single_refusal(field_type.name, limits, value)
    return Refusal("type", describe(field_type, limits))


def _list_refusal(
    field_type: FieldType, limits: Limits, value: Sequence[Any]
) -> Optional[Refusal]:
    if limits.min_items is not None and len(value) < limits.min_items:
        return Refusal("min_items", f"at least {limits.min_items} items")
    if limits.max_items is not None and len(value) > limits.max_items:
        return Refusal("max_items", f"at most {limits.max_items} items")
    if field_type.name == "CollectionField":
        return None
    item_limits = limits.item or NO_LIMITS
    for index, item in enumerate(value):
        if item is None:
            refused = None if item_limits.nullable else Refusal("type", "no null")
        else:
            refused = _single_refusal(field_type.name, item_limits, item)
        if refused:
            return Refusal(refused.kind, f"item {index}: {refused.allowed}")
    return None


def _single_refusal(name: str, limits: Limits, value: Any) -> Optional[Refusal]:
    if name in OBJECTS:
        return OBJECTS[name](value)
    if name in OBJECT_KEYS:
        return keys_refusal(value, OBJECT_KEYS[name], f"an object {name}")
    if limits.choices is not None:
        return _choice_refusal(limits.choices, value)
    if name in SCALARS:
        return SCALARS[name](limits, value)
    return None


def _choice_refusal(choices: Sequence[Any], value: Any) -> Optional[Refusal]:
    if any(type(choice) is type(value) and choice == value for choice in choices):
        return None
    return Refusal("choice", "one of " + ", ".join(repr(item) for item in choices))


# A model that fits everywhere, and one the server could not identify.
OPEN_BASES = frozenset({"any", "unknown"})


def _model_refusal(template: InputTemplate, value: Any) -> Optional[Refusal]:
    """Why a model is none of those the template asks for.

    The server takes it and fails when the node runs.
    """
    if template.type.name != "ModelIdentifierField" or not isinstance(value, Mapping):
        return None
    for key, own, is_open in (
        ("base", value.get("base"), value.get("base") in OPEN_BASES),
        ("type", value.get("type"), value.get("type") == "unknown"),
    ):
        wanted = template.gui.get(f"ui_model_{key}")
        if wanted and not is_open and own not in wanted:
            return Refusal(f"model_{key}", f"a model of {key} {' or '.join(wanted)}")
    return None


def is_json(value: Any) -> bool:
    """Whether JSON and the server's database can carry the value."""
    if isinstance(value, Mapping):
        return all(map(_is_text, value)) and all(map(is_json, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(is_json, value))
    if isinstance(value, str):
        return is_unicode(value)
    return isinstance(value, (int, float, type(None))) and is_json_number(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and is_unicode(value)


def is_unicode(text: str) -> bool:
    """False for half a surrogate pair.

    The server stores a job with such a text and cannot read it again, which blocks
    the queue.
    """
    # Whether it is ASCII is known without a look at the letters.
    return text.isascii() or _SURROGATE.search(text) is None
