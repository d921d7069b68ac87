"""What can go wrong on the command line: one table of codes, one translation.

A code is for programs and never changes its meaning; messages are for people and may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from invokeai_py_client import exceptions as errors

__all__ = ["ERROR_CODES", "EXIT_CODES", "CliError", "Failure", "explain"]

EXIT_CODES: Mapping[int, str] = {
    0: "done",
    1: "the workflow, its values or a job are not good",
    2: "the command line is not good",
    3: "something named on the command line does not exist",
    4: "the server cannot be reached, or what answers is no InvokeAI",
    5: "not logged in, or not allowed",
    6: "the server refused or failed",
    7: "something is missing on this machine",
    8: "not known how it ended: the time was over, or the answer was lost",
    70: "a fault of this program",
    130: "interrupted; jobs that the command had submitted were cancelled",
}


@dataclass(frozen=True)
class ErrorCode:
    """A code, the exit code that goes with it, and what it means."""

    code: str
    exit: int
    meaning: str


ERROR_CODES: Mapping[str, ErrorCode] = {
    item.code: item
    for item in (
        ErrorCode("problems_found", 1, "a check found problems; `data` lists them"),
        ErrorCode("workflow_format", 1, "the file holds no workflow"),
        ErrorCode("workflow_error", 1, "something is wrong with the workflow"),
        ErrorCode("invalid_value", 1, "a value would be refused; `problems` says why"),
        ErrorCode("image_error", 1, "a picture cannot be read, sent or saved"),
        ErrorCode("video_error", 1, "a video cannot be read, sent or saved"),
        ErrorCode("job_failed", 1, "a node of a job failed on the server"),
        ErrorCode("job_canceled", 1, "a job was cancelled or lost"),
        ErrorCode("job_error", 1, "a job did not end well"),
        ErrorCode("node_pack_error", 1, "custom nodes cannot be installed or removed"),
        ErrorCode("usage", 2, "an option or argument is missing or wrong"),
        ErrorCode("workflow_not_found", 3, "no workflow, or several, go by that name"),
        ErrorCode("input_not_found", 3, "no input, or several, go by that name"),
        ErrorCode("file_not_found", 3, "a file does not exist"),
        ErrorCode("not_found", 3, "the server does not know this name or id"),
        ErrorCode("board_error", 3, "no board, or several, go by that name"),
        ErrorCode("model_error", 3, "no model, or several, go by that name"),
        ErrorCode("connection_failed", 4, "the server cannot be reached"),
        ErrorCode("connection_timeout", 4, "the server did not answer in time"),
        ErrorCode("bad_response", 4, "the answer is not InvokeAI's"),
        ErrorCode("not_authenticated", 5, "the token is missing, wrong or expired"),
        ErrorCode("permission_denied", 5, "this belongs to somebody else"),
        ErrorCode("conflict", 6, "it exists already or is in use"),
        ErrorCode("refused_by_server", 6, "the server refused the request's content"),
        ErrorCode("server_failed", 6, "the server failed; its log has the reason"),
        ErrorCode("status_error", 6, "the server answered with an error status"),
        ErrorCode("unsupported_version", 6, "this server's version does not offer it"),
        ErrorCode("queue_full", 6, "the queue took fewer jobs than asked for"),
        ErrorCode("queue_blocked", 6, "nothing in the queue can move"),
        ErrorCode("queue_error", 6, "the jobs could not get into the queue"),
        ErrorCode("api_error", 6, "a request did not give a usable answer"),
        ErrorCode("file_error", 7, "a file cannot be read or written"),
        ErrorCode("local_server", 7, "no server can be installed or run here"),
        ErrorCode("missing_extra", 7, "an optional dependency is not installed"),
        ErrorCode("job_timeout", 8, "the time was over; the jobs go on"),
        ErrorCode(
            "submission_unknown", 8, "the answer was lost; `batch_id` settles it"
        ),
        ErrorCode("library_error", 1, "an error of the library without its own code"),
        ErrorCode("internal", 70, "a fault of this program; --verbose shows where"),
        ErrorCode("interrupted", 130, "Ctrl-C"),
    )
}

# The first class that fits an error gives its code: special ones first.
_BY_CLASS: tuple[tuple[type[BaseException], str], ...] = (
    (errors.ImageFileNotFoundError, "file_not_found"),
    (errors.ImageError, "image_error"),
    (errors.VideoFileNotFoundError, "file_not_found"),
    (errors.VideoError, "video_error"),
    (errors.AuthenticationError, "not_authenticated"),
    (errors.PermissionDeniedError, "permission_denied"),
    (errors.NotFoundError, "not_found"),
    (errors.ConflictError, "conflict"),
    (errors.UnprocessableEntityError, "refused_by_server"),
    (errors.InternalServerError, "server_failed"),
    (errors.APIStatusError, "status_error"),
    (errors.APITimeoutError, "connection_timeout"),
    (errors.APIConnectionError, "connection_failed"),
    (errors.APIResponseError, "bad_response"),
    (errors.UnsupportedVersionError, "unsupported_version"),
    (errors.APIError, "api_error"),
    (errors.WorkflowFormatError, "workflow_format"),
    (errors.WorkflowNotFoundError, "workflow_not_found"),
    (errors.InputNotFoundError, "input_not_found"),
    (errors.FieldValidationError, "invalid_value"),
    (errors.WorkflowError, "workflow_error"),
    (errors.QueueFullError, "queue_full"),
    (errors.QueueBlockedError, "queue_blocked"),
    (errors.SubmissionUnknownError, "submission_unknown"),
    (errors.QueueError, "queue_error"),
    (errors.JobTimeoutError, "job_timeout"),
    (errors.JobCanceledError, "job_canceled"),
    (errors.JobFailedError, "job_failed"),
    (errors.JobError, "job_error"),
    (errors.BoardError, "board_error"),
    (errors.ModelError, "model_error"),
    (errors.NodePackError, "node_pack_error"),
    (errors.LocalServerError, "local_server"),
    (errors.InvokeAIError, "library_error"),
    (FileNotFoundError, "file_not_found"),
    (OSError, "file_error"),
    (KeyboardInterrupt, "interrupted"),
)

# Attributes of errors that a program can act on.
_DETAILS = (
    "status_code", "detail", "method", "url", "needed", "found", "where", "key",
    "candidates", "requested", "enqueued", "batch_id", "error_type", "error_message",
    "node_id", "node_type",
)  # fmt: skip


class CliError(Exception):
    """A failure that the command line itself finds.

    Attributes:
        code: A key of `ERROR_CODES`.
        message: One line for people.
        hint: What to do about it.
        details: More for programs.
    """

    def __init__(
        self, code: str, message: str, *, hint: Optional[str] = None, **details: Any
    ) -> None:
        self.code = code
        self.message = message
        self.hint = hint
        self.details = details
        super().__init__(message)


@dataclass(frozen=True)
class Failure:
    """An error as the envelope tells it."""

    code: str
    message: str
    hint: Optional[str] = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exit(self) -> int:
        """The exit code of the process."""
        return ERROR_CODES[self.code].exit

    def as_dict(self) -> dict[str, Any]:
        """The envelope's `error`."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            **self.details,
        }


def explain(error: BaseException) -> Failure:
    """Turn any error into its code, message, hint and details."""
    if isinstance(error, CliError):
        return Failure(error.code, error.message, error.hint, error.details)
    for kind, code in _BY_CLASS:
        if isinstance(error, kind):
            if code == "not_found" and not _is_invokeai(error):
                code = "bad_response"
            return Failure(code, _message(error), _hint(error), _details(error))
    words = f"{type(error).__name__}: {error}"
    return Failure("internal", words, "run it again with --verbose, and report it")


def _is_invokeai(error: BaseException) -> bool:
    """False for a 404 that another program's or a proxy's web page came with."""
    # Here, because it brings pydantic, which `ivk --help` does without.
    from invokeai_py_client._core.decode import NO_INVOKEAI_HINT

    return getattr(error, "hint", None) != NO_INVOKEAI_HINT


def _message(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, errors.InvokeAIError):
        return error.message
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


def _hint(error: BaseException) -> Optional[str]:
    if isinstance(error, errors.AuthenticationError):
        # The library's own hint names arguments of the client.
        return "give --token, or set INVOKEAI_TOKEN and INVOKEAI_URL"
    if isinstance(error, errors.APIConnectionError) and not error.hint:
        return "is the server running? `ivk doctor` tells more; --url names another"
    return error.hint if isinstance(error, errors.InvokeAIError) else None


def _details(error: BaseException) -> dict[str, Any]:
    details: dict[str, Any] = {}
    for name in _DETAILS:
        value = getattr(error, name, None)
        if value is not None and not callable(value):
            details[name] = list(value) if isinstance(value, tuple) else value
    if isinstance(error, errors.FieldValidationError):
        details["problems"] = [problem.as_dict() for problem in error.problems]
    if isinstance(error, errors.JobError) and error.job is not None:
        details["item_id"] = error.job.item_id
    return details
