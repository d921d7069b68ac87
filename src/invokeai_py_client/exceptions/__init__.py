"""Every error this library raises, as one tree.

```text
InvokeAIError
├── APIError                       talking to the server
│   ├── APIConnectionError         no answer: refused, reset, dropped
│   │   └── APITimeoutError        no answer in `request_timeout` seconds
│   ├── APIStatusError             an answer that says no
│   │   ├── AuthenticationError    401
│   │   ├── PermissionDeniedError  403
│   │   ├── NotFoundError          404
│   │   ├── ConflictError          409
│   │   ├── UnprocessableEntityError  422
│   │   └── InternalServerError    5xx
│   ├── APIResponseError           an answer that is not what the route promises
│   └── UnsupportedVersionError    the server is too old or too new for this
├── WorkflowError                  a workflow or its values
│   ├── WorkflowFormatError        the file is no workflow
│   ├── WorkflowNotFoundError      not in the server's library, or several are
│   ├── InputNotFoundError         also a KeyError
│   └── FieldValidationError       also a ValueError
├── QueueError                     getting into the queue
│   ├── QueueFullError             the server took fewer jobs than asked
│   ├── QueueBlockedError          nothing can move
│   └── SubmissionUnknownError     the reply was lost and could not be settled
├── JobError                       a job that did not end well
│   ├── JobFailedError
│   ├── JobCanceledError
│   └── JobTimeoutError            also a TimeoutError
├── BoardError
├── ImageError                     a picture that cannot be read, sent or saved
│   └── ImageFileNotFoundError     also a FileNotFoundError
├── VideoError                     a video that cannot be read, sent or saved
│   └── VideoFileNotFoundError     also a FileNotFoundError
├── ModelError
├── NodePackError                  a pack of custom nodes
└── LocalServerError               a server on this machine: install, start, stop
```

Errors carry data, one line of prose and, where one exists, a hint on what to do.
None of them carries a credential.
"""

from __future__ import annotations

from invokeai_py_client.exceptions.api import (
    APIConnectionError,
    APIError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    UnprocessableEntityError,
    UnsupportedVersionError,
)
from invokeai_py_client.exceptions.base import (
    InvokeAIError,
)
from invokeai_py_client.exceptions.jobs import (
    JobCanceledError,
    JobError,
    JobFailedError,
    JobTimeoutError,
    QueueBlockedError,
    QueueError,
    QueueFullError,
    SubmissionUnknownError,
)
from invokeai_py_client.exceptions.resources import (
    BoardError,
    ImageError,
    ImageFileNotFoundError,
    LocalServerError,
    ModelError,
    NodePackError,
    VideoError,
    VideoFileNotFoundError,
)
from invokeai_py_client.exceptions.workflow import (
    FieldProblem,
    FieldValidationError,
    InputNotFoundError,
    WorkflowError,
    WorkflowFormatError,
    WorkflowNotFoundError,
)

__all__ = [
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
]

# Tracebacks say where an error is imported from.
for _name in __all__:
    if issubclass(globals()[_name], InvokeAIError):
        globals()[_name].__module__ = __name__
