"""What the server says about packs of custom nodes: frozen snapshots."""

from __future__ import annotations

from typing import Optional

from pydantic import Field

from invokeai_py_client._snapshot import Snapshot

__all__ = ["InstalledNodePack", "NodePack", "NodePacks"]


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


class NodePacks(Snapshot):
    """The installed packs, and the folder of the server's machine they are in."""

    node_packs: list[NodePack] = Field(default_factory=list)
    custom_nodes_path: str = ""


class InstalledNodePack(Snapshot):
    """A pack that was just installed.

    Attributes:
        workflows_imported: Workflows of the pack that are now in the library.
        requires_dependencies: The pack lists Python packages that the server does
            not install: somebody has to, from `dependency_file`.
    """

    name: str
    message: str = ""
    workflows_imported: int = 0
    requires_dependencies: bool = False
    dependency_file: Optional[str] = None
