"""Moving image files to the subfolders that the settings ask for."""

from __future__ import annotations

from typing import Any

from .wire import ApiError, Call, json_reply, route

_M = "/api/v1/image_moves"


@route("GET", f"{_M}/status", "admin")
def _get(call: Call) -> Any:
    return call.simulation.image_moves.status()


@route("POST", f"{_M}/start", "admin")
def _start(call: Call) -> Any:
    counts = call.simulation.queue.queue_status("default", call.user.user_id)
    if counts["pending"] or counts["in_progress"]:
        raise ApiError(409, "Cannot start image move while queue work is active")
    status = call.simulation.image_moves.status("move_all")
    call.simulation.image_moves.move_all()
    return json_reply(status, 202)


@route("POST", f"{_M}/recover", "admin")
def _recover(call: Call) -> Any:
    return json_reply(call.simulation.image_moves.status("recovery"), 202)
