"""`NodePackRepository`: packs of custom nodes."""

from __future__ import annotations

from typing import Union

from invokeai_py_client._io.runner import Runner
from invokeai_py_client.node_pack import flows
from invokeai_py_client.node_pack.models import (
    InstalledNodePack,
    NodePack,
    NodePacks,
)

__all__ = ["NodePackRepository"]


class NodePackRepository:
    """Packs of custom nodes (servers from 6.13 on); needs an administrator.

    After a change `workflow_repo.refresh_catalog()` makes the nodes known here.

    Args:
        runner: What runs the flows: the client's.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def list_node_packs(self) -> NodePacks:
        """List the installed packs and the types of their nodes.

        Raises:
            UnsupportedVersionError: The server is older than 6.13.
        """
        return self._runner.run(flows.list_packs())

    def install_node_pack(self, source: str) -> InstalledNodePack:
        """Install a pack. It runs with all the rights of the server: trust it first.

        Args:
            source: The address of a git repository, which the server clones.

        Returns:
            The pack; see `requires_dependencies` for what is left to do.

        Raises:
            NodePackError: It is installed already, or cannot be cloned or loaded.
            UnsupportedVersionError: The server is older than 6.13.
        """
        return self._runner.run(flows.install_pack(source))

    def uninstall_node_pack(self, pack: Union[str, NodePack]) -> None:
        """Delete a pack with its folder, and the workflows that came with it.

        Raises:
            NodePackError: There is no such pack, or it cannot be deleted.
            UnsupportedVersionError: The server is older than 6.13.
        """
        return self._runner.run(
            flows.uninstall_pack(pack if isinstance(pack, str) else pack.name)
        )

    def reload_node_packs(self) -> str:
        """Load packs that were put into the server's folder by hand.

        One that cannot be loaded is no error: `list_node_packs` shows it without
        node types, and the server's log says why.

        Returns:
            The server's words about it.

        Raises:
            UnsupportedVersionError: The server is older than 6.13.
        """
        return self._runner.run(flows.reload_packs())
