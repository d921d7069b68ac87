"""`ivk workflow`: list, show and compile workflows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, cast

import typer

from invokeai_py_client._arguments.uploads import is_address
from invokeai_py_client._suggestions import list_names, near_names
from invokeai_py_client.cli.command_options import Session, command, group
from invokeai_py_client.cli.errors import CliError, Failure
from invokeai_py_client.cli.render import Outcome, Table, picked, plain
from invokeai_py_client.cli.values import (
    SET_HELP,
    SET_NODE_HELP,
    apply_node_values,
    apply_values,
    read_input,
)
from invokeai_py_client.exceptions import WorkflowFormatError

if TYPE_CHECKING:
    from invokeai_py_client.workflow.editor.server_facts import ServerFacts
    from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle
    from invokeai_py_client.workflow.locking.find_lock import LockOption
    from invokeai_py_client.workflow.workflow_handle import WorkflowHandle

app = group("workflow", "List, show, compile, lock and run workflows.")

SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE|NAME|-",
        help="A JSON file, a PNG that contains a workflow, - for standard input, or a "
        "name or id in the server's library.",
    ),
]
OfflineOption = Annotated[
    bool, typer.Option("--offline", help="Use no server; only for files.")
]
SetOption = Annotated[
    Optional[list[str]],
    typer.Option("--set", "-s", metavar="NAME=VALUE", help=SET_HELP),
]
SetNodeOption = Annotated[
    Optional[list[str]],
    typer.Option("--set-node", metavar="NODE.FIELD=VALUE", help=SET_NODE_HELP),
]
RunsOption = Annotated[
    int, typer.Option("--runs", "-n", min=1, help="How many times to run it.")
]


@command(app, "list")
def list_workflows(
    session: Session,
    category: Annotated[
        Optional[str],
        typer.Option(help="user, or default for those that come with InvokeAI."),
    ] = None,
    search: Annotated[
        Optional[str],
        typer.Option(help="Text to search for in names and descriptions."),
    ] = None,
) -> Outcome:
    """List the workflows of the server's library."""
    records = session.client.workflow_repo.list_workflows(
        categories=(category,) if category else (), query=search
    )
    rows = [(r.name, r.category, r.workflow_id, _short(r.description)) for r in records]
    view = Table(("NAME", "CATEGORY", "ID", "DESCRIPTION"), rows)
    return Outcome(records, [view] if rows else ["no workflows"])


@command(app, "show")
def show(
    session: Session, source: SourceArgument, offline: OfflineOption = False
) -> Outcome:
    """Show a workflow's description, inputs, outputs, seeds and warnings."""
    handle = load_handle(session, source, offline)
    definition = handle.definition
    texts = {
        **picked(definition, "name", "description", "author", "version"),
        "tags": list(definition.tags),
        "nodes": len(definition.node_ids),
    }
    outputs = [
        picked(output, "node_id", "name", "node_type")
        for output in handle.list_outputs()
    ]
    seeds = [
        picked(seed, "node_id", "node_name", "kind", "value") for seed in handle.seeds
    ]
    lines = {**texts, "tags": ", ".join(definition.tags)}
    view = [Table(("KEY", "VALUE"), list(lines.items())), "", _inputs_table(handle)]
    if outputs:
        rows = [(o["name"], o["node_type"], o["node_id"]) for o in outputs]
        view += ["", Table(("OUTPUT", "TYPE", "NODE"), rows)]
    if seeds:
        rows = [(s["node_name"], s["kind"], s["value"]) for s in seeds]
        view += ["", Table(("SEED OF", "KIND", "VALUE"), rows)]
    data = {**texts, "inputs": _inputs(handle), "outputs": outputs, "seeds": seeds}
    return Outcome(
        data, view, warnings=[warning.message for warning in handle.warnings]
    )


@command(app, "inputs")
def inputs(
    session: Session, source: SourceArgument, offline: OfflineOption = False
) -> Outcome:
    """List the inputs of a workflow's form from top to bottom."""
    handle = load_handle(session, source, offline)
    return Outcome(
        {"inputs": _inputs(handle, detailed=True)},
        [_inputs_table(handle) if len(handle) else "the form shows no inputs"],
        warnings=[warning.message for warning in handle.warnings],
    )


@command(app, "compile")
def compile_payload(
    session: Session,
    source: SourceArgument,
    offline: OfflineOption = False,
    settings: SetOption = None,
    node_settings: SetNodeOption = None,
    runs: RunsOption = 1,
    board: Annotated[
        Optional[str],
        typer.Option(
            "--board", metavar="BOARD", help='The board that "auto" refers to.'
        ),
    ] = None,
    facts: Annotated[
        Optional[Path],
        typer.Option(
            "--facts",
            metavar="FILE",
            help="Recorded answers of a server, see docs/cli.md.",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with code 1 if there are problems.")
    ] = False,
) -> Outcome:
    """Show the payload that a submission would send, and its problems.

    Nothing is enqueued. Nodes, models and boards are looked up on the server, and local
    images are uploaded. With --offline, what the file names is assumed to exist.
    """
    handle = load_handle(session, source, offline, facts)
    apply_values(handle, settings or ())
    apply_node_values(handle, node_settings or ())
    if offline or facts is not None:
        compiled = handle.compile(runs=runs, auto_add_board=board)
    else:
        compiled = cast("WorkflowHandle", handle).preview(runs=runs, board=board)
    problems = [problem.as_dict() for problem in compiled.problems]
    data = {
        "batch": picked(compiled, "graph", "data", "runs", "workflow"),
        "inputs": _inputs(handle),
        "warnings": [
            picked(warning, "message", "kind", "node_id", "field_name")
            for warning in compiled.warnings
        ],
        "problems": problems,
    }
    failure = None
    if strict and problems:
        message = f"a submission would be refused: {len(problems)} problems"
        failure = Failure("problems_found", message)
    graph = compiled.graph
    summary = (
        f"{len(graph['nodes'])} nodes, {len(graph['edges'])} edges, "
        f"{len(compiled.data)} batch groups, runs {compiled.runs}"
    )
    notes = [f"problem: {problem['message']}" for problem in problems]
    return Outcome(
        data,
        json.dumps(plain(data["batch"]), indent=2).splitlines(),
        [summary, *notes],
        [warning.message for warning in compiled.warnings],
        failure,
    )


_SUFFIXES = (".json", ".png")


def located(source: str) -> Any:
    """A path, the workflow on standard input, or `source` itself, a name or id."""
    if source == "-":
        from invokeai_py_client.workflow.document.definition import WorkflowDefinition

        return WorkflowDefinition.from_bytes(read_input(), source="standard input")
    path = Path(source)
    if path.is_file():
        return path
    if is_address(source):
        return source  # of an image on the server, or refused with what to do
    is_folder = path.is_dir()
    if is_folder or path.suffix.lower() in _SUFFIXES or "/" in source or "\\" in source:
        folder = path if is_folder else path.parent
        known = sorted(p.name for p in folder.glob("*") if p.suffix in _SUFFIXES)
        near = known if is_folder else near_names(path.name, known)
        raise CliError(
            "file_not_found",
            f"{source} is a folder" if is_folder else f"there is no file {source}",
            hint=f"{folder} has {list_names(near)}" if near else None,
            candidates=near,
        )
    return source


def read_facts(path: Path) -> ServerFacts:
    """Read a facts file; `ServerFacts.from_dict` describes its format."""
    from invokeai_py_client.workflow.editor.server_facts import ServerFacts

    try:
        return ServerFacts.from_dict(json.loads(path.read_text("utf-8")))
    except (ValueError, RecursionError) as error:
        raise CliError("usage", f"--facts {path}: not JSON: {error}") from error
    except WorkflowFormatError as error:
        raise CliError("usage", f"--facts {path}: {error}") from error


def load_handle(
    session: Session,
    source: str,
    offline: bool,
    facts: Optional[Path] = None,
    *,
    lock: LockOption = None,
) -> BaseWorkflowHandle:
    """The workflow that the command line names, with its lock if it has one."""
    if not offline and facts is None:
        repo = session.client.workflow_repo
        loaded: BaseWorkflowHandle = repo.load(located(source), lock=lock)
        return loaded
    from invokeai_py_client.nodes.catalog import NodeCatalog
    from invokeai_py_client.workflow.document.definition import WorkflowDefinition
    from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle
    from invokeai_py_client.workflow.loading.load_workflow import load_workflow
    from invokeai_py_client.workflow.locking.find_lock import find_lock

    found, catalog = located(source), NodeCatalog.bundled()
    if isinstance(found, str):
        raise CliError("file_not_found", f"there is no file {source}")
    is_file = isinstance(found, Path)
    definition = WorkflowDefinition.from_file(found) if is_file else found
    known = None if facts is None else read_facts(facts)
    return BaseWorkflowHandle(
        load_workflow(definition, catalog, known),
        catalog,
        lock=find_lock(definition, lock),
    )


def _inputs(handle: BaseWorkflowHandle, *, detailed: bool = False) -> list[Any]:
    listed = []
    for item in handle.list_inputs():
        entry = {
            "index": item.input_index,
            **picked(item, "name", "label", "node_id", "field_name"),
            "type": item.type_name,
        }
        if detailed:
            more = ("required", "connected", "allowed", "description")
            entry.update(picked(item, "node_name", "value", *more))
        listed.append(entry)
    return listed


def _inputs_table(handle: BaseWorkflowHandle) -> Any:
    rows = [
        (
            item.input_index,
            item.name,
            item.label,
            "(connected)" if item.connected else _short(item.value),
            item.type_name or "unknown",
            "" if item.allowed == item.type_name else _short(item.allowed),
        )
        for item in handle.list_inputs()
    ]
    return Table(("#", "NAME", "LABEL", "VALUE", "TYPE", "ALLOWED"), rows)


def _short(value: Any, limit: int = 60) -> str:
    text = "" if value is None else str(value)
    for key in ("name", "image_name", "board_id"):
        name = value.get(key) if isinstance(value, dict) else getattr(value, key, None)
        if isinstance(name, str):
            text = name
            break
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
