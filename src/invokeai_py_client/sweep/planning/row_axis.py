"""The axis of a table, whose rows are read once and kept outside of memory."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import threading
import weakref
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client.exceptions import (
    ArgumentError,
    FieldProblem,
    FieldValidationError,
)
from invokeai_py_client.ivk_fields.enum import IvkEnumField
from invokeai_py_client.ivk_fields.media import IvkImageField, IvkVideoField
from invokeai_py_client.ivk_fields.scalar import (
    IvkBooleanField,
    IvkFloatField,
    IvkIntegerField,
    IvkStringField,
)
from invokeai_py_client.sweep.planning.axes import (
    Axis,
    Point,
    repeats_of,
    row_problem,
)
from invokeai_py_client.sweep.planning.columns import Column, ColumnFinder
from invokeai_py_client.sweep.planning.plain_values import Keep
from invokeai_py_client.sweep.planning.tables import Table, TableRow

# Rows that are read from the file together.
BLOCK = 256
IN_MEMORY = 8 << 20
# A table of the wrong type has as many problems as cells.
MAX_KEPT = 100
# JSON writes it as an escape, so no cell has it.
_SEPARATOR = "\x1f"
_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "1"), True),
    **dict.fromkeys(("false", "no", "0"), False),
}


class RowAxis(Axis):
    """The rows of a table; each sets the columns that it has a value for."""

    def __init__(self, table: Table, finder: ColumnFinder, keep: Keep) -> None:
        """Read the table.

        Raises:
            ArgumentError: It has no rows, or one cannot be read.
            InputNotFoundError: A column means no input, or several.
            FieldValidationError: A column cannot be set, or is there twice.
        """
        super().__init__(table.name, ())
        self._table, self._finder, self._keep = table, finder, keep
        self._by_name: dict[Any, Column] = {}
        # It would warn of a file that nobody closes.
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._starts, self._numbers = array("Q", [0]), array("Q")
        self._identities = array("Q")
        self._found: list[FieldProblem] = []
        self._lock = threading.Lock()
        self._block: tuple[int, list[str]] = (-1, [])
        for index, row in enumerate(table.rows):
            self._add(index, row)
        if not self._numbers or not self._by_name:
            what = "column" if self._numbers else "row"
            raise ArgumentError("rows", table.name, f"a table with at least one {what}")
        self._end = self._file.tell()
        self.columns = tuple(self._by_name.values())
        self._repeats = repeats_of(iter(self._identities), len(self))
        del self._identities

    def _add(self, index: int, row: TableRow) -> None:
        if not row.values.keys() <= self._by_name.keys():
            self._add_columns(row)
        texts = dict(self._texts(row))
        line = _SEPARATOR.join(texts.get(name, "") for name in self._by_name)
        content = line.encode()
        if index and index % BLOCK == 0:
            self._starts.append(self._file.tell())
        self._file.write(content + b"\n")
        self._numbers.append(row.number)
        # Columns that come later are empty here.
        identity = hashlib.blake2b(content.rstrip(b"\x1f"), digest_size=8)
        self._identities.append(int.from_bytes(identity.digest(), "big"))

    def _add_columns(self, row: TableRow) -> None:
        where = f"row {row.number} of {self.label}"
        if not self._by_name and self._table.is_text:
            where = f"row 1 of {self.label}"
        new = [name for name in row.values if name not in self._by_name]
        found = self._finder.find_all(new, where)
        for name, column in zip(new, found):
            if column in self._by_name.values():
                problem = FieldProblem("is given twice", "duplicate")
                raise FieldValidationError([row_problem(problem, column, where)])
            self._by_name[name] = column

    def _texts(self, row: TableRow) -> Iterator[tuple[Any, str]]:
        for name, value in row.values.items():
            column = self._by_name[name]
            given = value
            if self._table.is_text:
                given = read_cell(column, value, self._table.folder)
            text, problems = column.checked(given, self._keep)
            if text is not None:
                yield name, text
            if problems and len(self._found) >= MAX_KEPT:
                self.unlisted += len(problems)
            elif problems:
                where = f"row {row.number} of {self.label}"
                self._found += [row_problem(item, column, where) for item in problems]

    def __len__(self) -> int:
        return len(self._numbers)

    def point(self, index: int) -> Point:
        """What the row sets."""
        block, place = divmod(index, BLOCK)
        with self._lock:
            if self._block[0] != block:
                self._block = block, self._read(block)
            line = self._block[1][place]
        texts = line.split(_SEPARATOR)
        return {c.name: text for c, text in zip(self.columns, texts) if text}

    def _read(self, block: int) -> list[str]:
        start = self._starts[block]
        last = block + 1 == len(self._starts)
        end = self._end if last else self._starts[block + 1]
        self._file.seek(start)
        return self._file.read(end - start).decode().split("\n")

    def problems(self) -> Iterator[FieldProblem]:
        """Values that are refused, the first ones of many."""
        return iter(self._found)

    def row(self, index: int) -> str:
        """Such as ``row 7 of table.csv``."""
        return f"row {self._numbers[index]} of {self.label}"


def read_cell(column: Column, text: str, folder: Optional[Path] = None) -> Any:
    """The value of a cell, by the type of the column's input.

    What cannot be read stays a string, which the input then refuses.

    Args:
        column: The column it is in.
        text: The cell, not empty.
        folder: The folder of the table: images may be named relative to it.
    """
    field = column.field
    if isinstance(field, IvkStringField):
        return text
    text = text.strip()
    if isinstance(field, IvkBooleanField):
        return _BOOLEANS.get(text.casefold(), text)
    if isinstance(field, (IvkIntegerField, IvkFloatField)):
        return _number(text)
    if isinstance(field, IvkEnumField):
        number = _number(text)
        return number if number in (field.choices or ()) else text
    if isinstance(field, (IvkImageField, IvkVideoField)) and folder is not None:
        path = folder / text
        return path if path.is_file() else text
    return _json(text)


def _number(text: str) -> Any:
    if _INTEGER.fullmatch(text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return _json(text)


def _json(text: str) -> Any:
    if text[:1] not in ("[", "{"):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
