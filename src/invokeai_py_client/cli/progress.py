"""The progress of runs and sweeps: a bar on a terminal, else lines in a log."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Optional, TypeVar

from rich.console import RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from invokeai_py_client._shown.readable import readable

if TYPE_CHECKING:
    from invokeai_py_client.cli.render import Renderer
    from invokeai_py_client.sweep.running.progress import SweepProgress
    from invokeai_py_client.workflow.waiting.progress import RunProgress

Self = TypeVar("Self", bound="_Display")

# Seconds between the lines of a sweep in a log.
LOG_EVERY = 60.0
# Below the bar of a sweep, and one that counts the rest.
MOST_LINES = 12


class _Bar(Progress):
    """A bar with lines below it."""

    lines: Sequence[Text] = ()

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bar, and the lines."""
        yield self.make_tasks_table(self.tasks)
        yield from self.lines


class _Display:
    """A bar on a terminal while the block lasts; elsewhere lines in a log."""

    def __init__(self, renderer: Renderer, title: str) -> None:
        self._renderer = renderer
        self._title = title
        self._bar: Optional[_Bar] = None
        if renderer.err.console.is_terminal:
            self._bar = _Bar(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[doing]}", style="dim", markup=False),
                console=renderer.err.console,
                transient=True,
            )
            self._task = self._bar.add_task(
                _clipped(readable(title)), total=1.0, doing="submitting"
            )

    def __enter__(self: Self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar:
            self._bar.stop()

    def _move(self, fraction: float, parts: Sequence[Optional[str]]) -> bool:
        """Move the bar; False when there is none."""
        if self._bar:
            doing = " · ".join(readable(part) for part in parts if part)
            self._bar.update(self._task, completed=fraction, doing=doing)
        return self._bar is not None


def _clipped(title: str) -> str:
    """A title that leaves room for the rest of a line of 80 columns."""
    return title if len(title) <= 20 else f"{title[:19]}…"


class RunDisplay(_Display):
    """Shows a run; `update` is its progress callback."""

    _last_line: Optional[str] = None

    def update(self, progress: RunProgress) -> None:
        """Show the progress of the run."""
        jobs = f"{progress.finished}/{progress.total} jobs"
        doing = [jobs, progress.why or progress.node_name, progress.message]
        if self._move(progress.fraction, doing):
            return
        # A log shows finished jobs, not every step of every node.
        line = f"{self._title}: {jobs}" + (f", {progress.why}" if progress.why else "")
        if line != self._last_line:
            self._last_line = line
            self._renderer.note(line)


class SweepDisplay(_Display):
    """Shows a sweep; `update` is its progress callback."""

    _next_line = 0.0

    def update(self, progress: SweepProgress) -> None:
        """Show how many items are done; in a log, once a minute."""
        left = f"{_duration(progress.eta)} left" if progress.eta else None
        over = progress.total - progress.todo - progress.sent
        if self._bar:
            rate = "" if progress.rate is None else f" · {_pace(progress.rate)}"
            lines = [f"{progress}{rate}"]
            if len(progress.servers) > 1:
                lines += map(str, progress.servers)
            if len(lines) > MOST_LINES + 1:
                lines[MOST_LINES:] = [f"and {len(lines) - MOST_LINES} more servers"]
            self._bar.lines = [_line(f"  {readable(line)}") for line in lines]
        if self._move(over / max(1, progress.total), [left]):
            return
        moment = time.monotonic()
        if moment >= self._next_line:
            self._next_line = moment + LOG_EVERY
            parts = [str(progress), *(part for part in (left,) if part)]
            self._renderer.note(f"{self._title}: {', '.join(parts)}")


def _line(text: str) -> Text:
    return Text(text, "dim", no_wrap=True, overflow="ellipsis")


def _pace(rate: float) -> str:
    """Items per second, or per minute where those are less than one."""
    if rate < 1:
        return f"{60 * rate:.2g} per minute"
    return f"{rate:.0f} per second" if rate >= 10 else f"{rate:.2g} per second"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
