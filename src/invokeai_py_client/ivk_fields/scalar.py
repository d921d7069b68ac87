"""Integers, numbers, strings and booleans, and lists of them."""

from __future__ import annotations

import numbers
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.ivk_fields.template_field import RefusedError, TemplateField
from invokeai_py_client.ivk_fields.value_rules import (
    allowed_choices,
    allowed_numbers,
    boolean_problems,
    float_problems,
    integer_problems,
    item_limits_of,
    keywords_of,
    must_be,
    string_problems,
)
from invokeai_py_client.nodes.template import Limits

T = TypeVar("T")


def as_integer(value: Any) -> Any:
    """Integers of any make as int, also ``3.0``; anything else as it is.

    A table turns the integers of a column with a gap into floats.
    """
    is_number = isinstance(value, numbers.Real) and not is_boolean(value)
    return int(value) if is_number and value % 1 == 0 else _as_index(value)


def _as_index(value: Any) -> Any:
    if isinstance(value, (float, str)) or is_boolean(value):
        return value
    try:
        # On 3.9 the index of a subclass is of that subclass.
        return int(operator.index(value))
    except TypeError:
        return value


def as_float(value: Any) -> Any:
    """Numbers of other kinds (numpy, Decimal, Fraction) as int or float."""
    if type(value) in (int, float) or isinstance(value, str) or is_boolean(value):
        return value
    value = _as_index(value)
    if isinstance(value, int) or not hasattr(value, "__float__"):
        return value
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return value


def is_boolean(value: Any) -> bool:
    """True for bools, numpy's included, which offer themselves as numbers."""
    return isinstance(value, bool) or type(value).__name__ in ("bool_", "bool")


def as_items(value: Any) -> Any:
    """Lists of any make (tuple, range, numpy array, pandas series) as a list."""
    if isinstance(value, (list, tuple, range)):
        return list(value)
    to_list = getattr(value, "tolist", None)
    return to_list() if callable(to_list) and hasattr(value, "__len__") else value


def as_boolean(value: Any) -> Any:
    """Numpy's bools as bool; anything else as it is."""
    return bool(value) if is_boolean(value) else value


def as_string(value: Any) -> Any:
    """Strings of a subclass as str; anything else as it is."""
    # Not str(value): that of a member of a string enumeration is its name.
    return str.__str__(value) if isinstance(value, str) else value


@dataclass(frozen=True)
class Scalar:
    """A kind of plain value.

    Attributes:
        convert: Makes the wire form of what is like one, such as numpy's numbers.
        problems: What is wrong with a wire value under limits.
    """

    convert: Callable[[Any], Any]
    problems: Callable[[Any, Limits], Iterator[FieldProblem]]
    json_type: str
    noun: str
    nouns: str

    def json_schema(self, limits: Limits) -> dict[str, Any]:
        """JSON Schema of the values that the limits allow."""
        schema = {
            "type": self.json_type,
            **keywords_of(limits, "imum", "multipleOf", "Length"),
        }
        if limits.pattern is not None:
            schema["pattern"] = limits.pattern
        if limits.choices is not None:
            schema["enum"] = list(limits.choices)
        return schema

    def allowed(self, limits: Limits) -> str:
        """Such as ``an integer, at least 1``, ``a string of at most 9 characters``."""
        low, high = limits.min_length, limits.max_length
        lengths = [f"at least {low}"] if low is not None else []
        lengths += [f"at most {high}"] if high is not None else []
        if limits.choices is not None:
            return f"one of {allowed_choices(limits.choices)}"
        if lengths:
            return f"{self.noun} of {' and '.join(lengths)} characters"
        return allowed_numbers(limits, self.noun)


INTEGER = Scalar(as_integer, integer_problems, "integer", "an integer", "integers")
FLOAT = Scalar(as_float, float_problems, "number", "a number", "numbers")
STRING = Scalar(as_string, string_problems, "string", "a string", "strings")
BOOLEAN = Scalar(
    as_boolean, boolean_problems, "boolean", "True or False", "True or False"
)


class _ScalarField(TemplateField[T], Generic[T]):
    SCALAR: ClassVar[Scalar]

    def _accept(self, value: Any) -> Any:
        items = as_items(value) if self._IS_LIST or self.takes_list else value
        if isinstance(items, list):
            return [self.SCALAR.convert(item) for item in items]
        if self._IS_LIST:
            raise RefusedError(must_be("a list", value))
        return self.SCALAR.convert(value)

    @property
    def _item_limits(self) -> Limits:
        return item_limits_of(self.limits) if self._IS_LIST else self.limits

    def _wire_problems(self, value: Any) -> Iterator[FieldProblem]:
        return self.SCALAR.problems(value, self._item_limits)

    def _item_schema(self) -> dict[str, Any]:
        return self.SCALAR.json_schema(self._item_limits)

    @property
    def allowed(self) -> str:
        """Such as ``an integer, at least 1`` or ``a list of integers``."""
        limits = self.limits
        if not self._IS_LIST:
            return self.SCALAR.allowed(limits)
        words = f"a list of {self.SCALAR.nouns}"
        if limits.min_items is not None:
            words += f", at least {limits.min_items} items"
        if limits.max_items is not None:
            words += f", at most {limits.max_items} items"
        return words


class IvkIntegerField(_ScalarField[int]):
    """An integer; limits and multiples come from the template."""

    SCALAR: ClassVar[Scalar] = INTEGER


class IvkFloatField(_ScalarField[float]):
    """A number; an integer is fine and stays one.

    Where the template takes a value or a list (`cfg_scale`: one per step), a list is
    allowed too.
    """

    SCALAR: ClassVar[Scalar] = FLOAT


class IvkStringField(_ScalarField[str]):
    """A string; ``""`` is a value and is sent."""

    SCALAR: ClassVar[Scalar] = STRING


class IvkBooleanField(_ScalarField[bool]):
    """True or False; 0, 1 and words are refused."""

    SCALAR: ClassVar[Scalar] = BOOLEAN


class _ScalarListField(_ScalarField[T], Generic[T]):
    _IS_LIST: ClassVar[bool] = True


class IvkIntegerCollectionField(_ScalarListField["list[int]"]):
    """A list of integers."""

    SCALAR: ClassVar[Scalar] = INTEGER


class IvkFloatCollectionField(_ScalarListField["list[float]"]):
    """A list of numbers."""

    SCALAR: ClassVar[Scalar] = FLOAT


class IvkStringCollectionField(_ScalarListField["list[str]"]):
    """A list of strings; a single string is not a list of them."""

    SCALAR: ClassVar[Scalar] = STRING


class IvkBooleanCollectionField(_ScalarListField["list[bool]"]):
    """A list of booleans."""

    SCALAR: ClassVar[Scalar] = BOOLEAN
