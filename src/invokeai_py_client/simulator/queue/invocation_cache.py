"""The server's cache of node outputs by inputs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Optional

from ..graphs.node_schema import Node, Output

_MAX_SIZE = 512  # as the server does without a setting


class InvocationCache:
    """Outputs by the node's inputs, least recently used first out.

    A hit returns the *same* output, image names included: no new image is made.
    """

    def __init__(self) -> None:
        self._outputs: OrderedDict[str, Output] = OrderedDict()
        self._lock = threading.Lock()
        self._enabled = True
        self._hits = 0
        self._misses = 0

    @staticmethod
    def key(node: Node) -> str:
        """What two runs of a node must share to share an output: all but the id."""
        return node.model_dump_json(exclude={"id"})

    def get(self, key: str) -> Optional[Output]:
        """The remembered output, counted as a hit or a miss."""
        with self._lock:
            if not self._enabled:
                return None
            output = self._outputs.get(key)
            if output is None:
                self._misses += 1
                return None
            self._hits += 1
            self._outputs.move_to_end(key)
            return output

    def save(self, key: str, output: Output) -> None:
        """Remember an output."""
        with self._lock:
            if not self._enabled or key in self._outputs:
                return
            while len(self._outputs) >= _MAX_SIZE:
                self._outputs.popitem(last=False)
            self._outputs[key] = output

    def forget_image(self, name: str) -> None:
        """Forget every output that names an image."""
        with self._lock:
            for key in [
                key
                for key, output in self._outputs.items()
                if name in output.model_dump_json()
            ]:
                del self._outputs[key]

    def set_enabled(self, enabled: bool) -> None:
        """Turn the cache on or off; its entries stay."""
        self._enabled = enabled

    def clear(self) -> None:
        """Forget everything, the counters too."""
        with self._lock:
            self._outputs.clear()
            self._hits = self._misses = 0

    def status(self) -> dict[str, Any]:
        """The reply of `GET invocation_cache/status`."""
        return {
            "size": len(self._outputs),
            "hits": self._hits,
            "misses": self._misses,
            "enabled": self._enabled,
            "max_size": _MAX_SIZE,
        }
