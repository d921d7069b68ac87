"""The lock of a folder: held by the operating system, so that it dies with us.

The file stays; it says who holds the lock, for the message that others get.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from pathlib import Path
from typing import IO, Any

from invokeai_py_client.exceptions import LocalFileError, SweepInUseError
from invokeai_py_client.image.files import naming

# Windows locks bytes, and nobody else can read those: one far behind the content.
_LOCKED_BYTE = 1 << 30

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[Any]) -> None:
        file.seek(_LOCKED_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _unlock(file: IO[Any]) -> None:
        file.seek(_LOCKED_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: IO[Any]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(file: IO[Any]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


_TAKEN = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}


class FolderLock:
    """Held from its making until `release`, or until the process is gone.

    Raises:
        SweepInUseError: Another process has it, or this one already.
        LocalFileError: The file cannot be written, or its disk has no locks.
    """

    def __init__(self, path: Path) -> None:
        # "a": it is made if it is missing, and what it says stays until it is ours.
        self._file = path.open("a+b")
        try:
            self._take(path)
        except BaseException:
            self._file.close()
            raise

    def _take(self, path: Path) -> None:
        try:
            _lock(self._file)
        except OSError as error:
            if error.errno in _TAKEN:
                raise _in_use(path, self._holder()) from None
            error.filename = os.fspath(path)
            found = LocalFileError.of(error)
            found.hint = "the disk has no locks: choose a folder on another disk"
            raise found from None
        holder = {"process": os.getpid(), "host": socket.gethostname()}
        with naming(path):
            self._file.truncate(0)
            self._file.write(json.dumps(holder).encode())
            self._file.flush()

    def _holder(self) -> str:
        """Who has the lock, as far as the file says."""
        try:
            self._file.seek(0)
            said = json.loads(self._file.read(1000))
            process, host = said["process"], said["host"]
        except (OSError, ValueError, KeyError, TypeError):
            # It is being written just now.
            return "another process"
        if (process, host) == (os.getpid(), socket.gethostname()):
            return f"this process ({process})"
        return f"process {process} on {host}"

    def release(self) -> None:
        """Let others have it."""
        if not self._file.closed:
            # Closing is not enough while a forked child has the handle, too.
            _unlock(self._file)
            self._file.close()


def is_lock(path: Path) -> bool:
    """Whether the file was written by a lock, or was about to be."""
    try:
        said = path.read_bytes()[:1000]
        return not said or "process" in json.loads(said)
    except (OSError, ValueError, TypeError):
        return False


def _in_use(path: Path, holder: str) -> SweepInUseError:
    return SweepInUseError(
        f"{path.parent} is used by {holder}",
        process=holder,
        hint="wait until it is done, or stop it; the sweep can be read meanwhile",
    )
