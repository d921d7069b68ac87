"""What compiling returns: the payload, and what is known about its parts."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from invokeai_py_client._exports import set_module
from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.workflow.document.warnings import WorkflowWarning
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey, LoadedWorkflow


@dataclass(frozen=True)
class CompileOptions:
    """Choices that belong to one submission, not to the workflow.

    Attributes:
        auto_add_board: Id of the board that fields left on "auto" mean; None (the
            GUI's own default) for no board.
        runs: How often the whole batch runs.
        random: Numbers in [0, 1) for generators without a seed.
        columns: Values side by side, one for each job, by (node, field): a group of
            batch data before those of the workflow.
    """

    auto_add_board: Optional[str] = None
    runs: int = 1
    prepend: bool = False
    random: Callable[[], float] = field(default=random.random, repr=False)
    columns: Mapping[FieldKey, Sequence[Any]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class BatchNode:
    """One batch node and the values it spreads over jobs.

    Attributes:
        field_name: Its list input: ``images``, ``strings``, ``floats``, ``integers``.
        group: The zip group; ``"None"`` means no group: every combination.
        items: The values, the generator's where one is connected.
        targets: (node, field) that get the values.
        generator_id: The generator node that made `items`; None for a stored list.
        is_drawn: The generator drew `items` at random: they differ each time.
    """

    node_id: str
    field_name: str
    group: str
    items: Sequence[Any]
    targets: Sequence[FieldKey]
    generator_id: Optional[str] = None
    is_drawn: bool = False


@set_module("invokeai_py_client")
@dataclass(frozen=True)
class CompiledWorkflow:
    """A payload ready to check and to send.

    Attributes:
        graph: The graph as the server wants it: ``id``, ``nodes``, ``edges``.
        data: The batch data: a list of zipped lists of
            ``{node_path, field_name, items}``.
        runs: How often the batch runs.
        prepend: Whether it goes to the front of the queue.
        workflow: The workflow that images carry, with the edited values.
        loaded: The loaded workflow it was made from.
        edits: The overlay that was applied.
        batches: Every batch node, in the file's order, whether it sends or not.
        problems: What went wrong while compiling: a generator without its answer, a
            value that is not a generator. Value, graph and batch checks are separate.
        warnings: Those of loading and of compiling.
    """

    graph: Mapping[str, Any]
    data: Sequence[Sequence[Mapping[str, Any]]]
    runs: int
    prepend: bool
    workflow: Mapping[str, Any] = field(repr=False)
    loaded: LoadedWorkflow = field(repr=False)
    edits: Mapping[FieldKey, Any]
    batches: Sequence[BatchNode] = ()
    problems: Sequence[FieldProblem] = ()
    warnings: Sequence[WorkflowWarning] = ()
