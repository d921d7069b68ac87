"""Every node implementation, registered by being imported here."""

from __future__ import annotations

from . import nodes_image, nodes_values, nodes_video

__all__ = ["nodes_image", "nodes_values", "nodes_video"]
