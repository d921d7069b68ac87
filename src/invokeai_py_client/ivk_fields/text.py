"""Text and switches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from invokeai_py_client.ivk_fields.faults import Fault, boolean_faults, text_faults
from invokeai_py_client.ivk_fields.number import as_items, is_boolean
from invokeai_py_client.ivk_fields.template_field import TemplateField


class IvkStringField(TemplateField[str]):
    """A text; ``""`` is a value and is sent."""

    TYPE: ClassVar[str] = "StringField"

    def _accept(self, value: Any) -> Any:
        if isinstance(value, str):
            # Not str(value): that of a text enumeration's member is its name.
            return str.__str__(value)
        return as_items(value) if self.takes_list else value

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        return text_faults(value, self.limits)

    @property
    def allowed(self) -> str:
        """Such as ``text of at most 64 characters``."""
        low, high = self.limits.min_length, self.limits.max_length
        words = [f"at least {low}"] if low is not None else []
        words += [f"at most {high}"] if high is not None else []
        return f"text of {' and '.join(words)} characters" if words else "text"


def as_boolean(value: Any) -> Any:
    """Numpy's bools as bool; anything else as it is."""
    return bool(value) if is_boolean(value) else value


class IvkBooleanField(TemplateField[bool]):
    """True or False; 0, 1 and words are refused."""

    TYPE: ClassVar[str] = "BooleanField"

    def _accept(self, value: Any) -> Any:
        return as_boolean(value)

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        return boolean_faults(value, self.limits)

    @property
    def allowed(self) -> str:
        """The two."""
        return "True or False"
