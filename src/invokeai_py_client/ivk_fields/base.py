"""`IvkField`: the typed value of one workflow input.

A field holds a value or nothing. Setting `.value` checks it at once; when the check
fails the old value stays and a `FieldValidationError` says what would be allowed. A
value that came with a workflow file is kept as it is, right or wrong: `problems()` says
what a submission would refuse.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Generic, Optional, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    PrivateAttr,
    PydanticUserError,
    TypeAdapter,
    ValidationError,
)

from invokeai_py_client._exports import set_module
from invokeai_py_client.exceptions import (
    ArgumentError,
    FieldProblem,
    FieldValidationError,
)
from invokeai_py_client.exceptions.workflow import shown
from invokeai_py_client.ivk_fields.references import Reference, find_references
from invokeai_py_client.nodes.template import InputTemplate

T = TypeVar("T")
Self = TypeVar("Self", bound="IvkField[Any]")


class FieldState:
    """What a field knows besides its value; one object, as fields are many.

    Attributes:
        original: The value the field was made with; None for none.
        place: The parts of a `FieldProblem` that say where the field is.
    """

    __slots__ = ("original", "place", "template", "type_name")

    def __init__(self) -> None:
        self.place: Mapping[str, Any] = {}
        self.original: Any = None
        self.template: Optional[InputTemplate] = None
        self.type_name: Optional[str] = None

    # Two fields are equal when their class and value are, in any place.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldState)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]


@set_module("invokeai_py_client")
class IvkField(BaseModel, Generic[T]):
    """A typed value; the base class of every field, also of your own.

    A class of your own names its type, checks it, and says what goes on the wire:

    ```python
    class IvkCustomField(IvkField[str]):
        value: str

        def validate_field(self) -> None:
            if self.value == "forbidden":
                raise ValueError("anything but that")

        def to_api_format(self):
            return {"type": "custom", "value": self.value}
    ```

    Types are strict: no bool or text for a number; an integer for a float is fine.

    Attributes:
        value: The value; None when nothing is set, which leaves the input to the
            server's default. Setting None unsets it.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        strict=True,
        validate_assignment=True,
        arbitrary_types_allowed=True,
        protected_namespaces=(),
        extra="forbid",
    )

    value: Optional[T] = None

    _state: FieldState = PrivateAttr(default_factory=FieldState)
    _lock: Optional[FieldProblem] = PrivateAttr(default=None)

    def __init__(self, **data: Any) -> None:
        """Make a field with a value, which is checked.

        Raises:
            FieldValidationError: The value is not allowed.
        """
        try:
            super().__init__(**data)
            self.validate_field()
            self._state.original = copy.deepcopy(self.value)
        except (ValueError, TypeError, RecursionError) as error:
            raise _as_field_error(error, data.get("value"), None) from error

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
            return
        self._refuse_when_locked()
        state, names = dict(self.__dict__), set(self.model_fields_set)
        done = False
        try:
            super().__setattr__(name, value)
            self.validate_field()
            done = True
        except (ValueError, TypeError) as error:
            raise _as_field_error(error, value, self) from error
        finally:
            # pydantic leaves a value in place that a model validator refused.
            if not done:
                self.__dict__.clear()
                self.__dict__.update(state)
                self.__pydantic_fields_set__ = names

    def validate_field(self) -> None:
        """Check the value; called after every assignment.

        Raises:
            ValueError: The value is not allowed; a `FieldValidationError` is one too.
        """

    def to_api_format(self) -> dict[str, Any]:
        """What to send: ``value`` goes on the wire, and is absent when nothing is set.

        The value may hold `Reference`s, which a submission resolves.
        """
        found: dict[str, Any] = {"type": self.type_name}
        if self.is_set:
            found["value"] = copy.deepcopy(self.value)
        return found

    @classmethod
    def from_api_format(cls: type[Self], data: Mapping[str, Any]) -> Self:
        """The field that `to_api_format` describes.

        A value that is not allowed is kept and shows in `problems()`.
        """
        if not isinstance(data, Mapping):
            raise ArgumentError("data", data, 'a mapping, such as {"value": 5}')
        if data.get("value") is None:
            return cls()
        try:
            return cls(value=data["value"])
        except FieldValidationError:
            return cls.holding(data["value"])

    @classmethod
    def holding(cls: type[Self], raw: Any) -> Self:
        """A field with a stored value, kept as it is and not checked."""
        field = cls.model_construct(value=raw)
        field._state.original = copy.deepcopy(raw)
        return field

    @property
    def type_name(self) -> str:
        """The template's type name, such as ``IntegerField``; else the class's."""
        return self._state.type_name or type(self).__name__

    @property
    def is_set(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    @property
    def raw_value(self) -> Any:
        """The value the field was made with, such as the file's; None for none."""
        return copy.deepcopy(self._state.original)

    @property
    def is_changed(self) -> bool:
        """Whether the value differs from the one the field was made with."""
        return not _same(self.value, self._state.original)

    @property
    def template(self) -> Optional[InputTemplate]:
        """The server's description of the input; None when not known."""
        return self._state.template

    @property
    def allowed(self) -> Optional[str]:
        """A description of what may be set; None when it is not known."""
        return None

    def problems(self) -> list[FieldProblem]:
        """Everything a submission would refuse about the present value.

        A required value that is missing is not among them: an edge may feed it.
        """
        if not self.is_set:
            return []
        try:
            type(self).__pydantic_validator__.validate_assignment(
                self.model_construct(), "value", self.value
            )
            self.validate_field()
        except (ValueError, TypeError) as error:
            return list(_as_field_error(error, self.value, self).problems)
        return []

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema (draft 2020-12) of what can be set, in JSON form.

        Limits, options, title and description are those of the template. Models,
        boards and images are strings: a name, a key or an id. ``default`` is what is
        sent when nothing is set. An input that is not required allows null, which
        unsets it.
        """
        schema = self._value_schema()
        template = self.template
        hint = schema.pop("description", None)
        about = {key: schema.pop(key) for key in ("$defs",) if key in schema}
        if schema and (template is None or not template.required):
            schema = {"anyOf": [*schema.get("anyOf", [schema]), {"type": "null"}]}
        texts = [template.description if template else "", hint]
        if template is not None and template.title:
            about["title"] = template.title
        if any(texts):
            about["description"] = " ".join(f"{t.rstrip('.')}." for t in texts if t)
        default = self._json_default()
        return {**about, **schema, **({} if default is None else {"default": default})}

    def _value_schema(self) -> dict[str, Any]:
        """JSON Schema of the value alone; that of a class of your own may say more."""
        annotation: Any = type(self).model_fields["value"].annotation
        try:
            return TypeAdapter(annotation).json_schema()
        except PydanticUserError:  # such as a type that has no form in JSON
            return {}

    def _json_default(self) -> Any:
        """The value when it is set, valid and JSON; None otherwise."""
        if not self.is_set or self.problems():
            return None
        try:
            return json.loads(json.dumps(self.value, allow_nan=False))
        except (TypeError, ValueError):
            return None

    def unresolved(self) -> list[Reference]:
        """What a server has to be asked before the value can be sent."""
        return list(find_references(self.value))

    def lock(self, problem: FieldProblem) -> None:
        """Refuse every assignment from now on, for a reason outside the value.

        The server would ignore a value where an edge feeds the field.
        """
        self._lock = problem

    @property
    def is_locked(self) -> bool:
        """Whether every assignment is refused."""
        return self._lock is not None

    def _refuse_when_locked(self) -> None:
        if self._lock is not None:
            raise FieldValidationError([self._lock])

    def bind(
        self,
        *,
        node_id: Optional[str] = None,
        field_name: Optional[str] = None,
        input_index: Optional[int] = None,
        input_name: Optional[str] = None,
        node_label: Optional[str] = None,
        template: Optional[InputTemplate] = None,
        type_name: Optional[str] = None,
    ) -> None:
        """Set where the field is, for messages; None leaves a part as it was."""
        state = self._state
        parts = {
            "node_id": node_id,
            "field_name": field_name,
            "input_index": input_index,
            "input_name": input_name,
            "node_label": node_label,
        }
        new = {name: part for name, part in parts.items() if part is not None}
        state.place = {**state.place, **new}
        if template is not None:
            state.template = template
        if type_name is not None:
            state.type_name = type_name

    def clone(self: Self) -> Self:
        """An independent copy, value and place included."""
        # The template is shared: copying it deeply would copy a node's schema.
        other = self.model_copy()
        other._state = copy.copy(self._state)
        other.__dict__.update(copy.deepcopy(self.__dict__))
        return other

    def refusal(
        self, problems: Iterable[FieldProblem], value: Any
    ) -> FieldValidationError:
        """The error for a value with these problems, naming the field's place."""
        return FieldValidationError(self._here(problems, value))

    def _here(self, problems: Iterable[FieldProblem], value: Any) -> list[FieldProblem]:
        place, allowed = self._state.place, self.allowed
        return [
            replace(problem, value=value, allowed=problem.allowed or allowed, **place)
            for problem in problems
        ]


def _as_field_error(
    error: Exception, value: Any, field: Optional[IvkField[Any]]
) -> FieldValidationError:
    if isinstance(error, FieldValidationError):
        return error
    if isinstance(error, ValidationError):
        problems = [
            FieldProblem(_pydantic_words(item), item["type"])
            for item in error.errors(include_url=False, include_context=False)
        ]
    else:
        problems = [FieldProblem(str(error) or type(error).__name__, "value")]
    if field is not None:
        return field.refusal(problems, value)
    return FieldValidationError([replace(problem, value=value) for problem in problems])


def _pydantic_words(item: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in item["loc"] if part != "value")
    words = f"{item['msg']}, got {shown(item['input'])}"
    return f"{place}: {words}" if place else words


def _same(first: Any, second: Any) -> bool:
    """Equality in which true, 1 and 1.0 differ."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(
            _same(first[key], second[key]) for key in first
        )
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_same, first, second))
    return type(first) is type(second) and bool(first == second)
