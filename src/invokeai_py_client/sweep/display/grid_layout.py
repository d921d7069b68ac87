"""Which item is in which cell of a grid, and what labels say."""

from __future__ import annotations

import json
import numbers
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from invokeai_py_client._suggestions import did_you_mean, list_names, near_names
from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.sweep.display.shown_item import (
    ShownItem,
    column_names,
    label_of,
    value_of,
)


@dataclass(frozen=True)
class Axis:
    """One axis: its name, and the label of each of its values, in order."""

    name: str
    labels: tuple[str, ...]


@dataclass
class Cell:
    """What is in one cell: the images of its items, and of those that have none."""

    images: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class GridLayout:
    """A grid: columns from left to right, rows from top to bottom, blocks below.

    Attributes:
        cells: By (block, row, column); a missing one has no item.
    """

    columns: Axis
    rows: Axis
    blocks: Axis
    cells: dict[tuple[int, int, int], Cell]


def layout(items: Sequence[ShownItem], axes: Sequence[str]) -> GridLayout:
    """Put items into cells.

    Raises:
        ArgumentError: No item has such a value, or there are no items.
    """
    if not items:
        raise ArgumentError("items", [], "at least one item")
    if not 1 <= len(axes) <= 3 or len(set(axes)) < len(axes):
        raise ArgumentError("axes", list(axes), "one to three different names")
    known = list(dict.fromkeys([*column_names(items), "seed", "server", "status"]))
    for name in axes:
        if name not in known:
            raise ArgumentError(
                "axes",
                name,
                f"names of values: {list_names(known, 40)}",
                hint=did_you_mean(near_names(name, known)) or None,
            )
    if len({item.index for item in items}) == len(items):
        # In the order of their plan; those of several sweeps stay as they were given.
        items = sorted(items, key=lambda item: item.index)
    built = [_axis(items, name) for name in axes]
    while len(built) < 3:
        built.append((Axis("", ("",)), [0] * len(items)))
    (columns, in_column), (rows, in_row), (blocks, in_block) = built
    cells: dict[tuple[int, int, int], Cell] = {}
    for item, place in zip(items, zip(in_block, in_row, in_column)):
        cell = cells.setdefault(place, Cell())
        cell.images.extend(item.images)
        if not item.images:
            cell.notes.append(item.error or item.status)
    return GridLayout(columns, rows, blocks, cells)


def _axis(items: Sequence[ShownItem], name: str) -> tuple[Axis, list[int]]:
    """The axis of a value, and the place of each item on it.

    Numbers are sorted, other values stay in the order in which they first occur.
    """
    values = [value_of(item, name) for item in items]
    keys = [_key(value) for value in values]
    distinct = dict(zip(reversed(keys), reversed(values)))
    order = list(dict.fromkeys(keys))
    if all(_is_number(value) for value in distinct.values()):
        order.sort(key=lambda key: distinct[key])
    place = {key: number for number, key in enumerate(order)}
    labels = _distinct_labels([label_of(distinct[key]) for key in order])
    return Axis(name, tuple(labels)), [place[key] for key in keys]


def _key(value: Any) -> str:
    if _is_number(value) and value % 1 == 0:
        value = int(value)
    return json.dumps(value, sort_keys=True, default=str)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _distinct_labels(labels: Sequence[str]) -> list[str]:
    """Two models of one name are two columns: the later ones are numbered."""
    counts: dict[str, int] = {}
    found = []
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
        found.append(label if counts[label] == 1 else f"{label} ({counts[label]})")
    return found


def shortened(labels: Sequence[str], most: int) -> list[str]:
    """Labels of at most so many characters that still differ where they can.

    Prompts often begin alike: then the words that they share are left out.
    """
    if all(len(label) <= most for label in labels):
        return list(labels)
    short = [_cut(label, most) for label in labels]
    if len(set(short)) == len(set(labels)) or len(labels) < 2:
        return short
    shared = next(
        (at for at, letters in enumerate(zip(*labels)) if len(set(letters)) > 1),
        min(map(len, labels)),
    )
    start = labels[0].rfind(" ", 0, shared) + 1
    if start > 1:
        short = [_cut(f"… {label[start:]}", most) for label in labels]
    if len(set(short)) == len(set(labels)):
        return short
    # They differ in their middle or at the end.
    half = most // 2 - 1
    return [
        label if len(label) <= most else f"{label[:half]}…{label[-half:]}"
        for label in labels
    ]


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    short = text[: max(most - 1, 1)]
    whole = short.rpartition(" ")[0]
    return f"{whole if 2 * len(whole) >= most else short}…"
