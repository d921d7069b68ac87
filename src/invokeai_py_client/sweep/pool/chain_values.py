"""Rows and results of chains as plain JSON data. Pure but for reading a table."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Optional, Union

from invokeai_py_client._exports import set_module
from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.sweep.planning.items import PlannedItem
from invokeai_py_client.sweep.planning.plain_values import canonical_json
from invokeai_py_client.sweep.planning.tables import read_table

ROW = "row"
"""The name of a row that is not a mapping, among the values of its item."""


@set_module("invokeai_py_client.sweep")
@dataclass(frozen=True)
class RowResult:
    """What became of a row; see `ServerPool.map`.

    Attributes:
        index: Its place among the rows, from 0.
        row: The row as it was given.
        value: What the function returned, as plain JSON data.
        error: Why it failed, with the name of the error; None when it is done.
        server: The server that it was made on.
        attempts: How often it was begun anew: 1 unless it failed and was tried again,
            or its server lost it.
    """

    index: int
    row: Any
    value: Any = None
    error: Optional[str] = None
    server: str = ""
    attempts: int = 1


class NotPlainError(TypeError):
    """A value that is not plain JSON data, and where it is."""


def plain_json(value: Any, where: str = "") -> Any:
    """A value as plain JSON data: numbers of NumPy, paths and images, too.

    A path is its string, an image or video its name, a tuple a list.

    Raises:
        NotPlainError: It is something else.
    """
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {
            key: plain_json(item, f"{where}[{key!r}]") for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [plain_json(item, f"{where}[{n}]") for n, item in enumerate(value)]
    plain = _plain_scalar(value)
    if plain is None and value is not None:
        what = f"a value of type {type(value).__name__}"
        if isinstance(value, Mapping):
            what = "a mapping whose keys are not strings"
        elif isinstance(value, Real):
            what = f"the number {value}"
        raise NotPlainError(f"{what} at {where}" if where else what)
    return plain


def _plain_scalar(value: Any) -> Union[bool, int, float, str, None]:
    """A single value as plain JSON data; None for what has no such form."""
    if isinstance(value, str):
        return value
    # NumPy's bool is not a subclass of Python's.
    if type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    for name in ("image_name", "video_name"):
        if isinstance(getattr(value, name, None), str):
            return str(getattr(value, name))
    return os.fspath(value) if isinstance(value, os.PathLike) else None


def read_rows(rows: Any) -> list[Any]:
    """The rows that were given: a table's as dicts, others as they are.

    Raises:
        ArgumentError: There are no rows in it.
    """
    is_table = isinstance(rows, (str, os.PathLike)) or hasattr(rows, "columns")
    if is_table:
        return [dict(row.values) for row in read_table(rows).rows]
    if isinstance(rows, (bytes, Mapping)) or not isinstance(rows, Iterable):
        allowed = "a list of rows, or a table as `rows` of a sweep"
        raise ArgumentError("rows", rows, allowed)
    return list(rows)


def planned_rows(rows: Iterable[Any]) -> Iterator[PlannedItem]:
    """The rows as items for the ledger.

    Raises:
        ArgumentError: A row is not plain JSON data.
    """
    for index, row in enumerate(rows):
        try:
            plain = plain_json(row)
        except NotPlainError as error:
            allowed = f"plain JSON data (row {index} has {error})"
            raise ArgumentError("rows", row, allowed) from None
        values = plain if isinstance(plain, dict) else {ROW: plain}
        yield PlannedItem(index, str(index), canonical_json(values), "")
