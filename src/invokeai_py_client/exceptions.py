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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from invokeai_py_client.models import IvkJob

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
]


class InvokeAIError(Exception):
    """Anything this library raises on purpose.

    Attributes:
        message: What happened, one line.
        hint: What the caller can do about it; None when nothing is known.
    """

    def __init__(self, message: str, *, hint: Optional[str] = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class APIError(InvokeAIError):
    """A request to the server did not give a usable answer.

    Attributes:
        method: HTTP method of the request; None when it has none (the socket).
        url: The request's address without credentials and query.
    """

    def __init__(
        self,
        message: str,
        *,
        method: Optional[str] = None,
        url: Optional[str] = None,
        hint: Optional[str] = None,
    ) -> None:
        self.method = method
        self.url = url
        super().__init__(message, hint=hint)


class APIConnectionError(APIError):
    """The server could not be reached, or the connection broke.

    Attributes:
        sent: False when the request surely never reached the server (the connection
            could not be made), so that nothing can have happened.
    """

    sent: bool = True


class APITimeoutError(APIConnectionError):
    """No answer came within `request_timeout` seconds."""


class APIStatusError(APIError):
    """The server answered with an error status.

    Attributes:
        status_code: The HTTP status.
        detail: The server's words, or its list of validation errors; shortened
            where the server echoes a whole graph.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        detail: Any = None,
        method: Optional[str] = None,
        url: Optional[str] = None,
        hint: Optional[str] = None,
    ) -> None:
        self.status_code = status_code
        self.detail = detail
        super().__init__(message, method=method, url=url, hint=hint)


class AuthenticationError(APIStatusError):
    """401: the token is missing, expired or wrong; log in again."""


class PermissionDeniedError(APIStatusError):
    """403: the thing belongs to somebody else, or needs an administrator."""


class NotFoundError(APIStatusError):
    """404: the server does not know this name or id."""


class ConflictError(APIStatusError):
    """409: the thing exists already or is in use."""


class UnprocessableEntityError(APIStatusError):
    """422: the server refused the request's content; `detail` lists why."""


class InternalServerError(APIStatusError):
    """5xx: the server failed; its log has the traceback."""


class APIResponseError(APIError):
    """The answer is not what the route promises: HTML, broken JSON, odd shape.

    A web page with status 200 usually means a wrong address or a reverse proxy
    that does not forward `/api`.
    """


class UnsupportedVersionError(APIError):
    """This server's version does not offer what was asked for.

    Attributes:
        needed: The version the feature needs, such as ``">= 6.14"``.
        found: The server's version.
    """

    def __init__(self, feature: str, *, needed: str, found: str) -> None:
        self.needed = needed
        self.found = found
        super().__init__(f"{feature} needs InvokeAI {needed}, this is {found}")


class WorkflowError(InvokeAIError):
    """Something is wrong with a workflow or with the values given to it."""


class WorkflowFormatError(WorkflowError):
    """The file, picture or text holds no workflow that can be read.

    Attributes:
        where: Path inside the document, such as ``"nodes[3].data.inputs"``.
    """

    def __init__(
        self,
        message: str,
        *,
        where: Optional[str] = None,
        hint: Optional[str] = None,
    ) -> None:
        self.where = where
        super().__init__(f"{where}: {message}" if where else message, hint=hint)


class InputNotFoundError(WorkflowError, KeyError):
    """No input goes by that name, label, index or (node, field), or several do.

    Attributes:
        key: What was asked for.
        candidates: Names that come near, or the several that match.
    """

    def __init__(
        self, message: str, *, key: Any, candidates: Sequence[str] = ()
    ) -> None:
        self.key = key
        self.candidates = tuple(candidates)
        super().__init__(message)

    # KeyError would print the repr of its first argument.
    __str__ = InvokeAIError.__str__


@dataclass(frozen=True)
class FieldProblem:
    """One value that would be refused: where it is, what it is, what is allowed.

    Attributes:
        message: One line for people.
        node_id: The node of the field; None for problems of the whole graph.
        field_name: The field; None for problems of a node or graph.
        input_index: Index in the form; None when the form does not show it.
        value: The refused value.
        allowed: What would be allowed, in words; None when unknown.
        kind: Stable identifier such as ``"maximum"`` or ``"missing_input"``.
    """

    message: str
    kind: str
    node_id: Optional[str] = None
    field_name: Optional[str] = None
    input_index: Optional[int] = None
    value: Any = None
    allowed: Optional[str] = None

    def as_dict(self) -> dict[str, Any]:
        """The problem as JSON-ready data, for `--json` output and logs."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


class FieldValidationError(WorkflowError, ValueError):
    """A value, or several, would be refused; nothing was sent.

    Attributes:
        problems: Every problem found, at least one.
    """

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(problems)
        lines = [problem.message for problem in self.problems]
        head = lines[0] if len(lines) == 1 else f"{len(lines)} problems: "
        super().__init__(head if len(lines) == 1 else head + "; ".join(lines))


class QueueError(InvokeAIError):
    """Jobs could not be put into the queue, or cannot move in it."""


class QueueFullError(QueueError):
    """The server's queue took fewer jobs than were asked for.

    Attributes:
        requested: How many jobs the batch has.
        enqueued: How many the server took; they were taken back unless the
            caller chose otherwise.
    """

    def __init__(
        self,
        message: str,
        *,
        requested: int,
        enqueued: int,
        hint: Optional[str] = None,
    ) -> None:
        self.requested = requested
        self.enqueued = enqueued
        super().__init__(message, hint=hint)


class QueueBlockedError(QueueError):
    """Nothing in the queue can move, and why."""


class SubmissionUnknownError(QueueError):
    """The reply to a submission was lost and what happened cannot be told yet.

    Attributes:
        batch_id: The id under which the jobs would appear; look again later with
            `queue_repo.get_submission(batch_id)` or `settle()`.
    """

    def __init__(
        self,
        message: str,
        *,
        batch_id: str,
        settle: Optional[Callable[[], Any]] = None,
    ) -> None:
        self.batch_id = batch_id
        self._settle = settle
        super().__init__(message)

    def settle(self) -> Any:
        """Look again, and submit once more if the jobs surely are not there.

        Returns:
            The `Submission`; with the asynchronous client an awaitable of it.

        Raises:
            SubmissionUnknownError: It still cannot be told.
        """
        if self._settle is None:
            raise self
        return self._settle()


class JobError(InvokeAIError):
    """A job did not end well, or not in time.

    Attributes:
        job: The job as last seen; None when it is not known.
        result: Everything that did succeed; None when nothing is known.
    """

    def __init__(
        self,
        message: str,
        *,
        job: Optional[IvkJob] = None,
        result: Any = None,
        hint: Optional[str] = None,
    ) -> None:
        self.job = job
        self.result = result
        super().__init__(message, hint=hint)


class JobFailedError(JobError):
    """A node of the job failed on the server.

    Attributes:
        error_type: The server's exception class, such as ``"OutOfMemoryError"``.
        error_message: The server's words.
        node_id: The workflow's node that failed; None when unknown.
        node_type: Its type; None when unknown.
        traceback: The server's traceback; None when the server hides it.
        out_of_memory: True when the server ran out of memory.
    """

    def __init__(
        self,
        message: str,
        *,
        job: Optional[IvkJob] = None,
        result: Any = None,
        error_type: Optional[str] = None,
        error_message: Optional[str] = None,
        node_id: Optional[str] = None,
        node_type: Optional[str] = None,
        traceback: Optional[str] = None,
        hint: Optional[str] = None,
    ) -> None:
        self.error_type = error_type
        self.error_message = error_message
        self.node_id = node_id
        self.node_type = node_type
        self.traceback = traceback
        super().__init__(message, job=job, result=result, hint=hint)

    @property
    def out_of_memory(self) -> bool:
        """True when the server ran out of memory; a smaller picture may work."""
        words = f"{self.error_type} {self.error_message}".lower()
        return "outofmemory" in words or "out of memory" in words


class JobCanceledError(JobError):
    """The job was cancelled, deleted, or lost by a restart of the server."""


class JobTimeoutError(JobError, TimeoutError):
    """The job was still running when the caller's time was over; it goes on."""


class BoardError(InvokeAIError):
    """A board could not be found by that name, or the name is not unique."""


class ImageError(InvokeAIError):
    """A picture cannot be read, sent or saved, or the server did not do as asked."""


class ImageFileNotFoundError(ImageError, FileNotFoundError):
    """There is no such local image file; nothing was sent."""

    # OSError would print errno and strerror.
    __str__ = InvokeAIError.__str__


class VideoError(InvokeAIError):
    """A video cannot be read, sent or saved, or the server did not do as asked."""


class VideoFileNotFoundError(VideoError, FileNotFoundError):
    """There is no such local video file; nothing was sent."""

    # OSError would print errno and strerror.
    __str__ = InvokeAIError.__str__


class ModelError(InvokeAIError):
    """A model could not be found, is ambiguous, or could not be installed.

    Attributes:
        candidates: Model names that come near, or the several that match.
    """

    def __init__(
        self,
        message: str,
        *,
        candidates: Sequence[str] = (),
        hint: Optional[str] = None,
    ) -> None:
        self.candidates = tuple(candidates)
        super().__init__(message, hint=hint)


class NodePackError(InvokeAIError):
    """A pack of custom nodes could not be installed or removed, and why."""


class LocalServerError(InvokeAIError):
    """A real server could not be installed, started or stopped on this machine.

    The message ends with the last lines of the log where there is one.
    """


STATUS_ERRORS: Mapping[int, type[APIStatusError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
}
