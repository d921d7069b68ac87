"""`ivk workflow run`: submit, wait, save the images."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from invokeai_py_client._file_names import (
    FileNameTemplate,
    TakenNames,
    check_run,
    file_name,
)
from invokeai_py_client.cli.command_options import Session, command
from invokeai_py_client.cli.commands.image_commands import NameOption
from invokeai_py_client.cli.commands.simulate import SnapshotOption, simulated
from invokeai_py_client.cli.commands.workflow_commands import (
    RunsOption,
    SetNodeOption,
    SetOption,
    SourceArgument,
    app,
    located,
)
from invokeai_py_client.cli.errors import CliError, explain
from invokeai_py_client.cli.render import Outcome, Table, picked
from invokeai_py_client.cli.values import (
    apply_node_values,
    apply_values,
    make_folder,
    read_seed,
)
from invokeai_py_client.exceptions import InvokeAIError, JobError
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.models import own_fields

if TYPE_CHECKING:
    from invokeai_py_client.workflow.workflow_handle import WorkflowHandle

SeedOption = Annotated[
    str,
    typer.Option(
        "--seed",
        metavar="N|keep|random",
        help="Keep the workflow's seeds, use random ones, or set all to N.",
    ),
]
ResultBoardOption = Annotated[
    Optional[str],
    typer.Option(
        "--board", "-b", metavar="BOARD", help="Board for the results: name or id."
    ),
]
OutOption = Annotated[
    Optional[Path],
    typer.Option(
        "--out", "-o", metavar="DIR", help="Save the images in this folder [not saved]."
    ),
]
TimeoutOption = Annotated[
    Optional[float],
    typer.Option(
        "--timeout", "-t", min=0, help="Seconds to wait; the jobs continue [no limit]."
    ),
]


class ImageFolder:
    """Where the images of a run are saved, and under which names.

    What could not be saved is still on the server: the rest of the result is told.
    """

    def __init__(self, path: Path, template: Optional[FileNameTemplate]) -> None:
        self.path = path
        self.unsaved: list[Exception] = []
        self._template = template
        self._taken = TakenNames()

    def save(self, image: Any) -> Optional[str]:
        """Save an image; None when it could not be."""
        try:
            return str(image.save(self._target(image)))
        except (OSError, InvokeAIError) as error:
            self.unsaved.append(error)
            return None

    def _target(self, image: Any) -> Path:
        if self._template is None:
            return self.path
        fields, _ = own_fields(image)
        # An input without a value is none of the job.
        known = {**dict.fromkeys(self._template.fields), **fields}
        name = file_name(self._template, known, IMAGE.suffix)
        own = self._taken.claim(name, f"{fields.get('job')}/{image}")
        return self.path / own.replace("{", "{{").replace("}", "}}")


@command(app, "run")
def run(
    session: Session,
    source: SourceArgument,
    settings: SetOption = None,
    node_settings: SetNodeOption = None,
    seed: SeedOption = "keep",
    runs: RunsOption = 1,
    board: ResultBoardOption = None,
    create: Annotated[
        bool, typer.Option("--create", help="Create the board if there is none.")
    ] = False,
    tag: Annotated[
        str,
        typer.Option(
            "--tag",
            metavar="TAG",
            help="Mark the jobs; `ivk queue cancel --tag` finds them.",
        ),
    ] = "ivk",
    out: OutOption = None,
    name: NameOption = None,
    timeout: TimeoutOption = None,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait/--no-wait", help="With --no-wait, submit and print the id."
        ),
    ] = True,
    simulate: Annotated[
        bool,
        typer.Option(
            "--simulate",
            help="Run on a temporary simulated server: placeholder images.",
        ),
    ] = False,
    snapshot: SnapshotOption = None,
) -> Outcome:
    """Run a workflow, wait for its images and save them.

    Ctrl-C cancels the jobs of this command and ends with code 130. With --simulate no
    other server is used; the installed models are those that the file names, or those
    of --snapshot.
    """
    where = located(source)
    if snapshot is not None and not simulate:
        raise CliError("usage", "--snapshot needs --simulate")
    template = name_template(out, name)
    if simulate and not wait:
        raise CliError(
            "usage",
            "--no-wait needs a server that outlives the command, unlike --simulate",
        )
    server = (
        simulated(session, where, snapshot) if simulate else contextlib.nullcontext()
    )
    with server:
        handle = session.client.workflow_repo.load(where)
        apply_values(handle, settings or ())
        apply_node_values(handle, node_settings or ())
        options = {
            "seed": read_seed(seed),
            "runs": runs,
            "board": board,
            "create": create,
            "tag": tag,
        }
        if not wait:
            submission = handle.submit(**options)
            item_ids = [job.item_id for job in submission.jobs]
            data = {"id": submission.id, "item_ids": item_ids}
            return Outcome(data, [submission.id], warnings=submission.warnings)
        folder = image_folder(out, template, handle)
        return waited(session, handle, folder, timeout, source, options)


def name_template(
    out: Optional[Path], name: Optional[str]
) -> Optional[FileNameTemplate]:
    """What `--name` says; None when it is not given."""
    if name is None:
        return None
    if out is None:
        raise CliError("usage", "--name needs --out")
    return FileNameTemplate.parse(name)


def image_folder(
    out: Optional[Path], template: Optional[FileNameTemplate], handle: WorkflowHandle
) -> Optional[ImageFolder]:
    """Where the images are saved; None when they are not."""
    if template is not None:
        values = {item.name: item.field.value for item in handle.list_inputs()}
        check_run(template, values)
    return None if out is None else ImageFolder(out, template)


def waited(
    session: Session,
    handle: WorkflowHandle,
    folder: Optional[ImageFolder],
    timeout: Optional[float],
    source: str,
    options: Any,
) -> Outcome:
    """Run the workflow and show its progress; save its images in a folder."""
    from invokeai_py_client.cli.progress import RunDisplay

    if folder is not None:
        # Before anything runs, in case the folder cannot be created.
        make_folder(folder.path)
    title = handle.definition.name or source
    with RunDisplay(session.renderer, title) as display:
        result = handle.run(
            timeout=timeout, on_progress=display.update, check=False, **options
        )
    return _run_outcome(result, folder)


def _run_outcome(result: Any, folder: Optional[ImageFolder]) -> Outcome:
    jobs = []
    rows = []
    for job in result.jobs:
        saved = [
            {
                **picked(image, "image_name", "width", "height"),
                "path": None if folder is None else folder.save(image),
            }
            for image in job.images
        ]
        jobs.append(
            {
                **picked(job, "item_id", "status", "seeds", "values"),
                "images": saved,
                "outputs": [
                    {
                        **picked(output, "node_id", "name", "label", "node_type"),
                        "images": [image.image_name for image in output.images],
                        "values": list(output.values),
                    }
                    for output in job.outputs.values()
                ],
                "error": None if job.error is None else explain(job.error).as_dict(),
            }
        )
        shown = [item["path"] or item["image_name"] for item in saved]
        message = "" if job.error is None else job.error.message
        rows.append((job.item_id, job.status, job.seed, shown or message))
    unsaved = [] if folder is None else folder.unsaved
    failure = explain(unsaved[0]) if unsaved else None
    warnings = list(result.warnings)
    if unsaved:
        warnings.append(f"{len(unsaved)} images could not be saved")
    try:
        result.raise_for_status()
    except JobError as error:
        failure = explain(error)
    view = [Table(("JOB", "STATUS", "SEED", "IMAGES"), rows)]
    data = {"id": result.id, "jobs": jobs}
    notes = []
    if folder is None and any(job["images"] for job in jobs):
        notes.append("--out DIR saves the images on this machine")
    return Outcome(data, view, notes, warnings, failure)
