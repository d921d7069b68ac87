"""A plan's items on their way into the ledger, compared with what is there."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from invokeai_py_client.exceptions import SweepChangedError
from invokeai_py_client.exceptions.base import short_repr
from invokeai_py_client.sweep.ledger import statements
from invokeai_py_client.sweep.ledger.records import PlannedRow
from invokeai_py_client.sweep.ledger.said_values import difference

_PAGE = 1000
_SHOWN_DIFFERENCES = 5
_HINT = "use another folder, or the same items as before with new ones at the end"

Row = tuple[int, str, str, int]


def add_planned(db: sqlite3.Connection, items: Iterable[PlannedRow]) -> int:
    """Insert the items that are not there; the others must be equal."""
    part_ids = _PartIds(db)
    added, last = 0, -1
    for page in _pages(items):
        rows = [
            (item.index, item.key, item.values, part_ids[item.part]) for item in page
        ]
        inserted = max(db.executemany(statements.ADD_ITEM, rows).rowcount, 0)
        if inserted < len(rows):
            _check_equal(db, rows)
        added += inserted
        last = max(last, rows[-1][0])
    known = db.execute(statements.LAST_INDEX).fetchone()[0]
    if known is not None and known > last:
        text = f"the folder has {known + 1} items, the plan has {last + 1}"
        raise SweepChangedError(text, differences=[text], hint=_HINT)
    return added


class _PartIds(dict[str, int]):
    """Numbers of parts by digest; remembers so many that memory stays flat."""

    def __init__(self, db: sqlite3.Connection) -> None:
        super().__init__()
        self._db = db

    def __missing__(self, digest: str) -> int:
        if len(self) >= _PAGE:
            self.clear()
        self._db.execute(statements.ADD_PART, (digest,))
        row = self._db.execute(statements.GET_PART, (digest,)).fetchone()
        self[digest] = row[0]
        return self[digest]


def _pages(items: Iterable[PlannedRow]) -> Iterator[list[PlannedRow]]:
    iterator = iter(items)
    while page := list(islice(iterator, _PAGE)):
        yield page


def _check_equal(db: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Name what differs between the rows and those that were there before."""
    indices = [row[0] for row in rows]
    span = (min(indices), max(indices))
    known = {row[0]: row for row in db.execute(statements.GET_PLANNED, span)}
    differences: list[str] = []
    for row in rows:
        if len(differences) == _SHOWN_DIFFERENCES:
            break
        before = known.get(row[0])
        if before is None:
            differences.append(_key_conflict(db, row))
        elif before[:3] != row[:3]:
            differences.append(f"item {row[0]}: {_difference(before, row)}")
        elif before[3] != row[3]:
            differences.append(f"item {row[0]} belongs to another part")
    if differences:
        raise SweepChangedError(
            f"the folder holds a sweep of other items: {differences[0]}",
            differences=differences,
            hint=_HINT,
        )


def _key_conflict(db: sqlite3.Connection, row: Row) -> str:
    found = db.execute(statements.GET_INDEX_OF_KEY, (row[1],)).fetchone()
    other = "another" if found is None else f"item {found[0]}"
    return f"item {row[0]} has the same key as {other}: {short_repr(row[1])}"


def _difference(before: tuple[Any, ...], now: Row) -> str:
    old, new = json.loads(before[2]), json.loads(now[2])
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted({*old, *new}):
            if name not in new:
                return f"{name} is not set any more"
            if name not in old:
                return f"{name} is new"
            if old[name] != new[name]:
                return difference(name, old[name], new[name])
    return (
        f"its key is {short_repr(before[1])} in the folder and {short_repr(now[1])} "
        "here"
    )
