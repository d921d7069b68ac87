"""Putting parameters into the GUI, as flows."""

from __future__ import annotations

from typing import Any

from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.send import call_model, get, post, route
from invokeai_py_client.recall.models import RecallParameters, RecallResult, unresolved

RECALL = "/api/v1/recall/{}"


def send_parameters(
    queue_id: str, parameters: RecallParameters, *, strict: bool, append: bool
) -> Flow[RecallResult]:
    """Store the parameters and tell the GUIs that are open."""
    if strict and append:
        raise ValueError("strict= and append= exclude each other")
    body = parameters.model_dump(mode="json", exclude_none=True)
    request = post(
        route(RECALL, queue_id),
        params={"strict": str(strict).lower(), "append": str(append).lower()},
        json=body,
    )
    result = yield from call_model(RecallResult, request)
    missing = unresolved(body, result.parameters)
    return result.model_copy(update={"unresolved": missing})


def get_status(queue_id: str) -> Flow[dict[str, Any]]:
    """What the server says; it does not give the parameters back."""
    return (yield from call_model(dict[str, Any], get(route(RECALL, queue_id))))
