"""What is wrong with a value, by itself and by what a template allows: pure rules.

These judge wire values that people set. They follow the server's own reading of its
schema (limits, also inside unions) and are stricter in one respect: neither a boolean
nor a string is a number, though the server would convert them (`server_rules`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Optional, Union

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.exceptions.workflow import shown
from invokeai_py_client.nodes.limits import KEYWORDS, NO_LIMITS
from invokeai_py_client.nodes.template import InputTemplate, Limits

_SURROGATE = re.compile("[\ud800-\udfff]")


def must_be(
    noun: str, value: Any, allowed: Optional[str] = None, kind: str = "type"
) -> FieldProblem:
    """The problem of a value that is not a `noun`."""
    what = f"must be {noun}, got {shown(value)}"
    return FieldProblem(what, kind, allowed=allowed)


def limits_of(template: Optional[InputTemplate]) -> Limits:
    """The limits of an input: the server's, and the GUI's where that has none."""
    if template is None:
        return NO_LIMITS
    limits = template.limits
    missing = {
        name: template.gui[key]
        for key, name in KEYWORDS.items()
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


def keywords_of(limits: Limits, *endings: str) -> dict[str, Any]:
    """The limits as keywords of JSON Schema, those whose names end so."""
    return {
        key: getattr(limits, name)
        for key, name in KEYWORDS.items()
        if key.endswith(endings) and getattr(limits, name) is not None
    }


def integer_problems(value: Any, limits: Limits = NO_LIMITS) -> Iterator[FieldProblem]:
    """Problems of an integer."""
    if not isinstance(value, int) or isinstance(value, bool):
        yield must_be("an integer", value, allowed_numbers(limits))
        return
    yield from bound_problems(value, limits)
    yield from choice_problems(value, limits.choices)


def float_problems(value: Any, limits: Limits = NO_LIMITS) -> Iterator[FieldProblem]:
    """Problems of a number; JSON has neither infinity nor NaN."""
    allowed = allowed_numbers(limits, "a number")
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        yield must_be("a number", value, allowed)
        return
    if not _is_finite(value):
        yield must_be("finite", value, allowed, "finite")
        return
    yield from bound_problems(value, limits, "a number")
    yield from choice_problems(value, limits.choices)


def _is_finite(value: Union[int, float]) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def bound_problems(
    value: float, limits: Limits, noun: str = "an integer"
) -> Iterator[FieldProblem]:
    """Bounds that a number does not keep; NaN keeps none."""
    allowed = allowed_numbers(limits, noun)
    holds: Mapping[str, Callable[[float], bool]] = {
        "minimum": lambda bound: value >= bound,
        "exclusive_minimum": lambda bound: value > bound,
        "maximum": lambda bound: value <= bound,
        "exclusive_maximum": lambda bound: value < bound,
        "multiple_of": lambda step: not step or is_multiple(value, step),
    }
    for kind, words in BOUNDS.items():
        bound = getattr(limits, kind)
        if bound is not None and not holds[kind](bound):
            yield must_be(f"{words} {_without_zeros(bound)}", value, allowed, kind)


BOUNDS = {
    "minimum": "at least",
    "exclusive_minimum": "greater than",
    "maximum": "at most",
    "exclusive_maximum": "less than",
    "multiple_of": "a multiple of",
}


def is_multiple(value: float, step: float) -> bool:
    """Whether `step` divides `value`; as the server, allowing for rounding."""
    if isinstance(value, int) and float(step).is_integer():
        return value % int(step) == 0
    if not _is_finite(value):
        return False
    rest = abs(math.fmod(value, step))
    tolerance = abs(value) / 1e9
    return rest <= tolerance or abs(rest - abs(step)) <= tolerance


def _without_zeros(number: float) -> float:
    """The number, as an integer if it is one: schemas say 1.0 where people say 1."""
    whole = abs(number) < 1e15 and number == int(number)
    return int(number) if whole else number


def allowed_numbers(limits: Limits, noun: str = "an integer") -> str:
    """The allowed numbers: ``an integer, at least 1, multiple of 8``."""
    bounds = [
        f"{words} {_without_zeros(getattr(limits, kind))}"
        for kind, words in BOUNDS.items()
        if getattr(limits, kind) is not None
    ]
    return ", ".join([noun, *bounds])


def is_unicode(text: str) -> bool:
    """False for half a surrogate pair.

    The server stores a job with such a string and cannot read it again, which blocks
    the queue.
    """
    # Whether it is ASCII is known without a look at the letters.
    return text.isascii() or _SURROGATE.search(text) is None


def string_problems(value: Any, limits: Limits = NO_LIMITS) -> Iterator[FieldProblem]:
    """Problems of a string."""
    if not isinstance(value, str):
        yield must_be("a string", value, "a string")
        return
    if not is_unicode(value):
        yield must_be("valid Unicode", value, "valid Unicode", "unicode")
    yield from string_limit_problems(value, limits)
    yield from choice_problems(value, limits.choices)


def string_limit_problems(value: str, limits: Limits) -> Iterator[FieldProblem]:
    """Limits of length and pattern that a string does not keep."""
    yield from _length_problems(
        len(value), limits.min_length, limits.max_length, "length", "characters"
    )
    if limits.pattern is not None and not _matches(limits.pattern, value):
        allowed = f"a string that matches {limits.pattern}"
        yield must_be(allowed, value, allowed, "pattern")


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:
        # The server's patterns are of Rust's dialect; what only it knows, it decides.
        return True


def _length_problems(
    length: int, low: Optional[int], high: Optional[int], kind: str, unit: str
) -> Iterator[FieldProblem]:
    if low is not None and length < low:
        allowed = f"at least {low} {unit}"
        yield FieldProblem(
            f"must have {allowed}, has {length}", f"min_{kind}", allowed=allowed
        )
    if high is not None and length > high:
        allowed = f"at most {high} {unit}"
        yield FieldProblem(
            f"must have {allowed}, has {length}", f"max_{kind}", allowed=allowed
        )


def boolean_problems(value: Any, limits: Limits = NO_LIMITS) -> Iterator[FieldProblem]:
    """Problems of a boolean."""
    if not isinstance(value, bool):
        yield must_be("true or false", value, "True or False")
        return
    yield from choice_problems(value, limits.choices)


def choice_problems(
    value: Any,
    choices: Optional[Sequence[Any]],
    labels: Optional[Mapping[str, str]] = None,
) -> Iterator[FieldProblem]:
    """A problem when `value` is not one of the choices; None allows any."""
    if choices is None or is_choice(value, choices):
        return
    words = allowed_choices(choices, labels)
    yield must_be(f"one of {words}", value, words, "choice")


def is_choice(value: Any, choices: Sequence[Any]) -> bool:
    """Whether it is one of them; true is not 1 here."""
    return any(
        value == choice and isinstance(value, bool) == isinstance(choice, bool)
        for choice in choices
    )


def allowed_choices(
    choices: Sequence[Any], labels: Optional[Mapping[str, str]] = None
) -> str:
    """The choices in a message, with the GUI's label where it differs."""
    names = labels or {}
    return ", ".join(
        f"{choice!r} ({names[str(choice)]})"
        if names.get(str(choice), choice) != choice
        else repr(choice)
        for choice in choices
    )


def list_problems(
    value: Any, limits: Limits, item_problems: Callable[[Any], Iterator[FieldProblem]]
) -> Iterator[FieldProblem]:
    """Problems of a list: its length and each of its items."""
    if not isinstance(value, list):
        yield must_be("a list", value, "a list")
        return
    yield from _length_problems(
        len(value), limits.min_items, limits.max_items, "items", "items"
    )
    for index, item in enumerate(value):
        for problem in item_problems(item):
            yield replace(problem, what=f"item {index}: {problem.what}")
