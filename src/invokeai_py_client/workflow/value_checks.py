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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

from invokeai_py_client.nodes.template import FieldType, InputTemplate, Limits
from invokeai_py_client.workflow.object_shapes import OBJECT_KEYS

__all__ = ["Refusal", "batch_refusal", "refusal"]


@dataclass(frozen=True)
class Refusal:
    """Why a value would be refused.

    Attributes:
        kind: Stable identifier such as ``"type"`` or ``"maximum"``.
        allowed: What would be allowed, in words.
    """

    kind: str
    allowed: str


NO_LIMITS = Limits()
# Values of any kind go: metadata items, what an iterator hands on, `if`.
OPEN_TYPES = frozenset({"AnyField", "CollectionItemField"})


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
    if not _is_json(value):
        return Refusal("json", "a value that JSON can carry, text in valid Unicode")
    if field_type.name in OPEN_TYPES:
        return None
    if field_type.cardinality == "SINGLE":
        return _single_refusal(field_type.name, limits, value)
    if isinstance(value, (list, tuple)):
        if limits.list_refused:
            words = _number_words("one number", limits)
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
        return _object_refusal(value, OBJECT_KEYS[name], f"an object {name}")
    if limits.choices is not None:
        return _choice_refusal(limits.choices, value)
    if name in SCALARS:
        return SCALARS[name](limits, value)
    return None


def _choice_refusal(choices: Sequence[Any], value: Any) -> Optional[Refusal]:
    if any(type(choice) is type(value) and choice == value for choice in choices):
        return None
    return Refusal("choice", "one of " + ", ".join(repr(item) for item in choices))


# -- numbers, text, truth ---------------------------------------------------------

INTEGER_TEXT = re.compile(r"[+-]?\d+(?:_\d+)*(?:\.0*)?")
Number = Union[int, float]


def as_integer(value: Any) -> Optional[int]:
    """The integer the server reads; None when it reads none."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() else None
    if isinstance(value, str) and INTEGER_TEXT.fullmatch(value.strip()):
        return int(value.strip().partition(".")[0])
    return None


def as_float(value: Any) -> Optional[float]:
    """The number the server reads; None when it reads none."""
    if isinstance(value, (int, float, str)):
        try:
            return float(value)
        except (ValueError, OverflowError):
            return None
    return None


def _integer_refusal(limits: Limits, value: Any) -> Optional[Refusal]:
    number = as_integer(value)
    if number is None:
        return Refusal("type", _number_words("an integer", limits))
    return _bounds_refusal(limits, number, "an integer")


def _float_refusal(limits: Limits, value: Any) -> Optional[Refusal]:
    number = as_float(value)
    if number is None:
        return Refusal("type", _number_words("a number", limits))
    return _bounds_refusal(limits, number, "a number")


def _bounds_refusal(limits: Limits, number: Number, noun: str) -> Optional[Refusal]:
    # Written as "not within" so that NaN, which compares with nothing, is refused.
    bounds: tuple[tuple[str, Optional[float], Callable[[float], bool]], ...] = (
        ("minimum", limits.minimum, lambda bound: number >= bound),
        ("maximum", limits.maximum, lambda bound: number <= bound),
        ("exclusive_minimum", limits.exclusive_minimum, lambda bound: number > bound),
        ("exclusive_maximum", limits.exclusive_maximum, lambda bound: number < bound),
        ("multiple_of", limits.multiple_of, lambda step: _is_multiple(number, step)),
    )
    for kind, bound, is_within in bounds:
        if bound is not None and not is_within(bound):
            return Refusal(kind, _number_words(noun, limits))
    return None


def _is_multiple(number: Number, step: float) -> bool:
    if isinstance(number, int) and float(step).is_integer():
        return number % int(step) == 0
    rest = math.fmod(number, step)
    # The server forgives rounding in the ninth digit.
    tolerance = abs(number) / 1e9
    return abs(rest) <= tolerance or abs(abs(rest) - step) <= tolerance


def _text_refusal(limits: Limits, value: Any) -> Optional[Refusal]:
    # Nodes turn numbers into text, which pydantic does not do by itself.
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return Refusal("type", "text")
    if limits.min_length is not None and len(value) < limits.min_length:
        return Refusal("min_length", f"at least {limits.min_length} characters")
    if limits.max_length is not None and len(value) > limits.max_length:
        return Refusal("max_length", f"at most {limits.max_length} characters")
    if limits.pattern is not None and not _matches(limits.pattern, value):
        return Refusal("pattern", f"text that matches {limits.pattern}")
    return None


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:
        # The server's pattern dialect is Rust's; what only it knows, it decides.
        return True


TRUTH_WORDS = frozenset({"1", "on", "t", "true", "y", "yes"}) | frozenset(
    {"0", "off", "f", "false", "n", "no"}
)


def _truth_refusal(limits: Limits, value: Any) -> Optional[Refusal]:
    del limits
    if isinstance(value, str):
        is_truth = value.lower() in TRUTH_WORDS
    else:
        is_truth = isinstance(value, (int, float)) and value in (0, 1)
    return None if is_truth else Refusal("type", "true or false")


SCALARS: Mapping[str, Callable[[Limits, Any], Optional[Refusal]]] = {
    "BooleanField": _truth_refusal,
    "EnumField": _text_refusal,
    "FloatField": _float_refusal,
    "IntegerField": _integer_refusal,
    "SavedWorkflowField": _text_refusal,
    "SchedulerField": _text_refusal,
    "StringField": _text_refusal,
}


# -- objects ----------------------------------------------------------------------


def _object_refusal(value: Any, keys: Sequence[str], words: str) -> Optional[Refusal]:
    if isinstance(value, Mapping) and all(key in value for key in keys):
        return None
    listing = f" with {', '.join(keys)}" if keys else ""
    return Refusal("type", f"{words}{listing}")


def _named_object(key: str, noun: str) -> Callable[[Any], Optional[Refusal]]:
    def check(value: Any) -> Optional[Refusal]:
        if isinstance(value, Mapping) and isinstance(value.get(key), str):
            return None
        return Refusal("type", f'{noun}: {{"{key}": "…"}}')

    return check


def _color(value: Any) -> Optional[Refusal]:
    words = '{"r", "g", "b", "a"}: integers from 0 to 255'
    if not isinstance(value, Mapping):
        return Refusal("type", words)
    for key in "rgba":
        part = as_integer(value.get(key))
        if part is None or not 0 <= part <= 255:
            return Refusal("color", words)
    return None


MODEL_KEYS = ("key", "hash", "name", "base", "type")


def _model(value: Any) -> Optional[Refusal]:
    words = "a model with the texts key, hash, name, base and type"
    if not isinstance(value, Mapping):
        return Refusal("type", words)
    if not all(isinstance(value.get(key), str) for key in MODEL_KEYS):
        return Refusal("model", words)
    if not isinstance(value.get("submodel_type"), (str, type(None))):
        return Refusal("model", "a submodel_type that is text or null")
    return None


def _lora(value: Any) -> Optional[Refusal]:
    if not isinstance(value, Mapping):
        return Refusal("type", "a LoRA: an object with lora and weight")
    refused = _model(value.get("lora"))
    if refused:
        return Refusal(refused.kind, f"lora: {refused.allowed}")
    if as_float(value.get("weight")) is None:
        return Refusal("type", "weight: a number")
    return None


OBJECTS: Mapping[str, Callable[[Any], Optional[Refusal]]] = {
    "BoardField": _named_object("board_id", "a board"),
    "ColorField": _color,
    "ImageField": _named_object("image_name", "an image"),
    "LoRAField": _lora,
    "ModelIdentifierField": _model,
    "StylePresetField": _named_object("style_preset_id", "a style preset"),
    "SystemPromptField": _named_object("system_prompt_id", "a system prompt"),
    "VideoField": _named_object("video_name", "a video"),
}

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


# -- words ------------------------------------------------------------------------


def _number_words(noun: str, limits: Limits) -> str:
    parts = [noun]
    for words, bound in (
        ("at least", limits.minimum),
        ("greater than", limits.exclusive_minimum),
        ("at most", limits.maximum),
        ("less than", limits.exclusive_maximum),
        ("a multiple of", limits.multiple_of),
    ):
        if bound is not None:
            parts.append(f"{words} {bound:g}" if bound < 1e6 else f"{words} {bound}")
    return ", ".join(parts)


NOUNS = {
    "BooleanField": "true or false",
    "EnumField": "text",
    "FloatField": "a number",
    "IntegerField": "an integer",
    "StringField": "text",
}


def describe(field_type: FieldType, limits: Limits) -> str:
    """What a field takes, in words for people."""
    noun = NOUNS.get(field_type.name, field_type.name)
    if field_type.name in ("FloatField", "IntegerField"):
        noun = _number_words(noun, limits.item or limits)
    if limits.choices is not None:
        noun = "one of " + ", ".join(repr(item) for item in limits.choices)
    if field_type.cardinality == "COLLECTION":
        return f"a list of: {noun}"
    if field_type.cardinality == "SINGLE_OR_COLLECTION":
        return f"{noun}, or a list of these"
    return noun


def _is_json(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_text, value)) and all(map(_is_json, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_is_json, value))
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
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
