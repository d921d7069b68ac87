"""Items of one part as one batch, checked as every submission is.

The items' values that can be batch data are one zipped group, in the items' order, in
front of the groups of the workflow's own batch nodes: the jobs of an item are
neighbours. All other values are the same in all items of a part, and are compiled in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Optional, Protocol

from invokeai_py_client._core.flow import Flow, run_blocking
from invokeai_py_client.exceptions import (
    BoardError,
    FieldProblem,
    FieldValidationError,
)
from invokeai_py_client.image.board_flows import NO_BOARD, BoardTarget
from invokeai_py_client.sweep.planning.axes import row_problem
from invokeai_py_client.sweep.planning.columns import ColumnFinder
from invokeai_py_client.sweep.planning.item_edits import ItemEdits, read_items
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.inputs.call_values import CallValues
from invokeai_py_client.workflow.jobs.batch_request import BatchRequest
from invokeai_py_client.workflow.jobs.submission_record import SubmissionRecord
from invokeai_py_client.workflow.submitting.match_jobs import graph_id
from invokeai_py_client.workflow.submitting.prepare_flows import (
    CREATE_HINT,
    SubmitContext,
    SubmitRequest,
    prepare,
)


class ChunkItem(Protocol):
    """An item as the ledger has it."""

    @property
    def index(self) -> int:
        """Its place in the plan."""

    @property
    def key(self) -> str:
        """Its identity."""

    @property
    def values(self) -> Mapping[str, Any]:
        """Its plain values by column."""


@dataclass(frozen=True)
class PreparedChunk:
    """A batch that may be enqueued.

    Attributes:
        batch: What is sent. Its jobs are those of the first item, then those of the
            second, and so on; `BatchRequest.expansion` has the values of each.
        jobs_per_item: How many jobs an item has: more than one when the workflow has
            batch nodes of its own.
    """

    batch: BatchRequest
    jobs_per_item: int
    warnings: tuple[str, ...] = ()


def prepare_chunk(
    context: SubmitContext,
    handle: BaseWorkflowHandle,
    items: Sequence[ChunkItem],
    batch_id: str,
    tag: str,
    *,
    folder: Optional[Path] = None,
    board: BoardTarget = NO_BOARD,
) -> Flow[PreparedChunk]:
    """Make one batch of items of the same part; nothing is enqueued.

    Args:
        context: Where it will be enqueued; the same one for all chunks of a server
            asks for its models and boards only once.
        handle: The workflow with its own values.
        items: At least one; all of one part.
        batch_id: The id the batch will have.
        tag: Origin and destination of its jobs.
        folder: Where relative paths of files begin.
        board: The board of outputs that are left on "auto".

    Raises:
        FieldValidationError: Values are refused, each with its item and column.
    """
    read = partial(
        read_items,
        ColumnFinder(handle),
        [item.values for item in items],
        [f"item {item.index}" for item in items],
        folder,
    )
    # Files are read, and a chunk has thousands of values.
    values = yield from run_blocking(read)
    request = SubmitRequest(
        handle=handle,
        values=CallValues(
            {**handle._fields.old_models(), **handle.edits(), **values.edits}
        ),
        batch_id=batch_id,
        remember=_remember,
        runs=1 if values.columns else len(items),
        board=board,
        tag=tag,
        columns=values.columns,
    )
    try:
        prepared = yield from prepare(context, request)
    except FieldValidationError as error:
        found = [_placed(problem, values, items) for problem in error.problems]
        raise FieldValidationError(found) from error
    except BoardError as error:
        make = f"make it first: client.board_repo.create_board({board.board!r})"
        hint = (error.hint or "").replace(CREATE_HINT, make)
        raise BoardError(error.message, hint=hint) from error
    batch = prepared.batch
    # As under a key, so that copies of it are told from others' when it is settled.
    own_id = graph_id(str(batch.graph["id"]), batch.requested)
    batch = replace(batch, graph={**batch.graph, "id": own_id})
    return PreparedChunk(batch, batch.requested // len(items), prepared.warnings)


def _placed(
    problem: FieldProblem, values: ItemEdits, items: Sequence[ChunkItem]
) -> FieldProblem:
    """The problem with the item and the column that it is about."""
    column = values.column_of(problem)
    if column is None:
        return problem
    place = values.place_of(problem)
    if place is None and len(items) > 1:
        rows = f"items {items[0].index} to {items[-1].index}"
    else:
        rows = f"item {items[place or 0].index}"
    return row_problem(problem, column, rows)


def _remember(record: SubmissionRecord) -> SubmissionRecord:
    return record
