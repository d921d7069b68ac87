"""Items as rows of a table, for pandas or anything else that takes mappings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from invokeai_py_client.exceptions import SweepError
from invokeai_py_client.sweep.display.shown_item import (
    ShownItem,
    column_names,
    items_of,
)

_FIRST = ("index", "key", "status")
_LAST = ("path", "executed_seed", "server", "seconds", "error")


def rows(items: Iterable[Any]) -> list[dict[str, Any]]:
    """One row for each image, and one for each item that has none.

    Columns are ``index``, ``key``, ``status``, the values, ``path``,
    ``executed_seed``, ``server``, ``seconds`` and ``error``, all of them in every row.
    A value of such a name is in the column ``values.<name>``, as in `manifest.csv`.
    """
    found = items_of(items)
    taken = {*_FIRST, *_LAST}
    columns = {
        name: f"values.{name}" if name in taken else name
        for name in column_names(found)
    }
    return [
        _row(item, image, columns) for item in found for image in item.images or (None,)
    ]


def _row(item: ShownItem, image: Any, columns: dict[str, str]) -> dict[str, Any]:
    return {
        "index": item.index,
        "key": item.key,
        "status": item.status,
        **{column: item.values.get(name) for name, column in columns.items()},
        "path": None if image is None else str(image),
        "executed_seed": item.seed,
        "server": item.server,
        "seconds": item.seconds,
        "error": item.error,
    }


def to_pandas(items: Iterable[Any]) -> Any:
    """The `rows` as a pandas `DataFrame`.

    Raises:
        SweepError: pandas is not installed.
    """
    try:
        import pandas  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise SweepError(
            "a data frame needs pandas, which is not installed",
            hint="install it with: pip install pandas",
        ) from error
    return pandas.DataFrame.from_records(rows(items))
