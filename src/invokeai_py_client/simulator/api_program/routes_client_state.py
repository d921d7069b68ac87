"""The web interface's state, in memory; the queue in the path is ignored."""

from __future__ import annotations

from typing import Any

from ..http.wire import ApiRequest, route

_S = "/api/v1/client_state/{queue_id}"


def _state(request: ApiRequest) -> dict[str, str]:
    return request.simulation.client_state[request.user.user_id]


@route("POST", f"{_S}/set_by_key")
def _set(request: ApiRequest) -> Any:
    key, value = request.argument("key", str), request.read(str)
    _state(request).pop(key, None)
    _state(request)[key] = value
    return value


@route("GET", f"{_S}/get_by_key")
def _get(request: ApiRequest) -> Any:
    return _state(request).get(request.argument("key", str))


@route("GET", f"{_S}/get_keys_by_prefix")
def _keys(request: ApiRequest) -> Any:
    # The last changed first; prefixes are not case-sensitive.
    prefix = request.argument("prefix", str).lower()
    return [key for key in reversed(_state(request)) if key.lower().startswith(prefix)]


@route("POST", f"{_S}/delete_by_key")
def _delete_one(request: ApiRequest) -> Any:
    _state(request).pop(request.argument("key", str), None)


@route("POST", f"{_S}/delete")
def _delete_all(request: ApiRequest) -> Any:
    _state(request).clear()
