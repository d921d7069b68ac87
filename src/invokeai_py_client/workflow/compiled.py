"""What compiling gives: the payload, and what is known about its parts."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.workflow.facts import FactQuery, Facts
from invokeai_py_client.workflow.loaded import (
    FieldKey,
    LoadedWorkflow,
    WorkflowWarning,
)

__all__ = ["BatchNode", "CompileOptions", "CompiledWorkflow"]


@dataclass(frozen=True)
class CompileOptions:
    """Choices that belong to one submission, not to the workflow.

    Attributes:
        auto_add_board: Id of the board that fields left on "auto" mean; None (the
            GUI's own default) for no board.
        runs: How often the whole batch runs.
        prepend: Put the jobs at the front of the queue.
        graph_id: The graph's id; None for a new random one.
        random: Numbers in [0, 1) for generators without a seed.
    """

    auto_add_board: Optional[str] = None
    runs: int = 1
    prepend: bool = False
    graph_id: Optional[str] = None
    random: Callable[[], float] = field(default=random.random, repr=False)


@dataclass(frozen=True)
class BatchNode:
    """One batch node and the values it spreads over jobs.

    Attributes:
        node_id: The batch node.
        field_name: Its list input: ``images``, ``strings``, ``floats``, ``integers``.
        group: The zip group; ``"None"`` is no group: every combination.
        items: The values, the generator's where one is connected.
        targets: (node, field) that get the values.
        generator_id: The generator node that made `items`; None for a stored list.
    """

    node_id: str
    field_name: str
    group: str
    items: Sequence[Any]
    targets: Sequence[FieldKey]
    generator_id: Optional[str] = None


@dataclass(frozen=True)
class CompiledWorkflow:
    """A payload ready to check and to send.

    Attributes:
        graph: The graph as the server wants it: ``id``, ``nodes``, ``edges``.
        data: The batch data: a list of zipped lists of
            ``{node_path, field_name, items}``.
        runs: How often the batch runs.
        prepend: Whether it goes to the front of the queue.
        workflow: The workflow that pictures carry, with the edited values.
        loaded: The loaded workflow it was made from.
        edits: The overlay that was applied.
        batches: Every batch node, in the file's order, whether it sends or not.
        problems: What went wrong while compiling: a generator without its answer, a
            value that is no generator. Value, graph and batch checks are separate.
        warnings: Those of loading and of compiling.
        facts: The answers that were used.
        missing_facts: Questions whose answers would have been needed.
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
    facts: Facts = field(default_factory=Facts, repr=False)
    missing_facts: Sequence[FactQuery] = ()
