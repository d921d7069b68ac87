"""`IvkField`: the typed value of one workflow input.

A field holds a value or nothing. Setting `.value` checks it at once; when the check
fails the old value stays and a `FieldValidationError` says what would be allowed. A
value that came with a workflow file is kept as it is, right or wrong: `problems()` says
what a submission would refuse.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Optional, TypeVar

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from invokeai_py_client.exceptions import FieldProblem, FieldValidationError
from invokeai_py_client.ivk_fields.faults import Fault, shown
from invokeai_py_client.ivk_fields.references import Reference, find_references
from invokeai_py_client.nodes.template import InputTemplate

T = TypeVar("T")
Self = TypeVar("Self", bound="IvkField[Any]")


@dataclass(frozen=True)
class FieldContext:
    """Where a field stands, for messages; None for what is not known."""

    node_id: Optional[str] = None
    field_name: Optional[str] = None
    input_index: Optional[int] = None
    label: Optional[str] = None

    def describe(self) -> str:
        """Such as ``input 3 'Steps' (node abc, field steps)``; may be empty."""
        words = []
        if self.input_index is not None:
            words.append(f"input {self.input_index}")
        if self.label:
            words.append(repr(self.label))
        place = [f"node {self.node_id}"] if self.node_id else []
        if self.field_name:
            place.append(f"field {self.field_name}")
        if place:
            words.append(f"({', '.join(place)})" if words else ", ".join(place))
        return " ".join(words)


NOWHERE = FieldContext()


class FieldState:
    """What a field knows besides its value; one object, as fields are many.

    Attributes:
        original: The value the field was made with; None for none.
    """

    __slots__ = ("context", "original", "template", "type_name")

    def __init__(self) -> None:
        self.context = NOWHERE
        self.original: Any = None
        self.template: Optional[InputTemplate] = None
        self.type_name: Optional[str] = None

    # Two fields are equal when their class and value are, wherever they stand.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldState)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]


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
        """Make a field with a value, checked.

        Raises:
            FieldValidationError: The value is not allowed.
        """
        try:
            super().__init__(**data)
            self.validate_field()
        except (ValueError, TypeError) as error:
            raise _as_field_error(error, data.get("value"), None) from error
        self._state.original = copy.deepcopy(self.value)

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
        """What may be set, in words; None when that is not known."""
        return None

    def problems(self) -> list[FieldProblem]:
        """Everything a submission would refuse about the value as it stands.

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

    def unresolved(self) -> list[Reference]:
        """What a server has to be asked before the value can be sent."""
        return list(find_references(self.value))

    def lock(self, problem: FieldProblem) -> None:
        """Refuse every assignment from now on, for a reason outside the value.

        The server would ignore a value where an edge feeds the field.
        """
        self._lock = problem

    def _refuse_when_locked(self) -> None:
        if self._lock is not None:
            raise FieldValidationError([self._lock])

    def bind(
        self,
        *,
        node_id: Optional[str] = None,
        field_name: Optional[str] = None,
        input_index: Optional[int] = None,
        label: Optional[str] = None,
        template: Optional[InputTemplate] = None,
        type_name: Optional[str] = None,
    ) -> None:
        """Tell the field where it stands; what is None stays as it was."""
        state, old = self._state, self._state.context
        state.context = FieldContext(
            node_id=old.node_id if node_id is None else node_id,
            field_name=old.field_name if field_name is None else field_name,
            input_index=old.input_index if input_index is None else input_index,
            label=old.label if label is None else label,
        )
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

    def refusal(self, faults: Sequence[Fault], value: Any) -> FieldValidationError:
        """The error for a value with these faults, naming the field's place."""
        return FieldValidationError(
            [problem_of(fault, value, self._state.context) for fault in faults]
        )


def problem_of(fault: Fault, value: Any, context: FieldContext) -> FieldProblem:
    """A fault as the problem of a place."""
    place = context.describe()
    return FieldProblem(
        message=f"{place}: {fault.text}" if place else fault.text,
        kind=fault.kind,
        node_id=context.node_id,
        field_name=context.field_name,
        input_index=context.input_index,
        value=value,
        allowed=fault.allowed,
    )


def _as_field_error(
    error: Exception, value: Any, field: Optional[IvkField[Any]]
) -> FieldValidationError:
    """Any refusal as ours; one that is ours already stays as it is."""
    if isinstance(error, FieldValidationError):
        return error
    allowed = None if field is None else field.allowed
    if isinstance(error, ValidationError):
        faults = [
            Fault(item["type"], _pydantic_words(item), allowed)
            for item in error.errors(include_url=False, include_context=False)
        ]
    else:
        faults = [Fault("value", str(error) or type(error).__name__, allowed)]
    context = FieldContext() if field is None else field._state.context
    return FieldValidationError([problem_of(fault, value, context) for fault in faults])


def _pydantic_words(item: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in item["loc"] if part != "value")
    words = f"{item['msg']}, got {shown(item['input'])}"
    return f"{place}: {words}" if place else words


def _same(first: Any, second: Any) -> bool:
    """Equal, with true and 1, and 1 and 1.0, told apart."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(
            _same(first[key], second[key]) for key in first
        )
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_same, first, second))
    return type(first) is type(second) and bool(first == second)
