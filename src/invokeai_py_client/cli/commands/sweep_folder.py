"""`ivk sweep status`, `resume`, `retry` and `report`: a sweep that has begun."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from invokeai_py_client.cli.command_options import Session, command
from invokeai_py_client.cli.commands.sweep_run import (
    COUNTS,
    DeleteOption,
    MaxFailuresOption,
    ServersOption,
    app,
    ran,
)
from invokeai_py_client.cli.errors import CliError
from invokeai_py_client.cli.render import Outcome, Table, picked

if TYPE_CHECKING:
    from invokeai_py_client.sweep.sweep import Sweep

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="The sweep's folder, --out of `run`.")
]


@command(app, "status")
def status(session: Session, folder: FolderArgument) -> Outcome:
    """Show how far a sweep is, and why items failed.

    It needs no server, and may be asked while another process runs the sweep.
    """
    del session
    sweep = _open(folder)
    progress, failures = sweep.status(), dict(sweep.failures())
    data = {**picked(progress, *COUNTS), "failures": failures}
    rows = list(failures.items())
    view: list[Any] = [f"{progress} in {folder}"]
    if rows:
        view.append(Table(("FAILED", "ITEMS"), rows))
    return Outcome(data, view)


@command(app, "report")
def report(session: Session, folder: FolderArgument) -> Outcome:
    """Show what happened: counts, and the failed items with their values."""
    del session
    sweep = _open(folder)
    failed = [
        picked(item, "index", "key", "values", "kind", "error")
        for item in sweep.items("failed")
    ]
    data = {**picked(sweep.status(), *COUNTS), "failed_items": failed}
    return Outcome(data, sweep.report().splitlines())


@command(app, "grid")
def grid(
    session: Session,
    folder: FolderArgument,
    axes: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...", help="One to three values: columns, rows, blocks."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The image to write.")
    ] = Path("grid.png"),
) -> Outcome:
    """Draw the images side by side, labelled with the values that made them."""
    del session
    image = _open(folder).grid(*axes)
    try:
        image.save(out)
    except ValueError as error:
        # The end of the name is not that of a kind of image.
        raise CliError("usage", f"--out {out}: {error}") from error
    return Outcome({"path": str(out)}, [str(out)])


@command(app, "gallery")
def gallery(
    session: Session,
    folder: FolderArgument,
    out: Annotated[
        Optional[Path],
        typer.Option("--out", metavar="FILE", help="The page [DIR/index.html]."),
    ] = None,
) -> Outcome:
    """Write a page that shows the images, to filter, sort and compare."""
    del session
    path = _open(folder).gallery(out)
    return Outcome({"path": str(path)}, [str(path)])


@command(app, "retry")
def retry(
    session: Session,
    folder: FolderArgument,
    kind: Annotated[
        Optional[str],
        typer.Option("--kind", help="Only items that failed so; see `status` [all]."),
    ] = None,
) -> Outcome:
    """Open failed items again; the next `run` or `resume` makes them."""
    del session
    count = _open(folder).retry(kind)
    return Outcome({"reopened": count}, [f"{count} items are to be made again"])


@command(app, "resume")
def resume(
    session: Session,
    folder: FolderArgument,
    max_failures: MaxFailuresOption = None,
    delete: DeleteOption = False,
    servers: ServersOption = None,
) -> Outcome:
    """Go on with a sweep from its folder alone, as the same `run` would."""
    sweep = _open(folder)

    def go_on(**options: Any) -> Any:
        return sweep.resume(session.client, **options)

    options: dict[str, Any] = {"server_copy": "delete"} if delete else {}
    if servers:
        options["servers"] = servers
    return ran(session, go_on, folder, max_failures=max_failures, **options)


def _open(folder: Path) -> Sweep:
    from invokeai_py_client.sweep.sweep import Sweep

    return Sweep.open(folder)
