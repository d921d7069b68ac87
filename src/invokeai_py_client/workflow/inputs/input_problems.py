"""Problems as the user of a handle sees them: named by the input, not by the node."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Optional

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.exceptions.workflow import shown
from invokeai_py_client.ivk_fields.references import Reference, find_references
from invokeai_py_client.nodes.template import UNSET
from invokeai_py_client.workflow.compiling.compiled_workflow import CompiledWorkflow
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey
from invokeai_py_client.workflow.inputs.workflow_input import WorkflowInput


def at_input(
    problem: FieldProblem, item: WorkflowInput, value: Any = None
) -> FieldProblem:
    """The problem at an input: its message starts with the input's index and name."""
    return replace(
        problem,
        node_id=item.node_id,
        field_name=item.field_name,
        input_index=item.input_index,
        input_name=item.name,
        node_label=item.node_name,
        value=problem.value if value is None else value,
    )


def given_twice(item: WorkflowInput, value: Any, how: str = "") -> FieldProblem:
    """The problem of a field that was given under two of its names."""
    what = f"a value was given twice {how}".rstrip()
    return at_input(FieldProblem(what, "duplicate"), item, value)


def none_problem(item: WorkflowInput, value: Any) -> Optional[FieldProblem]:
    """Why None is refused for an input: the server would use its own default.

    For an input without a default, such as an optional image, None removes the value.
    """
    if value is not None or item.default is UNSET or item.default is None:
        return None
    what = (
        f"None is not a value, and the server would use {shown(item.default)}; leave "
        "the input out to keep the value it has"
    )
    return FieldProblem(what, "none")


def _written(reference: Reference) -> str:
    written = getattr(reference, "text", None) or getattr(reference, "source", "")
    return f"<{len(written)} bytes>" if isinstance(written, bytes) else str(written)


def unresolved_problems(edits: Mapping[FieldKey, Any]) -> dict[FieldKey, FieldProblem]:
    """Values that only a server can turn into what is sent."""
    found = {}
    for key, value in edits.items():
        words = [_written(reference) for reference in find_references(value)]
        if words:
            what = f"has to be looked up on a server first: {', '.join(words)}"
            found[key] = FieldProblem(what, "unresolved", *key, value=words)
    return found


def batch_targets(
    compiled: CompiledWorkflow, lists: Collection[FieldKey]
) -> set[FieldKey]:
    """Fields that get the values of these batch lists, which are not known yet."""
    return {
        target
        for batch in compiled.batches
        if (batch.node_id, batch.field_name) in lists
        for target in batch.targets
    }
