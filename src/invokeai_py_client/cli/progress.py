"""The progress of a run on standard error: a bar on a terminal, else a few lines."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Optional

from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

if TYPE_CHECKING:
    from invokeai_py_client.cli.render import Renderer
    from invokeai_py_client.workflow.progress import RunProgress

__all__ = ["RunDisplay"]


class RunDisplay:
    """Shows a run while the block lasts; `update` is its progress callback."""

    def __init__(self, renderer: Renderer, title: str) -> None:
        self._renderer = renderer
        self._title = title
        self._said: Optional[str] = None
        self._bar: Optional[Progress] = None
        if renderer.err.console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[doing]}", style="dim", markup=False),
                console=renderer.err.console,
                transient=True,
            )
            self._task = self._bar.add_task(title, total=1.0, doing="submitting")

    def __enter__(self) -> RunDisplay:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if self._bar:
            self._bar.stop()

    def update(self, progress: RunProgress) -> None:
        """Show how far the run is."""
        jobs = f"{progress.finished}/{progress.total} jobs"
        if self._bar:
            parts = [jobs, progress.why or progress.node_name, progress.message]
            self._bar.update(
                self._task,
                completed=progress.fraction,
                doing=" · ".join(part for part in parts if part),
            )
            return
        # A log wants the changes that matter, not every step of every node.
        line = f"{self._title}: {jobs}" + (f", {progress.why}" if progress.why else "")
        if line != self._said:
            self._said = line
            self._renderer.note(line)
