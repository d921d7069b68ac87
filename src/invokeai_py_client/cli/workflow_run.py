"""`ivk workflow run`: submit, wait, save the images."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from invokeai_py_client.cli.commands import Session, command
from invokeai_py_client.cli.errors import CliError, explain
from invokeai_py_client.cli.render import Outcome, Table
from invokeai_py_client.cli.simulate import SnapshotOption, simulated
from invokeai_py_client.cli.values import apply_node_values, apply_values
from invokeai_py_client.cli.workflow_commands import (
    RunsOption,
    SetNodeOption,
    SetOption,
    SourceArgument,
    app,
    located,
    warning_lines,
)
from invokeai_py_client.exceptions import JobError

if TYPE_CHECKING:
    from invokeai_py_client.workflow.workflow_handle import WorkflowHandle

__all__ = ["run"]


@command(app, "run")
def run(
    session: Session,
    source: SourceArgument,
    settings: SetOption = None,
    node_settings: SetNodeOption = None,
    seed: Annotated[
        str, typer.Option("--seed", metavar="N|keep|random", help="The seed.")
    ] = "keep",
    runs: RunsOption = 1,
    board: Annotated[
        Optional[str],
        typer.Option("--board", metavar="BOARD", help="Where results go: name or id."),
    ] = None,
    out: Annotated[
        Optional[Path],
        typer.Option("--out", metavar="DIR", help="Save the images in this folder."),
    ] = None,
    timeout: Annotated[
        Optional[float],
        typer.Option("--timeout", min=0, help="Seconds to wait; the jobs go on."),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Only submit, and print the id.")
    ] = True,
    simulate: Annotated[
        bool,
        typer.Option(
            "--simulate", help="On a simulated server of its own: placeholder pictures."
        ),
    ] = False,
    snapshot: SnapshotOption = None,
) -> Outcome:
    """Run a workflow, wait for its images and save them.

    Ctrl-C cancels the jobs of this command and ends with code 130. With --simulate
    nothing real is asked; the models that the file names count as installed, or those
    of --snapshot.
    """
    where = located(source)
    if snapshot is not None and not simulate:
        raise CliError("usage", "--snapshot is for --simulate")
    if simulate and not wait:
        raise CliError("usage", "a simulated server ends with the command")
    server = (
        simulated(session, where, snapshot) if simulate else contextlib.nullcontext()
    )
    with server:
        handle = session.client.workflow_repo.load(where)
        apply_values(handle, settings or ())
        apply_node_values(handle, node_settings or ())
        options = {"seed": _seed(seed), "runs": runs, "board": board}
        if not wait:
            return _submitted(handle, options)
        return _waited(session, handle, out, timeout, source, options)


def _submitted(handle: WorkflowHandle, options: Any) -> Outcome:
    submission = handle.submit(**options)
    data = {
        "id": submission.id,
        "item_ids": [job.item_id for job in submission.jobs],
    }
    return Outcome(data, [submission.id], warnings=warning_lines(handle.warnings))


def _waited(
    session: Session,
    handle: WorkflowHandle,
    out: Optional[Path],
    timeout: Optional[float],
    source: str,
    options: Any,
) -> Outcome:
    from invokeai_py_client.cli.progress import RunDisplay

    if out is not None:
        # Before anything runs, so that a folder that cannot be made costs nothing.
        out.mkdir(parents=True, exist_ok=True)
    title = handle.definition.name or source
    with RunDisplay(session.renderer, title) as display:
        result = handle.run(
            timeout=timeout, on_progress=display.update, check=False, **options
        )
    return _run_outcome(result, out, warning_lines(handle.warnings))


def _run_outcome(result: Any, out: Optional[Path], warnings: list[str]) -> Outcome:
    """The images that exist are saved and shown even when other jobs failed."""
    jobs = []
    rows = []
    for job in result.jobs:
        saved = [_saved(image, out) for image in job.images]
        jobs.append(
            {
                "item_id": job.item_id,
                "status": job.status,
                "seeds": job.seeds,
                "values": job.values,
                "images": saved,
                "outputs": [_output(output) for output in job.outputs.values()],
                "error": None if job.error is None else explain(job.error).as_dict(),
            }
        )
        shown = [item["path"] or item["image_name"] for item in saved]
        words = "" if job.error is None else job.error.message
        rows.append((job.item_id, job.status, job.seed, "\n".join(shown) or words))
    failure = None
    try:
        result.raise_for_status()
    except JobError as error:
        failure = explain(error)
    view = [Table(("JOB", "STATUS", "SEED", "IMAGES"), rows)]
    data = {"id": result.id, "jobs": jobs}
    notes = []
    if out is None and any(job["images"] for job in jobs):
        notes.append("--out DIR saves the images on this machine")
    return Outcome(data, view, notes, warnings, failure)


def _output(output: Any) -> dict[str, Any]:
    """What a node gave: its images by name, its values as they are."""
    return {
        "node_id": output.node_id,
        "name": output.name,
        "label": output.label,
        "node_type": output.node_type,
        "images": [image.image_name for image in output.images],
        "values": list(output.values),
    }


def _saved(image: Any, out: Optional[Path]) -> dict[str, Any]:
    path = None if out is None else str(image.save(out))
    return {
        "image_name": image.image_name,
        "width": image.width,
        "height": image.height,
        "path": path,
    }


def _seed(text: str) -> Any:
    if text in ("keep", "random"):
        return text
    try:
        return int(text)
    except ValueError:
        raise CliError(
            "usage", f"--seed {text!r} is neither a whole number, keep nor random"
        ) from None
