"""The small steps that the transactions of a ledger are made of."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping, Sequence

from invokeai_py_client.exceptions import SweepError
from invokeai_py_client.sweep.ledger import statements
from invokeai_py_client.sweep.ledger.records import BatchIntent, OutputRow


def create_tables(db: sqlite3.Connection, meta: Mapping[str, str]) -> None:
    """Make the tables of a new ledger."""
    for statement in statements.CREATE_TABLES:
        db.execute(statement)
    db.executemany(statements.SET_META, meta.items())
    db.execute(statements.SET_APPLICATION_ID)
    db.execute(statements.SET_SCHEMA)


def forget_plan(db: sqlite3.Connection, meta: Mapping[str, str]) -> None:
    """Make the ledger that of another plan, without items as yet."""
    if db.execute(statements.HAS_BATCHES).fetchone():
        raise SweepError("the plan cannot be replaced: something was sent")
    for statement in statements.FORGET_PLAN:
        db.execute(statement)
    db.executemany(statements.SET_META, meta.items())


def add_event(db: sqlite3.Connection, what: str, detail: str) -> None:
    """Add an event as of now."""
    db.execute(statements.ADD_EVENT, (time.time(), what, detail))


def add_batch(db: sqlite3.Connection, intent: BatchIntent) -> int:
    """Add a batch that is intended; returns its number."""
    values = (
        intent.id,
        intent.server,
        intent.payload,
        intent.digest,
        time.time(),
    )
    try:
        number = db.execute(statements.ADD_BATCH, values).lastrowid
    except sqlite3.IntegrityError:
        raise SweepError(f"batch {intent.id} is recorded already") from None
    assert number is not None
    return number


def check_done(db: sqlite3.Connection, intent: BatchIntent, index: int) -> None:
    """Raise unless the item, which is not to do, is done."""
    row = db.execute(statements.GET_STATE, (index,)).fetchone()
    if row is None or row[0] != "done":
        found = "unknown" if row is None else f"{row[0]} after {row[1]} attempts"
        raise SweepError(f"batch {intent.id}: item {index} is not to do but {found}")


def open_positions(db: sqlite3.Connection, number: int) -> list[int]:
    """The positions whose items have no result yet."""
    return [row[0] for row in db.execute(statements.GET_OPEN_POSITIONS, (number,))]


def attempt_at(
    db: sqlite3.Connection, batch_id: str, number: int, position: int
) -> tuple[int, str]:
    """The index of the item at a position, and the state of the attempt."""
    row = db.execute(statements.GET_ATTEMPT, (number, position)).fetchone()
    if row is None:
        raise SweepError(f"batch {batch_id} has no position {position}")
    return row[0], row[1]


def return_items(
    db: sqlite3.Connection, number: int, positions: Sequence[int], why: str
) -> int:
    """End attempts without a result; returns how many items are to do again."""
    back = 0
    for position in positions:
        (index, _) = db.execute(statements.GET_ATTEMPT, (number, position)).fetchone()
        db.execute(statements.END_ATTEMPT, ("back", why, number, position))
        back += db.execute(statements.RETURN_ITEM, (index, number)).rowcount
    return back


def add_outputs(
    db: sqlite3.Connection, index: int, outputs: Sequence[OutputRow]
) -> None:
    """Record the outputs of an item that is done."""
    for output in outputs:
        values = (
            index,
            output.ordinal,
            output.image_name,
            output.path,
            output.sha256,
            output.bytes,
            output.width,
            output.height,
        )
        try:
            db.execute(statements.ADD_OUTPUT, values)
        except sqlite3.IntegrityError:
            raise SweepError(
                f"item {index} cannot have the file {output.path}: another output has "
                "it"
            ) from None
