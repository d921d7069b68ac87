"""One SQLite connection: how it is opened, and what makes a commit durable."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional
from urllib.parse import quote

from invokeai_py_client.exceptions import LocalFileError
from invokeai_py_client.sweep.ledger import statements

_WRITER_PATIENCE = 30.0
# A network disk locks readers out until the writer closes: no use in waiting long.
_READER_PATIENCE = 5.0

# How much may be lost when the power fails (nothing when the process dies).
_UNSYNCED_COMMITS = 200
_UNSYNCED_SECONDS = 1.0

# What SQLite says, and what an operating system would have said.
_ERRNOS = (
    ("full", errno.ENOSPC, None),
    ("readonly", errno.EROFS, None),
    (
        "locked",
        errno.EBUSY,
        "another process writes it; status.json says how far it is",
    ),
    ("unable to open", errno.EACCES, None),
    ("malformed", errno.EIO, "restore the file from a copy, or use another folder"),
    ("not a database", errno.EIO, "it is not the ledger of a sweep"),
)


class Connection:
    """A connection that threads may share; one transaction at a time.

    Args:
        path: The database.
        writable: False opens it read-only; a missing file is then an error.
        logged: Whether to use a write-ahead log where the file system can.
        vfs: Name of a file system layer of SQLite; None is its usual one.
    """

    def __init__(
        self,
        path: Path,
        *,
        writable: bool,
        logged: bool = True,
        vfs: Optional[str] = None,
    ) -> None:
        self.path = path
        self.uses_wal = False
        self._lock = threading.RLock()
        self._synced = True
        self._unsynced_commits = 0
        self._unsynced_since = 0.0
        with self._local_errors():
            if writable:
                self._db, can_log = self._connect_writer(vfs)
                try:
                    self._db.execute(statements.SYNC_EACH_COMMIT)
                    self.uses_wal = logged and can_log and self._use_wal()
                    if logged and not self.uses_wal:
                        self._use_rollback_journal()
                except BaseException:
                    self._db.close()
                    raise
            else:
                self._db = self._connect_reader(vfs)

    def _connect(
        self, mode: str, patience: float, vfs: Optional[str], extra: str = ""
    ) -> sqlite3.Connection:
        address = "/".join(map(quote, self.path.absolute().as_posix().split("/")))
        # A drive letter needs a slash before it.
        address = address if address.startswith("/") else f"/{address}"
        layer = f"&vfs={vfs}" if vfs else ""
        db = sqlite3.connect(
            f"file:{address}?mode={mode}{layer}{extra}",
            uri=True,
            timeout=patience,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            milliseconds = int(patience * 1000)
            db.execute(statements.BUSY_TIMEOUT.format(milliseconds=milliseconds))
        except BaseException:
            db.close()
            raise
        return db

    def _connect_writer(self, vfs: Optional[str]) -> tuple[sqlite3.Connection, bool]:
        """A connection, and whether the file system can have a write-ahead log.

        A database that has one can come to a disk that cannot: then one process can
        read it, which needs no memory that is shared.
        """
        db = self._connect("rwc", _WRITER_PATIENCE, vfs)
        try:
            db.execute(statements.GET_SCHEMA).fetchone()
        except sqlite3.OperationalError as error:
            db.close()
            if "unable to open" not in str(error):
                raise
            db = self._connect("rwc", _WRITER_PATIENCE, vfs)
            db.execute(statements.LOCK_EXCLUSIVELY)
            return db, False
        except BaseException:
            db.close()
            raise
        return db, True

    def _connect_reader(self, vfs: Optional[str]) -> sqlite3.Connection:
        db = self._connect("ro", _READER_PATIENCE, vfs)
        try:
            db.execute(statements.GET_SCHEMA).fetchone()
        except sqlite3.OperationalError as error:
            db.close()
            left = self.path.with_name(f"{self.path.name}-wal")
            if "locked" in str(error) or not self.path.exists() or left.exists():
                raise
            # A folder that nobody can write, so that nothing changes either.
            return self._connect("ro", _READER_PATIENCE, vfs, "&immutable=1")
        return db

    def _use_wal(self) -> bool:
        """A write-ahead log, where the file system can; True when it does."""
        (mode,) = self._db.execute(statements.USE_WAL).fetchone()
        return str(mode).lower() == "wal"

    def _use_rollback_journal(self) -> None:
        """For network disks, whose locks cannot be trusted: one process, all synced."""
        self._db.execute(statements.LOCK_EXCLUSIVELY)
        self._db.execute(statements.USE_ROLLBACK_JOURNAL)

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is there, or nothing.

        It outlives the process at once. `durable` makes it, and everything before
        it, outlive the machine too; else that happens within some hundred commits.
        Inside another one of this thread it is a part of that.

        Raises:
            LocalFileError: The disk is full or cannot be written.
        """
        with self._lock, self._local_errors():
            is_inner = self._db.in_transaction
            if is_inner:
                assert not durable
                yield self._db
                return
            self._set_sync(durable or self._is_time_to_sync())
            self._db.execute(statements.BEGIN)
            try:
                yield self._db
                self._db.execute(statements.COMMIT)
            except BaseException:
                # Some errors end the transaction by themselves.
                if self._db.in_transaction:
                    self._db.execute(statements.ROLLBACK)
                raise
            self._count_commit()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Every row of a query."""
        with self._lock, self._local_errors():
            return self._db.execute(sql, values).fetchall()

    def value(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The first column of the first row; None without rows."""
        rows = self.rows(sql, values)
        return rows[0][0] if rows else None

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Keep writes of other threads out, so that several queries agree."""
        with self._lock:
            yield

    @property
    def has_unsynced_commits(self) -> bool:
        """Whether the machine could still forget a commit."""
        return not self._synced

    def close(self) -> None:
        """Close it; what was committed is durable afterwards."""
        with self._lock, self._local_errors():
            self._db.close()

    def _set_sync(self, wanted: bool) -> None:
        if not self.uses_wal or wanted == self._syncs:
            return
        self._db.execute(
            statements.SYNC_EACH_COMMIT if wanted else statements.SYNC_LATER
        )
        self._syncs = wanted

    # As a new connection is.
    _syncs = True

    def _is_time_to_sync(self) -> bool:
        if self._synced:
            return False
        waited = time.monotonic() - self._unsynced_since
        return (
            self._unsynced_commits >= _UNSYNCED_COMMITS or waited >= _UNSYNCED_SECONDS
        )

    def _count_commit(self) -> None:
        if self._syncs:
            self._synced, self._unsynced_commits = True, 0
            return
        if self._synced:
            self._synced, self._unsynced_since = False, time.monotonic()
        self._unsynced_commits += 1

    @contextmanager
    def _local_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            # Says what the caller did, not what the disk did.
            raise
        except sqlite3.Error as error:
            raise local_file_error(error, self.path) from None


def local_file_error(error: sqlite3.Error, path: Path) -> LocalFileError:
    """What SQLite says of a file, as any other error of a local file."""
    text = str(error)
    number, hint = next(
        ((number, hint) for words, number, hint in _ERRNOS if words in text),
        (errno.EIO, None),
    )
    if number == errno.EACCES and not path.exists():
        number = errno.EACCES if path.parent.is_dir() else errno.ENOENT
    found = LocalFileError.of(OSError(number, text, os.fspath(path)))
    found.hint = hint or found.hint
    return found
