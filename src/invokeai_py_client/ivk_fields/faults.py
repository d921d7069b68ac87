"""What is wrong with a value, by itself and by what a template allows: pure rules.

These work on wire values. They follow the server's own reading of its schema (limits,
also inside unions) and are stricter in one respect: a bool is no number and text is
no number, though the server would convert them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Optional, Union

from invokeai_py_client.nodes.template import InputTemplate, Limits

NO_LIMITS = Limits()
# The GUI's names of limits, for templates that have no others.
GUI_LIMITS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
    "multipleOf": "multiple_of",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_items",
    "maxItems": "max_items",
}


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a value.

    Attributes:
        kind: Stable identifier, such as ``"maximum"``.
        text: What is wrong, such as ``"must be at most 10, got 11"``.
        allowed: What would be allowed, in words.
    """

    kind: str
    text: str
    allowed: Optional[str] = None


def limits_of(template: Optional[InputTemplate]) -> Limits:
    """The limits of an input: the server's, and the GUI's where that has none."""
    if template is None:
        return NO_LIMITS
    limits = template.limits
    missing = {
        name: template.gui[key]
        for key, name in GUI_LIMITS.items()
        if key in template.gui and getattr(limits, name) is None
    }
    return replace(limits, **missing) if missing else limits


def item_limits_of(limits: Limits) -> Limits:
    """The limits of one item of a list: its own, else what the list's schema says."""
    bounds = {
        item.name: getattr(limits, item.name)
        for item in fields(Limits)
        if item.name not in ("min_items", "max_items", "nullable", "item")
    }
    own = limits.item or NO_LIMITS
    return replace(
        own,
        **{
            name: value
            for name, value in bounds.items()
            if value is not None and getattr(own, name) is None
        },
    )


def shown(value: Any, width: int = 60) -> str:
    """A value in an error message, shortened."""
    text = repr(value)
    return text if len(text) <= width else text[: width - 3] + "..."


def integer_faults(value: Any, limits: Limits = NO_LIMITS) -> Iterator[Fault]:
    """Faults of an integer."""
    if not isinstance(value, int) or isinstance(value, bool):
        yield Fault(
            "type", f"must be an integer, got {shown(value)}", allowed_numbers(limits)
        )
        return
    yield from _bound_faults(value, limits)
    yield from choice_faults(value, limits.choices)


def float_faults(value: Any, limits: Limits = NO_LIMITS) -> Iterator[Fault]:
    """Faults of a number; JSON has neither infinity nor NaN."""
    allowed = allowed_numbers(limits, "a number")
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        yield Fault("type", f"must be a number, got {shown(value)}", allowed)
        return
    if not _is_finite(value):
        yield Fault("finite", f"must be finite, got {shown(value)}", allowed)
        return
    yield from _bound_faults(value, limits)
    yield from choice_faults(value, limits.choices)


def _is_finite(value: Union[int, float]) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def _bound_faults(value: Union[int, float], limits: Limits) -> Iterator[Fault]:
    allowed = allowed_numbers(limits)
    checks: tuple[tuple[str, Optional[float], Callable[[float], bool], str], ...] = (
        ("minimum", limits.minimum, lambda bound: value >= bound, "at least"),
        ("maximum", limits.maximum, lambda bound: value <= bound, "at most"),
        (
            "exclusive_minimum",
            limits.exclusive_minimum,
            lambda bound: value > bound,
            "greater than",
        ),
        (
            "exclusive_maximum",
            limits.exclusive_maximum,
            lambda bound: value < bound,
            "less than",
        ),
    )
    for kind, bound, holds, words in checks:
        if bound is not None and not holds(bound):
            yield Fault(kind, f"must be {words} {bound}, got {shown(value)}", allowed)
    step = limits.multiple_of
    if step and not is_multiple(value, step):
        yield Fault(
            "multiple_of", f"must be a multiple of {step}, got {shown(value)}", allowed
        )


def is_multiple(value: float, step: float) -> bool:
    """Whether `step` divides `value`; as the server, allowing for rounding."""
    if isinstance(value, int) and isinstance(step, int):
        return value % step == 0
    rest = abs(math.fmod(value, step))
    tolerance = abs(value) / 1e9
    return rest <= tolerance or abs(rest - abs(step)) <= tolerance


def _without_zeros(number: float) -> float:
    """The number, as an integer if it is one: schemas say 1.0 where people say 1."""
    whole = abs(number) < 1e15 and number == int(number)
    return int(number) if whole else number


def allowed_numbers(limits: Limits, noun: str = "an integer") -> str:
    """The allowed numbers in words: ``an integer, at least 1, multiple of 8``."""
    words = [noun]
    for text, bound in (
        ("at least", limits.minimum),
        ("greater than", limits.exclusive_minimum),
        ("at most", limits.maximum),
        ("less than", limits.exclusive_maximum),
        ("a multiple of", limits.multiple_of),
    ):
        if bound is not None:
            words.append(f"{text} {_without_zeros(bound)}")
    return ", ".join(words)


def text_faults(value: Any, limits: Limits = NO_LIMITS) -> Iterator[Fault]:
    """Faults of a text."""
    if not isinstance(value, str):
        yield Fault("type", f"must be text, got {shown(value)}", "text")
        return
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        # The server refuses half a surrogate pair: it is no Unicode text.
        yield Fault("unicode", f"is no valid Unicode text: {shown(value)}", "text")
    yield from _length_faults(
        len(value), limits.min_length, limits.max_length, "length", "characters"
    )
    if limits.pattern is not None and not _matches(limits.pattern, value):
        allowed = f"text matching {limits.pattern}"
        yield Fault("pattern", f"must match {limits.pattern}, got {value!r}", allowed)
    yield from choice_faults(value, limits.choices)


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:  # written for another engine: the server will tell
        return True


def _length_faults(
    length: int, low: Optional[int], high: Optional[int], kind: str, unit: str
) -> Iterator[Fault]:
    if low is not None and length < low:
        allowed = f"at least {low} {unit}"
        yield Fault(f"min_{kind}", f"must have {allowed}, has {length}", allowed)
    if high is not None and length > high:
        allowed = f"at most {high} {unit}"
        yield Fault(f"max_{kind}", f"must have {allowed}, has {length}", allowed)


def boolean_faults(value: Any, limits: Limits = NO_LIMITS) -> Iterator[Fault]:
    """Faults of a switch."""
    if not isinstance(value, bool):
        yield Fault(
            "type", f"must be true or false, got {shown(value)}", "True or False"
        )
        return
    yield from choice_faults(value, limits.choices)


def choice_faults(
    value: Any,
    choices: Optional[Sequence[Any]],
    labels: Optional[Mapping[str, str]] = None,
) -> Iterator[Fault]:
    """A fault when `value` is none of the choices; None allows any."""
    if choices is None or is_choice(value, choices):
        return
    words = allowed_choices(choices, labels)
    yield Fault("choice", f"must be one of {words}, got {shown(value)}", words)


def is_choice(value: Any, choices: Sequence[Any]) -> bool:
    """Whether it is one of them; true is not 1 here."""
    return any(
        value == choice and isinstance(value, bool) == isinstance(choice, bool)
        for choice in choices
    )


def allowed_choices(
    choices: Sequence[Any], labels: Optional[Mapping[str, str]] = None
) -> str:
    """The choices in words, with the GUI's label where it differs."""
    names = labels or {}
    return ", ".join(
        f"{choice!r} ({names[str(choice)]})"
        if names.get(str(choice), choice) != choice
        else repr(choice)
        for choice in choices
    )


def list_faults(
    value: Any, limits: Limits, item_faults: Callable[[Any], Iterator[Fault]]
) -> Iterator[Fault]:
    """Faults of a list: its length and each of its items."""
    if not isinstance(value, list):
        yield Fault("type", f"must be a list, got {shown(value)}", "a list")
        return
    yield from _length_faults(
        len(value), limits.min_items, limits.max_items, "items", "items"
    )
    for index, item in enumerate(value):
        for fault in item_faults(item):
            yield replace(fault, text=f"item {index}: {fault.text}")
