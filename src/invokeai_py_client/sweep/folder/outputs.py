"""Where the files of items go: into the folder, or to a target that fsspec reaches.

A name is relative, with forward slashes. A file appears under it when it is whole.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Optional, Protocol, Union

from invokeai_py_client._core.flow import Flow, pause, run_blocking
from invokeai_py_client.image.files import PartialFile
from invokeai_py_client.sweep.folder.remote_target import (
    RemoteFile,
    RemoteTarget,
    RemoteTargetError,
)
from invokeai_py_client.sweep.folder.saved_file import PIECE, SavedFile, describe

logger = logging.getLogger("invokeai_py_client")

PAUSES = (0.5, 2.0, 5.0)
"""Seconds before a remote target is tried again."""


class Outputs(Protocol):
    """The target of a sweep; threads may share it."""

    def claim(self, sweep_id: str, *, has_items: bool) -> None:
        """Check that the target is that of this sweep, and can be written."""

    def address(self, name: str) -> Union[Path, RemoteFile]:
        """Where a file is, for its users."""

    def open(self, name: str) -> PartialFile:
        """A local file to download to, which is to become the file of this name."""

    def finish(self, file: PartialFile) -> None:
        """All of it is there, and it is what it should be."""

    def deliver(
        self, file: PartialFile, saved: SavedFile, names: Sequence[str]
    ) -> Flow[None]:
        """Put a finished file, opened for the first of `names`, under each of them."""

    def copy(self, source: str, saved: SavedFile, names: Sequence[str]) -> bool:
        """Put a file of before under more names; False when it is not as it was."""

    def sync(self, names: Iterable[str]) -> None:
        """Make files that were delivered outlive a failure of this machine."""


class LocalOutputs:
    """Outputs that are files of the sweep's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def claim(self, sweep_id: str, *, has_items: bool) -> None:
        """The folder has a lock and a ledger."""

    def address(self, name: str) -> Path:
        """Its path."""
        return self._folder / name

    def open(self, name: str) -> PartialFile:
        """A temporary file in the folder where the file will be."""
        path = self._folder / name
        try:
            return PartialFile(path)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            return PartialFile(path)

    def finish(self, file: PartialFile) -> None:
        """It gets its name."""
        file.commit()

    def deliver(
        self, file: PartialFile, saved: SavedFile, names: Sequence[str]
    ) -> Flow[None]:
        """Copy it to the other names."""
        del file, saved
        for name in names[1:]:
            yield from run_blocking(partial(self._copy, names[0], name))

    def copy(self, source: str, saved: SavedFile, names: Sequence[str]) -> bool:
        """Copy a file; False when it is gone, or somebody has changed it."""
        try:
            copies = [self._copy(source, name) for name in names]
        except FileNotFoundError:
            return False
        return all(each == saved for each in copies)

    def _copy(self, source: str, name: str) -> SavedFile:
        file = self.open(name)
        try:
            with self.address(source).open("rb") as content:
                while piece := content.read(PIECE):
                    file.sink.write(piece)
            saved = describe(file.sink)
            file.commit()
            return saved
        finally:
            file.discard()

    def sync(self, names: Iterable[str]) -> None:
        """Make renames durable, where the system can."""
        for folder in {self.address(name).parent for name in names}:
            # Windows cannot open a folder, and some file systems cannot sync one.
            with suppress(OSError):
                handle = os.open(folder, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)


class RemoteOutputs:
    """Outputs that go elsewhere; the folder has them until they are there."""

    def __init__(self, folder: Path, target: RemoteTarget) -> None:
        self._folder = folder
        self._target = target

    def claim(self, sweep_id: str, *, has_items: bool) -> None:
        """See `RemoteTarget.claim`."""
        self._target.claim(sweep_id, has_items=has_items)

    def address(self, name: str) -> RemoteFile:
        """Its URL, and how to read it."""
        return RemoteFile(self._target, name)

    def open(self, name: str) -> PartialFile:
        """A temporary file in the folder of the sweep."""
        return PartialFile(self._folder / name.rpartition("/")[2])

    def finish(self, file: PartialFile) -> None:
        """It is complete in the folder."""
        file.sink.flush()

    def deliver(
        self, file: PartialFile, saved: SavedFile, names: Sequence[str]
    ) -> Flow[None]:
        """Upload it under each name; what may pass is tried again."""
        for name in names:
            put = partial(self._target.put, file.temporary, saved.bytes, name)
            for seconds in (*PAUSES, None):
                try:
                    yield from run_blocking(put)
                    break
                except RemoteTargetError as error:
                    if seconds is None or not error.may_pass:
                        raise
                    logger.warning("%s", error)
                yield from pause(seconds)

    def copy(self, source: str, saved: SavedFile, names: Sequence[str]) -> bool:
        """Copy it there; when that fails, it is uploaded."""
        try:
            for name in names:
                self._target.copy(source, saved.bytes, name)
        except RemoteTargetError as error:
            logger.info("%s", error)
            return False
        return True

    def sync(self, names: Iterable[str]) -> None:
        """The target answered for it."""


def open_outputs(
    folder: Path, url: str, options: Optional[Mapping[str, Any]] = None
) -> Outputs:
    """The outputs of a sweep.

    Args:
        folder: The folder of the sweep.
        url: The target that its ledger has; empty for the folder itself.
        options: What fsspec's file system takes.
    """
    if not url:
        return LocalOutputs(folder)
    return RemoteOutputs(folder, RemoteTarget(url, options))
