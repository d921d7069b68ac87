"""The base of the built-in fields: checked by a node template.

A built-in field turns what people give it into the wire form (`_accept`) and finds the
faults of a wire value (`_wire_faults`); the rest is common to all of them and here.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Optional, TypeVar

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.ivk_fields.base import IvkField, problem_of
from invokeai_py_client.ivk_fields.faults import Fault, limits_of, list_faults
from invokeai_py_client.nodes.template import InputTemplate, Limits

T = TypeVar("T")
Self = TypeVar("Self", bound="TemplateField[Any]")


class RefusedError(ValueError):
    """Raised by `_accept` for a value that no wire form can be made of."""

    def __init__(self, kind: str, text: str, allowed: Optional[str] = None) -> None:
        self.fault = Fault(kind, text, allowed)
        super().__init__(text)


class TemplateField(IvkField[T], Generic[T]):
    """A built-in field: `value` is what goes on the wire, or holds `Reference`s."""

    TYPE: ClassVar[str] = ""

    if not TYPE_CHECKING:
        # A file may hold anything, and anything is kept.
        value: Any = None

    def __init__(
        self,
        *,
        value: Any = None,
        template: Optional[InputTemplate] = None,
    ) -> None:
        """Make a field.

        Args:
            value: Its value; None leaves it unset.
            template: The input's template, for limits and choices.

        Raises:
            FieldValidationError: The value is not allowed.
        """
        super().__init__()
        self._state.template = template
        if value is not None:
            self.value = value
            self._state.original = copy.deepcopy(self.value)

    @classmethod
    def from_info(cls: type[Self], info: Mapping[str, Any]) -> Self:
        """The field of a `field_info`; its value is kept as it is."""
        field = cls.holding(copy.deepcopy(info.get("value")))
        field._state.template = info.get("template")
        return field

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "value":
            self._refuse_when_locked()
            self.__dict__["value"] = self._checked(value)
            self.__pydantic_fields_set__.add("value")
        else:
            super().__setattr__(name, value)

    def _checked(self, value: Any) -> Any:
        if value is None:
            return None
        try:
            accepted = self._accept(value)
        except RefusedError as error:
            raise self.refusal([error.fault], value) from error
        faults = list(self._faults_of(accepted))
        if faults:
            raise self.refusal(faults, value)
        return accepted

    def _accept(self, value: Any) -> Any:
        """The wire form, references allowed, of what a person gave.

        Never changes or keeps `value` itself.

        Raises:
            RefusedError: There is no wire form of it.
        """
        return copy.deepcopy(value)

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        """What is wrong with a single wire value; references count as right."""
        raise NotImplementedError

    def _faults_of(self, value: Any) -> Iterator[Fault]:
        """What is wrong with the whole value; a list where one may be is allowed."""
        if self.takes_list and isinstance(value, list):
            if self.limits.list_refused:
                yield Fault("type", "the server takes no list here", self.allowed)
                return
            yield from list_faults(value, self.limits, self._wire_faults)
        else:
            yield from self._wire_faults(value)

    def validate_field(self) -> None:
        """Check the value as it stands.

        Raises:
            FieldValidationError: It would be refused; lists every reason.
        """
        if self.is_set:
            faults = list(self._faults_of(self.value))
            if faults:
                raise self.refusal(faults, self.value)

    def problems(self) -> list[FieldProblem]:
        """Everything a submission would refuse about the value as it stands.

        A required value that is missing is not among them: an edge may feed it.
        """
        if not self.is_set:
            return []
        return [
            problem_of(fault, self.value, self._state.context)
            for fault in self._faults_of(self.value)
        ]

    @property
    def type_name(self) -> str:
        """The template's type name, such as ``IntegerField``."""
        return self._state.type_name or self.TYPE or type(self).__name__

    @property
    def limits(self) -> Limits:
        """What the template allows."""
        return limits_of(self.template)

    @property
    def takes_list(self) -> bool:
        """Whether a list may stand where a single value is usual."""
        template = self._state.template
        return (
            template is not None and template.type.cardinality == "SINGLE_OR_COLLECTION"
        )
