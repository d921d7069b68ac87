"""Every node implementation, registered by being imported here."""

from __future__ import annotations

from . import nodes_color, nodes_image, nodes_values, nodes_video

__all__ = ["nodes_color", "nodes_image", "nodes_values", "nodes_video"]
