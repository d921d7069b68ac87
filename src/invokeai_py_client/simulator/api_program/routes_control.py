"""The simulator's own remote control, for tests that run it in another process.

`POST /__simulator__/faults` takes `{"request": {…}}`, `{"event": {…}}`,
`{"node": {…}}` or `{"full_disk": n}` with the fields of `faults.py`; `DELETE` disarms.
"""

from __future__ import annotations

from typing import Any, Optional, get_args

from ..base.errors import ApiError
from ..base.faults import EventFault, EventKind, RequestFault, RequestKind
from ..http.wire import ApiRequest, route

_S = "/__simulator__"


@route("GET", f"{_S}/status", "public")
def _status(request: ApiRequest) -> Any:
    settings = request.simulation.settings
    return {
        "version": request.simulation.schemas.version,
        "multiuser": settings.multiuser,
        "poison": settings.poison,
        "root": None if settings.root is None else str(settings.root),
    }


def _check_kind(fault: dict[str, Any], kinds: Any) -> None:
    if fault.get("kind") not in get_args(kinds):
        allowed = ", ".join(get_args(kinds))
        raise ApiError(422, f"kind is {fault.get('kind')!r}, not one of {allowed}")


@route("POST", f"{_S}/faults", "public")
def _arm(request: ApiRequest) -> Any:
    body = request.embedded(
        request=(Optional[dict[str, Any]], None),
        event=(Optional[dict[str, Any]], None),
        node=(Optional[dict[str, Any]], None),
        full_disk=(int, 0),
    )
    faults = request.simulation.faults
    if body["request"] is not None:
        _check_kind(body["request"], RequestKind)
        faults.add_request(RequestFault(**body["request"]))
    if body["event"] is not None:
        _check_kind(body["event"], EventKind)
        faults.add_event(EventFault(**body["event"]))
    if body["node"] is not None:
        faults.fail_next(**body["node"])
    faults.fill_disk(body["full_disk"])


@route("DELETE", f"{_S}/faults", "public")
def _disarm(request: ApiRequest) -> Any:
    request.simulation.faults.clear()


@route("POST", f"{_S}/delays", "public")
def _delays(request: ApiRequest) -> Any:
    body = request.embedded(
        job_delay=(Optional[float], None),
        step_delay=(Optional[float], None),
        node_delays=(Optional[dict[str, float]], None),
    )
    for name, value in body.items():
        if value is not None:
            setattr(request.simulation.settings, name, value)
