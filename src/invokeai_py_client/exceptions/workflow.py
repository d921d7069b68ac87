"""Errors of a workflow and its values, and what is wrong with one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Optional

from invokeai_py_client.exceptions.base import InvokeAIError, short_repr


class WorkflowError(InvokeAIError):
    """Something is wrong with a workflow or with the values given to it."""


class WorkflowFormatError(WorkflowError):
    """The file, image or string holds no workflow that can be read.

    Attributes:
        where: Path inside the document, such as ``"nodes[3].data.inputs"``.
    """

    def __init__(
        self,
        message: str,
        *,
        where: Optional[str] = None,
        hint: Optional[str] = None,
    ) -> None:
        self.where = where
        super().__init__(f"{where}: {message}" if where else message, hint=hint)


class WorkflowNotFoundError(WorkflowError):
    """The server's library has no workflow of that name or id, or several.

    Attributes:
        candidates: Names that come near, or the ids of the several that match.
    """

    def __init__(
        self,
        message: str,
        *,
        candidates: Sequence[str] = (),
        hint: Optional[str] = None,
    ) -> None:
        self.candidates: tuple[str, ...] = tuple(candidates)
        super().__init__(message, hint=hint)


class InputNotFoundError(WorkflowError, KeyError):
    """No input has that name, label, index or (node, field), or several do.

    Attributes:
        key: What was asked for.
        candidates: Names that come near, or the several that match.
    """

    def __init__(
        self,
        message: str,
        *,
        key: Any,
        candidates: Sequence[str] = (),
        hint: Optional[str] = None,
    ) -> None:
        self.key = key
        self.candidates: tuple[str, ...] = tuple(candidates)
        super().__init__(message, hint=hint)

    # KeyError would print the repr of its first argument.
    __str__ = InvokeAIError.__str__


class LockedInputError(InputNotFoundError):
    """A lock knows the input, but it is gone, has another type or is not certain.

    Nothing was set. Mend the workflow, or accept the change with
    ``ivk workflow check --fix`` and change the script.

    Attributes:
        key: What was asked for.
        kind: ``"missing"`` or ``"retyped"``.
    """

    def __init__(
        self, message: str, *, key: Any, kind: str, hint: Optional[str] = None
    ) -> None:
        super().__init__(message, key=key, hint=hint)
        self.kind = kind


class OutputNotFoundError(InputNotFoundError):
    """A result has no output of that node, or several nodes have that name.

    Attributes:
        key: What was asked for.
        candidates: The names of the nodes that have outputs.
    """


@dataclass(frozen=True)
class FieldProblem:
    """One value that would be refused: where it is, what it is, what is allowed.

    Attributes:
        what: What is wrong, such as ``"must be at most 10, got 11"``; when empty, the
            message says what the value is and what is allowed.
        kind: Stable identifier such as ``"maximum"`` or ``"missing_input"``.
        node_id: The node of the field; None for problems of the whole graph.
        field_name: The field; None for problems of a node or graph.
        input_index: Index in the form; None when the form does not show it.
        value: The refused value.
        allowed: A description of what would be allowed; None when unknown.
        input_name: The name of the input, or its label; None when not known.
        node_label: What the GUI calls the node; None when not known.
        where: The place of a problem that is not in the value of one field, such as
            an edge or a batch.
    """

    what: str
    kind: str
    node_id: Optional[str] = None
    field_name: Optional[str] = None
    input_index: Optional[int] = None
    value: Any = None
    allowed: Optional[str] = None
    input_name: Optional[str] = None
    node_label: Optional[str] = None
    where: Optional[str] = None

    def __str__(self) -> str:
        return self.message

    @property
    def message(self) -> str:
        """One line: the place, what is wrong there, and what would be allowed."""
        what = self.what or f"got {shown(self.value)}; allowed: {self.allowed}"
        place = self.place
        return f"{place}: {what}" if place else what

    @property
    def place(self) -> str:
        """Such as ``input 3 'steps' (Denoise.steps)``; empty for the whole graph."""
        place = self.where or self._field_place()
        if self.input_index is None:
            return place
        name = f" {self.input_name!r}" if self.input_name else ""
        return f"input {self.input_index}{name}" + (f" ({place})" if place else "")

    def _field_place(self) -> str:
        if self.node_label and self.field_name:
            place = f"{self.node_label}.{self.field_name}"
            # The index says which node it is when several have this label.
            return f"{place} ({self.node_id})" if self.input_index is None else place
        parts = [f"node {self.node_id}"] if self.node_id else []
        if self.field_name:
            parts.append(f"field {self.field_name}")
        return ", ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """The problem as JSON-ready data, for `--json` output and logs."""
        parts = {item.name: getattr(self, item.name) for item in fields(self)}
        del parts["what"], parts["where"]
        return {"message": self.message, **parts}


def shown(value: Any, width: int = 60) -> str:
    """A value in an error message, shortened."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        # Python writes no integer of thousands of digits, and no bottomless list.
        text = short_repr(value)
    return text if len(text) <= width else text[: width - 3] + "..."


class FieldValidationError(WorkflowError, ValueError):
    """A value, or several, would be refused; nothing was sent.

    Attributes:
        problems: Every problem found, at least one.
    """

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems: tuple[FieldProblem, ...] = tuple(problems)
        lines = [problem.message for problem in self.problems]
        head = lines[0] if len(lines) == 1 else f"{len(lines)} problems: "
        super().__init__(head if len(lines) == 1 else head + "; ".join(lines))
