"""What runs the flows of a pool: the clients of its servers."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from invokeai_py_client._core.flow import Flow


class PoolRunner:
    """Runs flows by the first client; both kinds of clients do.

    Args:
        clients: All clients, of one kind.
        made: Those that the pool made, and closes.

    Attributes:
        is_async: They are clients for asyncio.
    """

    def __init__(self, clients: Sequence[Any], made: Sequence[Any]) -> None:
        self.runner = clients[0]._runner
        self.is_async = is_async_function(self.runner.run)
        self._made = made

    def run(self, flow: Flow[Any]) -> Any:
        """As the client's runner: the result, or what is to be awaited for it."""
        return self.runner.run(flow)

    def close(self) -> Any:
        """Close the clients that the pool made."""
        if self.is_async:
            return self._close_all()
        for client in self._made:
            client.close()
        return None

    async def _close_all(self) -> None:
        for client in self._made:
            await client.close()


def is_async_function(fn: Any) -> bool:
    """Whether calling it gives something to be awaited."""
    call = getattr(fn, "__call__", None)  # noqa: B004  an object's own
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(call)
