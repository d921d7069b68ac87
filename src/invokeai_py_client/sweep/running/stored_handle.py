"""A handle as the folder keeps it: the workflow's bytes, and its own values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client.exceptions import FieldProblem, FieldValidationError
from invokeai_py_client.sweep.planning.plain_values import (
    Keep,
    canonical_json,
    from_plain,
    to_plain,
)
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle


def plain_edits(handle: BaseWorkflowHandle, keep: Keep) -> str:
    """The handle's own values, those that are not the file's, as canonical JSON.

    Args:
        handle: The workflow.
        keep: Where the content of images goes that are not files.
    """
    edits: dict[str, dict[str, Any]] = {}
    for node_id, name in handle.edits():
        value = handle.get_node_field(node_id, name).value
        edits.setdefault(node_id, {})[name] = to_plain(value, keep)
    return canonical_json(edits)


def apply_edits(
    handle: BaseWorkflowHandle, text: str, folder: Optional[Path] = None
) -> None:
    """Give a handle the values that `plain_edits` wrote.

    Raises:
        FieldValidationError: It does not take them: the server has other node types.
    """
    problems: list[FieldProblem] = []
    for node_id, values in json.loads(text).items():
        for name, plain in values.items():
            try:
                handle.set_node_value(node_id, name, from_plain(plain, folder))
            except FieldValidationError as error:  # noqa: PERF203  all are told
                problems += error.problems
    if problems:
        raise FieldValidationError(problems)
