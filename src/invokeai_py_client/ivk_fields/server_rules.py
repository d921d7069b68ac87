"""What the server takes: more than what may be set, for files that run from the GUI.

The server reads values with pydantic in its lenient mode: ``"7"`` and ``7.0`` are
integers to it, ``5`` is a string, ``true`` is not. Limits are those of `value_rules`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.ivk_fields.value_rules import (
    allowed_numbers,
    bound_problems,
    string_limit_problems,
)
from invokeai_py_client.nodes.limits import NO_LIMITS
from invokeai_py_client.nodes.template import Limits

ServerRule = Callable[[Any, Limits], Optional[FieldProblem]]
"""Why the server would refuse a value under these limits; None when it takes it."""

MODEL_KEYS = ("key", "hash", "name", "base", "type")
# The server stores longer integers and cannot read them again.
MAX_DIGITS = 4300
TOO_LARGE = 10**MAX_DIGITS
INTEGER_TEXT = re.compile(r"[+-]?\d+(?:_\d+)*(?:\.0*)?")


def not_allowed(kind: str, allowed: str) -> FieldProblem:
    """The problem of a value that is not among what is allowed."""
    return FieldProblem("", kind, allowed=allowed)


# -- scalars --------------------------------------------------------------------------


def read_integer(value: Any) -> Optional[int]:
    """The integer that the server reads; None when the value is not one to it."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() else None
    if isinstance(value, str) and INTEGER_TEXT.fullmatch(value.strip()):
        digits = value.strip().partition(".")[0]
        return int(digits) if len(digits) <= MAX_DIGITS else None
    return None


def read_float(value: Any) -> Optional[float]:
    """The number that the server reads; None when the value is not one to it."""
    if isinstance(value, (int, float, str)):
        try:
            return float(value)
        except (ValueError, OverflowError):
            return None
    return None


def integer_rule(value: Any, limits: Limits = NO_LIMITS) -> Optional[FieldProblem]:
    """An integer, also as a string or a whole float."""
    number = read_integer(value)
    if number is None:
        return not_allowed("type", allowed_numbers(limits))
    if abs(number) >= TOO_LARGE:
        return not_allowed("digits", f"an integer of at most {MAX_DIGITS} digits")
    return next(bound_problems(number, limits), None)


def float_rule(value: Any, limits: Limits = NO_LIMITS) -> Optional[FieldProblem]:
    """A number, also as a string."""
    number = read_float(value)
    if number is None:
        return not_allowed("type", allowed_numbers(limits, "a number"))
    if not math.isfinite(number):
        return not_allowed("finite", allowed_numbers(limits, "a finite number"))
    return next(bound_problems(number, limits, "a number"), None)


def string_rule(value: Any, limits: Limits = NO_LIMITS) -> Optional[FieldProblem]:
    """A string; nodes turn numbers into one, which pydantic does not do by itself."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return not_allowed("type", "a string")
    return next(string_limit_problems(value, limits), None)


TRUE_WORDS = frozenset({"1", "on", "t", "true", "y", "yes"})
FALSE_WORDS = frozenset({"0", "off", "f", "false", "n", "no"})


def read_boolean(value: Any) -> Optional[bool]:
    """The boolean that the server reads; None when the value is not one to it."""
    if isinstance(value, str):
        word = value.lower()
        return word in TRUE_WORDS if word in TRUE_WORDS | FALSE_WORDS else None
    is_boolean = isinstance(value, (int, float)) and value in (0, 1)
    return bool(value) if is_boolean else None


def boolean_rule(value: Any, _: Limits = NO_LIMITS) -> Optional[FieldProblem]:
    """True or false, also as 0, 1 or one of some words."""
    if read_boolean(value) is not None:
        return None
    return not_allowed("type", "true or false")


# -- objects --------------------------------------------------------------------------


def id_rule(key: str, noun: str) -> ServerRule:
    """An object that names something by one key."""

    def rule(value: Any, _: Limits = NO_LIMITS) -> Optional[FieldProblem]:
        if isinstance(value, Mapping) and isinstance(value.get(key), str):
            return None
        return not_allowed("type", f'{noun}: {{"{key}": "…"}}')

    return rule


def color_rule(value: Any, _: Limits = NO_LIMITS) -> Optional[FieldProblem]:
    """A colour with four components."""
    allowed = '{"r", "g", "b", "a"}: integers from 0 to 255'
    if not isinstance(value, Mapping):
        return not_allowed("type", allowed)
    for key in "rgba":
        part = read_integer(value.get(key))
        if part is None or not 0 <= part <= 255:
            return not_allowed("color", allowed)
    return None


def model_rule(value: Any, _: Limits = NO_LIMITS) -> Optional[FieldProblem]:
    """A model identifier."""
    allowed = "a model with the strings key, hash, name, base and type"
    if not isinstance(value, Mapping):
        return not_allowed("type", allowed)
    if not all(isinstance(value.get(key), str) for key in MODEL_KEYS):
        return not_allowed("model", allowed)
    if not isinstance(value.get("submodel_type"), (str, type(None))):
        return not_allowed("model", "a submodel_type that is a string or null")
    return None


def lora_rule(value: Any, _: Limits = NO_LIMITS) -> Optional[FieldProblem]:
    """A LoRA with its weight."""
    if not isinstance(value, Mapping):
        return not_allowed("type", "a LoRA: an object with lora and weight")
    refused = model_rule(value.get("lora"))
    if refused:
        return not_allowed(refused.kind, f"lora: {refused.allowed}")
    if read_float(value.get("weight")) is None:
        return not_allowed("type", "weight: a number")
    return None


def keys_rule(name: str, keys: Sequence[str]) -> ServerRule:
    """An object of which only the keys that it needs are known."""
    noun = f"an object {name}"

    def rule(value: Any, _: Limits = NO_LIMITS) -> Optional[FieldProblem]:
        if not isinstance(value, Mapping) or not all(key in value for key in keys):
            listing = f" with {', '.join(keys)}" if keys else ""
            return not_allowed("type", f"{noun}{listing}")
        for key in keys:
            part = PARTS.get(key)
            refused = part(value[key]) if part else None
            if refused is not None:
                return not_allowed(refused.kind, f"{noun}; {key}: {refused.allowed}")
        return None

    return rule


def _string(value: Any) -> Optional[FieldProblem]:
    return None if isinstance(value, str) else not_allowed("type", "a string")


def _or_list(rule: ServerRule) -> Callable[[Any], Optional[FieldProblem]]:
    """One, or a list of these where the server takes them."""

    def part(value: Any) -> Optional[FieldProblem]:
        items = value if isinstance(value, list) else [value]
        refused = (rule(item, NO_LIMITS) for item in items)
        return next((problem for problem in refused if problem is not None), None)

    return part


# A key means the same in every type of 6.14.2.
PARTS: Mapping[str, Callable[[Any], Optional[FieldProblem]]] = {
    **dict.fromkeys(
        (
            "control_model", "decoder", "image_encoder_model", "ip_adapter_model",
            "lora", "model", "scheduler", "t2i_adapter_model", "text_encoder",
            "tokenizer", "transformer", "unet", "vae",
        ),
        model_rule,
    ),
    **dict.fromkeys(
        (
            "condition_tensor_name", "conditioning_name", "image_name",
            "latents_name", "mask_name", "prompt", "reference_latents_name",
            "tensor_name",
        ),
        _string,
    ),
    **dict.fromkeys(
        ("height", "skipped_layers", "width", "x_max", "x_min", "y_max", "y_min"),
        integer_rule,
    ),
    "image": _or_list(id_rule("image_name", "an image")),
    "img": _or_list(id_rule("image_name", "an image")),
    "weight": _or_list(float_rule),
}  # fmt: skip
