"""Packs of custom nodes."""

from __future__ import annotations

from invokeai_py_client.node_pack.async_node_pack_repo import AsyncNodePackRepository
from invokeai_py_client.node_pack.models import InstalledNodePack, NodePack, NodePacks
from invokeai_py_client.node_pack.node_pack_repo import NodePackRepository

__all__ = [
    "AsyncNodePackRepository",
    "InstalledNodePack",
    "NodePack",
    "NodePackRepository",
    "NodePacks",
]
