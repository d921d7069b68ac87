"""`ivk workflow lock` and `ivk workflow check`: names that survive editing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from invokeai_py_client.cli.command_options import Session, command
from invokeai_py_client.cli.commands.workflow_commands import (
    OfflineOption,
    app,
    load_handle,
    located,
)
from invokeai_py_client.cli.errors import CliError, Failure
from invokeai_py_client.cli.render import Outcome, Table, picked

if TYPE_CHECKING:
    from invokeai_py_client.workflow.inputs.described_workflow import DescribedWorkflow
    from invokeai_py_client.workflow.locking.match_inputs import InputChange

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="The workflow's JSON file.")
]
LockOption = Annotated[
    Optional[Path],
    typer.Option(
        "--lock", metavar="PATH", help="The lock file; by default FILE.lock.json."
    ),
]


@command(app, "lock")
def lock(
    session: Session,
    file: FileArgument,
    lock_file: LockOption = None,
    offline: OfflineOption = False,
) -> Outcome:
    """Write a lock file: the names of a workflow's inputs then survive editing.

    What is locked already keeps its name; new inputs are added. If a locked input is
    gone or has another type, nothing is written: see `ivk workflow check --fix`.
    """
    path = _lock_path(file, lock_file)
    handle = _loaded(session, file, path if path.exists() else None, offline)
    broken = [c for c in _changes(handle) if c.is_breaking]
    if broken:
        raise CliError(
            "lock_broken",
            "; ".join(f"{change.name}: {change.message}" for change in broken),
            hint=f"`ivk workflow check {file} --fix` accepts that",
        )
    made = handle.create_lock()
    made.save(path)
    data = {"path": str(path), "inputs": list(made.inputs)}
    return Outcome(data, [f"{path}: {len(made.inputs)} inputs"])


@command(app, "check")
def check(
    session: Session,
    file: FileArgument,
    lock_file: LockOption = None,
    fix: Annotated[
        bool,
        typer.Option(
            "--fix",
            help="Write the lock anew: with new inputs, changed types, and without "
            "what is missing.",
        ),
    ] = False,
    offline: OfflineOption = False,
) -> Outcome:
    """Compare a workflow with its lock file, for CI.

    Ends with code 1 if a locked input is missing or has another type, so that scripts
    which use its name would fail. What has moved, has another label or limits, or is in
    a node that was made again is told, and new inputs are listed; scripts run on.
    """
    path = _lock_path(file, lock_file)
    if not path.exists():
        raise CliError(
            "file_not_found",
            f"there is no lock file {path}",
            hint=f"make one with `ivk workflow lock {file}`",
        )
    handle = _loaded(session, file, path, offline)
    changes = _changes(handle)
    failure = None
    notes = []
    if fix:
        made = handle.create_lock()
        made.save(path)
        gone = [c.name for c in changes if c.name not in made.inputs]
        notes.append(
            f"{path} is written anew" + (f", without {', '.join(gone)}" if gone else "")
        )
    elif broken := [change.name for change in changes if change.is_breaking]:
        failure = Failure(
            "lock_broken",
            f"scripts that use these inputs would fail: {', '.join(broken)}",
            f"mend the workflow, or accept it with `ivk workflow check {file} --fix`",
        )
    data = {
        "path": str(path),
        "is_fixed": fix,
        "inputs": [
            {**picked(c, "name", "kind", "kinds", "message"), "target": c.target}
            for c in changes
        ],
    }
    rows = [(c.name, ", ".join(c.kinds), c.message) for c in changes]
    return Outcome(data, [Table(("NAME", "STATE", "WHAT"), rows)], notes, [], failure)


def _lock_path(file: Path, chosen: Optional[Path]) -> Path:
    from invokeai_py_client.workflow.locking.workflow_lock import lock_path

    return lock_path(file) if chosen is None else chosen


def _loaded(
    session: Session, file: Path, lock_file: Optional[Path], offline: bool
) -> DescribedWorkflow:
    if not isinstance(located(str(file)), Path):
        raise CliError("file_not_found", f"there is no file {file}")
    option: Any = False if lock_file is None else lock_file
    return load_handle(session, str(file), offline, lock=option)


def _changes(handle: DescribedWorkflow) -> list[InputChange]:
    return [] if handle.lock is None else handle.list_lock_changes()
