"""Find the workflow in a JSON document, or say what the document is instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.workflow.json_data import parse_json
from invokeai_py_client.workflow.loaded import WorkflowWarning

__all__ = ["unwrap"]

# A library record inside a queue body is as deep as real documents go.
_MAX_WRAPPERS = 4


def unwrap(
    document: Any, source: str
) -> tuple[Mapping[str, Any], list[WorkflowWarning]]:
    """Take off what wraps a workflow.

    Returns:
        The workflow's JSON object, and a warning for each wrapper.

    Raises:
        WorkflowFormatError: There is no workflow in it.
    """
    warnings: list[WorkflowWarning] = []
    for _ in range(_MAX_WRAPPERS):
        if isinstance(document, str):
            document = parse_json(document, f"the workflow text in {source}")
        if not isinstance(document, Mapping):
            break
        if isinstance(document.get("nodes"), (list, tuple)):
            return document, warnings
        if document.get("workflow") is not None:
            warnings.append(_wrapped("a record of the workflow library"))
            document = document["workflow"]
        elif isinstance(document.get("batch"), Mapping):
            warnings.append(_wrapped("a request to the queue"))
            document = document["batch"]
        else:
            break
    raise WorkflowFormatError(
        f"{source} holds no workflow: {_what_it_is(document)}",
        hint="export the workflow from the GUI's workflow menu",
    )


def _wrapped(what: str) -> WorkflowWarning:
    return WorkflowWarning(f"the workflow was taken out of {what}", "wrapped")


def _what_it_is(document: Any) -> str:
    if not isinstance(document, Mapping):
        return "it is no JSON object"
    if isinstance(document.get("nodes"), Mapping):
        return "it is a graph in the API's form, without the workflow it came from"
    if isinstance(document.get("graph"), Mapping):
        return "it is a queue body with a graph, but without its workflow"
    parts = list(document.values())
    if parts and all(
        isinstance(part, Mapping) and "class_type" in part for part in parts
    ):
        return "it is a prompt of ComfyUI"
    return 'it has no list of "nodes"'
