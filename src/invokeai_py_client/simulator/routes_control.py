"""The simulator's own remote control, for tests that run it in another process.

`POST /__simulator__/faults` takes `{"request": {…}}`, `{"event": {…}}`,
`{"node": {…}}` or `{"full_disk": n}` with the fields of `faults.py`; `DELETE` disarms.
"""

from __future__ import annotations

from typing import Any, Optional

from pydantic import TypeAdapter

from .faults import EventFault, RequestFault
from .wire import Call, route

_S = "/__simulator__"


@route("GET", f"{_S}/status", "public")
def _status(call: Call) -> Any:
    settings = call.simulation.settings
    return {
        "version": call.simulation.schemas.version,
        "multiuser": settings.multiuser,
        "poison": settings.poison,
        "root": None if settings.root is None else str(settings.root),
    }


@route("POST", f"{_S}/faults", "public")
def _arm(call: Call) -> Any:
    body = call.embedded(
        request=(Optional[dict[str, Any]], None),
        event=(Optional[dict[str, Any]], None),
        node=(Optional[dict[str, Any]], None),
        full_disk=(int, 0),
    )
    faults = call.simulation.faults
    if body["request"] is not None:
        fault = TypeAdapter(RequestFault).validate_python(body["request"])
        faults.add_request(fault)
    if body["event"] is not None:
        faults.add_event(TypeAdapter(EventFault).validate_python(body["event"]))
    if body["node"] is not None:
        faults.fail_next(**body["node"])
    faults.fill_disk(body["full_disk"])
    return None


@route("DELETE", f"{_S}/faults", "public")
def _disarm(call: Call) -> Any:
    call.simulation.faults.clear()
    return None


@route("POST", f"{_S}/delays", "public")
def _delays(call: Call) -> Any:
    body = call.embedded(
        job_delay=(Optional[float], None),
        step_delay=(Optional[float], None),
        node_delays=(Optional[dict[str, float]], None),
    )
    for name, value in body.items():
        if value is not None:
            setattr(call.simulation.settings, name, value)
    return None
