"""What can go wrong on the command line: one table of codes, one translation.

Codes are for programs and never change their meaning; messages may change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from invokeai_py_client import exceptions as errors
from invokeai_py_client.exceptions.workflow import shown

EXIT_CODES: Mapping[int, str] = {
    0: "done",
    1: "a workflow, a value or a job has a problem",
    2: "the command line is wrong",
    3: "something named on the command line does not exist",
    4: "the server cannot be reached, or what answers is not InvokeAI",
    5: "not logged in, or not allowed",
    6: "the server refused or failed",
    7: "something is missing on this machine",
    8: "the outcome is unknown: the timeout passed, or the reply was lost",
    70: "a bug in this program",
    130: "interrupted; the jobs of `run` were cancelled, those of a sweep go on",
}


# The first class that fits an error gives its code and exit code: special ones first.
_BY_CLASS: tuple[tuple[type[BaseException], str, int], ...] = (
    (errors.ArgumentError, "usage", 2),
    (errors.ImageFileNotFoundError, "file_not_found", 3),
    (errors.ImageError, "image_error", 1),
    (errors.VideoFileNotFoundError, "file_not_found", 3),
    (errors.VideoError, "video_error", 1),
    (errors.AuthenticationError, "not_authenticated", 5),
    (errors.PermissionDeniedError, "permission_denied", 5),
    (errors.NotFoundError, "not_found", 3),
    (errors.ConflictError, "conflict", 6),
    (errors.UnprocessableEntityError, "refused_by_server", 6),
    (errors.InternalServerError, "server_failed", 6),
    (errors.APIStatusError, "status_error", 6),
    (errors.APITimeoutError, "connection_timeout", 4),
    (errors.APIConnectionError, "connection_failed", 4),
    (errors.APIResponseError, "bad_response", 4),
    (errors.UnsupportedVersionError, "unsupported_version", 6),
    (errors.APIError, "api_error", 6),
    (errors.WorkflowFormatError, "workflow_format", 1),
    (errors.WorkflowNotFoundError, "workflow_not_found", 3),
    (errors.OutputNotFoundError, "output_not_found", 3),
    (errors.LockedInputError, "lock_broken", 1),
    (errors.InputNotFoundError, "input_not_found", 3),
    (errors.FieldValidationError, "invalid_value", 1),
    (errors.WorkflowError, "workflow_error", 1),
    (errors.KeyConflictError, "key_conflict", 2),
    (errors.QueueFullError, "queue_full", 6),
    (errors.QueueBlockedError, "queue_blocked", 6),
    (errors.SubmissionUnknownError, "submission_unknown", 8),
    (errors.QueueError, "queue_error", 6),
    (errors.JobTimeoutError, "job_timeout", 8),
    (errors.JobLostError, "job_lost", 1),
    (errors.JobCanceledError, "job_canceled", 1),
    (errors.JobFailedError, "job_failed", 1),
    (errors.JobError, "job_error", 1),
    (errors.BoardError, "board_error", 3),
    (errors.ModelError, "model_error", 3),
    (errors.SweepChangedError, "sweep_changed", 2),
    (errors.SweepInUseError, "sweep_in_use", 7),
    (errors.SweepError, "sweep_error", 1),
    (errors.NodePackError, "node_pack_error", 1),
    (errors.UnknownNameError, "unknown_name", 3),
    (errors.LocalServerError, "local_server", 7),
    (errors.LocalFileNotFoundError, "file_not_found", 3),
    (errors.LocalFileExistsError, "file_exists", 7),
    (errors.LocalFileError, "file_error", 7),
    (errors.InvokeAIError, "library_error", 1),
    (FileNotFoundError, "file_not_found", 3),
    (OSError, "file_error", 7),
    (KeyboardInterrupt, "interrupted", 130),
)

ERROR_CODES: Mapping[str, int] = {
    "problems_found": 1,
    "not_confirmed": 1,
    "missing_extra": 7,
    "internal": 70,
    **{code: number for _, code, number in _BY_CLASS},
}

# Attributes of errors that are copied to the envelope.
_DETAILS = (
    "status_code", "detail", "method", "url", "needed", "found", "where", "key",
    "candidates", "requested", "enqueued", "batch_id", "error_type", "error_message",
    "node_id", "node_type",
)  # fmt: skip


@dataclass(frozen=True)
class Failure:
    """An error as the envelope reports it; `code` is a key of `ERROR_CODES`."""

    code: str
    message: str
    hint: Optional[str] = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exit(self) -> int:
        """The exit code of the process."""
        return ERROR_CODES[self.code]

    def as_dict(self) -> dict[str, Any]:
        """The envelope's `error`."""
        own = {"code": self.code, "message": self.message, "hint": self.hint}
        return {**own, **self.details}


class CliError(Exception):
    """A failure that the command line itself detects; built like a `Failure`."""

    def __init__(
        self, code: str, message: str, *, hint: Optional[str] = None, **details: Any
    ) -> None:
        self.failure = Failure(code, message, hint, details)
        super().__init__(message)


def explain(error: BaseException) -> Failure:
    """Turn any error into its code, message, hint and details."""
    if isinstance(error, CliError):
        return error.failure
    for kind, code, _ in _BY_CLASS:
        if isinstance(error, kind):
            if isinstance(error, errors.NotFoundError):
                # Imports pydantic, which `ivk --help` does not need.
                from invokeai_py_client._core.decode import NO_INVOKEAI_HINT

                # The 404 page of another program or of a proxy.
                if error.hint == NO_INVOKEAI_HINT:
                    code = "bad_response"
            return Failure(code, _message(error), _hint(error), _details(error))
    message = f"{type(error).__name__}: {error}"
    return Failure("internal", message, "run it again with --verbose, and report it")


# What the command line calls arguments of the library that are not its options.
_ARGUMENTS = {
    "axes": "NAME...",
    "categories": "--category",
    "image": "NAME",
    "job": "JOB",
    "model": "MODEL",
    "name": "NAME",
    "query": "--search",
}


def _message(error: BaseException) -> str:
    if isinstance(error, errors.ArgumentError):
        name = _ARGUMENTS.get(error.argument, f"--{error.argument.replace('_', '-')}")
        if error.allowed.startswith("a file name with"):
            # A template, where the argument NAME is something else.
            name = "--name"
        rest = error.message.partition(" is not allowed; ")[2]
        rest = rest.removesuffix(" or None").removesuffix(" or a list of them")
        return f"{name} cannot be {shown(error.value)}; {rest}"
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, errors.InvokeAIError):
        return error.message
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


def _hint(error: BaseException) -> Optional[str]:
    if isinstance(error, errors.WorkflowNotFoundError):
        return "`ivk workflow list` lists the server's library"
    if not isinstance(error, errors.InvokeAIError) or error.hint is None:
        return None
    hint = error.hint
    for words, instead in _IN_CLI_WORDS:
        hint = re.sub(words, instead, hint)
    return None if _PYTHON.search(hint) else hint


# What only a program can call or give.
_PYTHON = re.compile(r"[a-z_]\(|_repo\b|(?<![.\w-])[a-z_]+=")


# The library's hints name what Python calls them, here by regular expressions, with
# what the command line has instead.
_IN_CLI_WORDS = (
    ("^give token=, or email= and password=$", "give --token, or set INVOKEAI_TOKEN"),
    (r"use token=, or email= and password=", "use --token"),
    (r": leave out email= and password=", ": leave out --token"),
    (r"headers=\{'Authorization': 'Basic …'\}", "--basic-auth USER:PASSWORD"),
    (r"\bproxy='(.+?)'", r"--proxy \1"),
    (r"\bgive proxy=( or http_options=\{.*?\})?", "give --proxy"),
    ("^is the server running at this address\\?$",
     "is the server running? `ivk doctor` checks; --url names another one"),
    ("^request_timeout= allows for more$", "try again later; `ivk doctor` checks"),
    (r"\bverify= takes", "--verify takes"),
    (r"\bcreate=True\b", "--create"),
    (r"client\.board_repo\.create_board\(['\"](.+?)['\"]\)",
     r"`ivk board create \1`"),
    (r"\bseed=['\"]?(\w+)['\"]?", r"--seed \1"),
    (r"\btimeout=", "--timeout"),
    (r"\bset_node_value\(['\"](.+?)['\"], ['\"](.+?)['\"], …\)", r"--set-node \1.\2=…"),
    (r"queue_repo\.cancel_batch\('(.+?)'\)", r"`ivk queue cancel --batch \1`"),
    (r"the jobs go on; wait again, or cancel\(\) the submission",
     "the jobs go on; `ivk queue wait` waits, `ivk queue cancel` cancels"),
)  # fmt: skip


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
