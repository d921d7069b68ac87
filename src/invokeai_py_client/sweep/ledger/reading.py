"""What a ledger knows, for its writer and for readers beside it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Optional

from typing_extensions import Self

from invokeai_py_client.exceptions import LocalFileNotFoundError, SweepError
from invokeai_py_client.sweep.ledger import statements
from invokeai_py_client.sweep.ledger.connection import Connection
from invokeai_py_client.sweep.ledger.records import (
    BatchItem,
    BatchJob,
    BatchRow,
    LedgerCounts,
    LedgerItem,
    OutputRow,
    RecordedOutput,
)

OPEN = ("intended", "accepted", "unknown")
"""States of a batch that still has to give results."""

_PAGE = 500
_ITEM_COLUMNS = 9


class LedgerReader:
    """A ledger as it is now; every answer is read anew. Threads may share it.

    Raises:
        LocalFileError: The file cannot be read; of every method.
    """

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    @property
    def path(self) -> Path:
        """The database."""
        return self._db.path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; everything that was recorded is durable then."""
        self._db.close()

    @property
    def meta(self) -> dict[str, str]:
        """What was recorded of the sweep as a whole."""
        return dict(self._db.rows(statements.GET_META))

    @property
    def sweep_id(self) -> str:
        """Identity of the sweep; ids of its batches are made of it."""
        return self.meta["sweep_id"]

    @property
    def has_items(self) -> bool:
        """False when nothing was planned yet."""
        return self._db.value(statements.LAST_INDEX) is not None

    @property
    def has_batches(self) -> bool:
        """False when nothing was sent yet, or all of it was refused."""
        return self._db.value(statements.HAS_BATCHES) is not None

    def are_done(self, indices: Iterable[int]) -> set[int]:
        """Those of the items that are done."""
        with self._db.snapshot():
            state = {i: self._db.value(statements.GET_STATE, (i,)) for i in indices}
        return {index for index in state if state[index] == "done"}

    def counts(self) -> LedgerCounts:
        """How many items are in which state."""
        with self._db.snapshot():
            states: dict[str, int] = dict(self._db.rows(statements.COUNT_STATES))
            again = int(self._db.value(statements.COUNT_RERUNS))
            doubles = int(self._db.value(statements.COUNT_DOUBLES))
        return LedgerCounts(
            total=sum(states.values()),
            todo=states.get("todo", 0),
            sent=states.get("sent", 0),
            done=states.get("done", 0),
            failed=states.get("failed", 0),
            skipped=states.get("skipped", 0),
            # The attempt that came too late is one of those made again.
            reruns=max(again - doubles, 0),
            doubles=doubles,
        )

    def parts(self) -> dict[str, int]:
        """How many items each part has to do, the part of the first item first."""
        return dict(self._db.rows(statements.COUNT_PARTS))

    def samples(self) -> Iterator[LedgerItem]:
        """One item of each part that has something to do, page by page."""
        return self._pages(statements.GET_SAMPLES)

    def failed_kinds(self) -> dict[str, int]:
        """How many items failed of which kind, the most frequent first."""
        return dict(self._db.rows(statements.COUNT_FAILED_KINDS))

    def items(self, state: Optional[str] = None) -> Iterator[LedgerItem]:
        """The items in the order of the plan, page by page.

        Args:
            state: Only items in this state.
        """
        return self._pages(statements.GET_ITEMS, state, state)

    def _pages(self, statement: str, *values: Any) -> Iterator[LedgerItem]:
        last = -1
        while True:
            rows = self._db.rows(statement, (last, *values, _PAGE))
            yield from map(read_item, rows)
            if len(rows) < _PAGE:
                return
            last = rows[-1][0]

    def servers(self) -> dict[int, str]:
        """Where the items are, or were made, by their index."""
        return dict(self._db.rows(statements.GET_ITEM_SERVERS))

    def item(self, index: int) -> LedgerItem:
        """The item of an index that there is."""
        values = (index - 1, None, None, 1)
        return read_item(self._db.rows(statements.GET_ITEMS, values)[0])

    def failed_attempts(self, kind: str) -> list[tuple[int, str, str]]:
        """Attempts at items that are to do which ended so: item, server, words."""
        return list(self._db.rows(statements.GET_FAILED_ATTEMPTS, (kind,)))

    def outputs(self) -> Iterator[RecordedOutput]:
        """The outputs of finished items in the order of the plan, page by page."""
        last = self._db.value(statements.LAST_INDEX)
        for start in range(0, -1 if last is None else last + 1, _PAGE):
            values = (start, start + _PAGE - 1)
            for row in self._db.rows(statements.GET_OUTPUTS, values):
                yield _read_output(row)

    def open_batches(self, server: Optional[str] = None) -> list[BatchRow]:
        """The batches that are intended, accepted or unknown, oldest first."""
        with self._db.snapshot():
            rows = self._db.rows(statements.GET_OPEN_BATCHES, (server, server))
            return [self._read_batch(*row) for row in rows]

    def open_batch(self, batch_id: str) -> Optional[BatchRow]:
        """The batch as it is now; None when it is over or withdrawn."""
        with self._db.snapshot():
            rows = self._db.rows(statements.GET_OPEN_BATCH, (batch_id,))
            return self._read_batch(*rows[0]) if rows else None

    def is_batch_open(self, batch_id: str) -> bool:
        """Whether the batch still has to give results."""
        rows = self._db.rows(statements.GET_BATCH, (batch_id,))
        return bool(rows) and rows[0][1] in OPEN

    def events(self) -> Iterator[tuple[float, str, str]]:
        """When (seconds since 1970) what happened, and details; the oldest first."""
        last = 0
        while True:
            rows = self._db.rows(statements.GET_EVENTS, (last, _PAGE))
            for _, at, what, detail in rows:
                yield at, what, detail
            if len(rows) < _PAGE:
                return
            last = rows[-1][0]

    def _read_batch(self, number: int, *columns: Any) -> BatchRow:
        rows = self._db.rows(statements.GET_BATCH_ITEMS, (number,))
        items = tuple(_read_batch_item(row) for row in rows)
        rows = self._db.rows(statements.GET_BATCH_JOBS, (number,))
        columns += (items, tuple(BatchJob(*row) for row in rows))
        return BatchRow(*columns)


def read_item(row: tuple[Any, ...]) -> LedgerItem:
    """An item of its columns."""
    index, key, plain, part, attempts, state, kind, text, executed = row
    return LedgerItem(
        index,
        key,
        json.loads(plain),
        part,
        attempts,
        state,
        kind,
        text,
        json.loads(executed) if executed else {},
    )


def _read_batch_item(row: tuple[Any, ...]) -> BatchItem:
    position, attempt, state, *item = row
    return BatchItem(position, attempt, state, read_item(tuple(item)))


def _read_output(row: tuple[Any, ...]) -> RecordedOutput:
    item, rest = row[:_ITEM_COLUMNS], row[_ITEM_COLUMNS:]
    *output, server, finished_at = rest
    return RecordedOutput(
        read_item(item), OutputRow(*output), server or "", finished_at or 0.0
    )


_HEADER_BYTES = 100
_ID_IN_HEADER = slice(68, 72)


def looks_like_a_ledger(path: Path) -> bool:
    """Whether a file says that it is a ledger; it is neither opened nor locked."""
    try:
        with path.open("rb") as file:
            said = file.read(_HEADER_BYTES)[_ID_IN_HEADER]
    except OSError:
        return False
    return int.from_bytes(said, "big") == statements.APPLICATION_ID


def is_empty(connection: Connection) -> bool:
    """Whether the database has no tables: its creation was interrupted."""
    return not connection.value(statements.COUNT_TABLES)


def check_is_ledger(connection: Connection) -> None:
    """Refuse a database that is not a ledger which this version understands."""
    path = connection.path
    if is_empty(connection):
        raise SweepError(
            f"{path} is empty: its sweep was interrupted before it began",
            hint="run the plan again with this folder",
        )
    if connection.value(statements.GET_APPLICATION_ID) != statements.APPLICATION_ID:
        raise SweepError(
            f"{path} is not the ledger of a sweep", hint="use another folder"
        )
    schema = connection.value(statements.GET_SCHEMA)
    if schema != statements.SCHEMA:
        other = "a newer" if schema > statements.SCHEMA else "an older"
        raise SweepError(
            f"{path} was written by {other} version of this library (its tables have "
            f"version {schema}, this version knows {statements.SCHEMA})",
            hint="open it with that version; nothing was changed",
        )


def open_existing(path: Path, *, writable: bool) -> Connection:
    """Open a database that must be a ledger."""
    if not path.is_file():
        raise LocalFileNotFoundError(f"{path}: there is no ledger")
    connection = Connection(path, writable=writable)
    try:
        check_is_ledger(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def first_meta(meta: Mapping[str, str]) -> dict[str, str]:
    """`meta` with an identity of the sweep."""
    return {"sweep_id": str(uuid.uuid4()), **meta}
