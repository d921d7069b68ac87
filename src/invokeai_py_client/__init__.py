"""Run InvokeAI workflows from Python.

    client = InvokeAIClient.from_url("http://localhost:9090")
    workflow = client.workflow_repo.load("portrait.json")
    workflow.run(positive_prompt="a lighthouse", seed=7).image.save("lighthouse.png")

The names below are all a script needs; they are imported when first used, so that
`import invokeai_py_client` and the `ivk` command start quickly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from invokeai_py_client._lazy import lazy_exports

if TYPE_CHECKING:
    from invokeai_py_client._version import __version__
    from invokeai_py_client.async_client import AsyncInvokeAIClient
    from invokeai_py_client.board.async_board_handle import AsyncBoardHandle
    from invokeai_py_client.board.board_handle import BoardHandle
    from invokeai_py_client.board.models import Board, BoardVisibility
    from invokeai_py_client.client import InvokeAIClient
    from invokeai_py_client.events import ServerEvent
    from invokeai_py_client.exceptions import (
        APIConnectionError,
        APIError,
        APIResponseError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BoardError,
        ConflictError,
        FieldProblem,
        FieldValidationError,
        ImageError,
        ImageFileNotFoundError,
        InputNotFoundError,
        InternalServerError,
        InvokeAIError,
        JobCanceledError,
        JobError,
        JobFailedError,
        JobTimeoutError,
        LocalServerError,
        ModelError,
        NodePackError,
        NotFoundError,
        PermissionDeniedError,
        QueueBlockedError,
        QueueError,
        QueueFullError,
        SubmissionUnknownError,
        UnprocessableEntityError,
        UnsupportedVersionError,
        VideoError,
        VideoFileNotFoundError,
        WorkflowError,
        WorkflowFormatError,
        WorkflowNotFoundError,
    )
    from invokeai_py_client.ivk_fields import IvkField, field_registry
    from invokeai_py_client.model.models import ModelRecord
    from invokeai_py_client.models import (
        AsyncIvkImage,
        ImageCategory,
        ImageOrigin,
        IvkImage,
        IvkJob,
        JobStatus,
    )
    from invokeai_py_client.nodes import NodeCatalog
    from invokeai_py_client.queue.models import QueueStatus
    from invokeai_py_client.server import LocalServer
    from invokeai_py_client.video.async_video_handle import AsyncIvkVideo
    from invokeai_py_client.video.video_handle import IvkVideo
    from invokeai_py_client.workflow.async_submission import AsyncSubmission
    from invokeai_py_client.workflow.async_workflow_handle import AsyncWorkflowHandle
    from invokeai_py_client.workflow.definition import WorkflowDefinition
    from invokeai_py_client.workflow.inputs import WorkflowInput
    from invokeai_py_client.workflow.outputs import WorkflowOutput, register_output_type
    from invokeai_py_client.workflow.progress import RunProgress
    from invokeai_py_client.workflow.results import (
        JobResult,
        NodeOutput,
        OutputMapping,
        RunResult,
    )
    from invokeai_py_client.workflow.submission import Submission
    from invokeai_py_client.workflow.workflow_handle import WorkflowHandle
else:
    _HOMES = {
        "_version": ("__version__",),
        "async_client": ("AsyncInvokeAIClient",),
        "board.async_board_handle": ("AsyncBoardHandle",),
        "board.board_handle": ("BoardHandle",),
        "board.models": ("Board", "BoardVisibility"),
        "client": ("InvokeAIClient",),
        "events": ("ServerEvent",),
        "exceptions": (
            "APIConnectionError",
            "APIError",
            "APIResponseError",
            "APIStatusError",
            "APITimeoutError",
            "AuthenticationError",
            "BoardError",
            "ConflictError",
            "FieldProblem",
            "FieldValidationError",
            "ImageError",
            "ImageFileNotFoundError",
            "InputNotFoundError",
            "InternalServerError",
            "InvokeAIError",
            "JobCanceledError",
            "JobError",
            "JobFailedError",
            "JobTimeoutError",
            "LocalServerError",
            "ModelError",
            "NodePackError",
            "NotFoundError",
            "PermissionDeniedError",
            "QueueBlockedError",
            "QueueError",
            "QueueFullError",
            "SubmissionUnknownError",
            "UnprocessableEntityError",
            "UnsupportedVersionError",
            "VideoError",
            "VideoFileNotFoundError",
            "WorkflowError",
            "WorkflowFormatError",
            "WorkflowNotFoundError",
        ),
        "ivk_fields": ("IvkField", "field_registry"),
        "model.models": ("ModelRecord",),
        "models": (
            "AsyncIvkImage",
            "ImageCategory",
            "ImageOrigin",
            "IvkImage",
            "IvkJob",
            "JobStatus",
        ),
        "nodes": ("NodeCatalog",),
        "queue.models": ("QueueStatus",),
        "server": ("LocalServer",),
        "video.async_video_handle": ("AsyncIvkVideo",),
        "video.video_handle": ("IvkVideo",),
        "workflow.async_submission": ("AsyncSubmission",),
        "workflow.async_workflow_handle": ("AsyncWorkflowHandle",),
        "workflow.definition": ("WorkflowDefinition",),
        "workflow.inputs": ("WorkflowInput",),
        "workflow.outputs": ("WorkflowOutput", "register_output_type"),
        "workflow.progress": ("RunProgress",),
        "workflow.results": ("JobResult", "NodeOutput", "OutputMapping", "RunResult"),
        "workflow.submission": ("Submission",),
        "workflow.workflow_handle": ("WorkflowHandle",),
    }
    __getattr__, __dir__ = lazy_exports(__name__, _HOMES)

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncBoardHandle",
    "AsyncInvokeAIClient",
    "AsyncIvkImage",
    "AsyncIvkVideo",
    "AsyncSubmission",
    "AsyncWorkflowHandle",
    "AuthenticationError",
    "Board",
    "BoardError",
    "BoardHandle",
    "BoardVisibility",
    "ConflictError",
    "FieldProblem",
    "FieldValidationError",
    "ImageCategory",
    "ImageError",
    "ImageFileNotFoundError",
    "ImageOrigin",
    "InputNotFoundError",
    "InternalServerError",
    "InvokeAIClient",
    "InvokeAIError",
    "IvkField",
    "IvkImage",
    "IvkJob",
    "IvkVideo",
    "JobCanceledError",
    "JobError",
    "JobFailedError",
    "JobResult",
    "JobStatus",
    "JobTimeoutError",
    "LocalServer",
    "LocalServerError",
    "ModelError",
    "ModelRecord",
    "NodeCatalog",
    "NodeOutput",
    "NodePackError",
    "NotFoundError",
    "OutputMapping",
    "PermissionDeniedError",
    "QueueBlockedError",
    "QueueError",
    "QueueFullError",
    "QueueStatus",
    "RunProgress",
    "RunResult",
    "ServerEvent",
    "Submission",
    "SubmissionUnknownError",
    "UnprocessableEntityError",
    "UnsupportedVersionError",
    "VideoError",
    "VideoFileNotFoundError",
    "WorkflowDefinition",
    "WorkflowError",
    "WorkflowFormatError",
    "WorkflowHandle",
    "WorkflowInput",
    "WorkflowNotFoundError",
    "WorkflowOutput",
    "__version__",
    "field_registry",
    "register_output_type",
]
