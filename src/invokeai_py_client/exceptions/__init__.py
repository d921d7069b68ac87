"""Every error this library raises, as one tree; `docs/errors.md` shows it.

Errors carry data, one line of prose and, where one exists, a hint on what to do.
None of them carries a credential.
"""

from __future__ import annotations

from invokeai_py_client._exports import set_module
from invokeai_py_client.exceptions.api import (
    APIConnectionError as APIConnectionError,
    APIError as APIError,
    APIResponseError as APIResponseError,
    APIStatusError as APIStatusError,
    APITimeoutError as APITimeoutError,
    AuthenticationError as AuthenticationError,
    ConflictError as ConflictError,
    InternalServerError as InternalServerError,
    NotFoundError as NotFoundError,
    PermissionDeniedError as PermissionDeniedError,
    UnprocessableEntityError as UnprocessableEntityError,
    UnsupportedVersionError as UnsupportedVersionError,
)
from invokeai_py_client.exceptions.base import (
    ArgumentError as ArgumentError,
    InvokeAIError as InvokeAIError,
)
from invokeai_py_client.exceptions.jobs import (
    JobCanceledError as JobCanceledError,
    JobError as JobError,
    JobFailedError as JobFailedError,
    JobLostError as JobLostError,
    JobTimeoutError as JobTimeoutError,
    KeyConflictError as KeyConflictError,
    QueueBlockedError as QueueBlockedError,
    QueueError as QueueError,
    QueueFullError as QueueFullError,
    SubmissionUnknownError as SubmissionUnknownError,
)
from invokeai_py_client.exceptions.resources import (
    BoardError as BoardError,
    ImageError as ImageError,
    ImageFileNotFoundError as ImageFileNotFoundError,
    LocalFileError as LocalFileError,
    LocalFileExistsError as LocalFileExistsError,
    LocalFileNotFoundError as LocalFileNotFoundError,
    LocalServerError as LocalServerError,
    ModelError as ModelError,
    NodePackError as NodePackError,
    UnknownNameError as UnknownNameError,
    VideoError as VideoError,
    VideoFileNotFoundError as VideoFileNotFoundError,
)
from invokeai_py_client.exceptions.sweeps import (
    SweepChangedError as SweepChangedError,
    SweepError as SweepError,
    SweepInUseError as SweepInUseError,
)
from invokeai_py_client.exceptions.workflow import (
    FieldProblem as FieldProblem,
    FieldValidationError as FieldValidationError,
    InputNotFoundError as InputNotFoundError,
    LockedInputError as LockedInputError,
    OutputNotFoundError as OutputNotFoundError,
    WorkflowError as WorkflowError,
    WorkflowFormatError as WorkflowFormatError,
    WorkflowNotFoundError as WorkflowNotFoundError,
)

__all__ = sorted(key for key, kind in globals().items() if isinstance(kind, type))

# Tracebacks say where an error is imported from.
for _name in __all__:
    set_module(__name__)(globals()[_name])
