"""`BaseSweepPlan`: the items of a sweep, planned lazily."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import prod
from typing import Optional

from invokeai_py_client._exports import one_line, set_module
from invokeai_py_client.exceptions import FieldProblem, FieldValidationError
from invokeai_py_client.sweep.planning.assemble import Assembler
from invokeai_py_client.sweep.planning.axes import Axis
from invokeai_py_client.sweep.planning.columns import Column
from invokeai_py_client.sweep.planning.drawn_seeds import drawn_seed
from invokeai_py_client.sweep.planning.items import PlannedItem, SweepItem
from invokeai_py_client.sweep.planning.keys import (
    MakeKey,
    default_key,
    readable,
    template_key,
)
from invokeai_py_client.sweep.planning.plain_values import Keep
from invokeai_py_client.sweep.planning.plan_problems import plan_problems
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle


@dataclass(frozen=True)
class PlanParts:
    """What a plan is made of.

    Attributes:
        handle: The workflow with its own values.
        axes: All of them are multiplied; the first varies slowest.
        keep: Where the content of images without a file goes.
        drawn: The column that gets a drawn seed in every item.
        root: The number that all drawn seeds follow from; None when no seed is drawn.
        key: The template of the items' keys; None for digests of their values.
    """

    handle: BaseWorkflowHandle
    axes: Sequence[Axis]
    keep: Keep
    drawn: Optional[Column] = None
    root: Optional[int] = None
    key: Optional[str] = None

    def redrawn(self, root: int) -> PlanParts:
        """The same with the seeds that follow from another number."""
        if self.root is None:
            return self
        axes = [axis.redrawn(root) for axis in self.axes]
        return replace(self, axes=axes, root=root)


@set_module("invokeai_py_client.sweep")
class BaseSweepPlan:
    """The items of a sweep: a sequence that makes each item when it is asked for."""

    def __init__(self, parts: PlanParts) -> None:
        """Made by `plan_sweep`.

        Raises:
            ArgumentError: The template of keys has an unknown field.
        """
        self._parts = parts
        drawn = [parts.drawn] if parts.drawn else []
        columns = [column for axis in parts.axes for column in axis.columns]
        self._columns = {column.name: column for column in (*columns, *drawn)}
        self._make_key: Optional[MakeKey] = None
        if parts.key is not None:
            self._make_key = template_key(parts.key, parts.handle, [*self._columns])
        self._found: Optional[tuple[FieldProblem, ...]] = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what the items set, in the order of the axes."""
        return tuple(self._columns)

    @property
    def root(self) -> Optional[int]:
        """The number that every drawn seed follows from; None when none is drawn."""
        return self._parts.root

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        return prod(len(axis) for axis in self._parts.axes)

    def __getitem__(self, index: int) -> SweepItem:
        try:
            place = range(len(self))[index]
        except IndexError:
            text = f"there is no item {index} in a plan of {len(self)}"
            raise IndexError(text) from None
        item = self._assembler()
        item.go_to(place)
        return self._item(item)

    def __iter__(self) -> Iterator[SweepItem]:
        return map(self._item, self._assembler().walk())

    def preview(self, n: int = 5) -> list[SweepItem]:
        """The first `n` items."""
        return list(islice(self, n))

    @property
    def digest(self) -> str:
        """The same for plans that have the same items; it makes all of them."""
        digest = hashlib.sha256()
        for item in self._planned_items():
            digest.update(f"{item.key}\n{item.values}\n".encode())
        return digest.hexdigest()

    def _planned_items(self) -> Iterator[PlannedItem]:
        """The items as the ledger keeps them.

        Raises:
            FieldValidationError: The plan has problems.
        """
        if self.problems:
            raise FieldValidationError(self.problems)
        for item in self._assembler().walk():
            values = item.values
            yield PlannedItem(item.index, self._key(item, values), values, item.part)

    @property
    def problems(self) -> tuple[FieldProblem, ...]:
        """The first 20 values that are refused, each with its row and column.

        When there are more, a last problem says how many. They are what is known
        without a server: whether models, boards and images exist is asked when items
        are sent.
        """
        if self._found is None:
            keys = self._keys if self._make_key is not None else None
            self._found = tuple(
                plan_problems(
                    self._parts.handle,
                    self._parts.axes,
                    self._columns,
                    self._assembler,
                    keys,
                )
            )
        return self._found

    def __repr__(self) -> str:
        count = "1 item" if len(self) == 1 else f"{len(self)} items"
        names = f" of {', '.join(self._columns)}" if self._columns else ""
        return one_line(f"<{type(self).__name__}: {count}{names}>")

    # -- making items -------------------------------------------------------------

    def _assembler(self) -> Assembler:
        parts, draw = self._parts, None
        if parts.drawn is not None and parts.root is not None:
            root = parts.root
            draw = parts.drawn.name, lambda index: str(drawn_seed(root, "item", index))
        return Assembler(parts.handle, parts.axes, self._columns, parts.keep, draw)

    def _key(self, item: Assembler, values: str) -> str:
        if self._make_key is not None:
            return self._make_key(item.index, item.texts)
        return default_key(values, item.repeats)

    def _keys(self) -> Iterator[str]:
        return (self._key(item, "") for item in self._assembler().walk())

    def _item(self, item: Assembler) -> SweepItem:
        values = {
            name: readable(item.texts[name])
            for name in self._columns
            if name in item.texts
        }
        return SweepItem(item.index, self._key(item, item.values), values)
