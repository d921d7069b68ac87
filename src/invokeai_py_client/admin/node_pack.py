"""`NodePackRepository`: packs of custom nodes."""

from __future__ import annotations

from typing import Any, Optional, Union

from pydantic import Field

from invokeai_py_client._arguments import Name, checks_arguments
from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.send import (
    call_field,
    call_model,
    delete,
    get,
    post,
    request_json,
    route,
)
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import Runner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client._snapshot import Snapshot
from invokeai_py_client.exceptions import NodePackError


@set_module("invokeai_py_client.admin")
class NodePack(Snapshot):
    """A pack of custom nodes.

    Attributes:
        path: On the server's machine.
        node_types: The types that a graph can use.
    """

    name: str
    path: str = ""
    node_count: int = 0
    node_types: list[str] = Field(default_factory=list)


@set_module("invokeai_py_client.admin")
class NodePacks(Snapshot):
    """The installed packs, and the folder of the server's machine they are in."""

    node_packs: list[NodePack] = Field(default_factory=list)
    custom_nodes_path: str = ""


@set_module("invokeai_py_client.admin")
class InstalledNodePack(Snapshot):
    """A pack that was just installed.

    Attributes:
        workflows_imported: Workflows of the pack that are now in the library.
        requires_dependencies: The pack lists Python packages that the server does
            not install; install them from `dependency_file`.
    """

    name: str
    message: str = ""
    workflows_imported: int = 0
    requires_dependencies: bool = False
    dependency_file: Optional[str] = None


PACKS = "/api/v2/custom_nodes/"

# The server clones a git repository before it answers.
INSTALL_TIMEOUT = 900.0


def install_pack_flow(source: str) -> Flow[InstalledNodePack]:
    """Clone a pack and load its nodes."""
    request = post(
        "/api/v2/custom_nodes/install",
        json={"source": source},
        timeout=INSTALL_TIMEOUT,
    )
    data = yield from call_model(dict[str, Any], request)
    _require_success(data, f"the node pack {source!r} was not installed")
    return parse(InstalledNodePack, data)


def uninstall_pack_flow(name: str) -> Flow[None]:
    """Delete a pack's folder and unload its nodes."""
    data = yield from request_json(delete(route(PACKS + "{}", name)))
    if data is not None:
        problem = f"the node pack {name!r} was not removed"
        _require_success(parse(dict[str, Any], data), problem)


def _require_success(data: dict[str, Any], problem: str) -> None:
    if data.get("success") is not True:
        raise NodePackError(f"{problem}: {data.get('message') or 'no reason given'}")


@set_module("invokeai_py_client.admin")
@checks_arguments
class NodePackRepository(Repository[Runner]):
    """Packs of custom nodes; needs an administrator.

    Every method raises `UnsupportedVersionError` on a server before 6.13.

    After a change `workflow_repo.refresh_catalog()` makes the nodes known here.
    """

    def get_node_packs(self) -> NodePacks:
        """List the installed packs and the types of their nodes."""
        return self._runner.run(call_model(NodePacks, get(PACKS)))

    def install_node_pack(self, source: Name) -> InstalledNodePack:
        """Install a pack. It runs with all the rights of the server: trust it first.

        Args:
            source: The address of a git repository, which the server clones.

        Returns:
            The pack; see `requires_dependencies` for what is left to do.

        Raises:
            NodePackError: It is installed already, or cannot be cloned or loaded.
        """
        return self._runner.run(install_pack_flow(source))

    def uninstall_node_pack(self, pack: Union[Name, NodePack]) -> None:
        """Delete a pack with its folder, and the workflows that came with it.

        Raises:
            NodePackError: There is no such pack, or it cannot be deleted.
        """
        return self._runner.run(
            uninstall_pack_flow(pack if isinstance(pack, str) else pack.name)
        )

    def reload_node_packs(self) -> str:
        """Load packs that were put into the server's folder by hand.

        One that cannot be loaded is not an error: `get_node_packs` shows it without
        node types, and the server's log says why.

        Returns:
            The server's message.
        """
        request = post("/api/v2/custom_nodes/reload", timeout=INSTALL_TIMEOUT)
        return self._runner.run(call_field(str, request, "status"))
