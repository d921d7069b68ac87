"""Custom node packs; a failure is told in the answer, with status 200."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from .wire import Call, route

_C = "/api/v2/custom_nodes"


class _Source(BaseModel):
    source: str


@route("GET", f"{_C}/", "admin")
def _list(call: Call) -> Any:
    packs = call.simulation.node_packs
    return {"node_packs": packs.in_folder(), "custom_nodes_path": str(packs.folder)}


@route("POST", f"{_C}/install", "admin")
def _install(call: Call) -> Any:
    wanted = call.read(_Source)
    return call.simulation.node_packs.install(wanted.source, call.user.user_id)


@route("DELETE", f"{_C}/{{name}}", "admin")
def _uninstall(call: Call) -> Any:
    return call.simulation.node_packs.uninstall(call.params["name"])


@route("POST", f"{_C}/reload", "admin")
def _reload(call: Call) -> Any:
    call.simulation.node_packs.reload()
    return {"status": "Custom nodes reloaded successfully."}
