"""Values that a caller gives: the fields they are for, which take or refuse them."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any

from invokeai_py_client.exceptions import FieldProblem, FieldValidationError
from invokeai_py_client.ivk_fields.base import IvkField
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey, LoadedWorkflow
from invokeai_py_client.workflow.inputs.input_problems import (
    at_input,
    given_twice,
    none_problem,
)
from invokeai_py_client.workflow.inputs.node_fields import setting_problem, wire_value
from invokeai_py_client.workflow.inputs.workflow_input import Inputs


def given_cells(row: Mapping[Any, Any]) -> dict[Any, Any]:
    """The values of a table's row without its empty cells, which are NaN there."""
    return {key: value for key, value in row.items() if not _is_empty(value)}


def _is_empty(value: Any) -> bool:
    is_nan = isinstance(value, numbers.Real) and value != value
    return is_nan or type(value).__name__ in ("NAType", "NaTType")


def changed_fields(
    loaded: LoadedWorkflow, inputs: Inputs, given: Sequence[tuple[Any, Any]]
) -> dict[FieldKey, IvkField[Any]]:
    """Copies of the fields that are given, with their new values.

    Args:
        loaded: The workflow.
        inputs: Its inputs, which stay as they are.
        given: Keys that mean inputs, each with a value.

    Raises:
        InputNotFoundError: A key means no input, or several.
        FieldValidationError: Values are refused; lists all of them.
    """
    items = inputs.find_all([key for key, _ in given])
    changed: dict[FieldKey, IvkField[Any]] = {}
    problems: list[FieldProblem] = []
    for item, (_, value) in zip(items, given):
        if item.target in changed:
            problems.append(given_twice(item, value))
            continue
        field = changed[item.target] = item.field.clone()
        problem = setting_problem(loaded, item.target) or none_problem(item, value)
        if problem is not None:
            problems.append(at_input(problem, item, value))
            continue
        try:
            field.value = value
            wire_value(field)
        except FieldValidationError as error:
            problems += [at_input(found, item) for found in error.problems]
    if problems:
        raise FieldValidationError(problems)
    return changed
