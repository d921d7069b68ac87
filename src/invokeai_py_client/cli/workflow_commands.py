"""`ivk workflow`: look at workflows, compile them, run them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, cast

import typer

from invokeai_py_client.cli.commands import Session, command, group
from invokeai_py_client.cli.errors import CliError, Failure
from invokeai_py_client.cli.render import Outcome, Table, plain
from invokeai_py_client.cli.values import (
    SET_HELP,
    SET_NODE_HELP,
    apply_node_values,
    apply_values,
)

if TYPE_CHECKING:
    from invokeai_py_client.workflow.base_handle import BaseWorkflowHandle
    from invokeai_py_client.workflow.compiled import CompiledWorkflow
    from invokeai_py_client.workflow.workflow_handle import WorkflowHandle

__all__ = [
    "RunsOption",
    "SetNodeOption",
    "SetOption",
    "SourceArgument",
    "app",
    "located",
    "warning_lines",
]

app = group("workflow", "Look at workflows, compile them, run them.")

SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE|NAME",
        help="A JSON file, a picture with a workflow, or a name or id in the library.",
    ),
]
OfflineOption = Annotated[
    bool, typer.Option("--offline", help="Ask no server; FILE must be a file.")
]
SetOption = Annotated[
    Optional[list[str]], typer.Option("--set", metavar="NAME=VALUE", help=SET_HELP)
]
SetNodeOption = Annotated[
    Optional[list[str]],
    typer.Option("--set-node", metavar="NODE.FIELD=VALUE", help=SET_NODE_HELP),
]
RunsOption = Annotated[
    int, typer.Option("--runs", min=1, help="How often the whole batch runs.")
]


@command(app, "list")
def list_workflows(
    session: Session,
    category: Annotated[
        Optional[str], typer.Option(help="user or default (InvokeAI's own).")
    ] = None,
    search: Annotated[
        Optional[str], typer.Option(help="Text in the name or the description.")
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
    """Show what a workflow is: its texts, inputs, outputs, seeds and warnings."""
    handle = _handle(session, source, offline)
    definition = handle.definition
    texts = {
        "name": definition.name,
        "description": definition.description,
        "author": definition.author,
        "version": definition.version,
        "tags": list(definition.tags),
        "nodes": len(definition.node_ids),
    }
    outputs = [
        {"node_id": o.node_id, "name": o.name, "node_type": o.node_type}
        for o in handle.list_outputs()
    ]
    seeds = [
        {
            "node_id": s.node_id,
            "node_name": s.node_name,
            "kind": s.kind,
            "value": s.value,
        }
        for s in handle.seeds
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
    return Outcome(data, view, warnings=warning_lines(handle.warnings))


@command(app, "inputs")
def inputs(
    session: Session, source: SourceArgument, offline: OfflineOption = False
) -> Outcome:
    """List the inputs of a workflow's form, top to bottom."""
    handle = _handle(session, source, offline)
    return Outcome(
        {"inputs": _inputs(handle, detailed=True)},
        [_inputs_table(handle) if len(handle) else "the form shows no inputs"],
        warnings=warning_lines(handle.warnings),
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
        typer.Option("--board", metavar="BOARD", help='The board that "auto" means.'),
    ] = None,
    facts: Annotated[
        Optional[Path],
        typer.Option("--facts", metavar="FILE", help="Recorded answers of a server."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with code 1 when there are problems.")
    ] = False,
) -> Outcome:
    """Show the payload that a submission would send, and what would be refused.

    Nothing is enqueued. The server is asked for its nodes, models and boards, and gets
    local pictures; with --offline, what the file names counts as existing.
    """
    handle = _handle(session, source, offline, facts)
    apply_values(handle, settings or ())
    apply_node_values(handle, node_settings or ())
    compiled = _compiled(handle, runs, board)
    problems = [problem.as_dict() for problem in compiled.problems]
    data = {
        "batch": _batch(compiled),
        "inputs": _inputs(handle),
        "warnings": [_warning(warning) for warning in compiled.warnings],
        "problems": problems,
    }
    failure = None
    if strict and problems:
        words = f"a submission would be refused: {len(problems)} problems"
        failure = Failure("problems_found", words)
    notes = [f"problem: {problem['message']}" for problem in problems]
    return Outcome(
        data,
        [json.dumps(plain(data["batch"]), indent=2)],
        [_summary(compiled), *notes],
        warning_lines(compiled.warnings),
        failure,
    )


def located(source: str) -> Any:
    """A path when the source is a file, else the text: a name or id in the library."""
    path = Path(source)
    if path.is_file():
        return path
    if path.suffix.lower() in (".json", ".png") or "/" in source or "\\" in source:
        raise CliError("file_not_found", f"there is no file {source}")
    return source


def _handle(
    session: Session, source: str, offline: bool, facts: Optional[Path] = None
) -> BaseWorkflowHandle:
    if not offline and facts is None:
        loaded: BaseWorkflowHandle = session.client.workflow_repo.load(located(source))
        return loaded
    from invokeai_py_client.cli.facts_file import read_facts
    from invokeai_py_client.nodes.catalog import NodeCatalog
    from invokeai_py_client.workflow.base_handle import BaseWorkflowHandle
    from invokeai_py_client.workflow.definition import WorkflowDefinition

    path = Path(source)
    if not path.is_file():
        raise CliError("file_not_found", f"there is no file {source}")
    return BaseWorkflowHandle(
        WorkflowDefinition.from_file(path),
        NodeCatalog.bundled(),
        facts=None if facts is None else read_facts(facts),
    )


def _compiled(
    handle: BaseWorkflowHandle, runs: int, board: Optional[str]
) -> CompiledWorkflow:
    from invokeai_py_client.workflow.base_handle import BaseWorkflowHandle

    if type(handle) is BaseWorkflowHandle:
        return handle.compile(runs=runs, auto_add_board=board)
    online = cast("WorkflowHandle", handle)
    return online.preview(runs=runs, board=board)


def _inputs(handle: BaseWorkflowHandle, *, detailed: bool = False) -> list[Any]:
    listed = []
    for item in handle.list_inputs():
        entry = {
            "index": item.input_index,
            "name": item.name,
            "label": item.label,
            "node_id": item.node_id,
            "field_name": item.field_name,
            "type": item.type_name,
        }
        if detailed:
            entry.update(
                node_name=item.node_name,
                value=_shown(item.value),
                required=item.required,
                connected=item.connected,
                allowed=item.allowed,
                description=item.description,
            )
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


def _shown(value: Any) -> Any:
    """A field's value as JSON: plain values as they are, others as they are sent."""
    if value is None or isinstance(value, (str, int, float, list, dict)):
        return value
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if dump else str(value)


def _short(value: Any, limit: int = 60) -> str:
    """A value in one line of a table: things that have a name, by it."""
    text = "" if value is None else str(value)
    for key in ("name", "image_name", "board_id"):
        name = value.get(key) if isinstance(value, dict) else getattr(value, key, None)
        if isinstance(name, str):
            text = name
            break
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _batch(compiled: CompiledWorkflow) -> dict[str, Any]:
    return {
        "graph": compiled.graph,
        "data": compiled.data,
        "runs": compiled.runs,
        "workflow": compiled.workflow,
    }


def _summary(compiled: CompiledWorkflow) -> str:
    graph = compiled.graph
    parts = f"{len(graph['nodes'])} nodes, {len(graph['edges'])} edges"
    return f"{parts}, {len(compiled.data)} batch groups, runs {compiled.runs}"


def _warning(warning: Any) -> dict[str, Any]:
    return {
        "message": warning.message,
        "kind": warning.kind,
        "node_id": warning.node_id,
        "field_name": warning.field_name,
    }


def warning_lines(warnings: Any) -> list[str]:
    """What is odd about a workflow, one line each."""
    return [warning.message for warning in warnings]
