"""Values that are each fine and break a rule together.

Nodes have rules over several fields, and an edge carries a value on to where it may
not be. Both are found by compiling items as the batch that they will be. Only columns
that can have a part in it are looked at, and each combination of their values once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from invokeai_py_client.exceptions import FieldProblem, FieldValidationError
from invokeai_py_client.sweep.planning.axes import row_problem
from invokeai_py_client.sweep.planning.columns import Column, ColumnFinder, SeedColumn
from invokeai_py_client.sweep.planning.item_edits import ItemEdits, read_items
from invokeai_py_client.sweep.planning.keys import part_digest
from invokeai_py_client.workflow.checking.edge_values import MAX_JOBS, MAX_RESULTS
from invokeai_py_client.workflow.checking.node_results import RESULTS
from invokeai_py_client.workflow.checking.node_rules import rules_of
from invokeai_py_client.workflow.compiling.compiled_workflow import CompileOptions
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

# Items that are compiled together: fewer of large workflows, whose results are
# calculated up to a limit.
LARGEST_SLAB = MAX_JOBS
# Each row that is found takes some compilings.
MAX_ROWS = 20
# Further combinations are checked when they are sent.
MAX_COMBINATIONS = 100_000
# Wrong only until a server is asked.
_OPEN = frozenset({"unresolved", "missing_answer"})


@dataclass(frozen=True)
class _Row:
    name: str
    values: Mapping[str, Any]


class JointChecks:
    """Collects items, and checks them together.

    Attributes:
        has_work: Whether values of this plan can break a rule together at all.
    """

    def __init__(
        self, handle: BaseWorkflowHandle, columns: Mapping[str, Column]
    ) -> None:
        self._handle = handle
        self._finder = ColumnFinder(handle)
        self._columns = [c for c in columns.values() if self._can_break(c)]
        self._seen: set[Sequence[Optional[str]]] = set()
        self._waiting: dict[str, list[_Row]] = {}
        self._known: Optional[set[tuple[Any, ...]]] = None
        self._broken = 0
        nodes = len(handle._loaded.nodes) or 1
        self._slab = max(min(LARGEST_SLAB, MAX_RESULTS // nodes), 1)
        self.has_work = bool(self._columns)

    @property
    def is_over(self) -> bool:
        """Whether enough rows were found; no others are looked at."""
        return self._broken >= MAX_ROWS

    def _can_break(self, column: Column) -> bool:
        if isinstance(column, SeedColumn):
            return False
        nodes = self._handle._loaded.nodes
        for node_id, name in column.writes:
            node_type = nodes[node_id].type
            if any(name in rule.fields for rule in rules_of(node_type)):
                return True
            if node_type in RESULTS and (node_type != "string" or self._leads(node_id)):
                return True
        return False

    def _leads(self, node_id: str) -> bool:
        """Whether anything is calculated from the string of a node."""
        loaded = self._handle._loaded
        fed = (loaded.nodes.get(e.target) for e in loaded.edges if e.source == node_id)
        return any(
            node is None or node.type in RESULTS or bool(rules_of(node.type))
            for node in fed
        )

    def add(
        self, texts: Mapping[str, str], row: Callable[[], str]
    ) -> Iterator[FieldProblem]:
        """Take an item; the problems of those that were taken, when they are many."""
        together = tuple(texts.get(column.name) for column in self._columns)
        if together in self._seen or len(self._seen) >= MAX_COMBINATIONS:
            return
        self._seen.add(together)
        values, fixed = {}, []
        for column, text in zip(self._columns, together):
            if text is not None:
                values[column.name] = json.loads(text)
            if text is None or not column.is_batch_text(text):
                fixed.append((column.name, text))
        if not values:
            return
        waiting = self._waiting.setdefault(part_digest(tuple(fixed)), [])
        waiting.append(_Row(row(), values))
        if len(waiting) >= self._slab:
            yield from self._check(waiting)
            waiting.clear()

    def finish(self) -> Iterator[FieldProblem]:
        """The problems of the rest."""
        for waiting in self._waiting.values():
            if waiting:
                yield from self._check(waiting)

    def _check(self, rows: Sequence[_Row]) -> Iterator[FieldProblem]:
        """The problems of some rows: of each one that has any, by halving."""
        if self.is_over:
            return
        problems, edits = self._problems(rows)
        if not problems:
            return
        if len(rows) > 1:
            middle = len(rows) // 2
            yield from self._check(rows[:middle])
            yield from self._check(rows[middle:])
            return
        self._broken += 1
        # A rule is checked for the literal as well as for the batch.
        once = {_identity(problem): problem for problem in reversed(problems)}
        for problem in once.values():
            column = self._column_of(problem, edits)
            yield row_problem(problem, column, rows[0].name) if column else problem

    def _column_of(
        self, problem: FieldProblem, edits: Optional[ItemEdits]
    ) -> Optional[Column]:
        by_target = edits.by_target if edits else {}
        found = by_target.get((str(problem.node_id), str(problem.field_name)))
        same_node = (
            c for (node_id, _), c in by_target.items() if node_id == problem.node_id
        )
        return found or next(same_node, None) or self._columns[0]

    def _problems(
        self, rows: Sequence[_Row]
    ) -> tuple[Sequence[FieldProblem], Optional[ItemEdits]]:
        try:
            edits = read_items(
                self._finder, [row.values for row in rows], [row.name for row in rows]
            )
        except FieldValidationError as error:
            return error.problems, None
        if self._known is None:
            self._known = {_identity(p) for p in self._compiled({}, {})}
        found = [
            problem
            for problem in self._compiled(edits.edits, edits.columns)
            if _identity(problem) not in self._known and problem.kind not in _OPEN
        ]
        return found, edits

    def _compiled(
        self, edits: Mapping[Any, Any], columns: Mapping[Any, Sequence[Any]]
    ) -> Sequence[FieldProblem]:
        handle = self._handle
        return handle._compile(
            handle._loaded,
            handle._catalog,
            {**handle.edits(), **edits},
            CompileOptions(columns=columns),
        ).problems


def _identity(problem: FieldProblem) -> tuple[Any, ...]:
    return problem.node_id, problem.field_name, problem.kind
