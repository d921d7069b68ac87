"""What the outputs of a sweep are: tables for programs, written from its ledger.

A line for each output, in the order of the plan; memory does not grow with them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from invokeai_py_client.image.files import naming, whole_file
from invokeai_py_client.sweep.ledger.reading import LedgerReader
from invokeai_py_client.sweep.ledger.records import RecordedOutput
from invokeai_py_client.sweep.planning.plain_values import readable_value

MANIFEST = "manifest.jsonl"
TABLE = "manifest.csv"
IMAGE_FOLDER = "metadata.jsonl"

_FIRST = ("index", "key", "path", "sha256")
_LAST = ("executed_seed", "server", "finished_at")
_VIDEOS = (".mp4", ".webm", ".mov")

WriteLine = Callable[[RecordedOutput, dict[str, Any]], str]


def write_manifests(
    folder: Path,
    ledger: LedgerReader,
    columns: Sequence[str] = (),
    *,
    outputs: str = "",
) -> None:
    """Write `manifest.jsonl`, `manifest.csv` and `metadata.jsonl`, each replaced whole.

    Args:
        folder: Where they go.
        ledger: What is done.
        columns: The names of the swept values; by default those that items have.
        outputs: The URL of the target; empty for the folder, whose paths are relative.
    """
    columns = list(columns) or _columns(ledger)
    table = _Table(columns)
    writers: dict[str, WriteLine] = {
        MANIFEST: _manifest_line,
        TABLE: table.line,
        IMAGE_FOLDER: _image_folder_line(columns),
    }
    with ExitStack() as stack:
        files = {
            name: stack.enter_context(whole_file(folder / name)) for name in writers
        }
        files[TABLE].write(table.head().encode())
        for recorded in _rows(ledger, outputs):
            values = {
                name: _readable(value) for name, value in recorded.item.values.items()
            }
            for name, write_line in writers.items():
                line = write_line(recorded, values).encode("utf-8", "replace")
                with naming(folder / name):
                    files[name].write(line)


def _rows(ledger: LedgerReader, outputs: str) -> Iterator[RecordedOutput]:
    for row in ledger.outputs():
        if outputs:
            path = f"{outputs}/{row.output.path}"
            yield replace(row, output=replace(row.output, path=path))
        else:
            yield row


def _columns(ledger: LedgerReader) -> list[str]:
    names: dict[str, None] = {}
    for item in ledger.items("done"):
        names.update(dict.fromkeys(item.values))
    return list(names)


def _manifest_line(recorded: RecordedOutput, values: dict[str, Any]) -> str:
    output = recorded.output
    row = {
        **_identity(recorded),
        "bytes": output.bytes,
        "width": output.width,
        "height": output.height,
        "ordinal": output.ordinal,
        "image_name": output.image_name,
        "values": values,
        "executed": recorded.item.executed,
        "attempts": recorded.item.attempts,
        "server": recorded.server,
        "finished_at": _time(recorded),
    }
    return _json_line(row)


class _Table:
    """The CSV file; a value that is named as a column of ours gets a prefix."""

    def __init__(self, columns: Iterable[str]) -> None:
        self._columns = list(columns)
        self._line = io.StringIO()
        self._writer = csv.writer(self._line, lineterminator="\n")

    def head(self) -> str:
        taken = {*_FIRST, *_LAST}
        names = [f"values.{n}" if n in taken else n for n in self._columns]
        return self._text([*_FIRST, *names, *_LAST])

    def line(self, recorded: RecordedOutput, values: dict[str, Any]) -> str:
        return self._text(
            [
                *_identity(recorded).values(),
                *(_cell(values.get(name)) for name in self._columns),
                _cell(_seed(recorded)),
                recorded.server,
                _time(recorded),
            ]
        )

    def _text(self, cells: Sequence[Any]) -> str:
        self._writer.writerow(cells)
        text = self._line.getvalue()
        self._line.seek(0)
        self._line.truncate()
        return text


def _image_folder_line(columns: Sequence[str]) -> WriteLine:
    """Lines as the ImageFolder of Hugging Face reads them: every line has all names."""

    def line(recorded: RecordedOutput, values: dict[str, Any]) -> str:
        if recorded.output.path.lower().endswith(_VIDEOS):
            return ""
        row: dict[str, Any] = {"file_name": recorded.output.path}
        row.update((name, values.get(name)) for name in columns if name != "file_name")
        row.setdefault("executed_seed", _seed(recorded))
        return _json_line(row)

    return line


def _identity(recorded: RecordedOutput) -> dict[str, Any]:
    item, output = recorded.item, recorded.output
    cells = (item.index, item.key, output.path, output.sha256)
    return dict(zip(_FIRST, cells))


def _seed(recorded: RecordedOutput) -> Any:
    """The seed as executed; all of them by name when there are several."""
    seeds = recorded.item.executed.get("seeds") or {}
    distinct = set(map(str, seeds.values()))
    return next(iter(seeds.values())) if len(distinct) == 1 else (seeds or None)


def _time(recorded: RecordedOutput) -> str:
    moment = datetime.fromtimestamp(recorded.finished_at, timezone.utc)
    return moment.isoformat(timespec="seconds")


def _readable(value: Any) -> Any:
    readable = readable_value(value)
    return readable.as_posix() if isinstance(readable, Path) else readable


def _cell(value: Any) -> Any:
    """A value in a cell of a table: as it is when that is clear, else as JSON."""
    if value is None or (
        isinstance(value, (str, int, float)) and not isinstance(value, bool)
    ):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _json_line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=str) + "\n"
