"""Workflows: definition, inputs, compilation, submission and results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._exports import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client._aio.submission import AsyncSubmission as AsyncSubmission
    from invokeai_py_client._aio.workflow_handle import (
        AsyncWorkflowHandle as AsyncWorkflowHandle,
    )
    from invokeai_py_client._aio.workflow_repo import (
        AsyncWorkflowRepository as AsyncWorkflowRepository,
    )
    from invokeai_py_client.workflow.compiling.compiled_workflow import (
        CompiledWorkflow as CompiledWorkflow,
    )
    from invokeai_py_client.workflow.compiling.seeds import (
        SeedPlan as SeedPlan,
        SeedSource as SeedSource,
    )
    from invokeai_py_client.workflow.document.definition import (
        WorkflowDefinition as WorkflowDefinition,
    )
    from invokeai_py_client.workflow.document.warnings import (
        WorkflowWarning as WorkflowWarning,
    )
    from invokeai_py_client.workflow.inputs.call_values import Seeds as Seeds
    from invokeai_py_client.workflow.inputs.outputs import (
        WorkflowOutput as WorkflowOutput,
        is_output_capable as is_output_capable,
        register_output_type as register_output_type,
    )
    from invokeai_py_client.workflow.inputs.workflow_input import (
        Inputs as Inputs,
        WorkflowInput as WorkflowInput,
    )
    from invokeai_py_client.workflow.jobs.submission_record import (
        SubmittedJob as SubmittedJob,
    )
    from invokeai_py_client.workflow.library.library_flows import (
        WorkflowRecord as WorkflowRecord,
    )
    from invokeai_py_client.workflow.locking.match_inputs import (
        InputChange as InputChange,
    )
    from invokeai_py_client.workflow.locking.workflow_lock import (
        LockedInput as LockedInput,
        WorkflowLock as WorkflowLock,
    )
    from invokeai_py_client.workflow.results.run_result import (
        JobResult as JobResult,
        NodeOutput as NodeOutput,
        NodeOutputs as NodeOutputs,
        OutputMapping as OutputMapping,
        RunResult as RunResult,
    )
    from invokeai_py_client.workflow.submission import Submission as Submission
    from invokeai_py_client.workflow.waiting.progress import RunProgress as RunProgress
    from invokeai_py_client.workflow.waiting.wait_flows import (
        SubmissionStatus as SubmissionStatus,
    )
    from invokeai_py_client.workflow.workflow_handle import (
        WorkflowHandle as WorkflowHandle,
    )
    from invokeai_py_client.workflow.workflow_repo import (
        WorkflowRepo as WorkflowRepo,
        WorkflowRepository as WorkflowRepository,
    )
else:
    _HOMES = {
        "_aio.submission": "AsyncSubmission",
        "_aio.workflow_handle": "AsyncWorkflowHandle",
        "_aio.workflow_repo": "AsyncWorkflowRepository",
        "workflow.compiling.compiled_workflow": "CompiledWorkflow",
        "workflow.compiling.seeds": "SeedPlan SeedSource",
        "workflow.document.definition": "WorkflowDefinition",
        "workflow.document.warnings": "WorkflowWarning",
        "workflow.inputs.call_values": "Seeds",
        "workflow.inputs.outputs": (
            "WorkflowOutput is_output_capable register_output_type"
        ),
        "workflow.inputs.workflow_input": "Inputs WorkflowInput",
        "workflow.jobs.submission_record": "SubmittedJob",
        "workflow.library.library_flows": "WorkflowRecord",
        "workflow.locking.match_inputs": "InputChange",
        "workflow.locking.workflow_lock": "LockedInput WorkflowLock",
        "workflow.results.run_result": (
            "JobResult NodeOutput NodeOutputs OutputMapping RunResult"
        ),
        "workflow.submission": "Submission",
        "workflow.waiting.progress": "RunProgress",
        "workflow.waiting.wait_flows": "SubmissionStatus",
        "workflow.workflow_handle": "WorkflowHandle",
        "workflow.workflow_repo": "WorkflowRepo WorkflowRepository",
    }
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
