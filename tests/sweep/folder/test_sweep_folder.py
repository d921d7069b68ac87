"""Whose folder it is, who holds it, and what an interrupted process leaves in it."""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile

import pytest
from ledger_rig import items

from invokeai_py_client.exceptions import (
    LocalFileError,
    SweepError,
    SweepInUseError,
)
from invokeai_py_client.image.files import PartialFile
from invokeai_py_client.sweep.folder import folder_lock
from invokeai_py_client.sweep.folder.sweep_folder import SweepFolder, read_ledger
from invokeai_py_client.sweep.running.opened_sweep import reopen

WORKFLOW = b'{"name":  "as it was written"}\n'


def begin(path, count=2):
    """A folder whose sweep has begun and was closed."""
    with SweepFolder.open_or_create(path) as folder:
        ledger = folder.create_ledger(WORKFLOW, {"plan": "p"})
        ledger.add_items(items(count))
        ledger.close()
    return path


def names(path):
    return sorted(file.name for file in path.iterdir())


def test_a_new_folder_is_made_with_its_parents(tmp_path):
    with SweepFolder.open_or_create(tmp_path / "a" / "b") as folder:
        assert folder.is_new
        assert names(folder.path) == ["lock"]


def test_the_workflow_is_kept_to_the_byte(tmp_path):
    with SweepFolder.open(begin(tmp_path / "s")) as folder:
        assert not folder.is_new
        assert folder.workflow() == WORKFLOW
        with folder.open_ledger() as ledger:
            assert ledger.counts().total == 2


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    (tmp_path / "workflow.json").write_bytes(b"{}")
    with pytest.raises(SweepError, match=r"not those of a sweep: holiday\.jpg") as e:
        SweepFolder.open_or_create(tmp_path)
    assert e.value.hint == "choose a new folder, or an empty one"
    assert names(tmp_path) == ["holiday.jpg", "workflow.json"]


def test_a_folder_with_only_a_workflow_is_not_ours(tmp_path):
    (tmp_path / "workflow.json").write_bytes(b"mine")
    with pytest.raises(SweepError, match="not those of a sweep"):
        SweepFolder.open_or_create(tmp_path)
    assert (tmp_path / "workflow.json").read_bytes() == b"mine"


def test_a_lock_of_another_program_is_not_ours(tmp_path):
    (tmp_path / "lock").write_bytes(b"4711\n")
    with pytest.raises(SweepError, match="not those of a sweep"):
        SweepFolder.open_or_create(tmp_path)
    assert (tmp_path / "lock").read_bytes() == b"4711\n"


def test_a_database_of_another_program_is_not_ours(tmp_path):
    db = sqlite3.connect(str(tmp_path / "ledger.db"))
    db.execute("CREATE TABLE account (name TEXT)")
    db.close()
    with pytest.raises(SweepError, match=r"not those of a sweep: ledger\.db"):
        SweepFolder.open_or_create(tmp_path)
    assert names(tmp_path) == ["ledger.db"]


@pytest.mark.parametrize("name", [".DS_Store", "desktop.ini"])
def test_what_file_managers_add_does_not_count(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with SweepFolder.open_or_create(tmp_path) as folder:
        assert folder.is_new


def test_a_missing_folder_has_no_sweep(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone"):
        SweepFolder.open(tmp_path / "gone")
    assert names(tmp_path) == []


@pytest.mark.parametrize("look", [SweepFolder.open, read_ledger])
def test_a_folder_without_a_sweep_says_so(tmp_path, look):
    with pytest.raises(SweepError, match="there is no sweep in"):
        look(tmp_path)
    assert names(tmp_path) == []


def test_a_file_is_not_a_folder(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError, match="file"):
        SweepFolder.open_or_create(tmp_path / "file")


@pytest.mark.parametrize("look", [reopen, read_ledger])
def test_a_sweep_that_was_killed_while_it_was_planned_is_not_finished(tmp_path, look):
    begin(tmp_path / "s", count=0)
    with pytest.raises(SweepError, match="before its items were recorded") as caught:
        look(tmp_path / "s")
    assert caught.value.hint == "run the plan again with this folder"
    begin_again = SweepFolder.open_or_create(tmp_path / "s")
    assert not begin_again.is_new
    begin_again.close()


# The lock.

HOLD = """
import sys
from pathlib import Path
from invokeai_py_client.sweep.folder.sweep_folder import SweepFolder
folder = SweepFolder.open_or_create(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    path = tmp_path / "s"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline().strip() == b"held"
    yield process, path
    process.kill()
    process.communicate()


def test_a_second_process_is_told_who_has_the_folder(holder):
    process, path = holder
    with pytest.raises(SweepInUseError) as caught:
        SweepFolder.open_or_create(path)
    assert caught.value.process.startswith(f"process {process.pid} on ")
    assert str(path) in str(caught.value)


def test_the_lock_dies_with_its_process(holder):
    process, path = holder
    process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    process.wait()
    with SweepFolder.open_or_create(path) as folder:
        assert folder.is_new
        assert str(os.getpid()) in (path / "lock").read_text()


def test_one_process_cannot_have_the_folder_twice(tmp_path):
    folder = SweepFolder.open_or_create(tmp_path)
    with pytest.raises(SweepInUseError, match="used by this process"):
        SweepFolder.open_or_create(tmp_path)
    folder.close()
    SweepFolder.open_or_create(tmp_path).close()


def test_a_sweep_can_be_read_while_it_runs(tmp_path):
    begin(tmp_path / "s")
    with SweepFolder.open(tmp_path / "s") as folder:
        ledger, reader = folder.open_ledger(), read_ledger(tmp_path / "s")
        with ledger, reader:
            assert reader.counts().todo == 2
            ledger.skip([0], "why not")
            assert reader.counts().todo == 1


def test_a_disk_without_locks_is_named(tmp_path, monkeypatch):
    def refuse(file):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(folder_lock, "_lock", refuse)
    with pytest.raises(LocalFileError, match="No locks available") as caught:
        SweepFolder.open_or_create(tmp_path)
    assert "another disk" in caught.value.hint
    assert str(tmp_path / "lock") in caught.value.message


# What an interrupted process leaves.


def test_interrupted_downloads_are_removed_when_the_folder_is_opened(tmp_path):
    begin(tmp_path / "s")
    images = tmp_path / "s" / "images" / "00000"
    images.mkdir(parents=True)
    (images / "00000.png").write_bytes(b"whole")
    (images / ".hidden.part").write_bytes(b"somebody's")
    left = PartialFile(images / "00001.png")
    left.sink.close()
    with SweepFolder.open(tmp_path / "s"):
        assert names(images) == [".hidden.part", "00000.png"]


@pytest.mark.parametrize(
    "there",
    [
        {"lock": b""},
        {"lock": b'{"process": 1, "host": "h"}'},
        {"lock": b'{"process": 1, "host": "h"}', "workflow.json": b"{}"},
        {"lock": b"", "workflow.json": b"{}", "ledger.db": b""},
        {"lock": b"", "." + "0" * 32 + ".part": b"{"},
    ],
)
def test_a_beginning_that_was_interrupted_begins_anew(tmp_path, there):
    for name, content in there.items():
        (tmp_path / name).write_bytes(content)
    with SweepFolder.open_or_create(tmp_path) as folder:
        assert folder.is_new
        with folder.create_ledger(WORKFLOW, {}) as ledger:
            assert ledger.counts().total == 0


# What it writes.


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    with SweepFolder.open_or_create(tmp_path) as folder:
        folder.write("index.html", b"old")

        def full(*args):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left") as caught:
            folder.write("index.html", b"new")
        assert caught.value.filename == str(tmp_path / "index.html")
        assert (tmp_path / "index.html").read_bytes() == b"old"
        assert names(tmp_path) == ["index.html", "lock"]


SMALL_DISK = """
import resource, sys
from pathlib import Path
from invokeai_py_client.sweep.folder.sweep_folder import SweepFolder
folder = SweepFolder.open_or_create(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000,) * 2)
try:
    folder.write("index.html", b"x" * 50_000)
except OSError as error:
    print(error.filename)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs limits of Unix")
def test_a_file_that_does_not_fit_is_named_and_leaves_nothing(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", SMALL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert run.stdout.strip() == str(tmp_path / "index.html"), run.stderr
    assert names(tmp_path) == ["lock"]


def test_content_is_kept_once_by_its_digest(tmp_path):
    with SweepFolder.open_or_create(tmp_path) as folder:
        assert folder.keep(b"pixels", "abc") == "inputs/abc"
        assert folder.keep(b"pixels", "abc") == "inputs/abc"
        assert (tmp_path / "inputs" / "abc").read_bytes() == b"pixels"


def test_the_status_is_for_other_programs(tmp_path):
    with SweepFolder.open_or_create(tmp_path) as folder:
        folder.write_status({"done": 3, "total": 10})
    said = json.loads((tmp_path / "status.json").read_text())
    assert (said["done"], said["total"], said["process"]) == (3, 10, os.getpid())


def test_the_plan_is_for_people(tmp_path):
    with SweepFolder.open_or_create(tmp_path) as folder:
        folder.write_plan({"items": 4, "product": {"steps": [20, 30]}})
    assert (tmp_path / "sweep.toml").read_text().splitlines() == [
        "# What was planned. Information only: nothing reads this file.",
        "",
        "items = 4",
        "",
        "[product]",
        "steps = [20, 30]",
    ]


WITHOUT_RIGHTS = """
import os, sys
from pathlib import Path
from invokeai_py_client.sweep.folder.sweep_folder import SweepFolder
if os.geteuid() == 0:
    os.setuid(65534)  # Root may write anywhere.
try:
    SweepFolder.open_or_create(Path(sys.argv[1]))
except PermissionError as error:
    print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs permissions of Unix")
@pytest.mark.parametrize("inside", ["", "new"])
def test_a_read_only_folder_is_named(inside):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        path = os.path.join(folder, inside).rstrip("/")
        run = subprocess.run(
            [sys.executable, "-c", WITHOUT_RIGHTS, path], capture_output=True, text=True
        )
        assert "Permission denied" in run.stdout, run.stderr
        assert path in run.stdout
        assert os.listdir(folder) == []
