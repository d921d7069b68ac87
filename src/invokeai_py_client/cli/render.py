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
from pathlib import PurePath
from typing import Any, Optional

from rich.console import Console
from rich.table import Table
from rich.text import Text

from invokeai_py_client.cli.errors import Failure

__all__ = ["SCHEMA", "Outcome", "Renderer", "plain", "table"]

SCHEMA = "ivk/1"

# Wide enough for a name or path of any size when the output is a file or a pipe.
_PIPE_WIDTH = 240


@dataclass(frozen=True)
class Outcome:
    """What a command found out.

    Attributes:
        data: The envelope's `data`, JSON-ready after `plain`.
        view: Rich renderables for people, or texts, which are written as they are.
        notes: Lines for people that are not the result; they go to standard error.
        warnings: Lines that do not stop anything.
        failure: Set when the command ran, has data to show, and still did not end
            well, such as a failed job among others.
    """

    data: Any
    view: Sequence[Any] = ()
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


def table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str = ""
) -> Table:
    """A table whose cells are shown as they are, never read as markup."""
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold", header_style="bold")
    for row in rows:
        made.add_row(*("" if cell is None else Text(str(cell)) for cell in row))
    return made


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
        self.out = _console(self._stdout)
        self.err = _console(sys.stderr)
        self._handlers: list[logging.Handler] = []

    def note(self, line: str) -> None:
        """Say on standard error what is going on."""
        self.err.print(Text(line, style="dim"))

    def say(self, line: str) -> None:
        """Write a line of the result before the end, for commands that stay."""
        stream = sys.stderr if self.as_json else self._stdout
        stream.write(f"{line}\n")
        stream.flush()

    def start_logging(self) -> None:
        """Collect the library's warnings, and show its log when it was asked for."""
        logger = logging.getLogger("invokeai_py_client")
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
        """Take the handlers of `start_logging` away again."""
        for handler in self._handlers:
            logging.getLogger("invokeai_py_client").removeHandler(handler)

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
            self.err.print(Text(line), soft_wrap=True)
        for line in warnings:
            self.err.print(Text(f"warning: {line}", style="yellow"), soft_wrap=True)

    def _show(self, item: Any) -> None:
        if isinstance(item, str):
            # Never wrapped: it may be a path to copy, or JSON.
            self.out.print(Text(item), soft_wrap=True)
        else:
            self.out.print(item)

    def failure(self, command: str, failure: Failure) -> int:
        """Write why a command did not work; the exit code."""
        warnings = self._logged_warnings()
        if self.as_json:
            self._envelope(command, None, failure, warnings)
        else:
            self._remarks((), warnings)
            self._failure(failure)
        if self.verbose and failure.code == "internal":
            self.err.print_exception()
        return failure.exit

    def _failure(self, failure: Failure) -> None:
        problems = failure.details.get("problems", ())
        lines = [] if len(problems) == 1 else [f"  - {p['message']}" for p in problems]
        head = f"{len(problems)} problems" if lines else failure.message
        self.err.print(Text(f"error: {head}", style="red"), soft_wrap=True)
        candidates = failure.details.get("candidates")
        if candidates and not any(str(name) in head for name in candidates):
            lines.append(f"  known are: {', '.join(map(str, candidates))}")
        if failure.hint:
            lines.append(f"hint: {failure.hint}")
        for line in lines:
            self.err.print(Text(line), soft_wrap=True)

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


class _Console(Console):
    """Leaves it to `Renderer.result` what a closed pipe means."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _console(stream: Any) -> Console:
    width = None if stream.isatty() else _PIPE_WIDTH
    return _Console(file=stream, width=width, highlight=False, soft_wrap=False)
