"""Workflows: definition, inputs, compilation, submission and results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._lazy import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client.workflow.async_submission import AsyncSubmission
    from invokeai_py_client.workflow.async_workflow_handle import AsyncWorkflowHandle
    from invokeai_py_client.workflow.async_workflow_repo import AsyncWorkflowRepository
    from invokeai_py_client.workflow.definition import WorkflowDefinition
    from invokeai_py_client.workflow.inputs import WorkflowInput
    from invokeai_py_client.workflow.outputs import (
        WorkflowOutput,
        is_output_capable,
        register_output_type,
    )
    from invokeai_py_client.workflow.progress import RunProgress
    from invokeai_py_client.workflow.results import (
        JobResult,
        NodeOutput,
        OutputMapping,
        RunResult,
    )
    from invokeai_py_client.workflow.seeds import SeedSource
    from invokeai_py_client.workflow.submission import Submission
    from invokeai_py_client.workflow.workflow_handle import WorkflowHandle
    from invokeai_py_client.workflow.workflow_repo import WorkflowRepository
else:
    _HOMES = {
        "async_submission": ("AsyncSubmission",),
        "async_workflow_handle": ("AsyncWorkflowHandle",),
        "async_workflow_repo": ("AsyncWorkflowRepository",),
        "definition": ("WorkflowDefinition",),
        "inputs": ("WorkflowInput",),
        "outputs": ("WorkflowOutput", "is_output_capable", "register_output_type"),
        "progress": ("RunProgress",),
        "results": ("JobResult", "NodeOutput", "OutputMapping", "RunResult"),
        "seeds": ("SeedSource",),
        "submission": ("Submission",),
        "workflow_handle": ("WorkflowHandle",),
        "workflow_repo": ("WorkflowRepository",),
    }
    __getattr__, __dir__ = lazy_exports(__name__, _HOMES)

__all__ = [
    "AsyncSubmission",
    "AsyncWorkflowHandle",
    "AsyncWorkflowRepository",
    "JobResult",
    "NodeOutput",
    "OutputMapping",
    "RunProgress",
    "RunResult",
    "SeedSource",
    "Submission",
    "WorkflowDefinition",
    "WorkflowHandle",
    "WorkflowInput",
    "WorkflowOutput",
    "WorkflowRepository",
    "is_output_capable",
    "register_output_type",
]
