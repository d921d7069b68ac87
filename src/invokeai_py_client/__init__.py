"""Run InvokeAI workflows from Python.

    client = InvokeAIClient.from_url("http://localhost:9090")
    workflow = client.workflow_repo.load("portrait.json")
    workflow.run(positive_prompt="a lighthouse", seed=7).image.save("lighthouse.png")

The names below are all a script needs; they are imported when first used, so that
`import invokeai_py_client` and the `ivk` command start quickly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import invokeai_py_client._shown.log  # noqa: F401, no line is logged before it
from invokeai_py_client._exports import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client._aio.board_handle import (
        AsyncBoardHandle as AsyncBoardHandle,
    )
    from invokeai_py_client._aio.client import (
        AsyncInvokeAIClient as AsyncInvokeAIClient,
    )
    from invokeai_py_client._aio.model_install import (
        AsyncModelInstallJob as AsyncModelInstallJob,
    )
    from invokeai_py_client._aio.submission import AsyncSubmission as AsyncSubmission
    from invokeai_py_client._aio.video_handle import AsyncIvkVideo as AsyncIvkVideo
    from invokeai_py_client._aio.workflow_handle import (
        AsyncWorkflowHandle as AsyncWorkflowHandle,
    )
    from invokeai_py_client._core.server_flows import ServerCheck as ServerCheck
    from invokeai_py_client._version import __version__ as __version__
    from invokeai_py_client.base_client import ClientOptions as ClientOptions
    from invokeai_py_client.board.board_handle import BoardHandle as BoardHandle
    from invokeai_py_client.board.models import (
        Board as Board,
        BoardVisibility as BoardVisibility,
    )
    from invokeai_py_client.client import InvokeAIClient as InvokeAIClient
    from invokeai_py_client.events import ServerEvent as ServerEvent
    from invokeai_py_client.exceptions import (
        APIConnectionError as APIConnectionError,
        APIError as APIError,
        APIResponseError as APIResponseError,
        APIStatusError as APIStatusError,
        APITimeoutError as APITimeoutError,
        ArgumentError as ArgumentError,
        AuthenticationError as AuthenticationError,
        BoardError as BoardError,
        ConflictError as ConflictError,
        FieldProblem as FieldProblem,
        FieldValidationError as FieldValidationError,
        ImageError as ImageError,
        ImageFileNotFoundError as ImageFileNotFoundError,
        InputNotFoundError as InputNotFoundError,
        InternalServerError as InternalServerError,
        InvokeAIError as InvokeAIError,
        JobCanceledError as JobCanceledError,
        JobError as JobError,
        JobFailedError as JobFailedError,
        JobLostError as JobLostError,
        JobTimeoutError as JobTimeoutError,
        KeyConflictError as KeyConflictError,
        LocalFileError as LocalFileError,
        LocalFileExistsError as LocalFileExistsError,
        LocalFileNotFoundError as LocalFileNotFoundError,
        LocalServerError as LocalServerError,
        LockedInputError as LockedInputError,
        ModelError as ModelError,
        NodePackError as NodePackError,
        NotFoundError as NotFoundError,
        OutputNotFoundError as OutputNotFoundError,
        PermissionDeniedError as PermissionDeniedError,
        QueueBlockedError as QueueBlockedError,
        QueueError as QueueError,
        QueueFullError as QueueFullError,
        SubmissionUnknownError as SubmissionUnknownError,
        SweepChangedError as SweepChangedError,
        SweepError as SweepError,
        SweepInUseError as SweepInUseError,
        UnknownNameError as UnknownNameError,
        UnprocessableEntityError as UnprocessableEntityError,
        UnsupportedVersionError as UnsupportedVersionError,
        VideoError as VideoError,
        VideoFileNotFoundError as VideoFileNotFoundError,
        WorkflowError as WorkflowError,
        WorkflowFormatError as WorkflowFormatError,
        WorkflowNotFoundError as WorkflowNotFoundError,
    )
    from invokeai_py_client.ivk_fields import (
        IvkField as IvkField,
        field_registry as field_registry,
    )
    from invokeai_py_client.model.model_install import (
        ModelInstallJob as ModelInstallJob,
    )
    from invokeai_py_client.model.models import ModelRecord as ModelRecord
    from invokeai_py_client.models import (
        AsyncIvkImage as AsyncIvkImage,
        ImageCategory as ImageCategory,
        ImageOrigin as ImageOrigin,
        IvkImage as IvkImage,
        IvkJob as IvkJob,
        JobStatus as JobStatus,
    )
    from invokeai_py_client.nodes import NodeCatalog as NodeCatalog
    from invokeai_py_client.queue.models import (
        QueueCounts as QueueCounts,
        QueueStatus as QueueStatus,
    )
    from invokeai_py_client.recipe.recipe import Recipe as Recipe
    from invokeai_py_client.recipe.values import RecipeValue as RecipeValue
    from invokeai_py_client.server import LocalServer as LocalServer
    from invokeai_py_client.video.video_handle import IvkVideo as IvkVideo
    from invokeai_py_client.workflow.compiling.compiled_workflow import (
        CompiledWorkflow as CompiledWorkflow,
    )
    from invokeai_py_client.workflow.document.definition import (
        WorkflowDefinition as WorkflowDefinition,
    )
    from invokeai_py_client.workflow.document.warnings import (
        WorkflowWarning as WorkflowWarning,
    )
    from invokeai_py_client.workflow.inputs.outputs import (
        WorkflowOutput as WorkflowOutput,
        register_output_type as register_output_type,
    )
    from invokeai_py_client.workflow.inputs.workflow_input import (
        WorkflowInput as WorkflowInput,
    )
    from invokeai_py_client.workflow.results.run_result import (
        JobResult as JobResult,
        NodeOutput as NodeOutput,
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
else:
    _HOMES = {
        "_aio.board_handle": "AsyncBoardHandle",
        "_aio.client": "AsyncInvokeAIClient",
        "_aio.model_install": "AsyncModelInstallJob",
        "_aio.submission": "AsyncSubmission",
        "_aio.video_handle": "AsyncIvkVideo",
        "_aio.workflow_handle": "AsyncWorkflowHandle",
        "_core.server_flows": "ServerCheck",
        "_version": "__version__",
        "base_client": "ClientOptions",
        "board.board_handle": "BoardHandle",
        "board.models": "Board BoardVisibility",
        "client": "InvokeAIClient",
        "events": "ServerEvent",
        "exceptions": (
            "APIConnectionError APIError APIResponseError APIStatusError "
            "APITimeoutError ArgumentError AuthenticationError BoardError "
            "ConflictError FieldProblem FieldValidationError ImageError "
            "ImageFileNotFoundError InputNotFoundError InternalServerError "
            "InvokeAIError JobCanceledError JobError JobFailedError JobLostError "
            "JobTimeoutError KeyConflictError LockedInputError "
            "LocalFileError LocalFileExistsError LocalFileNotFoundError "
            "LocalServerError ModelError NodePackError NotFoundError "
            "OutputNotFoundError "
            "PermissionDeniedError QueueBlockedError QueueError QueueFullError "
            "SubmissionUnknownError SweepChangedError SweepError SweepInUseError "
            "UnknownNameError UnprocessableEntityError "
            "UnsupportedVersionError VideoError VideoFileNotFoundError "
            "WorkflowError WorkflowFormatError WorkflowNotFoundError"
        ),
        "ivk_fields": "IvkField field_registry",
        "model.model_install": "ModelInstallJob",
        "model.models": "ModelRecord",
        "models": "AsyncIvkImage ImageCategory ImageOrigin IvkImage IvkJob JobStatus",
        "nodes": "NodeCatalog",
        "queue.models": "QueueCounts QueueStatus",
        "recipe.recipe": "Recipe",
        "recipe.values": "RecipeValue",
        "server": "LocalServer",
        "video.video_handle": "IvkVideo",
        "workflow.compiling.compiled_workflow": "CompiledWorkflow",
        "workflow.document.definition": "WorkflowDefinition",
        "workflow.document.warnings": "WorkflowWarning",
        "workflow.inputs.outputs": "WorkflowOutput register_output_type",
        "workflow.inputs.workflow_input": "WorkflowInput",
        "workflow.results.run_result": "JobResult NodeOutput OutputMapping RunResult",
        "workflow.submission": "Submission",
        "workflow.waiting.progress": "RunProgress",
        "workflow.waiting.wait_flows": "SubmissionStatus",
        "workflow.workflow_handle": "WorkflowHandle",
    }
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
