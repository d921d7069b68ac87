"""Rows of a table, for pandas."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from invokeai_py_client.exceptions import SweepError
from invokeai_py_client.sweep.display.shown_item import ShownItem
from invokeai_py_client.sweep.display.table import rows, to_pandas

ITEMS = [
    ShownItem(0, {"steps": 20, "path": "mine"}, (Path("a.png"), Path("b.png")), seed=7),
    ShownItem(1, {"steps": 30, "cfg": 7.5}, key="k", status="failed", error="oom"),
]


def test_every_row_has_every_column():
    found = rows(ITEMS)
    columns = (
        "index key status steps values.path cfg path executed_seed server seconds error"
    )
    assert all(list(row) == columns.split() for row in found)
    assert [row["path"] for row in found] == ["a.png", "b.png", None]
    assert [row["values.path"] for row in found] == ["mine", "mine", None]
    assert [row["error"] for row in found] == [None, None, "oom"]


def test_a_data_frame_is_made_by_pandas(monkeypatch):
    frame = types.SimpleNamespace(from_records=lambda records: ("frame", records))
    pandas = types.SimpleNamespace(DataFrame=frame)
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    assert to_pandas(ITEMS) == ("frame", rows(ITEMS))


def test_without_pandas_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(SweepError, match="pip install pandas"):
        to_pandas(ITEMS)
