"""Errors of a workflow and its values, and what is wrong with one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Optional

from invokeai_py_client.exceptions.base import InvokeAIError

__all__ = [
    "FieldProblem",
    "FieldValidationError",
    "InputNotFoundError",
    "WorkflowError",
    "WorkflowFormatError",
    "WorkflowNotFoundError",
]


class WorkflowError(InvokeAIError):
    """Something is wrong with a workflow or with the values given to it."""


class WorkflowFormatError(WorkflowError):
    """The file, picture or text holds no workflow that can be read.

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
    """No input goes by that name, label, index or (node, field), or several do.

    Attributes:
        key: What was asked for.
        candidates: Names that come near, or the several that match.
    """

    def __init__(
        self, message: str, *, key: Any, candidates: Sequence[str] = ()
    ) -> None:
        self.key = key
        self.candidates: tuple[str, ...] = tuple(candidates)
        super().__init__(message)

    # KeyError would print the repr of its first argument.
    def __str__(self) -> str:
        return InvokeAIError.__str__(self)


@dataclass(frozen=True)
class FieldProblem:
    """One value that would be refused: where it is, what it is, what is allowed.

    Attributes:
        message: One line for people.
        node_id: The node of the field; None for problems of the whole graph.
        field_name: The field; None for problems of a node or graph.
        input_index: Index in the form; None when the form does not show it.
        value: The refused value.
        allowed: What would be allowed, in words; None when unknown.
        kind: Stable identifier such as ``"maximum"`` or ``"missing_input"``.
    """

    message: str
    kind: str
    node_id: Optional[str] = None
    field_name: Optional[str] = None
    input_index: Optional[int] = None
    value: Any = None
    allowed: Optional[str] = None

    def as_dict(self) -> dict[str, Any]:
        """The problem as JSON-ready data, for `--json` output and logs."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


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
