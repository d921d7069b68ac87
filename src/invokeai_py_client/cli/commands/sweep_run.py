"""`ivk sweep plan` and `ivk sweep run`: a workflow with many values."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, Union

import typer

from invokeai_py_client.cli.command_options import Session, command, group
from invokeai_py_client.cli.commands.simulate import SnapshotOption, simulated
from invokeai_py_client.cli.commands.workflow_commands import (
    SetNodeOption,
    SetOption,
    SourceArgument,
    located,
)
from invokeai_py_client.cli.errors import CliError, Failure
from invokeai_py_client.cli.render import Outcome, Table, picked
from invokeai_py_client.cli.sweep_axes import (
    AXIS_HELP,
    SweepSpec,
    add_axes,
    read_spec,
    with_types,
)
from invokeai_py_client.cli.values import apply_node_values, apply_values, read_seed
from invokeai_py_client.exceptions import InvokeAIError

if TYPE_CHECKING:
    from invokeai_py_client.sweep.running.progress import SweepResult
    from invokeai_py_client.sweep.sweep_plan import SweepPlan

app = group("sweep", "Run a workflow with many values, and go on after any crash.")

ProductOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--product",
        metavar="NAME=VALUES",
        help=f"An axis: combined with all the others. {AXIS_HELP}",
    ),
]
ZipOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--zip", metavar="NAME=VALUES", help="Values side by side with other --zip."
    ),
]
RowsOption = Annotated[
    Optional[Path],
    typer.Option(
        "--rows",
        metavar="FILE",
        help="A table whose columns are inputs: CSV, JSON or JSON lines.",
    ),
]
SpecOption = Annotated[
    Optional[Path],
    typer.Option(
        "--spec",
        metavar="FILE",
        help="A TOML file with tables product, zip, set, set_node and keys rows, runs, "
        "seed, key, name. Options add to it.",
    ),
]
SeedOption = Annotated[
    Optional[str],
    typer.Option(
        "--seed",
        metavar="N|keep|random",
        help="Keep the workflow's seeds, draw one for each item, or set all to N.",
    ),
]
RunsOption = Annotated[
    Optional[int], typer.Option("--runs", min=1, help="How often everything is run.")
]
KeyOption = Annotated[
    Optional[str],
    typer.Option(
        "--key",
        metavar="TEMPLATE",
        help="What items are called, such as {positive_prompt:slug}-{seed}.",
    ),
]
NameOption = Annotated[
    Optional[str],
    typer.Option(
        "--name",
        metavar="TEMPLATE",
        help="Names of the files, such as {index:05d}-{seed}.png.",
    ),
]
OutOption = Annotated[
    Path,
    typer.Option(
        "--out", metavar="DIR", help="The sweep's folder; the same one resumes."
    ),
]
BoardOption = Annotated[
    Optional[str],
    typer.Option("--board", metavar="BOARD", help="Board for the results: name or id."),
]


MaxFailuresOption = Annotated[
    Optional[int],
    typer.Option(
        "--max-failures", min=0, help="End when more items than this have failed."
    ),
]
DeleteOption = Annotated[
    bool,
    typer.Option(
        "--delete-server-copies",
        help="Delete the sweep's own images on the server once they are here.",
    ),
]

ServersOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--server",
        metavar="URL",
        help="Share the work among these servers [that of --url]. May be repeated.",
    ),
]

OutputsOption = Annotated[
    Optional[str],
    typer.Option(
        "--outputs",
        metavar="URL",
        help="Where the images go instead, such as s3://bucket/folder; credentials "
        "are those that fsspec finds.",
    ),
]

COUNTS = ("total", "done", "failed", "skipped", "todo", "sent", "reruns", "doubles")


@dataclass(frozen=True)
class Axes:
    """The options that say which items there are."""

    source: Any
    spec: SweepSpec
    board: Optional[str] = None

    def plan(self, session: Session) -> SweepPlan:
        """The plan; nothing is sent but what loading the workflow needs."""
        handle = session.client.workflow_repo.load(self.source)
        apply_values(handle, self.spec.settings)
        apply_node_values(handle, self.spec.node_settings)
        return handle.sweep(
            product=with_types(handle, self.spec.product) or None,
            zip=with_types(handle, self.spec.zip) or None,
            rows=self.spec.rows,
            runs=self.spec.runs or 1,
            key=self.spec.key,
            seed=read_seed(self.spec.seed or "keep"),
            board=self.board,
        )


@command(app, "plan")
def plan(
    session: Session,
    source: SourceArgument,
    product: ProductOption = None,
    zipped: ZipOption = None,
    rows: RowsOption = None,
    spec: SpecOption = None,
    settings: SetOption = None,
    node_settings: SetNodeOption = None,
    runs: RunsOption = None,
    seed: SeedOption = None,
    key: KeyOption = None,
    first: Annotated[
        int, typer.Option("--first", min=0, help="How many items to show.")
    ] = 5,
) -> Outcome:
    """Show the items that a sweep would have, and every value that is wrong.

    Nothing is enqueued.
    """
    asked = _spec(spec, product, zipped, rows, settings, node_settings)
    _override(asked, runs=runs, seed=seed, key=key)
    planned = Axes(located(source), asked).plan(session)
    problems = [problem.as_dict() for problem in planned.problems]
    shown = [] if problems else planned.preview(first)
    table = Table(
        ("#", "KEY", *planned.columns),
        [
            (item.index, item.key, *(item.values.get(n) for n in planned.columns))
            for item in shown
        ],
    )
    data = {
        "total": len(planned),
        "columns": list(planned.columns),
        "items": [picked(item, "index", "key", "values") for item in shown],
        "problems": problems,
    }
    notes = [f"problem: {problem['message']}" for problem in problems]
    failure = None
    if problems:
        failure = Failure("problems_found", "values of the plan would be refused")
    view: list[Union[str, Table]] = [f"{len(planned)} items"]
    if shown:
        view.append(table)
    return Outcome(data, view, notes, failure=failure)


@command(app, "run")
def run(
    session: Session,
    source: SourceArgument,
    out: OutOption,
    product: ProductOption = None,
    zipped: ZipOption = None,
    rows: RowsOption = None,
    spec: SpecOption = None,
    settings: SetOption = None,
    node_settings: SetNodeOption = None,
    runs: RunsOption = None,
    seed: SeedOption = None,
    key: KeyOption = None,
    name: NameOption = None,
    board: BoardOption = None,
    max_failures: MaxFailuresOption = None,
    delete: DeleteOption = False,
    servers: ServersOption = None,
    outputs: OutputsOption = None,
    simulate: Annotated[
        bool,
        typer.Option(
            "--simulate",
            help="Run on a temporary simulated server: placeholder images.",
        ),
    ] = False,
    snapshot: SnapshotOption = None,
) -> Outcome:
    """Make every item of a sweep that is not in its folder yet.

    The same command again goes on where it was. Ctrl-C ends it once
    what is known has been recorded; jobs in the queue go on, and the next run fetches
    them. The exit code is 1 when items failed.
    """
    if snapshot is not None and not simulate:
        raise CliError("usage", "--snapshot needs --simulate")
    if servers and simulate:
        raise CliError("usage", "--server and --simulate exclude each other")
    asked = _spec(spec, product, zipped, rows, settings, node_settings)
    _override(asked, runs=runs, seed=seed, key=key, name=name)
    where = located(source)
    server = (
        simulated(session, where, snapshot) if simulate else contextlib.nullcontext()
    )
    with server:
        planned = Axes(where, asked, board).plan(session)
        options: dict[str, Any] = {} if asked.name is None else {"name": asked.name}
        if delete:
            options["server_copy"] = "delete"
        if servers:
            options["servers"] = servers
        if outputs is not None:
            options["outputs"] = outputs
        run_it = partial(planned.run, out)
        return ran(session, run_it, out, max_failures=max_failures, **options)


def ran(
    session: Session, make: Callable[..., SweepResult], out: Path, **options: Any
) -> Outcome:
    """Run or resume a sweep with its progress shown."""
    from invokeai_py_client.cli.progress import SweepDisplay

    try:
        with SweepDisplay(session.renderer, out.name) as display:
            result = make(on_progress=display.update, **options)
    except KeyboardInterrupt:
        return _interrupted(out)
    progress = result.progress
    data = {
        **picked(progress, *COUNTS),
        "requests": result.requests,
        "seconds": round(result.seconds, 3),
        "folder": str(result.folder),
    }
    failure = None
    if progress.failed:
        failure = Failure(
            "job_failed",
            f"{progress.failed} of {progress.total} items failed",
            f"`ivk sweep report {out}` says why; `ivk sweep retry {out}` opens them "
            "again",
        )
    return Outcome(data, [f"{progress} in {result.folder}"], failure=failure)


def _interrupted(out: Path) -> Outcome:
    from invokeai_py_client.sweep.sweep import Sweep

    try:
        progress = Sweep.open(out).status()
    except InvokeAIError:
        # It had not begun.
        raise KeyboardInterrupt from None
    failure = Failure(
        "interrupted",
        f"interrupted: {progress} in {out}; jobs in the queue go on",
        f"the same command goes on where it was, or `ivk sweep resume {out}`",
    )
    return Outcome({**picked(progress, *COUNTS), "folder": str(out)}, failure=failure)


def _spec(
    path: Optional[Path],
    product: Optional[list[str]],
    zipped: Optional[list[str]],
    rows: Optional[Path],
    settings: Optional[list[str]],
    node_settings: Optional[list[str]],
) -> SweepSpec:
    spec = SweepSpec() if path is None else read_spec(path)
    add_axes(spec.product, "--product", product)
    add_axes(spec.zip, "--zip", zipped)
    spec.settings += settings or ()
    spec.node_settings += node_settings or ()
    if rows is not None:
        spec.rows = rows
    return spec


def _override(spec: SweepSpec, **options: Any) -> None:
    for option, value in options.items():
        if value is not None:
            setattr(spec, option, value)
