"""From values to jobs: resolve, compile, check, enqueue.

A submission is prepared completely before anything is enqueued, so that all problems
come together and a refused one leaves nothing behind. It is compiled with the node
types of the very server it goes to.
"""

from __future__ import annotations

import logging
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Optional, TypeVar, Union

from invokeai_py_client._core.flow import Flow, gather, local, on_interrupt
from invokeai_py_client.board import flows as board_flows
from invokeai_py_client.exceptions import (
    FieldProblem,
    FieldValidationError,
    UnprocessableEntityError,
)
from invokeai_py_client.image.models import BoardLike, board_id_of
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow import queue_calls
from invokeai_py_client.workflow.base_handle import BaseWorkflowHandle, CallValues
from invokeai_py_client.workflow.catalog_flows import fetch_catalog, learn_catalog
from invokeai_py_client.workflow.compiled import CompiledWorkflow
from invokeai_py_client.workflow.enqueue_flows import (
    OnFull,
    Placement,
    Placing,
    adopt,
    enqueue,
    settle,
)
from invokeai_py_client.workflow.facts import Facts
from invokeai_py_client.workflow.facts_flows import learn_facts, missing_things
from invokeai_py_client.workflow.graph_checks import EDITOR_TYPES
from invokeai_py_client.workflow.known_server import KnownServer
from invokeai_py_client.workflow.legends import legend_of
from invokeai_py_client.workflow.load import load_workflow
from invokeai_py_client.workflow.loaded import FieldKey
from invokeai_py_client.workflow.orders import Order, QueuedJob
from invokeai_py_client.workflow.questions import needed_facts
from invokeai_py_client.workflow.reference_flows import resolve_values
from invokeai_py_client.workflow.seeding import (
    draws_numbers,
    seed_columns,
    with_seeds,
)
from invokeai_py_client.workflow.seeds import MAX_SEED
from invokeai_py_client.workflow.ticket import SubmittedJob, Ticket
from invokeai_py_client.workflow.wait_flows import cancel_surely

ResultT = TypeVar("ResultT")

logger = logging.getLogger("invokeai_py_client")

__all__ = [
    "BoardOption",
    "Call",
    "Desk",
    "batch_id_of",
    "preview",
    "run",
    "submit",
    "submit_all",
]

BoardOption = Optional[BoardLike]

# A namespace of our own, so that a key always gives the same batch id.
KEYS = uuid.UUID("5b1c1d0e-6f0c-5c7e-9a55-8d6f1f3b6a10")

# Answers can raise questions: a saved workflow brings values. Calls nest 4 deep.
MAX_QUESTION_ROUNDS = 8


@dataclass(frozen=True)
class Desk:
    """Where submissions are made: a server, and the runner of the caller's colour.

    Attributes:
        redeem: Runs a flow that ends in a ticket and makes the submission of it; an
            awaitable where the caller is asynchronous.
    """

    server: KnownServer
    runner: Any = field(repr=False)
    redeem: Callable[[Flow[Ticket]], Any] = field(repr=False)


@dataclass(frozen=True)
class Call:
    """One call of `run` or `submit`: a handle, its values, the options.

    Attributes:
        seed: ``"keep"``, ``"random"`` or a number.
        batch_id: The id the batch will have.
        keyed: `batch_id` was made from the caller's key; jobs may exist already.
    """

    handle: BaseWorkflowHandle
    values: CallValues
    batch_id: str
    runs: int = 1
    seed: Union[int, str] = "keep"
    board: BoardOption = None
    prepend: bool = False
    on_full: OnFull = "error"
    keyed: bool = False


@dataclass(frozen=True)
class _Ready:
    """A call that may be enqueued: checked, with its warnings."""

    call: Call
    order: Order
    compiled: CompiledWorkflow
    warnings: tuple[str, ...]


def batch_id_of(key: Optional[str], queue_id: str) -> str:
    """A batch id: always the same for the same key, new without one."""
    if key is None:
        return str(uuid.uuid4())
    return str(uuid.uuid5(KEYS, f"{queue_id}\n{key}"))


def submit(desk: Desk, call: Call) -> Flow[Ticket]:
    """Put one call into the queue; see `WorkflowHandle.submit`."""
    return (yield from _placed(desk, (yield from _find_or_prepare(desk, call))))


def preview(desk: Desk, call: Call) -> Flow[CompiledWorkflow]:
    """What `submit` would enqueue, its problems included; nothing is enqueued."""
    compiled, edits = yield from _compiled(desk, call, None)
    return compiled if compiled.problems else _seeded(call, compiled, edits)[0]


def submit_all(desk: Desk, calls: Sequence[Call]) -> Flow[list[Ticket]]:
    """Put several calls into the queue, in order; all are checked before the first."""
    prepared: list[Union[Ticket, _Ready]] = yield from gather(
        [_find_or_prepare(desk, call) for call in calls], limit=4
    )
    tickets: list[Ticket] = []
    for item in prepared:
        tickets += [(yield from _placed(desk, item))]
    return tickets


def _placed(desk: Desk, item: Union[Ticket, _Ready]) -> Flow[Ticket]:
    return item if isinstance(item, Ticket) else (yield from _place(desk, item))


def _find_or_prepare(desk: Desk, call: Call) -> Flow[Union[Ticket, _Ready]]:
    found: list[QueuedJob] = []
    if call.keyed:
        queue_id = desk.server.queue_id
        found = yield from queue_calls.find_jobs(queue_id, call.batch_id)
        if any(job.status != "canceled" for job in found):
            return _adopted(desk, call, found)
    ready = yield from _prepare(desk, call)
    if found:
        ready = replace(ready, order=replace(ready.order, known=_ids(found)))
        whole = replace(ready.order, known=frozenset())
        if adopt(whole, found) is not None:
            return _adopted(desk, call, found)
    return ready


def _ids(jobs: Sequence[QueuedJob]) -> frozenset[int]:
    return frozenset(job.item_id for job in jobs)


def _adopted(desk: Desk, call: Call, found: Sequence[QueuedJob]) -> Ticket:
    logger.info("batch %s is in the queue already: not enqueued", call.batch_id)
    jobs = tuple(
        SubmittedJob(job.item_id, index, job.field_values or ())
        for index, job in enumerate(found)
    )
    return Ticket(
        id=call.batch_id,
        queue_id=desk.server.queue_id,
        jobs=jobs,
        requested=len(jobs),
        legend=legend_of(call.handle),
        adopted=True,
    )


# -- preparing ----------------------------------------------------------------------


def _prepare(
    desk: Desk, call: Call, catalog: Optional[NodeCatalog] = None
) -> Flow[_Ready]:
    compiled, edits = yield from _compiled(desk, call, catalog)
    if compiled.problems:
        raise FieldValidationError(compiled.problems)
    compiled, seed_warnings = _seeded(call, compiled, edits)
    order = Order(
        batch_id=call.batch_id,
        graph=compiled.graph,
        data=compiled.data,
        runs=compiled.runs,
        workflow=compiled.workflow,
        prepend=compiled.prepend,
        queue_id=desk.server.queue_id,
    )
    if order.requested == 0:
        raise FieldValidationError([_no_jobs()])
    about_call = [
        *(warning.message for warning in call.values.warnings),
        *seed_warnings,
        *_changed_types(call.handle, compiled),
    ]
    about_file = [warning.message for warning in compiled.warnings]
    warnings = dict.fromkeys([*about_call, *about_file])
    for warning in warnings:
        # The handle's own `warnings` have told what is odd about the file.
        level = logging.WARNING if warning in about_call else logging.INFO
        logger.log(level, "%s", warning)
    return _Ready(call, order, compiled, tuple(warnings))


def _compiled(
    desk: Desk, call: Call, catalog: Optional[NodeCatalog]
) -> Flow[tuple[CompiledWorkflow, Mapping[FieldKey, Any]]]:
    """The payload by this server's node types and facts, with the edits it has."""
    server, handle = desk.server, call.handle
    if catalog is None:
        types = [node.type for node in handle.loaded.nodes.values()]
        catalog = yield from learn_catalog(server, types)
    problems = yield from missing_things(handle.loaded, call.values.edits)
    edits: Mapping[FieldKey, Any] = {}
    try:
        edits = yield from resolve_values(call.values.edits, server, desk.runner)
    except FieldValidationError as error:
        problems = [*problems, *error.problems]
    if problems:
        raise FieldValidationError([_at_input(handle, found) for found in problems])
    facts = yield from _learn(handle, catalog, edits)
    board_id = yield from _board_id(call.board)
    # A large workflow takes a while, which an event loop should not stand still for.
    compile_it = partial(
        handle.compile,
        runs=call.runs,
        auto_add_board=board_id,
        prepend=call.prepend,
        facts=facts,
        catalog=catalog,
        edits=edits,
    )
    compiled = yield from local(compile_it)
    missing = _unknown_nodes(compiled, catalog)
    if missing:
        compiled = replace(compiled, problems=(*missing, *compiled.problems))
    return compiled, edits


def _unknown_nodes(
    compiled: CompiledWorkflow, catalog: NodeCatalog
) -> list[FieldProblem]:
    """Nodes that this server does not have: without them it is another workflow.

    Compiling leaves them out with a warning, and the GUI refuses to run.
    """
    return [
        FieldProblem(
            f"node {node.label or node.id!r}: this server (InvokeAI "
            f"{catalog.version}) has no nodes of type {node.type}",
            "unknown_node",
            node.id,
        )
        for node in compiled.loaded.nodes.values()
        if node.template is None and node.type not in EDITOR_TYPES
    ]


def _at_input(handle: BaseWorkflowHandle, problem: FieldProblem) -> FieldProblem:
    """The problem with the input's index and name, where the form shows it."""
    for item in handle.list_inputs():
        if (item.node_id, item.field_name) == (problem.node_id, problem.field_name):
            words = problem.message.partition(": ")[2]
            message = f"input {item.input_index} {item.name!r}: {words}"
            return replace(problem, message=message, input_index=item.input_index)
    return problem


def _learn(
    handle: BaseWorkflowHandle, catalog: NodeCatalog, edits: Mapping[FieldKey, Any]
) -> Flow[Facts]:
    facts = Facts()
    for _ in range(MAX_QUESTION_ROUNDS):
        loaded = load_workflow(handle.definition, catalog, facts)
        queries = needed_facts(loaded, edits, catalog=catalog)
        if not queries:
            break
        facts = yield from learn_facts(facts, queries)
    return facts


def _board_id(board: BoardOption) -> Flow[Optional[str]]:
    """The id of the board that fields left on "auto" mean."""
    name = "none" if board is None else board_id_of(board)
    if name in ("none", "auto"):
        return None
    return (yield from board_flows.resolve_board_id(name))


def _seeded(
    call: Call, compiled: CompiledWorkflow, edits: Mapping[FieldKey, Any]
) -> tuple[CompiledWorkflow, list[str]]:
    """Spread random seeds over the runs; warn of runs that would be all the same."""
    if call.runs < 2:
        return compiled, []
    if call.seed == "random" and call.values.seed is not None:
        more = [secrets.randbelow(MAX_SEED + 1) for _ in range(call.runs - 1)]
        seeds = [call.values.seed, *more]
        columns = seed_columns(call.handle.loaded, edits, seeds)
        spread = with_seeds(compiled, columns)
        if spread is not compiled:
            return spread, []
    if draws_numbers(compiled.graph) and call.seed == "keep":
        return compiled, []
    return compiled, [
        f"nothing is random in these {call.runs} runs: the server's cache will give "
        'the same picture; seed="random" gives each run a seed of its own'
    ]


def _no_jobs() -> FieldProblem:
    return FieldProblem("a batch list is empty: there is nothing to run", "empty")


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


# -- placing ------------------------------------------------------------------------


def _place(desk: Desk, ready: _Ready) -> Flow[Ticket]:
    placing = _placing(desk, ready)
    try:
        placement = yield from enqueue(ready.order, placing)
    except UnprocessableEntityError:
        again = yield from _with_fresh_catalog(desk, ready)
        if again is None:
            raise
        ready = again
        placement = yield from enqueue(ready.order, _placing(desk, ready))
    return _ticket(ready, placement)


def _with_fresh_catalog(desk: Desk, ready: _Ready) -> Flow[Optional[_Ready]]:
    """The call compiled anew when the server's nodes are not those we knew."""
    if desk.server.catalog_is_fresh:
        return None
    logger.info("the server refused the batch: reading its node types again")
    catalog = yield from fetch_catalog(desk.server)
    again = yield from _prepare(desk, ready.call, catalog)
    known = ready.order.known
    same = _without_id(again.order.graph) == _without_id(ready.order.graph)
    return None if same else replace(again, order=replace(again.order, known=known))


def _without_id(graph: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in graph.items() if key != "id"}


def _placing(desk: Desk, ready: _Ready) -> Placing:
    def settler(placed: tuple[int, ...]) -> Callable[[], Any]:
        return lambda: desk.redeem(_settle(desk, ready, placed))

    return Placing(desk.server.settle_time, ready.call.on_full, settler)


def _settle(desk: Desk, ready: _Ready, placed: tuple[int, ...]) -> Flow[Ticket]:
    placement = yield from settle(ready.order, _placing(desk, ready), placed)
    return _ticket(ready, placement)


def _ticket(ready: _Ready, placement: Placement) -> Ticket:
    expansion = ready.order.expansion()
    jobs = tuple(
        SubmittedJob(item_id, index, expansion[index])
        for index, item_id in enumerate(placement.item_ids)
    )
    warnings = ready.warnings + placement.warnings
    if len(jobs) < placement.requested:
        warnings += (f"the queue took {len(jobs)} of {placement.requested} jobs",)
    return Ticket(
        id=ready.order.batch_id,
        queue_id=ready.order.queue_id,
        jobs=jobs,
        requested=placement.requested,
        legend=legend_of(ready.call.handle, ready.compiled),
        node_count=len(ready.order.graph["nodes"]),
        warnings=warnings,
    )


def run(
    desk: Desk,
    call: Call,
    follow: Callable[[Ticket], Flow[ResultT]],
) -> Flow[ResultT]:
    """Submit and wait; an interrupted caller's jobs are cancelled.

    Args:
        desk: Where to submit.
        call: What to submit.
        follow: The wait for what was submitted.
    """
    queue_id = desk.server.queue_id
    # Before anything is sent: the reply may be what is being waited for.
    yield from on_interrupt(lambda: cancel_surely(queue_id, call.batch_id))
    ticket = yield from submit(desk, call)
    result = yield from follow(ticket)
    yield from on_interrupt(None)
    return result
