"""Which methods of the client send which operation: read off the recorded calls."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from contract.api_schema import api_schema
from contract.calls import all_calls, perform

MOST_REASONS = 5
REASONS: Mapping[str, str] = {
    "POST /api/v1/images/": "not routed: the server answers 501",
    "GET /api/v2/models/install/huggingface": "browser-only: a link that answers with "
    "a web page; `client.model_repo.install_model` installs repositories",
    "POST /api/v1/auth/media-cookie": "browser-only: sets a cookie for image tags",
}
"""Why an operation has no method: deprecated with a successor, browser-only, or not
routed. At most `MOST_REASONS`."""


@cache
def methods_by_operation() -> Mapping[str, tuple[str, ...]]:
    """The methods that send each operation, those that send least else first."""
    sent: dict[str, set[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for call in all_calls():
            if call.method == "request":
                # It sends anything, so it is no operation's method.
                continue
            recorder = perform(call, api_schema(), Path(folder))
            sent.setdefault(call.method, set()).update(recorder.operations)
    found: dict[str, list[tuple[int, str]]] = {}
    for method, operations in sent.items():
        for operation in operations:
            found.setdefault(operation, []).append((len(operations), method))
    return {
        operation: tuple(method for _, method in sorted(methods))
        for operation, methods in found.items()
        if operation in api_schema().operations
    }


def unmapped() -> list[str]:
    """Operations that no recorded call sent."""
    return sorted(set(api_schema().operations) - set(methods_by_operation()))
