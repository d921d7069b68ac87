"""Problems as the user of a handle sees them: told by the input, not by the node."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.ivk_fields.references import Reference, find_references
from invokeai_py_client.workflow.compiled import CompiledWorkflow
from invokeai_py_client.workflow.inputs import WorkflowInput
from invokeai_py_client.workflow.loaded import FieldKey

__all__ = [
    "at_input",
    "batch_targets",
    "given_twice",
    "unresolved_problems",
    "with_name",
]


def at_input(
    problem: FieldProblem, item: WorkflowInput, value: Any = None
) -> FieldProblem:
    """The problem with the input's index and name, which messages start with."""
    place = f"input {item.input_index} {item.name!r}"
    message = problem.message
    if not message.startswith(f"input {item.input_index}"):
        message = f"{place}: {message}"
    else:
        rest = message.partition(": ")[2]
        message = f"{place} ({item.node_name}.{item.field_name}): {rest}"
    return replace(
        problem,
        message=message,
        node_id=item.node_id,
        field_name=item.field_name,
        input_index=item.input_index,
        value=problem.value if value is None else value,
    )


def with_name(problem: FieldProblem, name_at: Callable[[int], str]) -> FieldProblem:
    """The problem of an input, told by its name also where only its index was known."""
    index = problem.input_index
    lead = f"input {index}: "
    if index is None or not problem.message.startswith(lead):
        return problem
    rest = problem.message[len(lead) :]
    return replace(problem, message=f"input {index} {name_at(index)!r}: {rest}")


def given_twice(item: WorkflowInput, value: Any) -> FieldProblem:
    """The problem of a field that was given under two of its names."""
    problem = FieldProblem("a value was given twice", "duplicate")
    return at_input(problem, item, value)


def _words(reference: Reference) -> str:
    """What people wrote: a name, or where a picture is."""
    written = getattr(reference, "text", None) or getattr(reference, "source", "")
    return f"<{len(written)} bytes>" if isinstance(written, bytes) else str(written)


def unresolved_problems(edits: Mapping[FieldKey, Any]) -> dict[FieldKey, FieldProblem]:
    """Values that only a server can turn into what is sent."""
    found = {}
    for key, value in edits.items():
        words = [_words(reference) for reference in find_references(value)]
        if words:
            message = f"{key[0]}.{key[1]} has to be looked up on a server first: "
            found[key] = FieldProblem(
                message + ", ".join(words), "unresolved", *key, value=words
            )
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
