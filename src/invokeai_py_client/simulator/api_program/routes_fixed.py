"""Routes that no pipeline depends on: a fixed answer each, or 501.

`data/fixed-answers.json` holds what a fresh 6.14.2 answers. An operation without an
answer there is one that the simulator does not have.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..base.errors import ApiError
from ..http.wire import ApiRequest, route

_ANSWERS = Path(__file__).parents[1] / "data" / "fixed-answers.json"


def _register(operation: str, entry: dict[str, Any]) -> None:
    method, path = operation.split(" ", 1)

    @route(method, path, entry.get("access", "user"))
    def _answer(_request: ApiRequest) -> Any:
        if "answer" not in entry:
            raise ApiError(501, f"The simulator does not implement {operation}")
        return entry["answer"]


_entries = json.loads(_ANSWERS.read_text("utf-8"))
_config = _entries.pop("GET /api/v1/app/runtime_config")["answer"]
for _operation, _entry in _entries.items():
    _register(_operation, _entry)


@route("GET", "/api/v1/app/runtime_config", "admin")
def _runtime_config(request: ApiRequest) -> Any:
    # What was recorded ran on a processor; several devices are those of "auto".
    settings = request.simulation.settings
    found = {
        "device": "cpu" if settings.devices == 1 else "auto",
        "max_queue_size": settings.max_queue_size,
    }
    return {**_config, "config": {**_config["config"], **found}}


@route("GET", "/api/v1/app/generation_device_options")
def _devices(request: ApiRequest) -> Any:
    return request.simulation.devices
