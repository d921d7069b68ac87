"""`Sweep`: a sweep that has begun, read and continued from its folder."""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Optional, Protocol, overload

from invokeai_py_client._arguments import Name, PathLike, checks_arguments
from invokeai_py_client._exports import one_line, set_module
from invokeai_py_client._io.runner import AsyncRunner, Runner
from invokeai_py_client._objects.handle import Handle
from invokeai_py_client._suggestions import list_names
from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.exceptions.base import short_repr
from invokeai_py_client.sweep.batches.outcomes import KINDS
from invokeai_py_client.sweep.display.folder_page import with_page
from invokeai_py_client.sweep.display.gallery import gallery
from invokeai_py_client.sweep.display.grid_image import MAX_PIXELS, Pixels, grid
from invokeai_py_client.sweep.display.shown_item import items_of_ledger
from invokeai_py_client.sweep.display.table import to_pandas
from invokeai_py_client.sweep.folder.outputs import Outputs, open_outputs
from invokeai_py_client.sweep.folder.sweep_folder import read_ledger
from invokeai_py_client.sweep.ledger.reading import LedgerReader
from invokeai_py_client.sweep.ledger.records import RecordedOutput
from invokeai_py_client.sweep.running.opened_sweep import reopen
from invokeai_py_client.sweep.running.progress import (
    SweepProgress,
    SweepResult,
    progress_of,
)
from invokeai_py_client.sweep.running.run_flows import RunOptions, resume
from invokeai_py_client.sweep.running.sweep_run import FinishedItem, ServerCopy
from invokeai_py_client.sweep.sweep_plan import MaxFailures, OnSweepProgress
from invokeai_py_client.workflow.lookup.known_server import KnownServer

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

_SHOWN_FAILURES = 5


class _Workflows(Protocol):
    @property
    def _server(self) -> KnownServer: ...


class BlockingClient(Protocol):
    """What `Sweep.resume` needs of an `InvokeAIClient`."""

    @property
    def _runner(self) -> Runner: ...
    @property
    def workflow_repo(self) -> _Workflows:
        """Its workflows."""


class AsyncClient(Protocol):
    """What `Sweep.resume` needs of an `AsyncInvokeAIClient`."""

    @property
    def _runner(self) -> AsyncRunner: ...
    @property
    def workflow_repo(self) -> _Workflows:
        """Its workflows."""


@checks_arguments
@set_module("invokeai_py_client.sweep")
class Sweep(Handle):
    """A sweep that has begun: what its folder says of it, now.

    Reading needs no server and no workflow file, and may be done while another process
    runs the sweep.
    """

    _KEEP = "its folder, for Sweep.open(folder),"

    def __init__(
        self, folder: Path, storage_options: Optional[Mapping[str, Any]] = None
    ) -> None:
        """Made by `open`."""
        self._folder = folder
        self._storage_options = storage_options

    @classmethod
    def open(
        cls, folder: PathLike, *, storage_options: Optional[Mapping[str, Any]] = None
    ) -> Sweep:
        """Open the folder of a sweep.

        Args:
            folder: The folder.
            storage_options: Of a sweep with `outputs=`: as for `SweepPlan.run`, to read
                them and to go on.

        Raises:
            SweepError: There is no sweep in it.
            LocalFileError: It is missing, or cannot be read.
        """
        sweep = cls(Path(folder).expanduser().absolute(), storage_options)
        sweep.status()
        return sweep

    @property
    def folder(self) -> Path:
        """Where everything is."""
        return self._folder

    @property
    def id(self) -> str:
        """Its identity: the tag of its jobs is ``ivk-sweep:<id>``."""
        with self._reader() as ledger:
            return ledger.sweep_id

    def __repr__(self) -> str:
        return one_line(f"<Sweep {self._folder}: {self.status()}>")

    def status(self) -> SweepProgress:
        """How far the sweep is."""
        with self._reader() as ledger:
            return progress_of(ledger.counts())

    def items(
        self, status: Optional[Literal["done", "failed"]] = None
    ) -> Iterator[FinishedItem]:
        """Iterate over the items that are over, in the order of the plan.

        Args:
            status: Only those that are done, or that failed; None is both.
        """
        return self._items(status)

    def _items(self, status: Optional[str]) -> Iterator[FinishedItem]:
        with self._reader() as ledger:
            outputs = self._outputs(ledger)
            done = self._done(ledger, outputs) if status != "failed" else ()
            failed = self._failed(ledger) if status != "done" else ()
            # Both are in the order of the plan.
            yield from heapq.merge(done, failed, key=lambda item: item.index)

    def failures(self) -> Mapping[str, int]:
        """How many items failed, by kind: what `retry` takes."""
        with self._reader() as ledger:
            return ledger.failed_kinds()

    def report(self) -> str:
        """What happened, as text: counts, servers, failures with examples."""
        with self._reader() as ledger:
            lines = [str(progress_of(ledger.counts()))]
            for kind, count in ledger.failed_kinds().items():
                lines.append(f"{count} failed: {kind}")
                examples = (i for i in self._failed(ledger) if i.kind == kind)
                for _, item in zip(range(_SHOWN_FAILURES), examples):
                    values = ", ".join(
                        f"{name}={short_repr(value)}"
                        for name, value in item.values.items()
                    )
                    lines.append(f"  item {item.index} ({values}): {item.error}")
        return "\n".join(lines)

    def grid(
        self,
        *axes: str,
        cell: Pixels = 256,
        max_pixels: Pixels = MAX_PIXELS,
        font: Optional[PathLike] = None,
    ) -> PilImage:
        """Draw the images side by side, with their values as labels.

        Args:
            axes: The names of one to three values: columns, rows, and blocks below each
                other. ``seed``, ``server`` and ``status`` are names too.
            cell: The most pixels of a side of a cell.
            max_pixels: Of the whole grid; cells are made smaller to keep to it.
            font: A TrueType font for the labels.

        Returns:
            A Pillow image; see `invokeai_py_client.sweep.grid`.

        Raises:
            ImageError: Pillow is missing; install the extra `images`.
            ArgumentError: No item has such a value, or the grid has too many cells.
        """
        with self._reader() as ledger:
            items = list(items_of_ledger(ledger, self._outputs(ledger)))
        return grid(items, *axes, cell=cell, max_pixels=max_pixels, font=font)

    def gallery(
        self,
        path: Optional[PathLike] = None,
        *,
        title: Optional[str] = None,
        embed: bool = False,
    ) -> Path:
        """Write an HTML page with all images and their values; it needs no server.

        Args:
            path: The file; by default `index.html` in the folder of the sweep.
            title: Its heading; by default the name of the folder.
            embed: Put the previews within the page instead of beside it.

        Returns:
            The page; see `invokeai_py_client.sweep.gallery`.

        Raises:
            ArgumentError: The sweep has more than 100,000 items.
        """
        with self._reader() as ledger:
            items = list(items_of_ledger(ledger, self._outputs(ledger)))
        target = self._folder if path is None else Path(path)
        return gallery(
            items,
            target,
            title=self._folder.name if title is None else title,
            embed=embed,
        )

    def to_pandas(self) -> Any:
        """A pandas `DataFrame` with a row for each image.

        An item without images has a row, too. Columns are those of `manifest.csv`,
        and ``status`` and ``error``.

        Raises:
            SweepError: pandas is not installed.
        """
        with self._reader() as ledger:
            return to_pandas(items_of_ledger(ledger, self._outputs(ledger)))

    def retry(self, kind: Optional[Name] = None) -> int:
        """Open failed items again, so that the next run or `resume` makes them.

        Args:
            kind: Only those of this kind, such as ``"out_of_memory"``; None is all
                that failed, and those that were given up.

        Returns:
            How many items are to do again.

        Raises:
            ArgumentError: There is no such kind; `failures` lists those of the sweep.
            SweepInUseError: Another process runs the sweep.
        """
        if kind is not None and kind not in {*KINDS, *self.failures()}:
            raise ArgumentError("kind", kind, list_names(KINDS))
        opened = reopen(self._folder)
        try:
            return opened.ledger.reopen(kind)
        finally:
            opened.close()

    @overload
    def resume(
        self,
        client: BlockingClient,
        *,
        on_progress: Optional[OnSweepProgress] = None,
        max_failures: Optional[MaxFailures] = None,
        server_copy: ServerCopy = "keep",
        abandon: Sequence[str] = (),
        servers: Optional[Iterable[Any]] = None,
        executor: Optional[Executor] = None,
    ) -> SweepResult: ...
    @overload
    def resume(
        self,
        client: AsyncClient,
        *,
        on_progress: Optional[OnSweepProgress] = None,
        max_failures: Optional[MaxFailures] = None,
        server_copy: ServerCopy = "keep",
        abandon: Sequence[str] = (),
        servers: Optional[Iterable[Any]] = None,
        executor: Optional[Executor] = None,
    ) -> Awaitable[SweepResult]: ...
    def resume(
        self,
        client: Any,
        *,
        on_progress: Optional[OnSweepProgress] = None,
        max_failures: Optional[MaxFailures] = None,
        server_copy: ServerCopy = "keep",
        abandon: Sequence[str] = (),
        servers: Optional[Iterable[Any]] = None,
        executor: Optional[Executor] = None,
    ) -> Any:
        """Go on with the sweep, as `SweepPlan.run` in the same folder would.

        Args:
            client: The client of the server that makes the items; with an
                `AsyncInvokeAIClient` the result is to be awaited.
            on_progress: As for `SweepPlan.run`.
            max_failures: As for `SweepPlan.run`.
            server_copy: As for `SweepPlan.run`.
            abandon: As for `SweepPlan.run`.
            servers: As for `SweepPlan.run`.
            executor: As for `SweepPlan.run`.

        Raises:
            SweepInUseError: Another process runs the sweep.
            SweepError: As `SweepPlan.run`.
        """
        options = RunOptions.read(
            self._folder,
            None,
            on_progress=on_progress,
            max_failures=max_failures,
            server_copy=server_copy,
            abandon=abandon,
            servers=servers,
            storage_options=self._storage_options,
            executor=executor,
        )
        if not hasattr(client, "workflow_repo"):
            allowed = "an InvokeAIClient or an AsyncInvokeAIClient"
            raise ArgumentError("client", client, allowed)
        flow = resume(options, client.workflow_repo._server, client._runner)
        return client._runner.run(with_page(flow))

    def _reader(self) -> LedgerReader:
        return read_ledger(self._folder)

    def _outputs(self, ledger: LedgerReader) -> Outputs:
        url = ledger.meta.get("outputs", "")
        return open_outputs(self._folder, url, self._storage_options)

    def _done(self, ledger: LedgerReader, outputs: Outputs) -> Iterator[FinishedItem]:
        for _, rows in groupby(ledger.outputs(), key=lambda row: row.item.index):
            yield self._done_item(list(rows), outputs)

    def _done_item(self, rows: list[RecordedOutput], outputs: Outputs) -> FinishedItem:
        item = rows[0].item
        return FinishedItem(
            index=item.index,
            key=item.key,
            values=item.values,
            status="done",
            paths=tuple(outputs.address(row.output.path) for row in rows),
            seeds=item.executed.get("seeds") or {},
            server=rows[0].server,
        )

    def _failed(self, ledger: LedgerReader) -> Iterator[FinishedItem]:
        for item in ledger.items("failed"):
            yield FinishedItem(
                index=item.index,
                key=item.key,
                values=item.values,
                status="failed",
                kind=item.error_kind,
                error=item.error_text,
            )
