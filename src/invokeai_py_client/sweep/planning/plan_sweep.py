"""From the arguments of `sweep` to the parts of a plan."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Optional, Union

from invokeai_py_client._arguments import whole_number
from invokeai_py_client._suggestions import list_names
from invokeai_py_client.exceptions import ArgumentError, FieldProblem
from invokeai_py_client.exceptions.workflow import FieldValidationError
from invokeai_py_client.sweep.planning.axes import Axis, ListAxis, RunsAxis
from invokeai_py_client.sweep.planning.base_plan import PlanParts
from invokeai_py_client.sweep.planning.columns import Column, ColumnFinder
from invokeai_py_client.sweep.planning.drawn_seeds import SeedList, new_root
from invokeai_py_client.sweep.planning.plain_values import Keep, refuse_content
from invokeai_py_client.sweep.planning.row_axis import RowAxis
from invokeai_py_client.sweep.planning.tables import read_table
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

Values = Mapping[Any, Any]
_RUNS = whole_number(1)
SweepSeed = Union[Literal["keep", "random"], int]


def plan_sweep(
    handle: BaseWorkflowHandle,
    *,
    product: Optional[Values] = None,
    zip: Optional[Values] = None,
    rows: Any = None,
    runs: int = 1,
    key: Optional[str] = None,
    seed: SweepSeed = "keep",
    root: Optional[int] = None,
    keep: Keep = refuse_content,
) -> PlanParts:
    """The parts of a plan; asks no server.

    The axes are multiplied: `rows`, `zip`, each entry of `product`, `runs`; the first
    varies slowest. So rows that are appended come after all others.

    Args:
        handle: The workflow; what the plan does not set keeps the handle's value.
        product: Values by input: each entry is one axis.
        zip: Values by input, side by side: all of one length.
        rows: A table; see `read_table`.
        runs: How often everything is repeated.
        key: Template of the items' keys; by default a digest of their values.
        seed: ``"random"`` draws one for each item, a number sets every seed.
        root: What drawn seeds follow from; by default a new number.
        keep: Where the content of images without a file goes.

    Raises:
        ArgumentError: An axis is empty, lengths differ, an argument is wrong.
        InputNotFoundError: A column means no input, or several.
        FieldValidationError: An input cannot be set, or is set twice.
    """
    # What is set in the handle later does not change the plan.
    handle = copy.copy(handle)
    finder = ColumnFinder(handle)
    runs = _RUNS.read("runs", runs)
    start = new_root() if root is None else root
    builder = _Builder(finder, start, keep)
    if rows is not None:
        builder.add_rows(rows)
    if zip is not None:
        builder.add_zip(zip)
    for name, values in (product or {}).items():
        builder.add_list(name, values)
    drawn = builder.add_seed(seed)
    if runs > 1 or not builder.axes:
        builder.axes.append(RunsAxis(runs))
    _refuse_shared(builder.axes, drawn)
    is_drawn = drawn is not None or builder.has_drawn
    return PlanParts(
        handle, builder.axes, keep, drawn, start if is_drawn else None, key
    )


class _Builder:
    def __init__(self, finder: ColumnFinder, root: int, keep: Keep) -> None:
        self._finder = finder
        self._root = root
        self._keep = keep
        self.axes: list[Axis] = []
        self.has_drawn = False
        self._lists = 0

    def add_rows(self, rows: Any) -> None:
        """One axis that sets several inputs at each point."""
        self.axes.append(RowAxis(read_table(rows), self._finder, self._keep))

    def add_zip(self, values: Values) -> None:
        """One axis of lists side by side."""
        if not values:
            raise ArgumentError("zip", values, "a mapping with at least one entry")
        columns = self._finder.find_all(values, "zip")
        lists = {
            column: self._values(f"zip[{name!r}]", given)
            for column, (name, given) in zip_pairs(columns, values.items())
        }
        lengths = {column.name: len(items) for column, items in lists.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name!r} has {n}" for name, n in lengths.items())
            raise ArgumentError("zip", lengths, f"lists of one length: {told}")
        self.axes.append(ListAxis("zip", lists, self._keep))

    def add_list(self, name: Any, given: Any) -> None:
        """One axis that sets one input."""
        column = self._finder.find(name)
        values = self._values(f"product[{name!r}]", given)
        label = f"product[{column.name!r}]"
        self.axes.append(ListAxis(label, {column: values}, self._keep))

    def add_seed(self, seed: SweepSeed) -> Optional[Column]:
        """The column of drawn seeds; a number becomes an axis of one point."""
        if isinstance(seed, str) and seed == "keep":
            return None
        if isinstance(seed, str) and seed != "random":
            raise ArgumentError("seed", seed, '"keep", "random" or a number')
        column = self._finder.find("seed")
        if seed == "random":
            return column
        self.axes.append(ListAxis("seed", {column: [seed]}, self._keep))
        return None

    def _values(self, argument: str, given: Any) -> Sequence[Any]:
        if callable(given):
            return [given]
        if isinstance(given, SeedList) and given.is_open:
            self.has_drawn = True
            self._lists += 1
            return given.drawn_from(self._root, self._lists)
        if isinstance(given, (range, SeedList, list, tuple)):
            values: Sequence[Any] = given
        elif isinstance(given, (str, bytes, Mapping)) or not isinstance(
            given, Iterable
        ):
            allowed = "a list of values, a range, seeds(…) or a function"
            raise ArgumentError(argument, given, allowed)
        else:
            values = list(given)
        if not len(values):
            raise ArgumentError(argument, given, "at least one value")
        return values


def zip_pairs(first: Iterable[Any], second: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Pairs; the argument of that name hides the builtin."""
    return list(zip(first, second))


def _refuse_shared(axes: Sequence[Axis], drawn: Optional[Column]) -> None:
    """Refuse two columns that write the same field of the graph."""
    owners: dict[Any, tuple[str, str]] = {}
    seen: dict[str, str] = {}
    columns = [(axis.label, column) for axis in axes for column in axis.columns]
    if drawn is not None:
        columns.append(("seed", drawn))
    # A seed of its own goes before the one that every node gets.
    columns.sort(key=lambda pair: pair[1].is_general)
    for label, column in columns:
        if column.name in seen:
            _refuse_twice(column, seen[column.name], label)
        seen[column.name] = label
        if column.is_general and not column.writes.keys() <= owners.keys():
            continue
        for target in column.writes:
            if target in owners:
                other_label, other = owners[target]
                _refuse_twice(column, other_label, label, other)
            owners[target] = label, column.name


def _refuse_twice(column: Column, first: str, second: str, other: str = "") -> None:
    names = list_names(dict.fromkeys((other or column.name, column.name)))
    what = f"is set by {first} and by {second} ({names}); give it once"
    problem = FieldProblem(what, "duplicate", where=f"column {column.name!r}")
    raise FieldValidationError([column.placed(problem)])
