"""`ShownItem`: what grid, gallery and table know of one item, wherever it came from."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client._exports import one_line, set_module
from invokeai_py_client._file_names.format_value import as_text
from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.sweep.folder.outputs import Outputs
from invokeai_py_client.sweep.ledger.reading import LedgerReader
from invokeai_py_client.sweep.ledger.records import LedgerItem, RecordedOutput
from invokeai_py_client.sweep.planning.plain_values import readable_value
from invokeai_py_client.sweep.running.sweep_run import FinishedItem
from invokeai_py_client.workflow.results.run_result import JobResult

_SOURCES = (
    "a result, items of a sweep, or a list of which each is a job of a result or a "
    "pair of values and an image: ({'steps': 20}, 'a.png')"
)


@set_module("invokeai_py_client.sweep")
@dataclass(frozen=True)
class ShownItem:
    """One item to show.

    Attributes:
        index: Its place, from 0.
        key: Its identity; empty outside a sweep.
        values: Its values by name, as people read them.
        images: Its files, in order; or Pillow images, or images of a server.
        seed: The seed as executed, or all of them by name.
        status: ``done``, ``failed``, ``todo``, ``sent`` or ``skipped``.
        error: Why it failed.
        server: The server that made it.
        seconds: How long it took, where that is known.
    """

    index: int
    values: Mapping[str, Any]
    images: Sequence[Any] = ()
    key: str = ""
    seed: Any = None
    status: str = "done"
    error: Optional[str] = None
    server: str = ""
    seconds: Optional[float] = None

    def __repr__(self) -> str:
        return one_line(f"<ShownItem {self.index} {self.status}: {dict(self.values)}>")


def items_of_ledger(ledger: LedgerReader, outputs: Outputs) -> Iterator[ShownItem]:
    """Every item of a sweep in the order of the plan; memory does not grow."""
    rows = ledger.outputs()
    waiting: Optional[RecordedOutput] = next(rows, None)
    for item in ledger.items():
        files: list[RecordedOutput] = []
        while waiting is not None and waiting.item.index <= item.index:
            if waiting.item.index == item.index:
                files.append(waiting)
            waiting = next(rows, None)
        yield _of_row(item, files, outputs)


def _of_row(
    item: LedgerItem, files: Sequence[RecordedOutput], outputs: Outputs
) -> ShownItem:
    return ShownItem(
        index=item.index,
        values={name: _readable(value) for name, value in item.values.items()},
        images=tuple(outputs.address(file.output.path) for file in files),
        key=item.key,
        seed=_seed(item.executed.get("seeds") or {}),
        status=item.state,
        error=item.error_text or item.error_kind,
        server=files[0].server if files else "",
        seconds=item.executed.get("seconds"),
    )


def _readable(value: Any) -> Any:
    found = readable_value(value)
    return found.as_posix() if isinstance(found, Path) else found


def items_of(source: Iterable[Any]) -> list[ShownItem]:
    """Items of a result, of jobs of results, or of pairs of values and images.

    Raises:
        ArgumentError: One is none of these.
    """
    if isinstance(source, (str, bytes, Mapping)):
        raise ArgumentError("items", source, _SOURCES)
    try:
        found = list(source)
    except TypeError:
        raise ArgumentError("items", source, _SOURCES) from None
    return [_item(index, item) for index, item in enumerate(found)]


def _item(index: int, item: Any) -> ShownItem:
    if isinstance(item, ShownItem):
        return item
    if isinstance(item, FinishedItem):
        return _of_finished(item)
    if isinstance(item, JobResult):
        return _of_job(index, item)
    if isinstance(item, (tuple, list)) and len(item) == 2 and _is_mapping(item[0]):
        values = dict(item[0])
        return ShownItem(index, values, _images(item[1]), seed=values.get("seed"))
    raise ArgumentError("items", item, _SOURCES, hint=f"item {index} is not")


def _of_finished(item: FinishedItem) -> ShownItem:
    return ShownItem(
        index=item.index,
        values={name: _readable(value) for name, value in item.values.items()},
        images=item.paths,
        key=item.key,
        seed=_seed(item.seeds),
        status=item.status,
        error=item.error or item.kind,
        server=item.server,
    )


def _seed(seeds: Mapping[str, Any]) -> Any:
    """The seed when there is one; all of them by name when they differ."""
    distinct = set(map(str, seeds.values()))
    return next(iter(seeds.values())) if len(distinct) == 1 else dict(seeds) or None


def _of_job(index: int, job: JobResult[Any, Any]) -> ShownItem:
    return ShownItem(
        index=index,
        values=dict(job.values),
        images=tuple(job.images),
        seed=job.seed,
        status="done" if job.error is None else "failed",
        error=None if job.error is None else str(job.error),
    )


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _images(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    if isinstance(value, (list, tuple)):
        return tuple(value)
    return (Path(value),) if isinstance(value, (str, os.PathLike)) else (value,)


def label_of(value: Any) -> str:
    """A value as the label of a row, a column or a line of a table."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.10g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(label_of, value)) or "none"
    return " ".join(as_text(value).split()) or "(empty)"


def value_of(item: ShownItem, name: str) -> Any:
    """A value of an item by the name of a column."""
    if name in item.values:
        return item.values[name]
    return getattr(item, name) if name in ("seed", "server", "status") else None


def column_names(items: Iterable[ShownItem]) -> list[str]:
    """The names of all values, in the order in which they first occur."""
    names: dict[str, None] = {}
    for item in items:
        names.update(dict.fromkeys(item.values))
    return list(names)
