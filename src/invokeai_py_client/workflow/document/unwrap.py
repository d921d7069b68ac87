"""Find the workflow in a JSON document, or say what the document is instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.workflow.document.executed import (
    Executed,
    FieldKey,
    with_executed,
    workflow_of_graph,
)
from invokeai_py_client.workflow.document.json_data import parse_json
from invokeai_py_client.workflow.document.warnings import WorkflowWarning

# A library record inside a queue body is as deep as real documents go.
_MAX_WRAPPERS = 4
PNG_TEXTS = ("invokeai_workflow", "invokeai_graph", "invokeai_metadata")
"""What an image may carry, by the names that it has there."""
_EXPORT = "export the workflow from the GUI's workflow menu"


@dataclass
class Unwrapped:
    """A workflow, and how it was found.

    Attributes:
        is_graph: It was made of a graph: nodes have no versions, there is no form.
    """

    workflow: Mapping[str, Any] = field(default_factory=dict)
    warnings: list[WorkflowWarning] = field(default_factory=list)
    is_graph: bool = False


def unwrap(document: Any, source: str) -> Unwrapped:
    """The workflow in a document, with a warning for what was changed.

    Where the graph that ran is beside it, the workflow has the values of the graph. A
    graph alone becomes a workflow without a form.

    Raises:
        WorkflowFormatError: There is no workflow in it.
    """
    found = Unwrapped()
    ran: Optional[Executed] = None
    for _ in range(_MAX_WRAPPERS):
        document = _parsed(document, f"the workflow text in {source}")
        if not isinstance(document, Mapping):
            break
        if isinstance(document.get("nodes"), (list, tuple)):
            if isinstance(document.get("links"), list):
                break
            found.workflow = document
            if ran is not None:
                found.workflow, warnings = with_executed(document, ran)
                found.warnings += warnings
            return found
        ran = _executed(document, source, found) or ran
        inside = _inside(document, found)
        if inside is None:
            break
        document = inside
    if ran is not None and ran.nodes:
        for node_id, node in ran.nodes.items():
            if not isinstance(node.get("type"), str):
                what = f"a graph whose node {node_id!r} has no type"
                raise WorkflowFormatError(f"{source} holds {what}")
        found.workflow, warnings = workflow_of_graph(ran)
        found.warnings += warnings
        found.is_graph = True
        return found
    raise WorkflowFormatError(
        f"{source} holds no workflow: {_what_it_is(document)}", hint=_EXPORT
    )


def _parsed(value: Any, what: str) -> Any:
    return parse_json(value, what) if isinstance(value, str) else value


def _inside(document: Mapping[str, Any], found: Unwrapped) -> Any:
    """What a document wraps; None when it wraps nothing."""
    if document.get("invokeai_workflow") is not None:
        return document["invokeai_workflow"]
    if document.get("workflow") is not None:
        is_job = "session" in document
        what = "a job" if is_job else "a record of the workflow library"
        found.warnings.append(_wrapped(what))
        return document["workflow"]
    if isinstance(document.get("batch"), Mapping):
        found.warnings.append(_wrapped("a request to the queue"))
        return document["batch"]
    return None


def _wrapped(what: str) -> WorkflowWarning:
    return WorkflowWarning(f"the workflow was taken out of {what}", "wrapped")


def _executed(
    document: Mapping[str, Any], source: str, found: Unwrapped
) -> Optional[Executed]:
    """The graph in a document: of an image, a request, a session or a job."""
    session = _parsed(document.get("session"), f"the session in {source}")
    holder = session if isinstance(session, Mapping) else document
    graph = holder.get("graph", holder.get("invokeai_graph"))
    if graph is None and isinstance(holder.get("nodes"), Mapping):
        graph = holder
    metadata = document.get("invokeai_metadata", document.get("metadata"))
    try:
        graph = _parsed(graph, f"the graph in {source}")
        metadata = _parsed(metadata, f"the metadata in {source}")
    except WorkflowFormatError as error:
        # The workflow beside them may be sound.
        found.warnings.append(WorkflowWarning(str(error), "graph"))
        return None
    if not isinstance(graph, Mapping):
        return None
    columns = document.get("data")
    if isinstance(columns, list) and columns:
        text = "the batch values of the request are not part of the workflow"
        found.warnings.append(WorkflowWarning(text, "batch_data"))
    is_known = isinstance(metadata, Mapping)
    return Executed(graph, metadata if is_known else {}, _outputs(holder))


def _outputs(session: Mapping[str, Any]) -> dict[FieldKey, Any]:
    """What the nodes of a session returned that ran once."""
    results, sources = session.get("results"), session.get("source_prepared_mapping")
    found: dict[FieldKey, Any] = {}
    if not isinstance(results, Mapping) or not isinstance(sources, Mapping):
        return found
    for node_id, prepared in sources.items():
        if isinstance(prepared, list) and len(prepared) == 1:
            result = results.get(prepared[0])
            for name, value in result.items() if isinstance(result, Mapping) else ():
                found[node_id, name] = value
    return found


def _what_it_is(document: Any) -> str:
    if not isinstance(document, Mapping):
        return "it is not a JSON object"
    if isinstance(document.get("nodes"), Mapping):
        return "it is a graph in the API's form, without a node"
    if isinstance(document.get("graph"), Mapping):
        return "it is a queue body with a graph, but without a node"
    if isinstance(document.get("nodes"), list):
        return "it is a workflow of ComfyUI"
    parts = list(document.values())
    if parts and all(
        isinstance(part, Mapping) and "class_type" in part for part in parts
    ):
        return "it is a prompt of ComfyUI"
    if {"positive_prompt", "generation_mode", "app_version"} & document.keys():
        return "it is the metadata of an image, which does not say how it was made"
    keys = ", ".join(map(repr, list(document)[:5]))
    if len(parts) > 1 and not any(isinstance(part, (list, Mapping)) for part in parts):
        return f"it looks like a settings file, with {keys}"
    return 'it has no list of "nodes"'
