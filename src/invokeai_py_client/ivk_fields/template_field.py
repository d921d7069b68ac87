"""The base of the built-in fields: checked by a node template.

A built-in field turns what people give it into the wire form (`_accept`) and finds the
problems of a wire value (`_wire_problems`); the rest is common to all of them and here.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Optional, TypeVar, Union

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.exceptions.workflow import shown
from invokeai_py_client.ivk_fields.base import IvkField
from invokeai_py_client.ivk_fields.value_rules import (
    keywords_of,
    limits_of,
    list_problems,
    must_be,
)
from invokeai_py_client.nodes.template import UNSET, InputTemplate, Limits

T = TypeVar("T")
Self = TypeVar("Self", bound="TemplateField[Any]")


class RefusedError(ValueError):
    """Raised by `_accept` for a value that no wire form can be made of."""

    def __init__(self, problem: Union[str, FieldProblem], kind: str = "type") -> None:
        if isinstance(problem, str):
            problem = FieldProblem(problem, kind)
        self.problem = problem
        super().__init__(problem.what)


class TemplateField(IvkField[T], Generic[T]):
    """A built-in field: `value` is what goes on the wire, or holds `Reference`s."""

    # Its name in the table of field types, which sets it.
    TYPE: ClassVar[str] = ""
    ALLOWED: ClassVar[str] = ""
    _IS_LIST: ClassVar[bool] = False

    if not TYPE_CHECKING:
        # A file may hold anything, and anything is kept.
        value: Any = None

    def __init__(
        self,
        *,
        value: Any = None,
        template: Optional[InputTemplate] = None,
    ) -> None:
        """Make a field; the template gives its limits and choices.

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
            raise self.refusal([error.problem], value) from error
        problems = list(self._problems_of(accepted))
        if problems:
            raise self.refusal(problems, value)
        return accepted

    def _accept(self, value: Any) -> Any:
        """The wire form, references allowed, of what a person gave.

        Never changes or keeps `value` itself.
        """
        try:
            return copy.deepcopy(value)
        except (TypeError, RecursionError):
            raise RefusedError(
                f"must be what JSON can hold, got {shown(value)}"
            ) from None

    def _wire_problems(self, value: Any) -> Iterator[FieldProblem]:
        """What is wrong with a single wire value; references count as right."""
        raise NotImplementedError

    def _problems_of(self, value: Any) -> Iterator[FieldProblem]:
        """What is wrong with the whole value; a list where one may be is allowed."""
        if not self._is_list and not (self.takes_list and isinstance(value, list)):
            yield from self._wire_problems(value)
        elif self.limits.list_refused:
            yield FieldProblem("the server takes no list here", "type")
        else:
            yield from list_problems(value, self.limits, self._wire_problems)

    def _item_schema(self) -> dict[str, Any]:
        """JSON Schema of a single value, in the form that people give."""
        raise NotImplementedError

    def _value_schema(self) -> dict[str, Any]:
        single = self._item_schema()
        limits = self.limits
        several = {"type": "array", "items": single, **keywords_of(limits, "Items")}
        if self._is_list:
            return several
        if not self.takes_list or limits.list_refused:
            return single
        return {"anyOf": [single, several]}

    def _plain(self, value: Any) -> Any:
        """A single wire value without problems in the form that people give."""
        return value

    def _json_default(self) -> Any:
        template = self.template
        value: Any = self.value
        if value is None and template is not None:
            value = None if template.default is UNSET else template.default
        # A reference is not JSON yet, and some fresh values are refused.
        if value is None or self.unresolved() or any(self._problems_of(value)):
            return None
        is_list = isinstance(value, list)
        plain = list(map(self._plain, value)) if is_list else self._plain(value)
        return copy.deepcopy(plain)

    def validate_field(self) -> None:
        """Check the value as it is.

        Raises:
            FieldValidationError: It would be refused; lists every reason.
        """
        if self.is_set:
            problems = list(self._problems_of(self.value))
            if problems:
                raise self.refusal(problems, self.value)

    def problems(self) -> list[FieldProblem]:
        """Everything a submission would refuse about the present value.

        A required value that is missing is not among them: an edge may feed it.
        """
        if not self.is_set:
            return []
        return self._here(self._problems_of(self.value), self.value)

    @property
    def type_name(self) -> str:
        """The template's type name, such as ``IntegerField``."""
        return self._state.type_name or self.TYPE or type(self).__name__

    @property
    def allowed(self) -> str:
        """What may be set, such as ``an integer, at least 1``."""
        return self.ALLOWED

    @property
    def limits(self) -> Limits:
        """What the template allows."""
        return limits_of(self.template)

    @property
    def _is_list(self) -> bool:
        return self._IS_LIST

    @property
    def takes_list(self) -> bool:
        """Whether the input takes a list as well as a single value."""
        template = self._state.template
        return (
            template is not None and template.type.cardinality == "SINGLE_OR_COLLECTION"
        )


def json_problem(value: Any) -> Iterator[FieldProblem]:
    """A problem when a value is not JSON: the wire could not carry it."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        yield FieldProblem(f"must be JSON: {error}", "type")


class IvkRawField(TemplateField[Any]):
    """Any JSON value, sent as it is; the server alone knows what is right."""

    @property
    def _is_list(self) -> bool:
        template = self.template
        return template is not None and template.type.cardinality == "COLLECTION"

    def _wire_problems(self, value: Any) -> Iterator[FieldProblem]:
        if self._is_list and not isinstance(value, Mapping):
            yield must_be("an object", value)
            return
        yield from json_problem(value)

    def _item_schema(self) -> dict[str, Any]:
        return {"type": "object"} if self._is_list else {}

    @property
    def allowed(self) -> str:
        """Anything, or a list of objects where the template has a list."""
        return "a list of JSON objects" if self._is_list else "any JSON value"


class IvkUnknownField(TemplateField[Any]):
    """A field that takes no value: only an edge feeds it, or its type is unknown.

    It shows what the file holds and refuses to be set.
    """

    ALLOWED: ClassVar[str] = "an edge that brings it"

    def _checked(self, value: Any) -> Any:
        # Unsetting would be a change too.
        kind = f"a field of type {self.type_name}" if self.type_name else "the field"
        text = f"{kind} takes no value, got {shown(value)}"
        raise self.refusal([FieldProblem(text, "read_only")], value)

    def _wire_problems(self, value: Any) -> Iterator[FieldProblem]:
        return json_problem(value)

    def json_schema(self) -> dict[str, Any]:
        """The schema that no value passes: nothing can be set."""
        return {"not": {}, "readOnly": True}
