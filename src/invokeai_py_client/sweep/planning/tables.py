"""Tables: rows of values from files, data frames and anything that has mappings."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.workflow.inputs.given_values import given_cells

ALLOWED = (
    "a .csv, .tsv, .json or .jsonl file, a data frame, or mappings of values by input"
)
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class TableRow:
    """One row.

    Attributes:
        number: Its number as a person counts them: a header is row 1.
        values: Its cells by the table's own names; empty cells are left out.
    """

    number: int
    values: Mapping[Any, Any]


@dataclass(frozen=True)
class Table:
    """A table that is read once, row by row.

    Attributes:
        name: What messages call it: the file's name, or ``rows``.
        folder: Where paths of files in it begin; None for the working directory.
        is_text: Its cells are strings that have to be read as values.
    """

    name: str
    rows: Iterator[TableRow]
    folder: Optional[Path] = None
    is_text: bool = False


def read_table(source: Any) -> Table:
    """The table that a source has.

    Args:
        source: A file (CSV with a header, JSON with a list of objects, or one object
            in each line), a pandas or polars data frame, or any iterable of mappings,
            which is read once.

    Raises:
        ArgumentError: It is none of these; a row that cannot be read raises it while
            the rows are read.
    """
    if isinstance(source, (str, os.PathLike)):
        return _read_file(Path(source).expanduser())
    is_lazy = callable(getattr(source, "collect", None))
    columns = None if is_lazy else getattr(source, "columns", None)
    for method, options in (("iter_rows", {}), ("itertuples", _PLAIN_TUPLES)):
        make_rows = getattr(source, method, None)
        if columns is not None and callable(make_rows):
            names = list(columns)
            return Table("rows", _frame_rows(names, make_rows(**options)))
    hint = None
    if is_lazy:
        hint = "collect() makes a data frame of it"
    elif isinstance(source, Mapping):
        hint = "lists of values side by side are given as zip="
    if hint or isinstance(source, bytes) or not isinstance(source, Iterable):
        raise ArgumentError("rows", source, ALLOWED, hint=hint)
    return Table("rows", _mapping_rows(source))


_PLAIN_TUPLES: Mapping[str, Any] = {"index": False, "name": None}


def _frame_rows(
    names: list[Any], rows: Iterable[tuple[Any, ...]]
) -> Iterator[TableRow]:
    for number, cells in enumerate(rows, 1):
        given = {name: cell for name, cell in zip(names, cells) if cell is not None}
        yield TableRow(number, given_cells(given))


def _mapping_rows(source: Iterable[Any]) -> Iterator[TableRow]:
    for number, row in enumerate(source, 1):
        if not isinstance(row, Mapping):
            raise ArgumentError("rows", row, f"a mapping of values (row {number})")
        yield TableRow(number, given_cells(row))


# -- files -----------------------------------------------------------------------------


def _read_file(path: Path) -> Table:
    kind = path.suffix.lower()
    reader = _READERS.get(kind)
    if reader is None:
        raise ArgumentError("rows", str(path), ALLOWED)
    if not path.is_file():
        raise ArgumentError("rows", str(path), "a file that exists")
    is_text = kind in (".csv", ".tsv")
    return Table(path.name, _told(path, reader), path.absolute().parent, is_text)


def _told(
    path: Path, reader: Callable[[Path], Iterator[TableRow]]
) -> Iterator[TableRow]:
    try:
        yield from reader(path)
    except UnicodeDecodeError as error:
        allowed = "a file in UTF-8"
        raise ArgumentError("rows", str(path), allowed, hint=str(error)) from error
    except (OSError, csv.Error) as error:
        allowed = "a file that can be read"
        raise ArgumentError("rows", str(path), allowed, hint=str(error)) from error


def _refused(path: Path, number: int, what: str) -> ArgumentError:
    return ArgumentError("rows", str(path), ALLOWED, hint=f"row {number} {what}")


def _csv_rows(path: Path) -> Iterator[TableRow]:
    # A spreadsheet writes a mark at the beginning, which belongs to no name.
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        file.seek(0)
        counts = {mark: first.count(mark) for mark in _DELIMITERS}
        rows = csv.reader(file, delimiter=max(counts, key=counts.__getitem__))
        names = _names(path, next(rows, []))
        for number, cells in enumerate(rows, 2):
            if not any(cells):
                continue
            if len(cells) > len(names):
                what = f"has {len(cells)} cells, and the header {len(names)}"
                raise _refused(path, number, what)
            given = {name: cell for name, cell in zip(names, cells) if cell != ""}
            yield TableRow(number, given)


def _names(path: Path, header: list[str]) -> list[str]:
    names = [name.strip() for name in header]
    for place, name in enumerate(names, 1):
        if not name:
            what = f"is the header, and its column {place} has no name"
            if place == 1:
                what += "; pandas writes no such column with to_csv(…, index=False)"
            raise _refused(path, 1, what)
        if name in names[: place - 1]:
            raise _refused(path, 1, f"is the header, and has {name!r} twice")
    return names


def _json_lines(path: Path) -> Iterator[TableRow]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _object(path, number, _parsed(path, number, line))


def _json_rows(path: Path) -> Iterator[TableRow]:
    rows = _parsed(path, 1, path.read_text("utf-8-sig"))
    if not isinstance(rows, list):
        raise ArgumentError("rows", str(path), "a file with a list of JSON objects")
    for number, row in enumerate(rows, 1):
        yield _object(path, number, row)


def _parsed(path: Path, number: int, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused(path, number, f"is not JSON: {error}") from error


def _object(path: Path, number: int, row: Any) -> TableRow:
    if not isinstance(row, dict):
        raise _refused(path, number, "is not a JSON object")
    return TableRow(number, given_cells(row))


_READERS: Mapping[str, Callable[[Path], Iterator[TableRow]]] = {
    ".csv": _csv_rows,
    ".tsv": _csv_rows,
    ".json": _json_rows,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}
