"""Packs of custom nodes, as flows.

The server answers failures with status 200 and ``success: false``.
"""

from __future__ import annotations

from typing import Any

from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.send import call, call_model, delete, get, post, route
from invokeai_py_client.exceptions import NodePackError
from invokeai_py_client.node_pack.models import InstalledNodePack, NodePacks

PACKS = "/api/v2/custom_nodes/"

# The server clones a git repository before it answers.
INSTALL_TIMEOUT = 900.0


def list_packs() -> Flow[NodePacks]:
    """The installed packs."""
    return (yield from call_model(NodePacks, get(PACKS)))


def install_pack(source: str) -> Flow[InstalledNodePack]:
    """Clone a pack and load its nodes."""
    request = post(
        "/api/v2/custom_nodes/install",
        json={"source": source},
        timeout=INSTALL_TIMEOUT,
    )
    data = parse(dict[str, Any], (yield from call(request)))
    _require_success(data, f"the node pack {source!r} was not installed")
    return parse(InstalledNodePack, data)


def uninstall_pack(name: str) -> Flow[None]:
    """Delete a pack's folder and unload its nodes."""
    data = yield from call(delete(route(PACKS + "{}", name)))
    if data is not None:
        problem = f"the node pack {name!r} was not removed"
        _require_success(parse(dict[str, Any], data), problem)


def reload_packs() -> Flow[str]:
    """Load packs that somebody put into the server's folder."""
    request = post("/api/v2/custom_nodes/reload", timeout=INSTALL_TIMEOUT)
    data = yield from call_model(dict[str, str], request)
    return data.get("status", "")


def _require_success(data: dict[str, Any], problem: str) -> None:
    if data.get("success") is not True:
        raise NodePackError(f"{problem}: {data.get('message') or 'no reason given'}")
