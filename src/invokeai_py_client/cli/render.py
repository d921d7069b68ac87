"""The only module of the command line that writes.

Standard output receives the result: tables, or with `--json` exactly one envelope.
Progress, notes, logs and errors without `--json` go to standard error.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Optional, Union

from invokeai_py_client.cli.errors import Failure

if TYPE_CHECKING:
    from invokeai_py_client.cli.terminal import Terminal

SCHEMA = "ivk/1"


@dataclass(frozen=True)
class Table:
    """Rows of cells; None is an empty cell, a list a cell of several lines."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Outcome:
    """The result of a command.

    Attributes:
        data: The envelope's `data`, JSON-ready after `plain`.
        view: Shown without `--json`: tables, and lines.
        notes: Lines for standard error that are not part of the result.
        warnings: Lines about what did not prevent the result.
        failure: Set when the command has data to show and failed nevertheless, such
            as when one of several jobs failed.
    """

    data: Any
    view: Sequence[Union[str, Table]] = ()
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    failure: Optional[Failure] = None


def picked(value: Any, *names: str) -> dict[str, Any]:
    """The attributes with these names."""
    return {name: getattr(value, name) for name in names}


def plain(value: Any) -> Any:
    """`value` as JSON-ready data; converts records, enums, paths and times."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return _plain_object(value)


def _plain_object(value: Any) -> Any:
    dump: Optional[Callable[..., Any]] = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(picked(value, *(item.name for item in dataclasses.fields(value))))
    return repr(value)


class Renderer:
    """Writes the results and notes of one command.

    With `verbose` it also shows the library's log, and the tracebacks of bugs.
    """

    def __init__(self, *, as_json: bool, verbose: bool) -> None:
        self.as_json = as_json
        self.verbose = verbose
        # Taken now: while a command runs with --json, sys.stdout points to stderr.
        self._stdout = sys.stdout
        self._stderr = sys.stderr
        self._warnings: list[str] = []

    @cached_property
    def out(self) -> Terminal:
        """Standard output."""
        # With --json, nothing that this imports is needed.
        from invokeai_py_client.cli.terminal import Terminal

        return Terminal(self._stdout)

    @cached_property
    def err(self) -> Terminal:
        """Standard error."""
        from invokeai_py_client.cli.terminal import Terminal

        return Terminal(self._stderr)

    def note(self, line: str) -> None:
        """Write what is happening to standard error."""
        self.err.line(line, "dim")

    def say(self, line: str) -> None:
        """Write a line of the result early, for commands that keep running."""
        (self.err if self.as_json else self.out).line(line)

    @property
    def can_ask(self) -> bool:
        """True if a person is at the terminal."""
        return not self.as_json and sys.stdin.isatty() and self._stderr.isatty()

    def ask(self, question: str) -> bool:
        """Ask a question on standard error; anything but yes is no."""
        self.err.line(f"{question} [y/N]")
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    @contextlib.contextmanager
    def library_log(self) -> Iterator[None]:
        """Collect the library's warnings; with `verbose`, show its log."""
        logger = logging.getLogger("invokeai_py_client")
        level = logger.level
        handlers: list[logging.Handler] = [_Collector(self._warnings, self.note)]
        if self.verbose:
            shown = logging.StreamHandler(sys.stderr)
            shown.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
            handlers.append(shown)
            logger.setLevel(logging.DEBUG)
        for handler in handlers:
            logger.addHandler(handler)
        try:
            yield
        finally:
            for handler in handlers:
                logger.removeHandler(handler)
            logger.setLevel(level)

    def result(self, command: str, outcome: Outcome) -> int:
        """Write the result of a command and return the exit code."""
        failure = outcome.failure
        warnings = list(dict.fromkeys([*outcome.warnings, *self._warnings]))
        try:
            if self.as_json:
                self._envelope(command, outcome.data, failure, warnings)
            else:
                for item in outcome.view:
                    if isinstance(item, str):
                        self.out.line(item)
                    else:
                        self.out.table(item.columns, item.rows)
                self._stdout.flush()
        except BrokenPipeError:
            # The reader closed the pipe, as in `ivk image list | head`; the
            # interpreter must not try to flush the rest.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stdout.fileno())
        if not self.as_json:
            self._remarks(outcome.notes, warnings)
            if failure:
                self._failure(failure)
        return failure.exit if failure else 0

    def _remarks(self, notes: Sequence[str], warnings: Sequence[str]) -> None:
        for line in notes:
            self.err.line(line)
        for line in warnings:
            self.err.line(f"warning: {line}", "yellow")

    def failure(self, command: str, failure: Failure) -> int:
        """Write why a command failed and return the exit code."""
        if self.as_json:
            self._envelope(command, None, failure, self._warnings)
        else:
            self._remarks((), self._warnings)
            self._failure(failure)
        if self.verbose and failure.code == "internal":
            for line in traceback.format_exc().splitlines():
                self.err.line(line)
        return failure.exit

    def _failure(self, failure: Failure) -> None:
        problems = failure.details.get("problems", ())
        lines = [] if len(problems) == 1 else [f"  - {p['message']}" for p in problems]
        head = f"{len(problems)} problems" if lines else failure.message
        for line in f"error: {head}".splitlines():
            self.err.line(line, "red")
        candidates = failure.details.get("candidates")
        said = f"{head} {failure.hint}"
        if candidates and not any(str(name) in said for name in candidates):
            lines.append(f"  there are: {', '.join(map(str, candidates))}")
        if failure.hint:
            lines.append(f"hint: {failure.hint}")
        for line in lines:
            self.err.line(line)

    def _envelope(
        self,
        command: str,
        data: Any,
        failure: Optional[Failure],
        warnings: Sequence[str],
    ) -> None:
        envelope = {
            "schema": SCHEMA,
            "ok": failure is None,
            "command": command,
            "data": plain(data),
            "error": plain(failure.as_dict()) if failure else None,
            "warnings": list(warnings),
        }
        # ASCII only, so that the bytes are right in every encoding.
        self._stdout.write(json.dumps(envelope, indent=2) + "\n")
        self._stdout.flush()


class _Collector(logging.Handler):
    """Keeps the library's warnings for the end of the command, but for urgent ones."""

    def __init__(self, lines: list[str], note: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines
        self._note = note

    def emit(self, record: logging.LogRecord) -> None:
        is_urgent = getattr(record, "at_once", False)
        (self._note if is_urgent else self._lines.append)(record.getMessage())
