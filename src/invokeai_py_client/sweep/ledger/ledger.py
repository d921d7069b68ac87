"""The ledger's only writer: every method is one transaction."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Optional

from typing_extensions import Self

from invokeai_py_client.exceptions import LocalFileExistsError, SweepError
from invokeai_py_client.sweep.ledger import statements
from invokeai_py_client.sweep.ledger.connection import Connection
from invokeai_py_client.sweep.ledger.planned_items import add_planned
from invokeai_py_client.sweep.ledger.reading import (
    OPEN,
    LedgerReader,
    first_meta,
    is_empty,
    open_existing,
    read_item,
)
from invokeai_py_client.sweep.ledger.records import (
    BatchIntent,
    BatchJob,
    LedgerItem,
    OutputRow,
    PlannedRow,
)
from invokeai_py_client.sweep.ledger.steps import (
    add_batch,
    add_event,
    add_outputs,
    attempt_at,
    check_done,
    create_tables,
    forget_plan,
    open_positions,
    return_items,
)


class Ledger(LedgerReader):
    """Records what a sweep is about to do, and what became of it.

    However the process dies, the file holds every method that returned, and all or
    nothing of the one that was interrupted. Threads may share it, processes may not:
    whoever opens it holds the lock of the sweep's folder.

    Raises:
        LocalFileError: The disk is full or cannot be written; nothing of this method
            was recorded, and the ledger can be used again.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._reserved: set[int] = set()

    @classmethod
    def create(cls, path: Path, meta: Mapping[str, str]) -> Self:
        """Make a new ledger.

        Args:
            path: The file; one that an interrupted creation left is used.
            meta: What to record of the sweep; `sweep_id` is made if it is missing.

        Raises:
            LocalFileExistsError: There is a ledger, or another database.
        """
        existed = path.exists()
        try:
            # The whole of it gets into this one file, not into a log beside it.
            connection = Connection(path, writable=True, logged=False)
            try:
                if not is_empty(connection):
                    raise LocalFileExistsError(f"{path} exists")
                with connection.write(durable=True) as db:
                    create_tables(db, first_meta(meta))
            finally:
                connection.close()
        except BaseException:
            if not existed:
                _remove(path)
            raise
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a ledger, as the interrupted or the finished run left it.

        Raises:
            LocalFileNotFoundError: There is none.
            SweepError: It is something else, or of a newer version.
        """
        return cls(open_existing(path, writable=True))

    @staticmethod
    def exists(path: Path) -> bool:
        """Whether the file is there and its creation was not interrupted."""
        if not path.exists():
            return False
        connection = Connection(path, writable=True, logged=False)
        try:
            return not is_empty(connection)
        finally:
            connection.close()

    @staticmethod
    def open_readonly(path: Path) -> LedgerReader:
        """Open a ledger to read, also while another process writes it.

        Raises:
            LocalFileError: It is on a network disk and another process writes it.
        """
        return LedgerReader(open_existing(path, writable=False))

    def close(self) -> None:
        """Close the file; everything that was recorded is durable then."""
        self.flush()
        super().close()

    def flush(self) -> None:
        """Make everything recorded so far outlive a failure of the machine.

        Needed before something is deleted of which the ledger holds the only proof.
        """
        if self._db.has_unsynced_commits:
            # Syncing is a matter of commits: there has to be one.
            self.set_meta("flushed", str(time.time()))

    def set_meta(self, key: str, value: str) -> None:
        """Record something of the sweep as a whole; durable when it returns."""
        with self._db.write(durable=True) as db:
            db.execute(statements.SET_META, (key, value))

    def group(self) -> AbstractContextManager[object]:
        """Make one transaction of what is called inside; a commit for each is slow."""
        return self._db.write()

    def note(self, what: str, detail: str = "") -> None:
        """Add an event; events are never changed or removed."""
        with self._db.write() as db:
            add_event(db, what, detail)

    def begin_again(self, meta: Mapping[str, str]) -> None:
        """Forget what was planned; the ledger has no items then.

        Raises:
            SweepError: Something was sent.
        """
        with self._db.write(durable=True) as db:
            forget_plan(db, meta)
            add_event(db, "begun again", "")

    def add_items(self, items: Iterable[PlannedRow]) -> int:
        """Record what is to be done: all of it or, when `items` raises, nothing.

        Items that are there already must be the same; others extend the sweep.

        Args:
            items: All there are, in order; a ledger with more is refused.

        Returns:
            How many are new.

        Raises:
            SweepChangedError: An item is there with other values, or a key belongs
                to another item, or the plan has fewer items than the ledger.
        """
        with self._db.write(durable=True) as db:
            added = add_planned(db, items)
            if added:
                add_event(db, "planned", f"{added} items")
            return added

    def take(self, part: str, n: int) -> list[LedgerItem]:
        """Up to `n` items of a part that are to do, in the order of the plan.

        They are reserved: nobody else in this process gets them, until they are
        intended or released.
        """
        with self._db.snapshot():
            part_id = self._db.value(statements.GET_PART, (part,))
            limit = n + len(self._reserved)
            rows = self._db.rows(statements.TAKE_ITEMS, (part_id, limit))
            free = [row for row in rows if row[0] not in self._reserved][:n]
            self._reserved.update(row[0] for row in free)
            return [read_item(row) for row in free]

    def reserve(self, index: int) -> None:
        """Keep an item from `take`, until it is intended or released."""
        with self._db.snapshot():
            self._reserved.add(index)

    def release(self, items: Iterable[LedgerItem]) -> None:
        """Give back items that were taken and will not be intended."""
        with self._db.snapshot():
            self._reserved.difference_update(item.index for item in items)

    def skip(self, indices: Iterable[int], why: str) -> int:
        """Give up items that are to do, until `reopen`; returns how many."""
        with self._db.write() as db:
            rows = ((why, index) for index in indices)
            skipped = db.executemany(statements.SKIP_ITEM, rows).rowcount
            if skipped > 0:
                add_event(db, "skipped", f"{skipped} items: {why}")
            return max(skipped, 0)

    def reopen(self, kind: Optional[str] = None) -> int:
        """Put failed items back to be done; returns how many.

        Args:
            kind: Only those that failed of this kind; None is all, with those that
                were skipped.
        """
        with self._db.write(durable=True) as db:
            if kind is None:
                count = db.execute(statements.REOPEN_ALL).rowcount
            else:
                count = db.execute(statements.REOPEN_FAILED, (kind,)).rowcount
            if count:
                add_event(db, "reopened", f"{count} items: {kind or 'all'}")
            return count

    def intend(self, intent: BatchIntent) -> None:
        """Record a batch before it is sent; durable when it returns.

        An item that another attempt delivered since it was taken stays done.

        Raises:
            SweepError: The batch is recorded already, or an item is not to do.
        """
        with self._db.write(durable=True) as db:
            number = add_batch(db, intent)
            for position, (index, attempt) in enumerate(intent.items):
                db.execute(statements.ADD_ATTEMPT, (number, position, index, attempt))
                values = (attempt, number, index, attempt)
                if not db.execute(statements.SEND_ITEM, values).rowcount:
                    check_done(db, intent, index)
            add_event(db, "intended", f"{intent.id}: {len(intent.items)} items")
        with self._db.snapshot():
            self._reserved.difference_update(index for index, _ in intent.items)

    def accept(self, batch_id: str, jobs: Sequence[BatchJob]) -> None:
        """Record that the server has the batch; more jobs may be recorded later.

        Args:
            batch_id: The id that was intended.
            jobs: An item whose workflow makes several jobs has several.
        """
        with self._batch(batch_id) as (db, number, state):
            db.execute(statements.ACCEPT_BATCH, (time.time(), number))
            rows = ((number, *job) for job in jobs)
            db.executemany(statements.ADD_JOB, rows)
            db.execute(statements.ACCEPT_ATTEMPTS, (number,))
            if state != "accepted":
                ids = dict.fromkeys(job.accepted_id or batch_id for job in jobs)
                add_event(db, "accepted", f"{batch_id} as {', '.join(ids)}")

    def mark_unknown(self, batch_id: str, why: str) -> None:
        """The server is out of reach, and may or may not have the batch."""
        with self._batch(batch_id) as (db, number, state):
            if state == "intended":
                db.execute(statements.DOUBT_BATCH, (number,))
                add_event(db, "unknown", f"{batch_id}: {why}")

    def mark_lost(self, batch_id: str, why: str) -> int:
        """The server knows nothing of the batch any more, or is gone.

        Returns:
            How many items are to do again.
        """
        with self._batch(batch_id) as (db, number, state):
            if state not in OPEN:
                return 0
            back = return_items(db, number, open_positions(db, number), why)
            db.execute(statements.END_BATCH, ("lost", time.time(), number))
            add_event(db, "lost", f"{batch_id}: {back} items: {why}")
            return back

    def mark_over(self, batch_id: str) -> None:
        """Every item of the batch has a result.

        Raises:
            SweepError: Some have none.
        """
        with self._batch(batch_id) as (db, number, state):
            if state not in OPEN:
                return
            left = open_positions(db, number)
            if left:
                raise SweepError(
                    f"batch {batch_id} is not over: {len(left)} items have no result"
                )
            db.execute(statements.END_BATCH, ("over", time.time(), number))
            add_event(db, "over", batch_id)

    def withdraw(self, batch_id: str, why: str) -> None:
        """The server surely took nothing of the batch: it costs no attempt.

        Raises:
            SweepError: It was accepted, or an item of it is over.
        """
        with self._batch(batch_id) as (db, number, state):
            if state not in ("intended", "unknown"):
                raise SweepError(f"batch {batch_id} cannot be withdrawn: it is {state}")
            if db.execute(statements.HAS_ENDED_ATTEMPTS, (number,)).fetchone():
                raise SweepError(
                    f"batch {batch_id} cannot be withdrawn: it has results"
                )
            db.execute(statements.WITHDRAW_ITEMS, (number,))
            db.execute(statements.REMOVE_ATTEMPTS, (number,))
            db.execute(statements.REMOVE_BATCH, (number,))
            add_event(db, "withdrawn", f"{batch_id}: {why}")

    def done(
        self,
        batch_id: str,
        position: int,
        outputs: Sequence[OutputRow],
        executed: Optional[Mapping[str, Any]] = None,
    ) -> bool:
        """Record an item's outputs, whose files are in place already.

        Args:
            batch_id: The id that was intended.
            position: The item's place in the intent.
            outputs: Every output that the sweep keeps.
            executed: What is known of the job, as JSON: its seeds, its session.

        Returns:
            False when another attempt was first: that one counts, and the outputs
            given here are not recorded.
        """
        with self._batch(batch_id) as (db, number, _):
            index, state = attempt_at(db, batch_id, number, position)
            if state in ("done", "double"):
                return state == "done"
            facts = json.dumps(executed, sort_keys=True) if executed else None
            values = (number, facts, time.time(), index)
            first = db.execute(statements.FINISH_ITEM, values).rowcount == 1
            if first:
                add_outputs(db, index, outputs)
            else:
                add_event(db, "double", f"item {index} by {batch_id}")
            ended = ("done" if first else "double", None, number, position)
            db.execute(statements.END_ATTEMPT, ended)
            return first

    def failed(self, batch_id: str, position: int, kind: str, text: str) -> bool:
        """Record that an item failed.

        Args:
            batch_id: The id that was intended.
            position: The item's place in the intent.
            kind: What `reopen` takes, such as ``"out_of_memory"``.
            text: What the server said.

        Returns:
            False when that is of no consequence: another attempt has the item.
        """
        with self._batch(batch_id) as (db, number, _):
            index, state = attempt_at(db, batch_id, number, position)
            if state in ("done", "double"):
                return False
            ended = ("failed", f"{kind}: {text}", number, position)
            db.execute(statements.END_ATTEMPT, ended)
            values = (kind, text, time.time(), index, number)
            counts = db.execute(statements.FAIL_ITEM, values).rowcount == 1
            if counts:
                add_event(db, "failed", f"item {index}: {kind}: {text}")
            return counts

    def back_to_todo(self, batch_id: str, positions: Iterable[int], why: str) -> int:
        """These items will not come from this batch; returns how many are to do."""
        with self._batch(batch_id) as (db, number, _):
            still_open = set(open_positions(db, number))
            wanted = [place for place in positions if place in still_open]
            back = return_items(db, number, wanted, why)
            if wanted:
                add_event(db, "back to do", f"{batch_id}: {back} items: {why}")
            return back

    @contextmanager
    def _batch(self, batch_id: str) -> Iterator[tuple[sqlite3.Connection, int, str]]:
        """A transaction about one batch, with its number and state."""
        with self._db.write() as db:
            row = db.execute(statements.GET_BATCH, (batch_id,)).fetchone()
            if row is None:
                raise SweepError(f"the ledger has no batch {batch_id}")
            yield (db, *row)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
