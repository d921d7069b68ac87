# Generated from prompts/recall.py by scripts/generate_async.py; do not edit.
"""`AsyncRecallRepository`: putting parameters into the GUI's generation panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Union

from invokeai_py_client._arguments import Name, checks_arguments
from invokeai_py_client._core.send import call_model, get, route
from invokeai_py_client._exports import set_module
from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client._objects.handle import Repository
from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.prompts.recall import (
    RECALL,
    RecallParameters,
    RecallResult,
    recall_parameters,
    send_parameters_flow,
)


@set_module("invokeai_py_client.prompts")
@checks_arguments
class AsyncRecallRepository(Repository[AsyncRunner]):
    """Hands parameters to the user's GUI, as its own "recall" does; from 6.12 on."""

    async def send_parameters(
        self,
        parameters: Union[RecallParameters, Mapping[str, Any]],
        *,
        strict: bool = False,
        append: bool = False,
        queue_id: Name = "default",
    ) -> RecallResult:
        """Put parameters into the GUI; windows that are open take them at once.

        The server leaves out silently what it cannot find; `unresolved` of the
        result lists it.

        Args:
            parameters: What to set; models by their names.
            strict: Reset all others to their defaults.
            append: Add reference images to those in the GUI instead of replacing
                them.
            queue_id: The queue that the GUI shows.

        Raises:
            ArgumentError: A parameter is unknown or out of range, or both `strict` and
                `append` are wanted.
            PermissionDeniedError: An image belongs to another user.
        """
        if strict and append:
            raise ArgumentError("append", append, "False together with strict=True")
        wanted = recall_parameters(parameters)
        return await self._runner.run(
            send_parameters_flow(queue_id, wanted, strict=strict, append=append)
        )

    async def get_recall_status(self, *, queue_id: Name = "default") -> dict[str, Any]:
        """Ask whether parameters can be recalled.

        Servers up to 6.14 do not return what was sent; listen for the event
        ``recall_parameters_updated`` instead.
        """
        request = get(route(RECALL, queue_id))
        return await self._runner.run(call_model(dict[str, Any], request))
