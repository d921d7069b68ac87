"""Integers and floats."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any, ClassVar

from invokeai_py_client.ivk_fields.faults import (
    Fault,
    allowed_numbers,
    float_faults,
    integer_faults,
)
from invokeai_py_client.ivk_fields.template_field import TemplateField


def as_integer(value: Any) -> Any:
    """Numpy's integers and their like as int; anything else as it is."""
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
    value = as_integer(value)
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


class IvkIntegerField(TemplateField[int]):
    """An integer; limits and multiples come from the template."""

    TYPE: ClassVar[str] = "IntegerField"

    def _accept(self, value: Any) -> Any:
        items = as_items(value) if self.takes_list else value
        if isinstance(items, list):
            return [as_integer(item) for item in items]
        return as_integer(value)

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        return integer_faults(value, self.limits)

    @property
    def allowed(self) -> str:
        """Such as ``an integer, at least 1, a multiple of 8``."""
        return allowed_numbers(self.limits)


class IvkFloatField(TemplateField[float]):
    """A number; an integer is fine and stays one.

    Where the template takes a value or a list (`cfg_scale`: one per step), a list is
    allowed too.
    """

    TYPE: ClassVar[str] = "FloatField"

    def _accept(self, value: Any) -> Any:
        items = as_items(value) if self.takes_list else value
        if isinstance(items, list):
            return [as_float(item) for item in items]
        return as_float(value)

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        return float_faults(value, self.limits)

    @property
    def allowed(self) -> str:
        """Such as ``a number, at least 0, at most 1``."""
        return allowed_numbers(self.limits, "a number")
