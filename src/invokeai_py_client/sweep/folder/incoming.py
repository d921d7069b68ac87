"""Where workers elsewhere put files, if they see the folder of the sweep."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

_NAME = "incoming"


class DriverGoneError(Exception):
    """Nobody waits for a worker any more."""


@dataclass(frozen=True)
class Incoming:
    """A folder within that of the sweep, for the time of one run; it can be pickled.

    The path of a folder says nothing on another machine. So there is a file in this
    one that only who sees it can find.

    Attributes:
        path: The folder, where the driver sees it.
        sign: The name of that file.
        ledger: The file whose number tells that the sweep's folder is seen, even when
            the run is over.
        number: That number.
    """

    path: Path
    sign: str
    ledger: Path
    number: int

    @classmethod
    def make(cls, folder: Path, ledger: Path) -> Incoming:
        """Make it, and remove what an interrupted run has left."""
        found = cls(folder / _NAME, new_name(), ledger, ledger.stat().st_ino)
        found.remove()
        found.path.mkdir()
        (found.path / found.sign).touch()
        return found

    def remove(self) -> None:
        """Whoever still wants to write there cannot."""
        shutil.rmtree(self.path, ignore_errors=True)

    def is_seen(self) -> bool:
        """Whether this process sees it.

        Raises:
            DriverGoneError: It would, but the run is over.
        """
        if (self.path / self.sign).exists():
            return True
        try:
            is_over = self.number and self.ledger.stat().st_ino == self.number
        except OSError:
            return False
        if is_over:
            raise DriverGoneError(f"nobody waits any more for files in {self.path}")
        return False

    def begin(self, batch_id: str) -> bool:
        """Note that a batch is being done; False when somebody began it before.

        Where the folder is not seen, nobody knows.
        """
        if not self.is_seen():
            return True
        name = f".{batch_id.replace('-', '')}.part"
        try:
            (self.path / name).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def new_name() -> str:
    """A name nobody has; like every unfinished file, it is removed by the next run."""
    return f".{uuid.uuid4().hex}.part"
