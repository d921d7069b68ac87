"""`ivk workflow pull`, `push` and `delete`: the server's library of workflows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from invokeai_py_client.cli.command_options import Session, command
from invokeai_py_client.cli.commands.workflow_commands import app, located
from invokeai_py_client.cli.destroying import DryRunOption, YesOption, is_agreed
from invokeai_py_client.cli.errors import CliError
from invokeai_py_client.cli.render import Outcome

WorkflowArgument = Annotated[
    str, typer.Argument(metavar="WORKFLOW", help="Name or id in the server's library.")
]


@command(app, "pull")
def pull(
    session: Session,
    workflow: WorkflowArgument,
    path: Annotated[
        Path, typer.Argument(metavar="[PATH]", help="A file or a folder.")
    ] = Path(),
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Replace a file that exists.")
    ] = False,
) -> Outcome:
    """Save a workflow of the library as a JSON file, and print its path."""
    saved = session.client.workflow_repo.pull_workflow(workflow, path, overwrite=force)
    return Outcome({"path": saved.absolute()}, [str(saved)])


@command(app, "push")
def push(
    session: Session,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|-", help="A JSON file, a PNG that contains a workflow, or -."
        ),
    ],
    name: Annotated[
        Optional[str],
        typer.Option("--name", metavar="NAME", help="What to call it [its own name]."),
    ] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Replace none of the same name.")
    ] = False,
) -> Outcome:
    """Put a workflow into the library, replacing yours of the same name."""
    found = located(file)
    if isinstance(found, str):
        raise CliError("file_not_found", f"there is no file {file}")
    repo = session.client.workflow_repo
    send = repo.save_workflow if new else repo.push_workflow
    record = send(found, name=name)
    return Outcome(record, [f"{record.name}: {record.workflow_id}"])


@command(app, "delete")
def delete(
    session: Session,
    workflow: WorkflowArgument,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> Outcome:
    """Delete a workflow from the library for good."""
    repo = session.client.workflow_repo
    record = repo.get_workflow_record(workflow)
    what = f"delete the workflow {record.name!r} from the library"
    if not is_agreed(session, what, yes=yes, dry_run=dry_run):
        return Outcome({"would_delete": record.workflow_id}, [record.workflow_id])
    repo.delete_workflow(record.workflow_id)
    return Outcome({"deleted": record.workflow_id}, [f"deleted {record.name!r}"])
