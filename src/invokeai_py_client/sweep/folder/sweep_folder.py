"""The folder of a sweep: made or opened by one process, and written whole.

Files appear under their names only when they are complete; what an interrupted run
left behind is removed by the next one.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from typing_extensions import Self

from invokeai_py_client.exceptions import LocalFileError, SweepError
from invokeai_py_client.image.files import whole_file
from invokeai_py_client.sweep.folder.folder_lock import FolderLock, is_lock
from invokeai_py_client.sweep.folder.toml_text import toml_text
from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.ledger.reading import LedgerReader, looks_like_a_ledger

LEDGER = "ledger.db"
WORKFLOW = "workflow.json"
IMAGES = "images"
INPUTS = "inputs"
PLAN = "sweep.toml"
STATUS = "status.json"
KIND, ROWS = "kind", "rows"
"""What a ledger says of itself when its items are rows of `ServerPool.map`."""

_PLAN_HEAD = "# What was planned. Information only: nothing reads this file."

_LOCK = "lock"
# What may be there before the ledger is.
_BEGINNINGS = {
    *(_LOCK, WORKFLOW, INPUTS, LEDGER),
    *(f"{LEDGER}-wal", f"{LEDGER}-shm", f"{LEDGER}-journal"),
}
# What file managers add to any folder.
_IGNORED = {".DS_Store", "Thumbs.db", "desktop.ini", ".directory"}
_PART = re.compile(r"\.[0-9a-f]{32}\.part")


class SweepFolder:
    """A folder that this process alone writes, until `close`.

    Attributes:
        path: The folder, absolute.
        is_new: The sweep has no ledger yet.
    """

    def __init__(self, path: Path, lock: FolderLock) -> None:
        self.path = path
        self.is_new = not Ledger.exists(path / LEDGER)
        self._lock = lock

    @classmethod
    def open_or_create(cls, path: Path) -> Self:
        """Open the folder of a sweep, or make one.

        Raises:
            SweepError: The folder has files that are not those of a sweep.
            SweepInUseError: Another process runs the sweep.
            LocalFileError: It is a file, or cannot be written.
        """
        path = path.absolute()
        _check_is_ours(path)
        path.mkdir(parents=True, exist_ok=True)
        return cls._locked(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the folder of a sweep that has begun.

        Raises:
            SweepError: There is no sweep in it.
            SweepInUseError: Another process runs the sweep.
            LocalFileError: It is missing, or cannot be written.
        """
        path = path.absolute()
        check_has_sweep(path)
        return cls._locked(path)

    @classmethod
    def _locked(cls, path: Path) -> Self:
        lock = FolderLock(path / _LOCK)
        try:
            remove_partial_files(path)
            return cls(path, lock)
        except BaseException:
            lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def close(self) -> None:
        """Let other processes have the folder."""
        self._lock.release()

    def create_ledger(self, workflow: bytes, meta: Mapping[str, str]) -> Ledger:
        """Begin the sweep: its workflow, as these bytes, then its ledger."""
        self.write(WORKFLOW, workflow)
        return Ledger.create(self.path / LEDGER, meta)

    def open_ledger(self) -> Ledger:
        """The ledger as the last run left it."""
        return Ledger.open(self.path / LEDGER)

    def workflow(self) -> bytes:
        """The exact bytes of the workflow that the sweep runs."""
        return (self.path / WORKFLOW).read_bytes()

    def write(self, name: str, content: bytes) -> Path:
        """Replace a file: readers see the old one or the new one, whole."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(content)
        return path

    def write_plan(self, plan: Mapping[str, Any]) -> None:
        """Say in `sweep.toml` what was planned, for people."""
        text = toml_text(plan)
        self.write(PLAN, f"{_PLAN_HEAD}\n\n{text}".encode())

    def write_status(self, status: Mapping[str, Any]) -> None:
        """Say in `status.json` how far the sweep is, for whoever cannot open it.

        A ledger on a network disk is for one process; this file is for the others.
        """
        moment = datetime.now(timezone.utc).isoformat(timespec="seconds")
        said = {**status, "written_at": moment, "process": os.getpid()}
        text = json.dumps(said, ensure_ascii=False, indent=2, default=str) + "\n"
        self.write(STATUS, text.encode("utf-8", "replace"))

    def keep(self, content: bytes, digest: str) -> str:
        """Keep content that came without a file; returns its relative path."""
        name = f"{INPUTS}/{digest}"
        if not (self.path / name).exists():
            self.write(name, content)
        return name


def read_ledger(path: Path) -> LedgerReader:
    """Open the ledger of a folder to read, also while a process runs the sweep.

    Raises:
        SweepError: There is no sweep in the folder.
        LocalFileError: It cannot be read.
    """
    path = path.absolute()
    check_has_sweep(path)
    ledger = Ledger.open_readonly(path / LEDGER)
    check_is_planned(ledger)
    return ledger


def check_is_planned(ledger: LedgerReader) -> None:
    """Close and refuse a ledger whose items were not recorded, or are rows of a map."""
    if ledger.meta.get(KIND) == ROWS:
        ledger.close()
        raise SweepError(
            f"{ledger.path}: this folder has the rows of ServerPool.map",
            hint="call map again with this folder to read its results, or to go on",
        )
    if not ledger.has_items:
        ledger.close()
        raise SweepError(
            f"{ledger.path}: the sweep was interrupted before its items were recorded",
            hint="run the plan again with this folder",
        )


def check_has_sweep(path: Path) -> None:
    """Raise when the folder is missing or has no sweep."""
    if not path.is_dir():
        try:
            # Raises what is the matter.
            os.listdir(path)
        except OSError as error:
            raise LocalFileError.of(error) from error
    if not looks_like_a_ledger(path / LEDGER):
        raise SweepError(
            f"there is no sweep in {path}",
            hint="run the plan once with this folder, or give the folder of a sweep",
        )


def _check_is_ours(path: Path) -> None:
    """Refuse a folder that somebody else uses for something else."""
    try:
        names = set(os.listdir(path)) - _IGNORED
    except FileNotFoundError:
        return
    if not names or looks_like_a_ledger(path / LEDGER):
        return
    names = {name for name in names if not _PART.fullmatch(name)}
    if names <= _BEGINNINGS and _LOCK in names and is_lock(path / _LOCK):
        return
    shown = ", ".join(sorted(names)[:3])
    raise SweepError(
        f"{path} has files that are not those of a sweep: {shown}",
        hint="choose a new folder, or an empty one",
    )


def remove_partial_files(path: Path) -> None:
    """Remove what downloads left that were interrupted."""
    for file in _partial_files(path):
        file.unlink(missing_ok=True)


def _partial_files(path: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise LocalFileError.of(error)

    for folder, _, names in os.walk(path, onerror=refuse):
        for name in names:
            if _PART.fullmatch(name):
                yield Path(folder, name)
