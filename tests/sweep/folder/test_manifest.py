"""The tables of what a sweep made, as the programs that read them expect them."""

from __future__ import annotations

import csv
import json

import pytest
from ledger_rig import item, new_ledger, output, send

from invokeai_py_client.sweep.folder.manifest import write_manifests

ROWS = [
    {"positive_prompt": 'a "quoted", line\nof two', "steps": 20},
    {"positive_prompt": "Käse 🧀", "steps": 30, "model": {"$model": {"name": "M"}}},
    {"positive_prompt": "", "path": "a value named as a column", "flag": True},
]


@pytest.fixture
def ledger(tmp_path):
    with new_ledger(tmp_path) as made:
        made.add_items(item(n, **row) for n, row in enumerate(ROWS))
        send(made, "b1", 3, server="http://gpu1:9090")
        yield made


def finish(ledger):
    """Three items, the second with two outputs, finished in another order."""
    ledger.done("b1", 2, [output(2)], {"seeds": {"seed": 7}})
    ledger.done("b1", 1, [output(1), output(1, ordinal=1)], {"seeds": {"a": 1, "b": 2}})
    ledger.done("b1", 0, [output(0)])


def table(folder):
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_table_has_a_line_for_each_output_in_the_order_of_the_plan(
    ledger, tmp_path
):
    finish(ledger)
    write_manifests(tmp_path, ledger)
    rows = table(tmp_path)
    assert [(row["index"], row["path"]) for row in rows] == [
        ("0", "images/0-0.png"),
        ("1", "images/1-0.png"),
        ("1", "images/1-1.png"),
        ("2", "images/2-0.png"),
    ]
    assert [row["positive_prompt"] for row in rows][:2] == [
        'a "quoted", line\nof two',
        "Käse 🧀",
    ]
    assert rows[1]["model"] == "M"
    assert rows[0]["sha256"] == "ab" * 32
    assert {row["server"] for row in rows} == {"http://gpu1:9090"}


def test_a_value_named_as_a_column_has_a_column_of_its_own(ledger, tmp_path):
    finish(ledger)
    write_manifests(tmp_path, ledger)
    last = table(tmp_path)[-1]
    assert last["path"] == "images/2-0.png"
    assert last["values.path"] == "a value named as a column"
    assert last["flag"] == "true"


def test_the_seeds_as_executed_are_there(ledger, tmp_path):
    finish(ledger)
    write_manifests(tmp_path, ledger)
    seeds = [row["executed_seed"] for row in table(tmp_path)]
    assert seeds == ["", '{"a": 1, "b": 2}', '{"a": 1, "b": 2}', "7"]


def test_the_manifest_has_everything_that_is_known(ledger, tmp_path):
    finish(ledger)
    write_manifests(tmp_path, ledger)
    first, *_, last = lines(tmp_path / "manifest.jsonl")
    assert first["values"] == ROWS[0]
    assert (last["executed"], last["attempts"]) == ({"seeds": {"seed": 7}}, 1)
    assert last["finished_at"].endswith("+00:00")


def test_image_folder_has_the_same_columns_in_every_line(ledger, tmp_path):
    finish(ledger)
    write_manifests(tmp_path, ledger, ["positive_prompt", "steps"])
    rows = lines(tmp_path / "metadata.jsonl")
    assert {tuple(row) for row in rows} == {
        ("file_name", "positive_prompt", "steps", "executed_seed")
    }
    assert rows[0]["file_name"] == "images/0-0.png"


def test_videos_are_not_in_an_image_folder(ledger, tmp_path):
    ledger.done("b1", 0, [output(0, "images/0.mp4")])
    write_manifests(tmp_path, ledger)
    assert lines(tmp_path / "metadata.jsonl") == []
    assert len(table(tmp_path)) == 1


def test_a_sweep_without_results_has_empty_tables(ledger, tmp_path):
    write_manifests(tmp_path, ledger)
    assert table(tmp_path) == []
    assert lines(tmp_path / "manifest.jsonl") == []


def test_nothing_is_replaced_when_one_cannot_be_written(ledger, tmp_path, monkeypatch):
    write_manifests(tmp_path, ledger)
    finish(ledger)

    def broken(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ledger, "outputs", broken)
    with pytest.raises(OSError, match="No space"):
        write_manifests(tmp_path, ledger)
    assert table(tmp_path) == []
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == []
