"""The folder of a map: that of a sweep whose items are rows, without a workflow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from invokeai_py_client.exceptions import SweepError
from invokeai_py_client.sweep.folder.sweep_folder import (
    KIND,
    LEDGER,
    ROWS,
    SweepFolder,
)
from invokeai_py_client.sweep.ledger.ledger import Ledger
from invokeai_py_client.sweep.planning.items import PlannedItem


@dataclass
class ChainFolder:
    """A folder of rows that this process alone runs now."""

    folder: SweepFolder
    ledger: Ledger

    @classmethod
    def open(
        cls,
        path: Path,
        rows: Iterable[PlannedItem],
        prepare: Callable[[Ledger], None],
    ) -> ChainFolder:
        """Open the folder of these rows, or make one.

        Args:
            path: The folder.
            rows: All rows; those that are there already must be the same.
            prepare: Called with the ledger before anything is begun.

        Raises:
            SweepChangedError: The folder has other rows.
            SweepInUseError: Another process has it.
            SweepError: It has something else.
        """
        folder = SweepFolder.open_or_create(path)
        try:
            return cls(folder, cls._ledger(folder, rows, prepare))
        except BaseException:
            folder.close()
            raise

    @staticmethod
    def _ledger(
        folder: SweepFolder,
        rows: Iterable[PlannedItem],
        prepare: Callable[[Ledger], None],
    ) -> Ledger:
        if folder.is_new:
            ledger = Ledger.create(folder.path / LEDGER, {KIND: ROWS})
        else:
            ledger = folder.open_ledger()
        try:
            if ledger.meta.get(KIND) != ROWS:
                raise SweepError(
                    f"{folder.path} has a sweep", hint="map needs a folder of its own"
                )
            ledger.add_items(rows)
            _end_recorded(ledger)
            prepare(ledger)
        except BaseException:
            ledger.close()
            raise
        return ledger

    def close(self) -> None:
        """Close the ledger, and let other processes have the folder."""
        try:
            self.ledger.close()
        finally:
            self.folder.close()


def _end_recorded(ledger: Ledger) -> None:
    """End what was interrupted between the record of a row and its end."""
    for batch in ledger.open_batches():
        if all(item.state != "sent" for item in batch.items):
            ledger.mark_over(batch.id)
