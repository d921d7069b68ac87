"""Saved workflows called from other workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .simulation import Simulation


class WorkflowCalls:
    """What `call_saved_workflow` nodes need of the library and the queue."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def compatibility(self, workflow_id: str) -> dict[str, Any]:
        """Whether a saved workflow can be called, and why not."""
        workflow = self._simulation.workflows.record(workflow_id)["workflow"]
        returns = sum(
            node.get("data", {}).get("type") == "workflow_return"
            for node in workflow["nodes"]
            if node.get("type") == "invocation"
        )
        if returns == 1:
            return {"is_callable": True, "reason": "ok", "message": None}
        if returns > 1:
            return {
                "is_callable": False,
                "reason": "multiple_workflow_return",
                "message": "The workflow contains more than one workflow_return node.",
            }
        return {
            "is_callable": False,
            "reason": "missing_workflow_return",
            "message": "The workflow does not contain a workflow_return node.",
        }
