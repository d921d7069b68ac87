"""The page that a run leaves in the folder of a sweep."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from invokeai_py_client._core.flow import Flow, run_blocking
from invokeai_py_client.sweep.display.gallery import PAGE, quick_gallery
from invokeai_py_client.sweep.display.shown_item import items_of_ledger
from invokeai_py_client.sweep.folder.outputs import open_outputs
from invokeai_py_client.sweep.folder.sweep_folder import read_ledger
from invokeai_py_client.sweep.running.progress import SweepResult

MOST_ITEMS = 10_000
"""Items of a sweep that gets a page without being asked."""


def with_page(run: Flow[SweepResult]) -> Flow[SweepResult]:
    """Run a sweep, and write the page of what is there.

    Previews would take longer than everything else that the end of a run does:
    `Sweep.gallery` makes them.
    """
    result = yield from run
    if result.progress.total <= MOST_ITEMS:
        folder = result.folder.absolute()
        yield from run_blocking(partial(_write_page, folder))
    return result


def _write_page(folder: Path) -> None:
    with read_ledger(folder) as ledger:
        outputs = open_outputs(folder, ledger.meta.get("outputs", ""))
        items = list(items_of_ledger(ledger, outputs))
    quick_gallery(items, folder / PAGE, folder.name)
