"""Disks that are full, read-only or far away, and files that are something else."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from ledger_rig import intent, items, new_ledger, output, send, whole_and_consistent

from invokeai_py_client.exceptions import LocalFileError, SweepError
from invokeai_py_client.sweep.ledger import connection as connections
from invokeai_py_client.sweep.ledger.connection import Connection
from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.ledger.reading import LedgerReader

posix = pytest.mark.skipif(os.name != "posix", reason="needs Unix")


def limit(ledger, more_pages):
    """Let the database grow by so many pages, as if the disk were full then."""
    pages = ledger._db.value("PRAGMA page_count")
    ledger._db.value(f"PRAGMA max_page_count = {pages + more_pages}")


# A disk that is full.


def test_a_full_disk_ends_a_plan_with_nothing_of_it_recorded(tmp_path):
    with new_ledger(tmp_path, 10) as ledger:
        limit(ledger, 5)
        with pytest.raises(LocalFileError, match=r"ledger\.db: .*full") as caught:
            ledger.add_items(items(5000))
        assert caught.value.hint == "free some space, or choose another place"
        assert ledger.counts().total == 10
        limit(ledger, 5000)
        assert ledger.add_items(items(5000)) == 4990


def test_a_full_disk_ends_an_intent_and_the_items_stay_to_do(tmp_path):
    with new_ledger(tmp_path, 10) as ledger:
        limit(ledger, 2)
        taken = ledger.take("p", 5)
        with pytest.raises(LocalFileError, match="full"):
            ledger.intend(intent("b1", taken, payload=b"x" * 100_000))
        assert (ledger.counts().todo, ledger.open_batches()) == (10, [])
        ledger.release(taken)
        limit(ledger, 5000)
        assert len(send(ledger, "b1", 5)) == 5


def test_a_full_disk_ends_results_between_two_of_them(tmp_path):
    with new_ledger(tmp_path, 2000) as ledger:
        send(ledger, "b1", 2000)
        limit(ledger, 3)
        finished = []

        def harvest():
            for position in range(2000):
                ledger.done("b1", position, [output(position)])
                finished.append(position)

        with pytest.raises(LocalFileError, match="full"):
            harvest()
        assert 0 < ledger.counts().done == len(finished) < 2000
        assert len(list(ledger.outputs())) == len(finished)


LIMITED = """
import resource, sys
from pathlib import Path
from ledger_rig import items
from invokeai_py_client.exceptions import LocalFileError
from invokeai_py_client.sweep.ledger.ledger import Ledger
path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    Ledger.create(path, {}).add_items(items(20_000))
except LocalFileError as error:
    print(error.filename)
"""


@posix
@pytest.mark.parametrize("size", [0, 10_000, 400_000])
def test_a_file_that_cannot_grow_is_named_and_whole(tmp_path, size):
    path = tmp_path / "ledger.db"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), str(size)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert run.stdout.strip() == str(path), run.stderr
    if size < 100_000:
        assert list(tmp_path.iterdir()) == []
    else:
        whole_and_consistent(path)
        with Ledger.open(path) as ledger:
            assert ledger.counts().total == 0


# A disk that cannot be written.

READ_ONLY = """
import os, sys
from pathlib import Path
from invokeai_py_client.exceptions import LocalFileError
from invokeai_py_client.sweep.ledger.ledger import Ledger
path = Path(sys.argv[1])
if os.geteuid() == 0:
    os.setuid(65534)
with Ledger.open_readonly(path) as reader:
    print(reader.counts().total)
for attempt in (Ledger.open, lambda path: Ledger.create(path.with_name("new"), {})):
    try:
        attempt(path).note("hello")
    except LocalFileError as error:
        print(error)
"""


@posix
def test_a_read_only_folder_can_be_read_and_is_named_when_written():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ledger.db")
        new_ledger(path.parent, 3).close()
        path.chmod(0o444)
        path.parent.chmod(0o555)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        run = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(path)],
            capture_output=True,
            text=True,
            env=environment,
        )
        total, opened, created = run.stdout.splitlines()
        assert total == "3", run.stderr
        assert opened.startswith(f"{path}: ")
        assert created.startswith(f"{path.with_name('new')}: ")
        assert os.listdir(folder) == ["ledger.db"]


# A network disk.


@pytest.fixture
def far_away(monkeypatch):
    """A file system without shared memory: a write-ahead log is not possible."""
    plain = Connection._connect

    def connect(self, mode, patience, vfs, extra=""):
        return plain(self, mode, min(patience, 0.2), "unix-dotfile", extra)

    monkeypatch.setattr(Connection, "_connect", connect)


@posix
def test_a_network_disk_gets_a_journal_and_each_commit_is_synced(far_away, tmp_path):
    with new_ledger(tmp_path, 20) as ledger:
        assert not ledger._db.uses_wal
        assert ledger._db.value("PRAGMA journal_mode") == "delete"
        assert ledger._db.value("PRAGMA locking_mode") == "exclusive"
        send(ledger, "b1", 5)
        ledger.done("b1", 0, [output(0)])
        assert ledger._db.value("PRAGMA synchronous") == 2
        assert not ledger._db.has_unsynced_commits
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        assert ledger.counts().done == 1
    whole_and_consistent(tmp_path / "ledger.db")


@posix
def test_a_reader_of_a_network_disk_is_sent_to_the_status(far_away, tmp_path):
    with new_ledger(tmp_path, 2):
        with pytest.raises(LocalFileError, match="locked") as caught:
            Ledger.open_readonly(tmp_path / "ledger.db")
        assert "status.json" in caught.value.hint


@posix
def test_a_ledger_that_was_moved_to_a_network_disk_goes_on(tmp_path, request):
    new_ledger(tmp_path, 3).close()
    request.getfixturevalue("far_away")
    path = tmp_path / "ledger.db"
    assert Ledger.exists(path)
    with Ledger.open_readonly(path) as reader:
        assert reader.counts().total == 3
    with Ledger.open(path) as ledger:
        assert not ledger._db.uses_wal
        assert len(send(ledger, "b1", 2)) == 2
    with Ledger.open(path) as ledger:
        assert ledger.counts().sent == 2


# Files that are something else.


@pytest.mark.parametrize(("version", "word"), [(99, "newer"), (1, "older")])
def test_a_ledger_of_another_version_is_refused_and_left_alone(tmp_path, version, word):
    new_ledger(tmp_path, 1).close()
    path = tmp_path / "ledger.db"
    db = sqlite3.connect(str(path))
    db.execute(f"PRAGMA user_version = {version}")
    db.close()
    content = path.read_bytes()
    for opening in (Ledger.open, Ledger.open_readonly):
        with pytest.raises(
            SweepError, match=rf"{word} .* version {version}, this .* 2"
        ):
            opening(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused(tmp_path):
    path = tmp_path / "ledger.db"
    db = sqlite3.connect(str(path))
    db.execute("CREATE TABLE account (name TEXT)")
    db.close()
    with pytest.raises(SweepError, match="not the ledger of a sweep"):
        Ledger.open(path)


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" * 9])
def test_a_file_that_is_no_database_is_named(tmp_path, content):
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    with pytest.raises(LocalFileError, match=r"ledger\.db"):
        Ledger.open(path)
    assert path.read_bytes() == content


def test_a_damaged_ledger_is_named(tmp_path):
    new_ledger(tmp_path, 5000).close()
    path = tmp_path / "ledger.db"
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xa5" * len(content[8192:])
    path.write_bytes(content)
    with Ledger.open(path) as ledger:
        with pytest.raises(LocalFileError, match=r"ledger\.db: .*malformed") as caught:
            ledger.counts()
        assert "restore" in caught.value.hint


def test_an_empty_file_is_a_creation_that_was_interrupted(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_bytes(b"")
    assert not Ledger.exists(path)
    with pytest.raises(SweepError, match="interrupted before it began"):
        Ledger.open(path)
    with Ledger.create(path, {}) as ledger:
        assert ledger.counts().total == 0
    assert Ledger.exists(path)


@pytest.mark.parametrize("name", ["a b#c?d%20.db", "Käse 🧀.db"])
def test_odd_names_are_names(tmp_path, name):
    with Ledger.create(tmp_path / name, {}) as ledger:
        ledger.note("hello")
        with Ledger.open_readonly(tmp_path / name) as reader:
            assert ("hello", "") in [event[1:] for event in reader.events()]
    assert [p.name for p in tmp_path.iterdir()] == [name]


# Several at once.


def test_threads_share_a_ledger(tmp_path):
    with new_ledger(tmp_path, 400) as ledger:
        wins, errors = [], []

        def work(number):
            try:
                while taken := ledger.take("p", 7):
                    batch_id = f"b{number}-{taken[0].index}"
                    ledger.intend(intent(batch_id, taken))
                    for position in range(len(taken)):
                        path = f"{batch_id}-{position}.png"
                        wins.append(ledger.done(batch_id, position, [output(0, path)]))
                    ledger.mark_over(batch_id)
            except Exception as error:  # noqa: BLE001
                errors.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert wins == [True] * 400
        assert ledger.counts().done == 400


def test_a_reader_writes_nothing(tmp_path):
    new_ledger(tmp_path, 2).close()
    with Ledger.open_readonly(tmp_path / "ledger.db") as reader:
        assert type(reader) is LedgerReader
        with pytest.raises(LocalFileError, match="readonly"):
            Ledger(reader._db).note("hello")


def test_commits_become_durable_in_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "_UNSYNCED_COMMITS", 10)
    monkeypatch.setattr(connections, "_UNSYNCED_SECONDS", 1e9)
    with new_ledger(tmp_path, 50) as ledger:
        synced = []
        for n in range(25):
            ledger.note("hello", str(n))
            synced.append(not ledger._db.has_unsynced_commits)
        assert [n for n, is_synced in enumerate(synced) if is_synced] == [10, 21]
        ledger.flush()
        assert not ledger._db.has_unsynced_commits


def test_commits_become_durable_after_a_while(tmp_path, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    with new_ledger(tmp_path, 50) as ledger:
        ledger.note("hello")
        assert ledger._db.has_unsynced_commits
        clock[0] += 1.0
        ledger.note("hello")
        assert not ledger._db.has_unsynced_commits


def test_an_intent_is_durable_when_it_returns(tmp_path):
    with new_ledger(tmp_path, 50) as ledger:
        ledger.note("hello")
        send(ledger, "b1", 5)
        assert not ledger._db.has_unsynced_commits
