"""Numbers, text and truth as the server reads them: pydantic's lenient mode."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Optional, Union

from invokeai_py_client.ivk_fields.faults import allowed_numbers
from invokeai_py_client.nodes.template import Limits
from invokeai_py_client.workflow.refusals import Refusal

__all__ = ["SCALARS", "as_float", "as_integer"]

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
        return Refusal("type", allowed_numbers(limits, "an integer"))
    return _bounds_refusal(limits, number, "an integer")


def _float_refusal(limits: Limits, value: Any) -> Optional[Refusal]:
    number = as_float(value)
    if number is None:
        return Refusal("type", allowed_numbers(limits, "a number"))
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
            return Refusal(kind, allowed_numbers(limits, noun))
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
"""What is wrong with a value, by the name of its type."""
