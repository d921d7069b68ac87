# Generated from admin/client_state.py by scripts/generate_async.py; do not edit.
"""`AsyncClientStateRepository`: strings by key that the server keeps for a user."""

from __future__ import annotations

from typing import Optional

from invokeai_py_client._arguments import Name, checks_arguments
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.messages import RetryRule
from invokeai_py_client._core.send import call_model, get, post, request_json
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client.admin.client_state import STATE

# The server takes a queue's name here and ignores it: the state is the user's.


@set_module("invokeai_py_client.admin")
@checks_arguments
class AsyncClientStateRepository(Repository[AsyncRunner]):
    """A small store of strings, one per user; on a server for a single user, one.

    The GUI keeps its own state here (its keys are those of its parts, such as
    ``params``), so start your keys with the name of your program. Needs InvokeAI 6.3.
    """

    async def find_value(self, key: Name) -> Optional[str]:
        """Read the string under a key; None when there is none."""
        request = get(f"{STATE}/get_by_key", params={"key": key})
        flow: Flow[Optional[str]]
        flow = call_model(Optional[str], request)  # type: ignore[arg-type]
        return await self._runner.run(flow)

    async def set_value(self, key: Name, value: str) -> None:
        """Put a string under a key, in place of what was there.

        Raises:
            ArgumentError: `value` is not a string; make one with `json.dumps`.
        """
        request = post(
            f"{STATE}/set_by_key",
            params={"key": key},
            json=value,
            retry=RetryRule.SAFE,
        )
        await self._runner.run(request_json(request))

    async def list_keys(self, prefix: str = "") -> list[str]:
        """List the keys that begin with `prefix`. Needs InvokeAI 6.13."""
        request = get(f"{STATE}/get_keys_by_prefix", params={"prefix": prefix})
        return await self._runner.run(call_model(list[str], request))

    async def delete_value(self, key: Name) -> None:
        """Remove a key, if it is there. Needs InvokeAI 6.13."""
        request = post(
            f"{STATE}/delete_by_key",
            params={"key": key},
            # The schema says 204, without content; 6.14 answers 200.
            identity=True,
            retry=RetryRule.SAFE,
        )
        await self._runner.run(request_json(request))

    async def clear_values(self) -> None:
        """Remove every key, also those of the GUI: it starts anew afterwards."""
        request = post(f"{STATE}/delete", identity=True, retry=RetryRule.SAFE)
        await self._runner.run(request_json(request))
