"""From values to an order: resolve, compile, check.

A submission is prepared completely before anything is enqueued, so that all problems
come together and a refused one leaves nothing behind. It is compiled with the node
types of the very server it goes to.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Optional

from invokeai_py_client._core.flow import Flow, local
from invokeai_py_client.exceptions import FieldProblem, FieldValidationError
from invokeai_py_client.image.models import board_id_of
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.calls import BoardOption, Call, Desk
from invokeai_py_client.workflow.catalog_flows import learn_catalog
from invokeai_py_client.workflow.compiled import CompiledWorkflow
from invokeai_py_client.workflow.facts import Facts
from invokeai_py_client.workflow.facts_flows import learn_facts, missing_things
from invokeai_py_client.workflow.graph_checks import EDITOR_TYPES
from invokeai_py_client.workflow.load import load_workflow
from invokeai_py_client.workflow.loaded import FieldKey
from invokeai_py_client.workflow.orders import Order
from invokeai_py_client.workflow.questions import needed_facts
from invokeai_py_client.workflow.reference_flows import resolve_values
from invokeai_py_client.workflow.seeding import (
    draws_numbers,
    seed_columns,
    with_seeds,
)
from invokeai_py_client.workflow.seeds import MAX_SEED
from invokeai_py_client.workflow.server_lists import ServerLists

logger = logging.getLogger("invokeai_py_client")

__all__ = ["Ready", "prepare", "preview"]

# Answers can raise questions: a saved workflow brings values. Calls nest 4 deep.
MAX_QUESTION_ROUNDS = 8


@dataclass(frozen=True)
class Ready:
    """A call that may be enqueued: checked, with its warnings."""

    call: Call
    order: Order
    compiled: CompiledWorkflow
    warnings: tuple[str, ...]


def preview(desk: Desk, call: Call) -> Flow[CompiledWorkflow]:
    """What `submit` would enqueue, its problems included; nothing is enqueued."""
    compiled, edits = yield from _compiled(desk, call, None)
    return compiled if compiled.problems else _seeded(call, compiled, edits)[0]


def prepare(
    desk: Desk, call: Call, catalog: Optional[NodeCatalog] = None
) -> Flow[Ready]:
    """Resolve, compile and check one call; nothing is enqueued.

    Args:
        desk: Where the call is handed in.
        call: The handle, its values and the options.
        catalog: The node types to compile with; by default those known of the server.

    Raises:
        FieldValidationError: With every problem found.
    """
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
        keyed=call.keyed,
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
    return Ready(call, order, compiled, tuple(warnings))


def _compiled(
    desk: Desk, call: Call, catalog: Optional[NodeCatalog]
) -> Flow[tuple[CompiledWorkflow, Mapping[FieldKey, Any]]]:
    """The payload by this server's node types and facts, with the edits it has."""
    server, handle = desk.server, call.handle
    if catalog is None:
        types = [node.type for node in handle.loaded.nodes.values()]
        catalog = yield from learn_catalog(server, types)
    problems = yield from missing_things(handle.loaded, call.values.edits, desk.lists)
    edits: Mapping[FieldKey, Any] = {}
    try:
        edits = yield from resolve_values(
            call.values.edits, server, desk.runner, desk.lists
        )
    except FieldValidationError as error:
        problems = [*problems, *error.problems]
    if problems:
        raise FieldValidationError([_at_input(handle, found) for found in problems])
    facts = yield from _learn(handle, catalog, edits, desk.lists)
    board_id = yield from _board_id(call.board, desk.lists)
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
    item = handle.inputs.at(str(problem.node_id), str(problem.field_name))
    if item is None:
        return problem
    words = problem.message.partition(": ")[2]
    message = f"input {item.input_index} {item.name!r}: {words}"
    return replace(problem, message=message, input_index=item.input_index)


def _learn(
    handle: BaseWorkflowHandle,
    catalog: NodeCatalog,
    edits: Mapping[FieldKey, Any],
    lists: ServerLists,
) -> Flow[Facts]:
    facts = Facts()
    for _ in range(MAX_QUESTION_ROUNDS):
        loaded = load_workflow(handle.definition, catalog, facts)
        queries = needed_facts(loaded, edits, catalog=catalog)
        if not queries:
            break
        facts = yield from learn_facts(facts, queries, lists)
    return facts


def _board_id(board: BoardOption, lists: ServerLists) -> Flow[Optional[str]]:
    """The id of the board that fields left on "auto" mean."""
    name = "none" if board is None else board_id_of(board)
    if name in ("none", "auto"):
        return None
    return (yield from lists.board_id(name))


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
