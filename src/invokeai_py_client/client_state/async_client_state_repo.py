# Generated from client_state_repo.py by scripts/generate_async.py; do not edit.
"""`AsyncClientStateRepository`: texts by key that the server keeps for a user."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client.client_state import flows

__all__ = ["AsyncClientStateRepository"]


class AsyncClientStateRepository:
    """A small store of texts, one per user; on a server for a single user, one.

    The GUI keeps its own state here (its keys are those of its parts, such as
    ``params``), so use keys that begin with a name of your own. Needs InvokeAI 6.3.

    Args:
        runner: What runs the flows: the client's.
    """

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner

    async def get_value(self, key: str) -> Optional[str]:
        """Read the text under a key; None when there is none."""
        return await self._runner.run(flows.get_value(key))

    async def set_value(self, key: str, value: str) -> None:
        """Put a text under a key, in place of what was there.

        Raises:
            TypeError: `value` is no text; make one with `json.dumps`.
        """
        return await self._runner.run(flows.set_value(key, value))

    async def list_keys(self, prefix: str = "") -> list[str]:
        """List the keys that begin with `prefix`. Needs InvokeAI 6.13."""
        return await self._runner.run(flows.list_keys(prefix))

    async def delete_value(self, key: str) -> None:
        """Remove a key, if it is there. Needs InvokeAI 6.13."""
        return await self._runner.run(flows.delete_value(key))

    async def clear(self) -> None:
        """Remove every key, also those of the GUI: it starts anew afterwards."""
        return await self._runner.run(flows.clear())
