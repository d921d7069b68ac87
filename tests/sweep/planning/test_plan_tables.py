"""Tables of every kind give the same items, and errors name their rows."""

from __future__ import annotations

import json

import pytest
import workflow_builder as build

from invokeai_py_client.exceptions import (
    ArgumentError,
    FieldValidationError,
    InputNotFoundError,
)
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.sweep.planning.base_plan import BaseSweepPlan
from invokeai_py_client.sweep.planning.plan_sweep import plan_sweep
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

NODES = [
    build.node("n", "noise", {"width": 64}),
    build.node("d", "denoise_latents"),
    build.node("s", "string"),
    build.node("b", "boolean"),
    build.node("r", "img_resize"),
    build.node("c", "color"),
]
FORM = [
    ("n", "width"),
    ("d", "cfg_scale"),
    ("s", "value"),
    ("b", "value"),
    ("r", "image"),
    ("d", "scheduler"),
]
ROWS = [
    {"width": 64, "cfg_scale": 7.5, "value": "a, b", "value_2": True},
    {"width": 72, "value": 'said "no"\nthen left'},
]
CSV = (
    'width,cfg_scale,value,value_2\n64,7.5,"a, b",yes\n72,,"said ""no""\nthen left",\n'
)


@pytest.fixture(scope="module")
def handle():
    definition = build.definition(NODES, [], FORM)
    return BaseWorkflowHandle(definition, NodeCatalog.bundled())


def plan(handle, rows, **more):
    return BaseSweepPlan(plan_sweep(handle, rows=rows, **more))


def values(found):
    return [dict(item.values) for item in found]


def written(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def test_files_and_mappings_give_the_same_items(handle, tmp_path):
    lines = "\n".join(map(json.dumps, ROWS))
    sources = [
        ROWS,
        iter(ROWS),
        written(tmp_path, "t.csv", CSV),
        str(written(tmp_path, "mark.csv", CSV, "utf-8-sig")),
        written(
            tmp_path,
            "t.tsv",
            "width\tcfg_scale\tvalue\tvalue_2\n"
            '64\t7.5\ta, b\ttrue\n72\t\t"said ""no""\nthen left"\t\n',
        ),
        written(tmp_path, "t.json", json.dumps(ROWS)),
        written(tmp_path, "t.jsonl", lines),
    ]
    digests = [plan(handle, source).digest for source in sources]
    assert values(plan(handle, ROWS)) == ROWS
    assert len(set(digests)) == 1


def test_spreadsheets_with_semicolons_are_read(handle, tmp_path):
    path = written(tmp_path, "t.csv", "width;cfg_scale\n64;7,5\n")
    assert "got '7,5'" in plan(handle, path).problems[0].message
    path = written(tmp_path, "t.csv", "width;cfg_scale\n64;7.5\n")
    assert values(plan(handle, path)) == [{"width": 64, "cfg_scale": 7.5}]


class PandasFrame:
    def __init__(self, rows):
        self.columns = list(rows[0])
        self._rows = rows

    def itertuples(self, index=True, name="Pandas"):
        assert (index, name) == (False, None)
        return (
            tuple(row.get(c, float("nan")) for c in self.columns) for row in self._rows
        )


class PolarsFrame(PandasFrame):
    def iter_rows(self, *, named=False):
        return (tuple(row.get(c) for c in self.columns) for row in self._rows)


@pytest.mark.parametrize("kind", [PandasFrame, PolarsFrame])
def test_data_frames_are_tables_and_their_gaps_are_not_given(handle, kind):
    assert values(plan(handle, kind(ROWS))) == ROWS


def test_a_real_data_frame_is_a_table(handle):
    pandas = pytest.importorskip("pandas")
    assert values(plan(handle, pandas.DataFrame(ROWS))) == ROWS


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json"])
def test_a_wrong_value_is_named_by_the_row_that_a_person_counts(
    handle, tmp_path, suffix
):
    numbers = [64] * 7310
    numbers[7300] = 65
    text = {
        "csv": "width\n" + "\n".join(map(str, numbers)),
        "jsonl": "\n".join(json.dumps({"width": n}) for n in numbers),
        "json": json.dumps([{"width": n} for n in numbers]),
    }[suffix]
    found = plan(handle, written(tmp_path, f"t.{suffix}", text))
    row = 7302 if suffix == "csv" else 7301
    (problem,) = found.problems
    assert problem.message.startswith(f"row {row} of t.{suffix}, column 'width': ")
    with pytest.raises(FieldValidationError, match=f"row {row}"):
        list(found._planned_items())


def test_lines_with_breaks_and_empty_lines_count_as_a_spreadsheet_shows_them(
    handle, tmp_path
):
    text = 'value,width\n"a\nb",64\n\nc,65\n'
    (problem,) = plan(handle, written(tmp_path, "t.csv", text)).problems
    assert "row 4 of t.csv" in problem.message


def test_unknown_columns_are_all_named_with_the_file(handle, tmp_path):
    path = written(tmp_path, "t.csv", "widht,value_3,cfg_scale\n64,1,2\n")
    with pytest.raises(InputNotFoundError, match=r"row 1 of t\.csv.*widht.*value_3"):
        plan(handle, path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("width,width\n1,2\n", "has 'width' twice"),
        (",width\n0,64\n", "column 1 has no name.*index=False"),
        ("width\n64,72\n", "row 2 has 2 cells"),
        ("width\n", "at least one row"),
        ("", "at least one row"),
    ],
)
def test_tables_that_are_not_right_are_refused(handle, tmp_path, text, words):
    with pytest.raises(ArgumentError, match=words):
        plan(handle, written(tmp_path, "t.csv", text))


def test_two_names_of_one_input_are_refused(handle):
    with pytest.raises(FieldValidationError, match="given twice"):
        plan(handle, [{"width": 64, ("n", "width"): 64}])


def test_what_is_not_a_table_is_refused(handle, tmp_path):
    lazy = type("LazyFrame", (), {"collect": len})()
    refused = [lazy, [{}], 5, {"width": [64]}, [64], tmp_path / "no.csv", "table.xlsx"]
    for source in refused:
        with pytest.raises(ArgumentError, match="rows"):
            plan(handle, source)
    latin = tmp_path / "t.csv"
    latin.write_bytes("value\nMünchen\n".encode("latin-1"))
    with pytest.raises(ArgumentError, match="UTF-8"):
        plan(handle, latin)
    with pytest.raises(ArgumentError, match="row 2 is not JSON"):
        plan(handle, written(tmp_path, "t.jsonl", '{"width": 64}\n{"width"'))


def test_images_in_a_table_are_found_next_to_it(handle, tmp_path):
    (tmp_path / "a.png").write_bytes(b"image")
    found = plan(handle, written(tmp_path, "t.csv", "image\na.png\nb.png\n"))
    assert [item.values["image"] for item in found] == [tmp_path / "a.png", "b.png"]


def test_rows_that_lack_a_column_are_of_another_part(handle):
    first, second, third = plan(
        handle,
        [{"width": 64, "value": "a"}, {"width": 64}, {"width": 72, "value": "b"}],
    )._planned_items()
    assert first.part == third.part != second.part


def test_rows_are_read_once_and_kept_for_every_look(handle):
    rows = ({"width": 8 * n} for n in range(1, 2001))
    found = plan(handle, rows)
    assert found[1999].values == {"width": 16000}
    assert found[0].values == {"width": 8}
    assert [item.values["width"] for item in found] == [8 * n for n in range(1, 2001)]


def test_appended_rows_leave_those_before_as_they_are(handle):
    more = {"product": {"scheduler": ["euler", "ddim"]}}
    short = list(plan(handle, ROWS, **more)._planned_items())
    longer = list(plan(handle, [*ROWS, {"width": 80}], **more)._planned_items())
    assert longer[: len(short)] == short


def test_columns_that_come_later_are_only_set_in_their_rows(handle):
    found = plan(handle, [{"width": 64}, {"width": 64, "value": "x"}, {"width": 64}])
    assert values(found) == [{"width": 64}, {"width": 64, "value": "x"}, {"width": 64}]
    assert len({item.key for item in found}) == 3
