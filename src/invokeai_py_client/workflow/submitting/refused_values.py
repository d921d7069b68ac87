"""What the server refuses of a batch, told by the names that users know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, Optional

from invokeai_py_client.exceptions import (
    FieldProblem,
    FieldValidationError,
    UnprocessableEntityError,
)
from invokeai_py_client.exceptions.workflow import shown
from invokeai_py_client.workflow.submitting.prepare_flows import PreparedSubmission


def raise_refused(
    error: UnprocessableEntityError, prepared: PreparedSubmission
) -> NoReturn:
    """Raise the server's refusal by input, label and value; as it is without a node.

    Raises:
        FieldValidationError: It names a node of the graph.
        UnprocessableEntityError: It is about something else.
    """
    problems = list(_problems(error.detail, prepared))
    if problems:
        raise FieldValidationError(problems) from error
    raise error


def _problems(detail: Any, prepared: PreparedSubmission) -> Iterator[FieldProblem]:
    for item in detail if isinstance(detail, Sequence) else ():
        place = item.get("loc") if isinstance(item, Mapping) else None
        key = _field_of(place, prepared) if isinstance(place, Sequence) else None
        if key is None:
            continue
        node = prepared.compiled.graph["nodes"][key[0]]
        loaded = prepared.compiled.loaded.nodes.get(key[0])
        said = str(item.get("msg") or item.get("type")).replace("Value error, ", "")
        if "FileNotFoundError" in said:
            said = "there is no such file on the server's machine"
        problem = FieldProblem(
            f"the server refuses {_value(node, key[1])}: {said}",
            str(item.get("type") or "refused"),
            *key,
            value=node.get(key[1] or ""),
            node_label=loaded.title if loaded else None,
        )
        yield prepared.request.handle._at_input(problem)


def _value(node: Mapping[str, Any], field_name: Optional[str]) -> str:
    is_there = field_name is not None and field_name in node
    return shown(node[str(field_name)]) if is_there else "the node"


def _field_of(
    place: Sequence[Any], prepared: PreparedSubmission
) -> Optional[tuple[str, Optional[str]]]:
    """(node id, field) of ``body.batch.graph.nodes.<id>.<type>.<field>``."""
    nodes = prepared.compiled.graph["nodes"]
    if "nodes" not in place:
        return None
    rest = list(place[list(place).index("nodes") + 1 :])
    node_id = rest.pop(0) if rest else None
    if not isinstance(node_id, str) or node_id not in nodes:
        return None
    known = {*nodes[node_id], *_inputs(prepared, node_id)}
    return node_id, next((item for item in rest if item in known), None)


def _inputs(prepared: PreparedSubmission, node_id: str) -> Mapping[str, Any]:
    node = prepared.compiled.loaded.nodes.get(node_id)
    return node.template.inputs if node and node.template else {}
