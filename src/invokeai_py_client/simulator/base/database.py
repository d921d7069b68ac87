"""SQLite in memory or in a folder: the simulator's only store besides image files."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Optional

Row = dict[str, Any]

_TABLES = """
CREATE TABLE IF NOT EXISTS session_queue (
    item_id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue_id TEXT NOT NULL, batch_id TEXT NOT NULL, session_id TEXT NOT NULL UNIQUE,
    field_values TEXT, session TEXT NOT NULL, workflow TEXT,
    status TEXT NOT NULL DEFAULT 'pending', status_sequence INTEGER DEFAULT 0,
    priority INTEGER NOT NULL DEFAULT 0, origin TEXT, destination TEXT,
    error_type TEXT, error_message TEXT, error_traceback TEXT,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, started_at TEXT,
    completed_at TEXT, user_id TEXT NOT NULL DEFAULT 'system',
    retried_from_item_id INTEGER, device TEXT
);
CREATE INDEX IF NOT EXISTS queue_next ON session_queue(status, priority DESC, item_id);
CREATE INDEX IF NOT EXISTS queue_batch ON session_queue(batch_id, queue_id, status);
CREATE INDEX IF NOT EXISTS queue_users ON session_queue(user_id, started_at);
CREATE TABLE IF NOT EXISTS enqueue_receipts (
    queue_id TEXT NOT NULL, user_id TEXT NOT NULL, idempotency_key TEXT NOT NULL,
    payload_hash TEXT NOT NULL, batch_id TEXT NOT NULL, requested INTEGER NOT NULL,
    enqueued INTEGER NOT NULL, priority INTEGER NOT NULL, item_ids TEXT NOT NULL,
    is_acknowledged INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (queue_id, user_id, idempotency_key)
);
CREATE INDEX IF NOT EXISTS receipt_users ON enqueue_receipts(user_id, is_acknowledged);
CREATE TABLE IF NOT EXISTS images (
    image_name TEXT PRIMARY KEY, image_origin TEXT NOT NULL,
    image_category TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
    session_id TEXT, node_id TEXT, metadata TEXT, workflow TEXT, graph TEXT,
    is_intermediate INTEGER NOT NULL DEFAULT 0, starred INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    user_id TEXT NOT NULL DEFAULT 'system', board_id TEXT
);
CREATE INDEX IF NOT EXISTS image_board ON images(board_id);
CREATE TABLE IF NOT EXISTS videos (
    video_name TEXT PRIMARY KEY, video_origin TEXT NOT NULL,
    video_category TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
    duration REAL NOT NULL, fps REAL, session_id TEXT, node_id TEXT, metadata TEXT,
    workflow TEXT, graph TEXT, is_intermediate INTEGER NOT NULL DEFAULT 0,
    starred INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL, user_id TEXT NOT NULL DEFAULT 'system', board_id TEXT
);
CREATE INDEX IF NOT EXISTS video_board ON videos(board_id);
CREATE TABLE IF NOT EXISTS boards (
    board_id TEXT PRIMARY KEY, board_name TEXT NOT NULL,
    user_id TEXT NOT NULL DEFAULT 'system', cover_image_name TEXT,
    archived INTEGER NOT NULL DEFAULT 0,
    board_visibility TEXT NOT NULL DEFAULT 'private',
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS workflows (
    workflow_id TEXT PRIMARY KEY, workflow TEXT NOT NULL, category TEXT NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, opened_at TEXT,
    user_id TEXT NOT NULL DEFAULT 'system', is_public INTEGER NOT NULL DEFAULT 0,
    thumbnail BLOB
);
CREATE TABLE IF NOT EXISTS models (
    key TEXT PRIMARY KEY, config TEXT NOT NULL, position INTEGER
);
CREATE TABLE IF NOT EXISTS model_changes (
    key TEXT PRIMARY KEY, files INTEGER NOT NULL, changed_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS users (
    user_id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, display_name TEXT,
    password TEXT, is_admin INTEGER NOT NULL DEFAULT 0,
    is_active INTEGER NOT NULL DEFAULT 1, token_epoch INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, last_login_at TEXT
);
CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS style_presets (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, positive_prompt TEXT NOT NULL,
    negative_prompt TEXT NOT NULL, type TEXT NOT NULL, user_id TEXT NOT NULL,
    is_public INTEGER NOT NULL DEFAULT 0, image BLOB
);
CREATE TABLE IF NOT EXISTS system_prompts (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, content TEXT NOT NULL,
    user_id TEXT NOT NULL, is_public INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
"""

# The number of items in each status, per queue, batch and destination. Triggers keep
# them, because every status event reports them.
_TALLY = """
CREATE TABLE IF NOT EXISTS tally (
    kind TEXT NOT NULL, queue_id TEXT NOT NULL, name TEXT NOT NULL,
    user_id TEXT NOT NULL, status TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (kind, queue_id, name, user_id, status)
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS tally_insert AFTER INSERT ON session_queue
    BEGIN {add_new} END;
CREATE TRIGGER IF NOT EXISTS tally_delete AFTER DELETE ON session_queue
    BEGIN {take_old} END;
CREATE TRIGGER IF NOT EXISTS tally_update AFTER UPDATE OF status ON session_queue
    WHEN old.status <> new.status BEGIN {take_old} {add_new} END;
"""
_TALLIED = {
    "queue": "''",
    "batch": "{row}.batch_id",
    "destination": "COALESCE({row}.destination, '')",
}


def _tally_script() -> str:
    add = "".join(
        f"INSERT INTO tally VALUES ('{kind}', new.queue_id, {name.format(row='new')}, "
        "new.user_id, new.status, 1) "
        "ON CONFLICT DO UPDATE SET n = n + 1; "
        for kind, name in _TALLIED.items()
    )
    take = "".join(
        f"UPDATE tally SET n = n - 1 WHERE kind = '{kind}' "
        f"AND queue_id = old.queue_id AND name = {name.format(row='old')} "
        "AND user_id = old.user_id AND status = old.status; "
        for kind, name in _TALLIED.items()
    )
    return _TALLY.format(add_new=add, take_old=take)


def timestamp() -> str:
    """The current time in UTC as the server writes it, with milliseconds."""
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    return now.isoformat(sep=" ", timespec="milliseconds")


class Database:
    """One SQLite connection behind one lock.

    Args:
        path: The file; None keeps everything in memory.

    Attributes:
        lock: Held by every statement and transaction. Events are sent under it too:
            a second lock for them could be taken in the other order.
    """

    def __init__(self, path: Optional[Path] = None) -> None:
        self.lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(
            str(path) if path else ":memory:", check_same_thread=False
        )
        self._connection.isolation_level = None
        self._connection.row_factory = sqlite3.Row
        if path is not None:
            # Survives a killed process, as the real server's database does.
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_TABLES + _tally_script())

    def close(self) -> None:
        """Close the connection; nothing may use the database afterwards."""
        with self.lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; other threads wait. May be nested."""
        with self.lock:
            if self._depth:
                yield
                return
            self._connection.execute("BEGIN")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            else:
                self._connection.execute("COMMIT")
            finally:
                self._depth -= 1

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Every row of a query."""
        with self.lock:
            return [dict(row) for row in self._connection.execute(sql, parameters)]

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> Optional[Row]:
        """The first row of a query."""
        with self.lock:
            row = self._connection.execute(sql, parameters).fetchone()
            return None if row is None else dict(row)

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first column of the first row."""
        with self.lock:
            row = self._connection.execute(sql, parameters).fetchone()
            return None if row is None else row[0]

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement; returns how many rows it touched."""
        with self.lock:
            return self._connection.execute(sql, parameters).rowcount

    def insert(self, table: str, row: Mapping[str, Any]) -> int:
        """Insert a row; returns its number."""
        with self.lock:
            cursor = self._connection.execute(_insert(table, row), tuple(row.values()))
            return int(cursor.lastrowid or 0)

    def update(self, table: str, changes: Mapping[str, Any], **where: Any) -> None:
        """Set columns of the rows that have certain values; no changes, no effect."""
        if changes:
            columns = ", ".join(f"{column} = ?" for column in changes)
            condition = " AND ".join(f"{column} = ?" for column in where)
            self.run(
                f"UPDATE {table} SET {columns} WHERE {condition}",
                (*changes.values(), *where.values()),
            )

    def setting(self, key: str) -> Optional[str]:
        """The stored value of a key, or None."""
        value = self.value("SELECT value FROM settings WHERE key = ?", (key,))
        return None if value is None else str(value)

    def keep_setting(self, key: str, value: str) -> None:
        """Store a value that survives a restart."""
        self.run(
            "INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", (key, value)
        )

    def insert_all(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert rows that all have the same columns."""
        rows = list(rows)
        if rows:
            with self.lock:
                self._connection.executemany(
                    _insert(table, rows[0]), [tuple(row.values()) for row in rows]
                )


def _insert(table: str, row: Mapping[str, Any]) -> str:
    # Table and columns are names in this package's code, never a client's.
    return (
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' for _ in row)})"
    )


def placeholders(values: Sequence[Any]) -> str:
    """As many question marks as there are values."""
    return ", ".join("?" for _ in values)
