"""The web interface's state; the queue in the path means nothing."""

from __future__ import annotations

from typing import Any

from .client_state import ClientState
from .wire import Call, route

_S = "/api/v1/client_state/{queue_id}"


def _state(call: Call) -> ClientState:
    return call.simulation.client_state


@route("POST", f"{_S}/set_by_key")
def _set(call: Call) -> Any:
    key, value = call.argument("key", str), call.read(str)
    _state(call).set(call.user.user_id, key, value)
    return value


@route("GET", f"{_S}/get_by_key")
def _get(call: Call) -> Any:
    return _state(call).find(call.user.user_id, call.argument("key", str))


@route("GET", f"{_S}/get_keys_by_prefix")
def _keys(call: Call) -> Any:
    return _state(call).keys(call.user.user_id, call.argument("prefix", str))


@route("POST", f"{_S}/delete_by_key")
def _delete_one(call: Call) -> Any:
    _state(call).delete(call.user.user_id, call.argument("key", str))
    return None


@route("POST", f"{_S}/delete")
def _delete_all(call: Call) -> Any:
    _state(call).delete(call.user.user_id)
    return None
