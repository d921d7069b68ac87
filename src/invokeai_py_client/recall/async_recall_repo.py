# Generated from recall_repo.py by scripts/generate_async.py; do not edit.
"""`AsyncRecallRepository`: putting parameters into the GUI's generation panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Union

from invokeai_py_client._io.runner import AsyncRunner
from invokeai_py_client.recall import flows
from invokeai_py_client.recall.models import (
    RecallParameters,
    RecallResult,
    recall_parameters,
)

__all__ = ["AsyncRecallRepository"]


class AsyncRecallRepository:
    """Hands parameters to the user's GUI, as its own "recall" does; from 6.12 on.

    Args:
        runner: What runs the flows: the client's.
    """

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner

    async def send_parameters(
        self,
        parameters: Union[RecallParameters, Mapping[str, Any]],
        *,
        strict: bool = False,
        append: bool = False,
        queue_id: str = "default",
    ) -> RecallResult:
        """Put parameters into the GUI; windows that are open take them at once.

        The server leaves out silently what it cannot find; `unresolved` of the
        result tells.

        Args:
            parameters: What to set; models go by their names.
            strict: Reset all others to their defaults.
            append: Add reference images to those in the GUI instead of replacing
                them.
            queue_id: The queue that the GUI shows.

        Raises:
            ValueError: A parameter is unknown or out of range, or both `strict` and
                `append` are wanted.
            PermissionDeniedError: An image belongs to somebody else.
        """
        wanted = recall_parameters(parameters)
        return await self._runner.run(
            flows.send_parameters(queue_id, wanted, strict=strict, append=append)
        )

    async def get_status(self, *, queue_id: str = "default") -> dict[str, Any]:
        """Ask whether parameters can be recalled.

        Servers up to 6.14 do not give back what was sent; listen for the event
        ``recall_parameters_updated`` instead.
        """
        return await self._runner.run(flows.get_status(queue_id))
