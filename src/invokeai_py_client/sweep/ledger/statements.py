"""Every SQL statement of the ledger.

The SQLite of Python 3.9 may be old: no STRICT, no RETURNING, no upsert.
"""

from __future__ import annotations

SCHEMA = 2
"""Version of the tables; a ledger with another one is refused."""

APPLICATION_ID = 0x69766B73
"""``ivks``: marks the file as ours."""

CREATE_TABLES = (
    """
    CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE part (
        id INTEGER PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE
    )
    """,
    # `batch` is the batch in which the item is, or which delivered it.
    """
    CREATE TABLE item (
        ix INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        plain TEXT NOT NULL,
        part INTEGER NOT NULL REFERENCES part,
        state TEXT NOT NULL DEFAULT 'todo'
            CHECK (state IN ('todo', 'sent', 'done', 'failed', 'skipped')),
        attempts INTEGER NOT NULL DEFAULT 0,
        batch INTEGER REFERENCES batch,
        error_kind TEXT,
        error_text TEXT,
        executed TEXT,
        finished_at REAL
    )
    """,
    # With the row id behind it: counts by state, and the next items of a part.
    "CREATE INDEX item_state ON item (state, part)",
    """
    CREATE TABLE batch (
        no INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        server TEXT NOT NULL,
        payload BLOB,
        digest TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'intended'
            CHECK (state IN ('intended', 'accepted', 'unknown', 'over', 'lost')),
        intended_at REAL NOT NULL,
        accepted_at REAL,
        ended_at REAL
    )
    """,
    """
    CREATE INDEX batch_open ON batch (no)
        WHERE state IN ('intended', 'accepted', 'unknown')
    """,
    # `rerun`: accepted after another attempt at the same item had been.
    """
    CREATE TABLE attempt (
        batch INTEGER NOT NULL REFERENCES batch,
        position INTEGER NOT NULL,
        ix INTEGER NOT NULL REFERENCES item,
        attempt INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'sent'
            CHECK (state IN ('sent', 'done', 'failed', 'double', 'back')),
        accepted INTEGER NOT NULL DEFAULT 0,
        rerun INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        PRIMARY KEY (batch, position)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX attempt_item ON attempt (ix)",
    "CREATE INDEX attempt_rerun ON attempt (batch) WHERE rerun = 1",
    "CREATE INDEX attempt_double ON attempt (batch) WHERE state = 'double'",
    # `accepted_id`: the batch that it is in on the server, where that has another id.
    """
    CREATE TABLE job (
        batch INTEGER NOT NULL REFERENCES batch,
        item_id INTEGER NOT NULL,
        position INTEGER NOT NULL,
        session_id TEXT,
        accepted_id TEXT,
        PRIMARY KEY (batch, item_id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE output (
        ix INTEGER NOT NULL REFERENCES item,
        ordinal INTEGER NOT NULL,
        image_name TEXT NOT NULL,
        path TEXT NOT NULL UNIQUE,
        sha256 TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        width INTEGER,
        height INTEGER,
        PRIMARY KEY (ix, ordinal)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE event (
        no INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        what TEXT NOT NULL,
        detail TEXT NOT NULL
    )
    """,
    """
    CREATE TRIGGER event_is_not_changed BEFORE UPDATE ON event
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
    """,
    """
    CREATE TRIGGER event_is_not_removed BEFORE DELETE ON event
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
    """,
)

# The connection.

BUSY_TIMEOUT = "PRAGMA busy_timeout = {milliseconds}"
USE_WAL = "PRAGMA journal_mode = WAL"
USE_ROLLBACK_JOURNAL = "PRAGMA journal_mode = DELETE"
LOCK_EXCLUSIVELY = "PRAGMA locking_mode = EXCLUSIVE"
SYNC_EACH_COMMIT = "PRAGMA synchronous = FULL"
SYNC_LATER = "PRAGMA synchronous = NORMAL"
GET_APPLICATION_ID = "PRAGMA application_id"
SET_APPLICATION_ID = f"PRAGMA application_id = {APPLICATION_ID}"
GET_SCHEMA = "PRAGMA user_version"
SET_SCHEMA = f"PRAGMA user_version = {SCHEMA}"
COUNT_TABLES = "SELECT count(*) FROM sqlite_master"
BEGIN = "BEGIN IMMEDIATE"
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"

# Meta, events.

GET_META = "SELECT key, value FROM meta"
SET_META = "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"
ADD_EVENT = "INSERT INTO event (at, what, detail) VALUES (?, ?, ?)"
GET_EVENTS = "SELECT no, at, what, detail FROM event WHERE no > ? ORDER BY no LIMIT ?"

# Items.

ADD_PART = "INSERT OR IGNORE INTO part (digest) VALUES (?)"
GET_PART = "SELECT id FROM part WHERE digest = ?"
ADD_ITEM = "INSERT OR IGNORE INTO item (ix, key, plain, part) VALUES (?, ?, ?, ?)"
GET_PLANNED = "SELECT ix, key, plain, part FROM item WHERE ix BETWEEN ? AND ?"
GET_INDEX_OF_KEY = "SELECT ix FROM item WHERE key = ?"
GET_STATE = "SELECT state, attempts FROM item WHERE ix = ?"
# A plan that nothing was sent of.
FORGET_PLAN = (
    "DELETE FROM item",
    "DELETE FROM part",
    "DELETE FROM meta WHERE key <> 'sweep_id'",
)
LAST_INDEX = "SELECT max(ix) FROM item"
COUNT_STATES = "SELECT state, count(*) FROM item GROUP BY state"
COUNT_RERUNS = "SELECT count(*) FROM attempt WHERE rerun = 1"
COUNT_DOUBLES = "SELECT count(*) FROM attempt WHERE state = 'double'"
COUNT_PARTS = """
    SELECT part.digest, count(*) FROM item JOIN part ON part.id = item.part
    WHERE item.state = 'todo' GROUP BY item.part ORDER BY min(item.ix)
"""
_ITEM = """
    item.ix, item.key, item.plain, part.digest, item.attempts, item.state,
    item.error_kind, item.error_text, item.executed
"""
# One item of each part that has something to do.
GET_SAMPLES = f"""
    SELECT {_ITEM} FROM item JOIN part ON part.id = item.part
    WHERE item.ix > ? AND item.ix IN (
        SELECT min(ix) FROM item WHERE state = 'todo' GROUP BY part
    )
    ORDER BY item.ix LIMIT ?
"""
TAKE_ITEMS = f"""
    SELECT {_ITEM} FROM item JOIN part ON part.id = item.part
    WHERE item.state = 'todo' AND item.part = ? ORDER BY item.ix LIMIT ?
"""
# The plus keeps SQLite from sorting a whole index for each page.
GET_ITEMS = f"""
    SELECT {_ITEM} FROM item JOIN part ON part.id = item.part
    WHERE item.ix > ? AND (? IS NULL OR +item.state = ?)
    ORDER BY item.ix LIMIT ?
"""
GET_ITEM_SERVERS = """
    SELECT item.ix, batch.server FROM item JOIN batch ON batch.no = item.batch
"""
SEND_ITEM = """
    UPDATE item SET state = 'sent', attempts = ?, batch = ?
    WHERE ix = ? AND state = 'todo' AND attempts = ? - 1
"""
FINISH_ITEM = """
    UPDATE item SET state = 'done', batch = ?, executed = ?, finished_at = ?,
        error_kind = NULL, error_text = NULL
    WHERE ix = ? AND state <> 'done'
"""
FAIL_ITEM = """
    UPDATE item SET state = 'failed', error_kind = ?, error_text = ?, finished_at = ?
    WHERE ix = ? AND state = 'sent' AND batch = ?
"""
RETURN_ITEM = """
    UPDATE item SET state = 'todo', batch = NULL
    WHERE ix = ? AND state = 'sent' AND batch = ?
"""
WITHDRAW_ITEMS = """
    UPDATE item SET state = 'todo', batch = NULL, attempts = attempts - 1
    WHERE state = 'sent' AND batch = ?
"""
SKIP_ITEM = """
    UPDATE item SET state = 'skipped', error_text = ?
    WHERE ix = ? AND state = 'todo'
"""
REOPEN_FAILED = """
    UPDATE item SET state = 'todo', batch = NULL, error_kind = NULL,
        error_text = NULL, finished_at = NULL
    WHERE state = 'failed' AND error_kind = ?
"""
REOPEN_ALL = """
    UPDATE item SET state = 'todo', batch = NULL, error_kind = NULL,
        error_text = NULL, finished_at = NULL
    WHERE state IN ('failed', 'skipped')
"""
COUNT_FAILED_KINDS = """
    SELECT error_kind, count(*) FROM item WHERE state = 'failed'
    GROUP BY error_kind ORDER BY count(*) DESC
"""

# Outputs.

ADD_OUTPUT = "INSERT INTO output VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_OUTPUT = """
    output.ordinal, output.image_name, output.path, output.sha256, output.bytes,
    output.width, output.height
"""
GET_OUTPUTS = f"""
    SELECT {_ITEM}, {_OUTPUT}, batch.server, item.finished_at
    FROM output JOIN item ON item.ix = output.ix
    JOIN part ON part.id = item.part
    LEFT JOIN batch ON batch.no = item.batch
    WHERE output.ix BETWEEN ? AND ? ORDER BY output.ix, output.ordinal
"""

# Batches.

ADD_BATCH = """
    INSERT INTO batch (id, server, payload, digest, intended_at) VALUES (?, ?, ?, ?, ?)
"""
HAS_BATCHES = "SELECT 1 FROM batch LIMIT 1"
GET_BATCH = "SELECT no, state FROM batch WHERE id = ?"
ADD_ATTEMPT = """
    INSERT INTO attempt (batch, position, ix, attempt) VALUES (?, ?, ?, ?)
"""
_OPEN_BATCH = """
    SELECT no, id, server, state, payload FROM batch
    WHERE state IN ('intended', 'accepted', 'unknown')
"""
GET_OPEN_BATCHES = f"{_OPEN_BATCH} AND (? IS NULL OR server = ?) ORDER BY no"
GET_OPEN_BATCH = f"{_OPEN_BATCH} AND id = ?"
GET_BATCH_ITEMS = f"""
    SELECT attempt.position, attempt.attempt, attempt.state, {_ITEM}
    FROM attempt JOIN item ON item.ix = attempt.ix
    JOIN part ON part.id = item.part
    WHERE attempt.batch = ? ORDER BY attempt.position
"""
GET_BATCH_JOBS = """
    SELECT position, item_id, session_id, accepted_id FROM job WHERE batch = ?
    ORDER BY position, item_id
"""
GET_ATTEMPT = "SELECT ix, state FROM attempt WHERE batch = ? AND position = ?"
GET_OPEN_POSITIONS = """
    SELECT position FROM attempt WHERE batch = ? AND state = 'sent' ORDER BY position
"""
GET_FAILED_ATTEMPTS = """
    SELECT attempt.ix, batch.server, attempt.error FROM attempt
    JOIN batch ON batch.no = attempt.batch JOIN item ON item.ix = attempt.ix
    WHERE item.state = 'todo' AND attempt.error LIKE ? || '%' ORDER BY attempt.ix
"""
HAS_ENDED_ATTEMPTS = """
    SELECT 1 FROM attempt WHERE batch = ? AND state <> 'sent' LIMIT 1
"""
ACCEPT_BATCH = """
    UPDATE batch SET accepted_at = ?,
        state = CASE WHEN state IN ('intended', 'unknown') THEN 'accepted'
                ELSE state END
    WHERE no = ?
"""
# Positions without a job were not taken: the queue was full.
ACCEPT_ATTEMPTS = """
    UPDATE attempt SET accepted = 1, rerun = EXISTS (
        SELECT 1 FROM attempt AS other
        WHERE other.ix = attempt.ix AND other.batch <> attempt.batch
            AND other.accepted = 1
    )
    WHERE batch = ? AND accepted = 0 AND position IN (
        SELECT position FROM job WHERE job.batch = attempt.batch
    )
"""
ADD_JOB = """
    INSERT OR REPLACE INTO job (batch, position, item_id, session_id, accepted_id)
    VALUES (?, ?, ?, ?, ?)
"""
DOUBT_BATCH = "UPDATE batch SET state = 'unknown' WHERE no = ?"
END_BATCH = """
    UPDATE batch SET state = ?, ended_at = ?, payload = NULL WHERE no = ?
"""
END_ATTEMPT = """
    UPDATE attempt SET state = ?, error = ? WHERE batch = ? AND position = ?
"""
REMOVE_ATTEMPTS = "DELETE FROM attempt WHERE batch = ?"
REMOVE_BATCH = "DELETE FROM batch WHERE no = ?"
