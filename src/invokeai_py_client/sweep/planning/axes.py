"""Axes of a plan: each sets one input or several at every one of its points."""

from __future__ import annotations

import copy
import hashlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Optional, Union

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.sweep.planning.columns import Column
from invokeai_py_client.sweep.planning.drawn_seeds import SeedList
from invokeai_py_client.sweep.planning.plain_values import Keep

Compute = Callable[[Any], Any]
Cell = Union[str, Compute]
"""The canonical JSON of a value, or the function that computes the value."""
Point = Mapping[str, Cell]
"""What one point of an axis sets, by the columns' names."""


class Axis:
    """Points in order; `label` says in messages where they are from.

    Attributes:
        columns: What its points set.
        unlisted: How many more values are refused than `problems` has.
        has_functions: Values are computed from those of other columns.
    """

    unlisted = 0
    has_functions = False

    def __init__(self, label: str, columns: Sequence[Column]) -> None:
        self.label = label
        self.columns = tuple(columns)
        self._repeats: Optional[Mapping[int, int]] = None

    def __len__(self) -> int:
        raise NotImplementedError

    def point(self, index: int) -> Point:
        """What the point sets."""
        raise NotImplementedError

    def problems(self) -> Iterator[FieldProblem]:
        """Values that are refused, each with its row and column."""
        raise NotImplementedError

    def redrawn(self, _root: int) -> Axis:
        """The axis with seeds that follow from another number."""
        return self

    def row(self, index: int) -> str:
        """What a person calls the point, such as ``row 7``."""
        raise NotImplementedError

    def repeat(self, index: int) -> int:
        """How many points before this one set the very same values."""
        if self._repeats is None:
            self._repeats = (
                {}
                if self._is_distinct()
                else repeats_of(map(self._identity, range(len(self))), len(self))
            )
        return self._repeats.get(index, 0)

    def _is_distinct(self) -> bool:
        """Whether no two points can set the same, as far as it is seen at once."""
        return False

    def _identity(self, index: int) -> int:
        point = self.point(index)
        words = "\n".join(f"{name}={_words(cell)}" for name, cell in point.items())
        digest = hashlib.blake2b(words.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big")


def _words(cell: Cell) -> str:
    return cell if isinstance(cell, str) else f"function {id(cell)}"


def repeats_of(identities: Iterator[int], count: int) -> dict[int, int]:
    """How often what is at an index was there before; those at 0 are left out.

    It keeps 8 bytes for each, and more only for what repeats.
    """
    numbers = array("Q", identities)
    previous, repeated = -1, set()
    for number in sorted(numbers):
        if number == previous:
            repeated.add(number)
        previous = number
    if not repeated:
        return {}
    seen = dict.fromkeys(repeated, 0)
    found = {}
    for index in range(count):
        number = numbers[index]
        if number in repeated:
            if seen[number]:
                found[index] = seen[number]
            seen[number] += 1
    return found


class ListAxis(Axis):
    """Values side by side: one list for each column, all of one length."""

    def __init__(
        self, label: str, lists: Mapping[Column, Sequence[Any]], keep: Keep
    ) -> None:
        super().__init__(label, list(lists))
        self._size = min(map(len, lists.values()))
        self._problems: list[FieldProblem] = []
        self._cells: dict[str, Sequence[Any]] = {}
        self._lazy: dict[str, Column] = {}
        for column, values in lists.items():
            if isinstance(values, (range, SeedList)):
                # A million numbers are not written down.
                self._cells[column.name] = values
                self._lazy[column.name] = column
            else:
                self._cells[column.name] = self._read(column, values, keep)

    def _read(
        self, column: Column, values: Sequence[Any], keep: Keep
    ) -> list[Optional[Cell]]:
        cells: list[Optional[Cell]] = []
        for index, value in enumerate(values):
            if callable(value):
                self.has_functions = True
                cells.append(value)
                continue
            text, problems = column.checked(value, keep)
            cells.append(text)
            self._problems += [
                row_problem(problem, column, self.row(index)) for problem in problems
            ]
        return cells

    def __len__(self) -> int:
        return self._size

    def point(self, index: int) -> Point:
        """What the point sets."""
        found: dict[str, Cell] = {}
        for name, cells in self._cells.items():
            cell = cells[index]
            if name in self._lazy:
                cell = str(cell)
            if cell is not None:
                found[name] = cell
        return found

    def redrawn(self, root: int) -> Axis:
        """The axis with seeds that follow from another number."""
        drawn = {
            name: cells.drawn_from(root, cells.place)
            for name, cells in self._cells.items()
            if isinstance(cells, SeedList) and cells.place is not None
        }
        if not drawn:
            return self
        other = copy.copy(self)
        other._cells = {**self._cells, **drawn}
        other._repeats = None
        return other

    def problems(self) -> Iterator[FieldProblem]:
        """Values that are refused, each with its row and column."""
        yield from self._problems
        for name, column in self._lazy.items():
            for index, value in enumerate(self._cells[name]):
                for problem in column.checked(value)[1]:
                    yield row_problem(problem, column, self.row(index))

    def _is_distinct(self) -> bool:
        lists = self._cells.values()
        return any(
            isinstance(cells, range) or getattr(cells, "place", 0) is None
            for cells in lists
        )

    def row(self, index: int) -> str:
        """Such as ``value 3 of zip``."""
        return f"value {index + 1} of {self.label}"


class RunsAxis(Axis):
    """The same again, some number of times."""

    def __init__(self, runs: int) -> None:
        super().__init__("runs", ())
        self._runs = runs

    def __len__(self) -> int:
        return self._runs

    def point(self, _index: int) -> Point:
        """Nothing."""
        return {}

    def problems(self) -> Iterator[FieldProblem]:
        """None."""
        return iter(())

    def row(self, index: int) -> str:
        """Such as ``run 2``."""
        return f"run {index + 1}"

    def repeat(self, index: int) -> int:
        """Every run but the first repeats it."""
        return index


def row_problem(problem: FieldProblem, column: Column, row: str) -> FieldProblem:
    """A problem that names row and column instead of the node."""
    where = f"{row}, column {column.name!r}"
    return replace(problem, input_index=None, where=where, input_name=column.name)
