"""Parameters for the web interface: kept, resolved, and told to it by an event."""

from __future__ import annotations

import json
from typing import Any

from .images import ImageNotFoundError
from .recall import Parameters, Resolver
from .wire import ApiError, Call, route

_R = "/api/v1/recall/{queue_id}"


def _assert_readable(call: Call, name: str) -> None:
    # Images that do not exist are refused to users as those of others are.
    simulation = call.simulation
    try:
        row = simulation.images.record(name)
    except ImageNotFoundError:
        row = {"user_id": None, "board_id": None}
    own = row["user_id"] == call.user.user_id
    if not own and not simulation.boards.is_shown(row["board_id"]):
        raise ApiError(403, f"Not authorized to access image {name}")


@route("POST", _R)
def _send(call: Call) -> Any:
    flags = call.arguments(strict=(bool, False), append=(bool, False))
    given: Parameters = call.read(Parameters)
    if flags["strict"] and flags["append"]:
        raise ApiError(
            400, "The 'strict' and 'append' query parameters are mutually exclusive"
        )
    if not call.user.is_admin:
        for name in given.image_names():
            _assert_readable(call, name)
    provided = given.provided(strict=flags["strict"])
    if not provided:
        return {"status": "no_parameters_provided", "updated_count": 0}
    simulation, user_id = call.simulation, call.user.user_id
    for key, value in provided.items():
        simulation.client_state.set(user_id, f"recall_{key}", json.dumps(value))
    values = Resolver(simulation.models, simulation.images).resolved(provided, given)
    if flags["append"]:
        values["append"] = True
    queue_id = call.params["queue_id"]
    simulation.emit(
        "recall_parameters_updated",
        {"queue_id": queue_id, "user_id": user_id, "parameters": values},
    )
    return {
        "status": "success",
        "queue_id": queue_id,
        "updated_count": len(provided),
        "parameters": values,
    }


@route("GET", _R)
def _status(call: Call) -> Any:
    return {
        "status": "success",
        "queue_id": call.params["queue_id"],
        "note": "POST parameters here; the web interface reads them",
    }
