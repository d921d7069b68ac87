"""Items put together from the points of all axes, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Optional

from invokeai_py_client.exceptions import FieldProblem, InputNotFoundError
from invokeai_py_client.sweep.planning.axes import Axis, Point
from invokeai_py_client.sweep.planning.columns import Column
from invokeai_py_client.sweep.planning.keys import part_digest, readable
from invokeai_py_client.sweep.planning.plain_values import Keep
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

Drawn = Callable[[int], str]
Fixed = tuple[str, Optional[str]]


class Assembler:
    """The texts of one item at a time.

    Going from an item to the next changes only what the axes that move set.

    Attributes:
        index: The item.
        texts: The canonical JSON of its values, by column.
        repeats: On each axis, how often the same came before.
        refused: Computed values that their columns do not take.
    """

    def __init__(
        self,
        handle: BaseWorkflowHandle,
        axes: Sequence[Axis],
        columns: Mapping[str, Column],
        keep: Keep,
        drawn: Optional[tuple[str, Drawn]] = None,
    ) -> None:
        self._handle, self._keep = handle, keep
        self._axes, self._columns = axes, columns
        self._sizes = [len(axis) for axis in axes]
        self._drawn = drawn
        in_order = sorted(columns.values(), key=lambda column: column.name)
        self._slot = {column.name: n for n, column in enumerate(in_order)}
        self._own = [[column.name for column in axis.columns] for axis in axes]
        # By slot: `"name":value`, and what no batch can vary.
        self._pieces: list[str] = [""] * len(in_order)
        self._fixed: list[Optional[Fixed]] = [
            (column.name, None) for column in in_order
        ]
        self._part: Optional[str] = None
        self._computed: dict[int, dict[str, Any]] = {}
        self._points: list[Point] = [{} for _ in axes]
        self._places: list[int] = []
        self.index = 0
        self.texts: dict[str, str] = {}
        self.repeats = [0] * len(axes)
        self.refused: list[tuple[Column, FieldProblem]] = []

    def walk(self) -> Iterator[Assembler]:
        """Itself at every item, in order."""
        self.go_to(0)
        total = 1
        for size in self._sizes:
            total *= size
        yield self
        last = len(self._axes) - 1
        for index in range(1, total):
            number = last
            while self._places[number] + 1 == self._sizes[number]:
                self._move(number, 0)
                number -= 1
            self._move(number, self._places[number] + 1)
            self._finish(index)
            yield self

    def go_to(self, index: int) -> None:
        """Assemble one item."""
        rest, places = index, []
        for size in reversed(self._sizes):
            rest, place = divmod(rest, size)
            places.append(place)
        self._places = places[::-1]
        for number, place in enumerate(self._places):
            self._move(number, place)
        self._finish(index)

    @property
    def places(self) -> Sequence[int]:
        """Where the item is on each axis."""
        return self._places

    @property
    def values(self) -> str:
        """The canonical JSON of all values of the item."""
        return f"{{{','.join(filter(None, self._pieces))}}}"

    @property
    def part(self) -> str:
        """The digest of what no batch can vary."""
        if self._part is None:
            self._part = part_digest(tuple(filter(None, self._fixed)))
        return self._part

    def _move(self, number: int, place: int) -> None:
        axis = self._axes[number]
        self._places[number] = place
        self.repeats[number] = axis.repeat(place)
        self._points[number] = point = axis.point(place)
        self._computed.pop(number, None)
        for name in self._own[number]:
            cell = point.get(name)
            if isinstance(cell, str):
                self._set(name, cell)
            elif cell is None:
                self._unset(name)
            else:
                self._computed.setdefault(number, {})[name] = cell

    def _set(self, name: str, text: str) -> None:
        slot, column = self._slot[name], self._columns[name]
        self.texts[name] = text
        self._pieces[slot] = f"{column.json_name}:{text}"
        fixed = None if column.is_batch_text(text) else (name, text)
        if fixed != self._fixed[slot]:
            self._fixed[slot], self._part = fixed, None

    def _unset(self, name: str) -> None:
        slot = self._slot[name]
        self.texts.pop(name, None)
        self._pieces[slot] = ""
        if self._fixed[slot] != (name, None):
            self._fixed[slot], self._part = (name, None), None

    def _finish(self, index: int) -> None:
        self.index = index
        if self._drawn is not None:
            name, draw = self._drawn
            self._set(name, draw(index))
        if self._computed:
            self._compute()

    def _compute(self) -> None:
        waiting = {
            name: cell
            for number in sorted(self._computed)
            for name, cell in self._computed[number].items()
        }
        values = {
            name: readable(text)
            for name, text in self.texts.items()
            if name not in waiting
        }
        self.refused = []
        # In the order they are written, so that one may use those before it.
        for name, cell in waiting.items():
            column = self._columns[name]
            value = cell(ItemValues(values, self._handle))
            text, problems = column.checked(value, self._keep)
            self.refused += [(column, problem) for problem in problems]
            if text is None:
                self._unset(name)
                continue
            self._set(name, text)
            values[name] = readable(text)


class ItemValues(Mapping[str, Any]):
    """The values of one item, as ``values["steps"]`` or ``values.steps``.

    An input that the plan does not set has the handle's own value.
    """

    def __init__(self, values: Mapping[str, Any], handle: BaseWorkflowHandle) -> None:
        self._values = values
        self._handle = handle

    def __getitem__(self, key: str) -> Any:
        if key in self._values:
            return self._values[key]
        return self._handle[key]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except InputNotFoundError as error:
            raise AttributeError(error.message) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(dict(self._values))
