"""Moving image files to other subfolders; there is nothing to move here."""

from __future__ import annotations

from typing import Any

from .wire import ApiError, Call, json_reply, route

_M = "/api/v1/image_moves"


def _status(operation: Any = None) -> dict[str, Any]:
    return {
        "is_running": operation is not None,
        "operation": operation,
        "active_job_id": None,
        "latest_job": None,
        "last_error": None,
        "needs_move_count": 0,
    }


@route("GET", f"{_M}/status", "admin")
def _get(_call: Call) -> Any:
    return _status()


@route("POST", f"{_M}/start", "admin")
def _start(call: Call) -> Any:
    status = call.simulation.queue.queue_status("default", call.user.user_id)
    if status["pending"] or status["in_progress"]:
        raise ApiError(409, "Cannot start image move while queue work is active")
    return json_reply(_status("move_all"), 202)


@route("POST", f"{_M}/recover", "admin")
def _recover(_call: Call) -> Any:
    return json_reply(_status("recovery"), 202)
