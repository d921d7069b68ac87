"""The only place of the command line that writes.

Standard output gets the result: tables for people, or with `--json` exactly one
envelope. Everything else (progress, notes, logs, errors for people) goes to standard
error, so that a pipe sees nothing but results.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Optional, Union

from invokeai_py_client.cli.errors import Failure

if TYPE_CHECKING:
    from invokeai_py_client.cli.terminal import Terminal

__all__ = ["SCHEMA", "Outcome", "Renderer", "Table", "plain"]

SCHEMA = "ivk/1"


@dataclass(frozen=True)
class Table:
    """Rows for people; cells are shown as they are, None as an empty one."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    title: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a command found out.

    Attributes:
        data: The envelope's `data`, JSON-ready after `plain`.
        view: For people: tables, and texts, which are written as they are.
        notes: Lines for people that are not the result; they go to standard error.
        warnings: Lines that do not stop anything.
        failure: Set when the command ran, has data to show, and still did not end
            well, such as a failed job among others.
    """

    data: Any
    view: Sequence[Union[str, Table]] = ()
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    failure: Optional[Failure] = None


def plain(value: Any) -> Any:
    """`value` as JSON-ready data: snapshots, enums, paths and times included."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str):
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
        names = [item.name for item in dataclasses.fields(value)]
        return {name: plain(getattr(value, name)) for name in names}
    return repr(value)


class Renderer:
    """Writes the results and notes of one command.

    Args:
        as_json: Write the envelope instead of tables.
        verbose: Show the library's log, and tracebacks of faults.
    """

    def __init__(self, *, as_json: bool, verbose: bool) -> None:
        self.as_json = as_json
        self.verbose = verbose
        # Taken now: while a command runs with --json, sys.stdout points to stderr.
        self._stdout = sys.stdout
        self._stderr = sys.stderr
        self._handlers: list[logging.Handler] = []
        self._level = logging.NOTSET

    @cached_property
    def out(self) -> Terminal:
        """Standard output for people."""
        return _terminal(self._stdout)

    @cached_property
    def err(self) -> Terminal:
        """Standard error for people."""
        return _terminal(self._stderr)

    def note(self, line: str) -> None:
        """Say on standard error what is going on."""
        self.err.wrapped(line, "dim")

    def say(self, line: str) -> None:
        """Write a line of the result before the end, for commands that stay."""
        stream = sys.stderr if self.as_json else self._stdout
        stream.write(f"{line}\n")
        stream.flush()

    def start_logging(self) -> None:
        """Collect the library's warnings, and show its log when it was asked for."""
        logger = logging.getLogger("invokeai_py_client")
        self._level = logger.level
        self._add_handler(_Collector(logging.WARNING))
        if self.verbose:
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
            self._add_handler(handler)
            logger.setLevel(logging.DEBUG)

    def _add_handler(self, handler: logging.Handler) -> None:
        logging.getLogger("invokeai_py_client").addHandler(handler)
        self._handlers.append(handler)

    def stop_logging(self) -> None:
        """Leave the library's log as it was before `start_logging`."""
        logger = logging.getLogger("invokeai_py_client")
        for handler in self._handlers:
            logger.removeHandler(handler)
        logger.setLevel(self._level)

    def _logged_warnings(self) -> list[str]:
        return [
            line
            for handler in self._handlers
            if isinstance(handler, _Collector)
            for line in handler.lines
        ]

    def result(self, command: str, outcome: Outcome) -> int:
        """Write what a command found out; the exit code."""
        failure = outcome.failure
        warnings = [*outcome.warnings, *self._logged_warnings()]
        warnings = list(dict.fromkeys(warnings))
        try:
            if self.as_json:
                self._envelope(command, outcome.data, failure, warnings)
            else:
                for item in outcome.view:
                    self._show(item)
                self._stdout.flush()
        except BrokenPipeError:
            # Whoever reads has seen enough, as in `ivk image list | head`; the
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

    def _show(self, item: Union[str, Table]) -> None:
        if isinstance(item, str):
            # Never wrapped: it may be a path to copy, or JSON.
            self.out.line(item)
        else:
            self.out.table(item.columns, item.rows, item.title)

    def failure(self, command: str, failure: Failure) -> int:
        """Write why a command did not work; the exit code."""
        warnings = self._logged_warnings()
        if self.as_json:
            self._envelope(command, None, failure, warnings)
        else:
            self._remarks((), warnings)
            self._failure(failure)
        if self.verbose and failure.code == "internal":
            self.err.traceback()
        return failure.exit

    def _failure(self, failure: Failure) -> None:
        problems = failure.details.get("problems", ())
        lines = [] if len(problems) == 1 else [f"  - {p['message']}" for p in problems]
        head = f"{len(problems)} problems" if lines else failure.message
        self.err.line(f"error: {head}", "red")
        candidates = failure.details.get("candidates")
        if candidates and not any(str(name) in head for name in candidates):
            lines.append(f"  known are: {', '.join(map(str, candidates))}")
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
        # ASCII only: whatever the terminal's encoding is, the bytes are right.
        self._stdout.write(json.dumps(envelope, indent=2) + "\n")
        self._stdout.flush()


class _Collector(logging.Handler):
    """Keeps what the library warns of, for the end of the command."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _terminal(stream: Any) -> Terminal:
    # Most commands of a script write JSON, and need none of what this imports.
    from invokeai_py_client.cli.terminal import Terminal

    return Terminal(stream)
