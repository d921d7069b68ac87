"""Lists of integers, floats, texts and switches; those of batch nodes too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Generic, TypeVar

from invokeai_py_client.ivk_fields.faults import (
    Fault,
    boolean_faults,
    float_faults,
    integer_faults,
    item_limits_of,
    list_faults,
    text_faults,
)
from invokeai_py_client.ivk_fields.number import as_float, as_integer, as_items
from invokeai_py_client.ivk_fields.template_field import RefusedError, TemplateField
from invokeai_py_client.ivk_fields.text import as_boolean

Item = TypeVar("Item")


class _ListField(TemplateField["list[Item]"], Generic[Item]):
    """A list; a tuple, range, numpy array or the like becomes one."""

    CONVERT: ClassVar[Callable[[Any], Any]]
    FAULTS: ClassVar[Callable[..., Iterator[Fault]]]
    ITEMS: ClassVar[str]

    def _accept(self, value: Any) -> Any:
        items = as_items(value)
        if not isinstance(items, list):
            raise RefusedError("type", f"must be a list, got {value!r}", self.allowed)
        return [type(self).CONVERT(item) for item in items]

    def _faults_of(self, value: Any) -> Iterator[Fault]:
        return list_faults(value, self.limits, self._wire_faults)

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        return type(self).FAULTS(value, item_limits_of(self.limits))

    @property
    def allowed(self) -> str:
        """Such as ``a list of integers, at least 1 item``."""
        words = f"a list of {self.ITEMS}"
        if self.limits.min_items is not None:
            words += f", at least {self.limits.min_items} items"
        if self.limits.max_items is not None:
            words += f", at most {self.limits.max_items} items"
        return words


class IvkIntegerCollectionField(_ListField[int]):
    """A list of integers."""

    TYPE: ClassVar[str] = "IntegerField"
    CONVERT: ClassVar[Callable[[Any], Any]] = as_integer
    FAULTS: ClassVar[Callable[..., Iterator[Fault]]] = integer_faults
    ITEMS: ClassVar[str] = "integers"


class IvkFloatCollectionField(_ListField[float]):
    """A list of numbers."""

    TYPE: ClassVar[str] = "FloatField"
    CONVERT: ClassVar[Callable[[Any], Any]] = as_float
    FAULTS: ClassVar[Callable[..., Iterator[Fault]]] = float_faults
    ITEMS: ClassVar[str] = "numbers"


def _unchanged(value: Any) -> Any:
    return value


class IvkStringCollectionField(_ListField[str]):
    """A list of texts; a single text is no list of them."""

    TYPE: ClassVar[str] = "StringField"
    CONVERT: ClassVar[Callable[[Any], Any]] = _unchanged
    FAULTS: ClassVar[Callable[..., Iterator[Fault]]] = text_faults
    ITEMS: ClassVar[str] = "texts"


class IvkBooleanCollectionField(_ListField[bool]):
    """A list of switches."""

    TYPE: ClassVar[str] = "BooleanField"
    CONVERT: ClassVar[Callable[[Any], Any]] = as_boolean
    FAULTS: ClassVar[Callable[..., Iterator[Fault]]] = boolean_faults
    ITEMS: ClassVar[str] = "bools"
