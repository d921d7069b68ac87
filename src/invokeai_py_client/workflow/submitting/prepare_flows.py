"""From values to a batch: resolve, compile, check.

A submission is prepared completely before anything is enqueued, so that all problems
come together and a refused one leaves nothing behind. It is compiled with the node
types of the very server it goes to.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, Generic, Optional, TypeVar, Union

from invokeai_py_client._arguments import whole_number
from invokeai_py_client._core.flow import Flow, run_blocking
from invokeai_py_client.exceptions import BoardError, FieldProblem, FieldValidationError
from invokeai_py_client.image.board_flows import NO_BOARD, BoardTarget
from invokeai_py_client.image.models import BOARDS, UNCATEGORIZED, BoardLike
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.nodes.template import UNSET
from invokeai_py_client.workflow.compiling.compiled_workflow import (
    CompiledWorkflow,
    CompileOptions,
)
from invokeai_py_client.workflow.compiling.seed_per_run import (
    draws_numbers,
    seed_columns,
    with_seeds,
)
from invokeai_py_client.workflow.compiling.seeds import draw_seeds, plan_seed
from invokeai_py_client.workflow.compiling.server_queries import needed_facts
from invokeai_py_client.workflow.document.warnings import WorkflowWarning
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey, LoadedWorkflow
from invokeai_py_client.workflow.editor.server_facts import ServerFacts
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.inputs.call_values import CallValues
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest
from invokeai_py_client.workflow.jobs.submission_record import SubmissionRecord
from invokeai_py_client.workflow.loading.called_workflows import DYNAMIC_PREFIX
from invokeai_py_client.workflow.loading.missing_values import VALUE_WARNINGS
from invokeai_py_client.workflow.lookup.catalog_flows import learn_catalog
from invokeai_py_client.workflow.lookup.known_server import KnownServer
from invokeai_py_client.workflow.lookup.link_models import link_models
from invokeai_py_client.workflow.lookup.list_cache import ListCache
from invokeai_py_client.workflow.lookup.resolve_references import resolve_values
from invokeai_py_client.workflow.lookup.server_facts_flows import (
    learn_facts,
    missing_things,
)
from invokeai_py_client.workflow.submitting.enqueue_options import OnFull
from invokeai_py_client.workflow.submitting.match_jobs import graph_id
from invokeai_py_client.workflow.submitting.unknown_nodes import (
    unknown_nodes,
    without_follow_ups,
)

logger = logging.getLogger("invokeai_py_client")

# Answers can raise questions: a saved workflow brings values. Calls nest 4 deep.
MAX_QUESTION_ROUNDS = 8

SubmissionT = TypeVar("SubmissionT")
BoardOption = Optional[BoardLike]
Runs = Annotated[int, whole_number(1)]


@dataclass(frozen=True)
class SubmitContext:
    """Where requests are submitted: a server, and what runs flows for the caller.

    Attributes:
        lists: What the server has: asked for once for all requests of this context.
        logged: Warnings that were logged: each once for all requests.
    """

    server: KnownServer
    runner: Any = field(repr=False)
    lists: ListCache = field(default_factory=ListCache, repr=False)
    logged: set[str] = field(default_factory=set, repr=False, compare=False)


@dataclass(frozen=True)
class SubmitRequest(Generic[SubmissionT]):
    """What `run` or `submit` was asked for: a handle, its values, the options.

    Attributes:
        seed: ``"keep"``, ``"random"`` or a number.
        batch_id: The id the batch will have.
        remember: Makes the submission of what was put into the queue.
        key: The caller's key that `batch_id` was made from; jobs may exist already.
        tag: Origin and destination of the jobs.
        columns: Values side by side, one for each job, by (node, field); may hold
            references.
        drawn_from: What random seeds follow from; None to draw others each time.
    """

    handle: BaseWorkflowHandle
    values: CallValues
    batch_id: str
    remember: Callable[[SubmissionRecord], SubmissionT] = field(repr=False)
    runs: int = 1
    seed: Union[int, str] = "keep"
    board: BoardTarget = NO_BOARD
    prepend: bool = False
    on_full: OnFull = "error"
    key: Optional[str] = None
    tag: str = "ivk"
    columns: Mapping[FieldKey, Sequence[Any]] = field(default_factory=dict, repr=False)
    drawn_from: Optional[str] = None


@dataclass(frozen=True)
class PreparedSubmission:
    """What may be enqueued: checked, with its warnings."""

    request: SubmitRequest[Any]
    batch: BatchRequest
    compiled: CompiledWorkflow
    warnings: tuple[str, ...]


def preview(
    context: SubmitContext, request: SubmitRequest[Any]
) -> Flow[CompiledWorkflow]:
    """What `submit` would enqueue, its problems included; nothing is enqueued."""
    compiled, edits = yield from _compiled(context, request, None)
    return compiled if compiled.problems else _seeded(request, compiled, edits)[0]


def prepare(
    context: SubmitContext,
    request: SubmitRequest[Any],
    catalog: Optional[NodeCatalog] = None,
) -> Flow[PreparedSubmission]:
    """Resolve, compile and check one request; nothing is enqueued.

    Args:
        context: Where the request is submitted.
        request: The handle, its values and the options.
        catalog: The node types to compile with; by default those known of the server.

    Raises:
        FieldValidationError: With every problem found.
    """
    compiled, edits = yield from _compiled(context, request, catalog)
    if compiled.problems:
        raise FieldValidationError(compiled.problems)
    compiled, seed_warnings = _seeded(request, compiled, edits)
    batch = BatchRequest(
        batch_id=request.batch_id,
        graph=compiled.graph,
        data=compiled.data,
        runs=compiled.runs,
        workflow=compiled.workflow,
        prepend=compiled.prepend,
        queue_id=context.server.queue_id,
        keyed=request.key is not None,
        drawn=_drawn_places(request, compiled, edits),
        tag=request.tag,
        idempotency_key=request.batch_id if _has_batch_keys(context) else None,
    )
    if batch.requested == 0:
        problem = "a batch list is empty: there is nothing to run"
        raise FieldValidationError([FieldProblem(problem, "empty")])
    if batch.keyed:
        own_id = graph_id(compiled.graph["id"], batch.requested)
        batch = replace(batch, graph={**compiled.graph, "id": own_id})
    about_request = [
        *(warning.message for warning in request.values.warnings),
        *seed_warnings,
        *_unused_board(request, compiled),
        *_changed_types(request.handle, compiled),
    ]
    found = [warning.message for warning in compiled.warnings]
    warnings = dict.fromkeys([*about_request, *found])
    known = {warning.message for warning in request.handle.warnings}
    for warning in warnings:
        if warning in context.logged:
            continue
        # The `warnings` of the handle already report what is odd about the file.
        level = logging.INFO if warning in known else logging.WARNING
        logger.log(level, "%s", warning)
    context.logged.update(warnings)
    return PreparedSubmission(request, batch, compiled, tuple(warnings))


def _has_batch_keys(context: SubmitContext) -> bool:
    catalog = context.server.catalog
    return catalog is not None and catalog.has_batch_keys


def _compiled(
    context: SubmitContext, request: SubmitRequest[Any], catalog: Optional[NodeCatalog]
) -> Flow[tuple[CompiledWorkflow, Mapping[FieldKey, Any]]]:
    """The payload by this server's node types and facts, with the edits it has."""
    server, handle = context.server, request.handle
    if catalog is None:
        types = [node.type for node in handle._loaded.nodes.values()]
        catalog = yield from learn_catalog(server, types)
    # The file's own models of old are linked like its other models.
    old_models = handle._fields.old_models()
    edits: Mapping[FieldKey, Any] = {
        key: value
        for key, value in request.values.edits.items()
        if value is not old_models.get(key)
    }
    columns: Mapping[FieldKey, Sequence[Any]] = request.columns
    problems = yield from missing_things(
        handle._loaded, {**edits, **columns}, context.lists, context.runner
    )
    # Those of the columns first: the edits have one of their values.
    columns, unresolved = yield from resolve_values(
        columns, server, context.runner, context.lists
    )
    problems += unresolved
    edits, unresolved = yield from resolve_values(
        edits, server, context.runner, context.lists
    )
    links = yield from link_models(handle._loaded, edits, context.lists)
    problems = [*problems, *unresolved, *links.problems]
    edits = {**edits, **links.edits}
    loaded = yield from _load(handle, catalog, edits, context.lists)
    no_board: Optional[BoardError] = None
    board_id = to_create = None
    try:
        board_id, to_create = yield from _find_board(request.board, context.lists)
    except BoardError as error:
        no_board = error  # told with all that is wrong besides it
    # A large workflow takes a while, which must not block an event loop.
    options = CompileOptions(
        auto_add_board=board_id,
        runs=request.runs,
        prepend=request.prepend,
        columns=columns,
    )
    compile_it = partial(handle._compile, loaded, catalog, edits, options)
    compiled = yield from run_blocking(compile_it)
    missing = unknown_nodes(compiled, catalog)
    if missing:
        problems_left = without_follow_ups(compiled)
        compiled = replace(compiled, problems=(*missing, *problems_left))
    if problems or (no_board is not None and compiled.problems):
        told = {(problem.node_id, problem.field_name) for problem in problems}
        others = [
            problem
            for problem in compiled.problems
            if (problem.node_id, problem.field_name) not in told
        ]
        of_call = [] if no_board is None else [_board_problem(request.board, no_board)]
        raise FieldValidationError(
            [*of_call, *map(handle._at_input, problems), *others]
        )
    if no_board is not None:
        raise no_board
    if to_create is not None and not compiled.problems:
        # Only now, so that refused values leave no board behind.
        board_id = yield from context.lists.create_board(to_create)
        options = replace(options, auto_add_board=board_id)
        compile_it = partial(handle._compile, loaded, catalog, edits, options)
        compiled = yield from run_blocking(compile_it)
    notes = [
        *links.notes,
        *(_note(warning) for warning in compiled.warnings if _counts(warning, edits)),
    ]
    at_inputs = [
        WorkflowWarning(
            handle._at_input(note).message, note.kind, note.node_id, note.field_name
        )
        for note in notes
    ]
    rest = [item for item in compiled.warnings if item.kind not in VALUE_WARNINGS]
    return replace(compiled, warnings=[*at_inputs, *rest]), edits


def _counts(warning: WorkflowWarning, edits: Mapping[FieldKey, Any]) -> bool:
    """Whether a warning is about a value of the file that was not replaced."""
    key = (warning.node_id, warning.field_name)
    return warning.kind in VALUE_WARNINGS and key not in edits


def _note(warning: WorkflowWarning) -> FieldProblem:
    return FieldProblem(
        warning.message, warning.kind, warning.node_id, warning.field_name
    )


def _load(
    handle: BaseWorkflowHandle,
    catalog: NodeCatalog,
    edits: Mapping[FieldKey, Any],
    lists: ListCache,
) -> Flow[LoadedWorkflow]:
    """The workflow with all that this server answers about it, asked anew."""
    loaded, facts = handle._loaded_with(catalog), ServerFacts()
    for _ in range(MAX_QUESTION_ROUNDS):
        queries = needed_facts(loaded, edits, facts=facts)
        if queries:
            facts = yield from learn_facts(facts, queries, lists)
        elif loaded.facts == facts:
            break
        loaded = handle._loaded_with(catalog, facts)
    return loaded


CREATE_HINT = "create=True makes a new one"


def _find_board(
    target: BoardTarget, lists: ListCache
) -> Flow[tuple[Optional[str], Optional[str]]]:
    """The id of the board that "auto" means, or the name of one to make."""
    name = target.board
    if name is None or name in ("none", "auto"):
        return None, None
    if target.create and BOARDS.find((yield from lists.boards()), name) is None:
        return None, name
    try:
        board_id = yield from lists.board_id(name)
    except BoardError as error:
        raise BoardError(error.message, hint=f"{error.hint}; {CREATE_HINT}") from None
    return (None if board_id == UNCATEGORIZED else board_id), None


def _board_problem(target: BoardTarget, error: BoardError) -> FieldProblem:
    return FieldProblem(
        str(error), "board", value=target.board, where=f"board={target.board!r}"
    )


def _seeded(
    request: SubmitRequest[Any],
    compiled: CompiledWorkflow,
    edits: Mapping[FieldKey, Any],
) -> tuple[CompiledWorkflow, list[str]]:
    """Spread random seeds over the runs; warn of runs that would be all the same."""
    if request.runs < 2:
        return compiled, []
    if request.seed == "random" and request.values.seed is not None:
        more = draw_seeds(request.runs, request.drawn_from)[1:]
        seeds = [request.values.seed, *more]
        columns = seed_columns(request.handle._loaded, edits, seeds)
        spread = with_seeds(compiled, columns)
        if spread is not compiled:
            return spread, []
    if draws_numbers(compiled.graph) and request.seed == "keep":
        return compiled, []
    return compiled, [_all_the_same(request, compiled)]


def _all_the_same(request: SubmitRequest[Any], compiled: CompiledWorkflow) -> str:
    nodes = compiled.graph["nodes"].values()
    how = "the server's cache will return the same result"
    if not all(node.get("use_cache", True) for node in nodes):
        how = "each gives the same result"
    advice = "no node has a seed that could be drawn"
    if any(seed.settable for seed in request.handle.seeds):
        advice = 'seed="random" draws a seed for each run'
    return f"nothing is random in these {request.runs} runs: {how}; {advice}"


def _unused_board(request: SubmitRequest[Any], compiled: CompiledWorkflow) -> list[str]:
    """A warning when no output takes the board of the call."""
    name = request.board.board
    if name is None or name in ("auto", "none"):
        return []
    loaded = compiled.loaded
    for node in loaded.nodes.values():
        for field_name, item in node.inputs.items():
            is_board = item.template and item.template.type.name == "BoardField"
            is_free = (node.id, field_name) not in loaded.edges_into
            is_auto = item.value is UNSET or item.value in (None, "auto")
            if is_board and is_free and is_auto and not node.is_intermediate:
                return []
    return [f'board={str(name)!r} does nothing: no output has its board on "auto"']


def _drawn_places(
    request: SubmitRequest[Any],
    compiled: CompiledWorkflow,
    edits: Mapping[FieldKey, Any],
) -> frozenset[FieldKey]:
    """The fields of the graph whose values were drawn: they differ each time."""
    drawn = [
        key for batch in compiled.batches if batch.is_drawn for key in batch.targets
    ]
    if request.seed == "random" and request.values.seed is not None:
        seeds = plan_seed(request.handle._loaded, edits, request.values.seed).edits
        drawn += [
            (node_id, "workflow_inputs") if name.startswith(DYNAMIC_PREFIX) else key
            for key, number in seeds.items()
            for node_id, name in [key]
            if edits.get(key) == number
        ]
    return frozenset(drawn)


def _changed_types(handle: BaseWorkflowHandle, compiled: CompiledWorkflow) -> list[str]:
    """Inputs whose type on this server is not the one they were discovered with."""
    changed = []
    for item in handle.list_inputs():
        node = compiled.loaded.nodes.get(item.node_id)
        now = node.template_of(item.field_name) if node else None
        before = item.template
        if now is not None and before is not None and now.type != before.type:
            changed.append(
                f"input {item.name!r} is a {now.type.name} on this server, it was "
                f"discovered as {before.type.name}"
            )
    return changed
