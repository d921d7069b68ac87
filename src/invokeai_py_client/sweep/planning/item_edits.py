"""What items set in the graph: edits, and batch data where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client.exceptions import FieldProblem, FieldValidationError
from invokeai_py_client.sweep.planning.axes import row_problem
from invokeai_py_client.sweep.planning.columns import Column, ColumnFinder
from invokeai_py_client.sweep.planning.plain_values import canonical_json, file_digest
from invokeai_py_client.workflow.editor.loaded_workflow import FieldKey


@dataclass(frozen=True)
class ItemEdits:
    """What the items of one part set.

    Attributes:
        edits: What is compiled in: the values of the part, and the first item's.
        columns: The batch data, by field, a value for each item.
        by_target: The column that sets a field.
    """

    edits: Mapping[FieldKey, Any]
    columns: Mapping[FieldKey, Sequence[Any]]
    by_target: Mapping[FieldKey, Column]

    def column_of(self, problem: FieldProblem) -> Optional[Column]:
        """The column that a problem is about; None when it is about none."""
        return self.by_target.get((str(problem.node_id), str(problem.field_name)))

    def place_of(self, problem: FieldProblem) -> Optional[int]:
        """Which of the items a problem of a column is about; None for all of them."""
        key = str(problem.node_id), str(problem.field_name)
        for place, value in enumerate(self.columns.get(key, ())):
            if _is_same(value, problem.value):
                return place
        return None


def _is_same(value: Any, told: Any) -> bool:
    """Whether a problem is about a value, or about the image of that name."""
    if isinstance(value, Mapping) and told in value.values():
        return True
    return type(value) is type(told) and bool(value == told)


def read_items(
    finder: ColumnFinder,
    items: Sequence[Mapping[str, Any]],
    rows: Sequence[str],
    folder: Optional[Path] = None,
) -> ItemEdits:
    """What items of one part set.

    Args:
        finder: Finds the columns of the workflow.
        items: The plain values of each, by column.
        rows: What messages call each of them.
        folder: Where relative paths of files begin.

    Raises:
        FieldValidationError: Fields do not take values any more, or files have
            changed; lists all of them.
        InputNotFoundError: The workflow has no such input.
    """
    edits: dict[FieldKey, Any] = {}
    batched: dict[FieldKey, list[Any]] = {}
    by_target: dict[FieldKey, Column] = {}
    problems: list[FieldProblem] = []
    # A seed of its own goes before the one that every node gets.
    columns = sorted(map(finder.find, items[0]), key=lambda c: not c.is_general)
    for column in columns:
        by_target.update(dict.fromkeys(column.writes, column))
        first = items[0][column.name]
        is_batch = column.is_batch_text(canonical_json(first))
        cells = [item[column.name] for item in items] if is_batch else [first]
        written = []
        for cell, row in zip(cells, rows):
            found = _edits(column, cell, folder)
            if isinstance(found, FieldValidationError):
                problems += [row_problem(p, column, row) for p in found.problems]
            else:
                written.append(found)
        if problems:
            continue
        edits.update(written[0])
        if is_batch:
            batched.update({key: [cell[key] for cell in written] for key in written[0]})
    if problems:
        raise FieldValidationError(problems)
    return ItemEdits(edits, batched, by_target)


def part_names(finder: ColumnFinder, item: Mapping[str, Any]) -> Iterator[str]:
    """What an item names that splits the plan: models, boards.

    Args:
        finder: Finds the columns of the workflow.
        item: Its plain values, by column.
    """
    for name, value in item.items():
        if not finder.find(name).is_batch_text(canonical_json(value)):
            yield from _strings(value)


def _strings(plain: Any) -> Iterator[str]:
    if isinstance(plain, str):
        yield plain
    elif isinstance(plain, (list, Mapping)):
        for item in plain.values() if isinstance(plain, Mapping) else plain:
            yield from _strings(item)


def _edits(column: Column, plain: Any, folder: Optional[Path]) -> Any:
    """What a value writes, or why it cannot."""
    changed = [f"{path}" for path in _changed_files(plain, folder)]
    if changed:
        what = f"the file has changed, or is gone, since it was planned: {changed[0]}"
        return FieldValidationError([FieldProblem(what, "file", value=changed[0])])
    try:
        return column.edits(plain, folder)
    except FieldValidationError as error:
        return error


def _changed_files(plain: Any, folder: Optional[Path]) -> Iterator[Path]:
    if isinstance(plain, list):
        inner: Iterable[Any] = plain
    elif not isinstance(plain, Mapping) or "$json" in plain:
        return
    elif "$file" in plain:
        path = Path(plain["$file"])
        path = folder / path if folder is not None else path
        if not _has_digest(path, plain["sha256"]):
            yield path
        return
    else:
        inner = plain.values()
    for item in inner:
        yield from _changed_files(item, folder)


def _has_digest(path: Path, digest: str) -> bool:
    try:
        return file_digest(path) == digest
    except OSError:
        return False
