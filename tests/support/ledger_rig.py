"""Plans, batches and outputs for the tests of the ledger."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.ledger.records import BatchIntent, OutputRow


@dataclass(frozen=True)
class Planned:
    """An item as a plan gives it."""

    index: int
    key: str
    values: str
    part: str


def item(index, *, key=None, part="p", **values):
    """One planned item."""
    plain = json.dumps(values or {"steps": 20}, sort_keys=True)
    return Planned(index, key or f"key-{index}", plain, part)


def items(count, *, part="p"):
    """The first `count` items of the plan."""
    return [item(index, part=part) for index in range(count)]


def new_ledger(folder, count=0):
    """A ledger with `count` items."""
    ledger = Ledger.create(folder / "ledger.db", {"plan": "digest"})
    ledger.add_items(items(count))
    return ledger


def intent(batch_id, taken, *, server="http://s", payload=b"payload"):
    """The next attempt at the items."""
    attempts = tuple((item.index, item.attempts + 1) for item in taken)
    return BatchIntent(batch_id, server, attempts, payload, "digest")


def send(ledger, batch_id, count, *, part="p", **options):
    """Take items and record the intent to send them."""
    taken = ledger.take(part, count)
    ledger.intend(intent(batch_id, taken, **options))
    return taken


def output(index, path=None, ordinal=0):
    """An output of an item."""
    path = path or f"images/{index}-{ordinal}.png"
    return OutputRow(ordinal, "server.png", path, "ab" * 32, 1000, 64, 64)


def whole_and_consistent(path):
    """Check the pages of the file, and that no row refers to one that is missing."""
    db = sqlite3.connect(str(path))
    try:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        sent = "SELECT count(*) FROM item WHERE state = 'sent'"
        of_open_batches = f"""
            {sent} AND EXISTS (
                SELECT 1 FROM batch JOIN attempt ON attempt.batch = batch.no
                WHERE batch.no = item.batch AND attempt.ix = item.ix
                    AND attempt.state = 'sent'
                    AND batch.state IN ('intended', 'accepted', 'unknown')
            )
        """
        assert db.execute(sent).fetchone() == db.execute(of_open_batches).fetchone()
        without_result = """
            SELECT count(*) FROM item WHERE state = 'done' AND NOT EXISTS (
                SELECT 1 FROM attempt
                WHERE attempt.ix = item.ix AND attempt.state = 'done'
            )
        """
        assert db.execute(without_result).fetchone() == (0,)
    finally:
        db.close()
