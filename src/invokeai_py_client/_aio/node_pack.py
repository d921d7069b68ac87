# Generated from admin/node_pack.py by scripts/generate_async.py; do not edit.
"""`AsyncNodePackRepository`: packs of custom nodes."""

from __future__ import annotations

from typing import Union

from invokeai_py_client._arguments import Name, checks_arguments
from invokeai_py_client._core.send import (
    call_field,
    call_model,
    get,
    post,
)
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client.admin.node_pack import (
    INSTALL_TIMEOUT,
    PACKS,
    InstalledNodePack,
    NodePack,
    NodePacks,
    install_pack_flow,
    uninstall_pack_flow,
)

# The server clones a git repository before it answers.


@set_module("invokeai_py_client.admin")
@checks_arguments
class AsyncNodePackRepository(Repository[AsyncRunner]):
    """Packs of custom nodes; needs an administrator.

    Every method raises `UnsupportedVersionError` on a server before 6.13.

    After a change `workflow_repo.refresh_catalog()` makes the nodes known here.
    """

    async def get_node_packs(self) -> NodePacks:
        """List the installed packs and the types of their nodes."""
        return await self._runner.run(call_model(NodePacks, get(PACKS)))

    async def install_node_pack(self, source: Name) -> InstalledNodePack:
        """Install a pack. It runs with all the rights of the server: trust it first.

        Args:
            source: The address of a git repository, which the server clones.

        Returns:
            The pack; see `requires_dependencies` for what is left to do.

        Raises:
            NodePackError: It is installed already, or cannot be cloned or loaded.
        """
        return await self._runner.run(install_pack_flow(source))

    async def uninstall_node_pack(self, pack: Union[Name, NodePack]) -> None:
        """Delete a pack with its folder, and the workflows that came with it.

        Raises:
            NodePackError: There is no such pack, or it cannot be deleted.
        """
        return await self._runner.run(
            uninstall_pack_flow(pack if isinstance(pack, str) else pack.name)
        )

    async def reload_node_packs(self) -> str:
        """Load packs that were put into the server's folder by hand.

        One that cannot be loaded is not an error: `get_node_packs` shows it without
        node types, and the server's log says why.

        Returns:
            The server's message.
        """
        request = post("/api/v2/custom_nodes/reload", timeout=INSTALL_TIMEOUT)
        return await self._runner.run(call_field(str, request, "status"))
