"""`ivk sweep`: plans, runs and their counts, on a simulated server."""

from __future__ import annotations

import csv
import json

import pytest
from PIL import Image
from workflow_builder import document, node

from invokeai_py_client.cli.errors import CliError
from invokeai_py_client.cli.sweep_axes import read_spec, read_values
from invokeai_py_client.simulator import SimulatedServer


@pytest.fixture
def blank(tmp_path):
    """A workflow of one image whose width and height the form shows."""
    made = node("b", "blank_image", {"width": 24, "height": 16})
    made["data"]["isIntermediate"] = False
    path = tmp_path / "blank.json"
    form = [("b", "width"), ("b", "height")]
    path.write_text(json.dumps(document([made], form=form)))
    return path


@pytest.fixture(scope="module")
def url():
    with SimulatedServer() as server:
        yield server.url


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("20..40/10", [20, 30, 40]),
        ("3..1", [3, 2, 1]),
        ("1..2/0.25", [1.0, 1.25, 1.5, 1.75, 2.0]),
        ("-2..2/2", [-2, 0, 2]),
        ("7..7", [7]),
        ("20..45/10", [20, 30, 40]),
        ('["a", 2]', ["a", 2]),
        ("a fox, a hare", ["a fox, a hare"]),
        ("from 1..3", ["from 1..3"]),
        ("[not json", ["[not json"]),
        ("@@home", ["@home"]),
    ],
)
def test_the_values_of_an_axis_are_one_a_range_or_a_list(text, values):
    found = read_values(text)
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


def test_a_file_has_a_value_on_each_line(tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_bytes("\ufeffa fox\r\n\r\n20..30\r\n".encode())
    assert read_values(f"@{path}") == ["a fox", "20..30"]


@pytest.mark.parametrize("text", ["1..5/-1", "5..1/1", "1..2/0", "0..9999999"])
def test_a_range_that_has_no_end_is_refused(text):
    with pytest.raises(CliError, match="range"):
        read_values(text)


def test_a_plan_says_which_items_there_are(ivk_json, blank, url):
    code, envelope = ivk_json(
        "sweep", "plan", blank, "--product", "width=8..24/8", "--product", "height=8",
        "--product", "height=16", "--runs", 2, "--first", 3, "--url", url,
    )  # fmt: skip
    assert code == 0, envelope
    data = envelope["data"]
    assert data["total"] == 12
    assert data["columns"] == ["width", "height"]
    sizes = [(i["values"]["width"], i["values"]["height"]) for i in data["items"]]
    assert sizes == [(8, 8), (8, 8), (8, 16)]
    assert len({item["key"] for item in data["items"]}) == 3


def test_a_plan_names_every_wrong_value(ivk_json, blank, url):
    code, envelope = ivk_json(
        "sweep", "plan", blank, "--product", 'width=[8, "wide", 1.5]', "--url", url
    )
    assert code == 1
    assert envelope["error"]["code"] == "problems_found"
    assert [p["value"] for p in envelope["data"]["problems"]] == ["wide", 1.5]


def test_a_run_makes_every_file_and_the_same_command_makes_none(
    ivk_json, blank, url, tmp_path
):
    out = tmp_path / "out"
    words = (
        "sweep", "run", blank, "--zip", "width=[8, 16]", "--zip", "height=[24, 32]",
        "--out", out, "--name", "{width}x{height}.png", "--url", url,
    )  # fmt: skip
    code, envelope = ivk_json(*words)
    assert code == 0, envelope["error"]
    counts = ("total", "done", "failed", "reruns", "doubles")
    assert [envelope["data"][name] for name in counts] == [2, 2, 0, 0, 0]
    assert envelope["data"]["requests"] > 0
    with (out / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, size in zip(rows, [(8, 24), (16, 32)]):
        with Image.open(out / row["path"]) as image:
            assert image.size == size
        assert row["path"].endswith("{}x{}.png".format(*size))
    code, envelope = ivk_json(*words)
    assert (code, envelope["data"]["requests"]) == (0, 0)
    code, envelope = ivk_json(*words, "--product", "width=9")
    assert code == 1
    code, envelope = ivk_json(*words[:3], "--product", "width=8", *words[7:])
    assert (code, envelope["error"]["code"]) == (2, "sweep_changed")


def test_a_toml_file_says_what_is_too_long_for_a_command(
    ivk_json, blank, url, tmp_path
):
    (tmp_path / "table.csv").write_text("width,height\n8,16\n24,32\n")
    spec = tmp_path / "sweep.toml"
    spec.write_text(
        'rows = "table.csv"\nruns = 2\nname = "{width}-{index}.png"\n'
        "[set]\nwidth = 64\n"
    )
    code, envelope = ivk_json(
        "sweep", "run", blank, "--spec", spec, "--out", tmp_path / "out", "--url", url
    )
    assert code == 0, envelope["error"]
    assert envelope["data"]["done"] == 4
    names = sorted(path.name for path in (tmp_path / "out").rglob("*.png"))
    assert names == ["24-2.png", "24-3.png", "8-0.png", "8-1.png"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("runs = ", "is not TOML"),
        ("produkt = 1", "there is no key 'produkt'"),
        ("product = 1", "product is not a table"),
        ("runs = 'two'", "runs is not of type int"),
        ("key = true", "key is not of type str"),
    ],
)
def test_a_toml_file_that_means_nothing_is_refused(tmp_path, text, reason):
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    with pytest.raises(CliError, match=reason):
        read_spec(path)


def test_it_runs_on_a_simulated_server(ivk_json, blank, tmp_path):
    code, envelope = ivk_json(
        "sweep", "run", blank, "--product", "width=8..9", "--out", tmp_path / "out",
        "--simulate",
    )  # fmt: skip
    assert code == 0, envelope["error"]
    assert envelope["data"]["done"] == 2


def test_a_folder_is_enough_to_look_and_to_go_on(ivk_json, blank, url, tmp_path):
    out = tmp_path / "out"
    code, envelope = ivk_json(
        "sweep", "run", blank, "--product", "width=8..9", "--out", out, "--url", url
    )
    assert code == 0, envelope["error"]
    code, envelope = ivk_json("sweep", "status", out)
    assert code == 0
    assert (envelope["data"]["done"], envelope["data"]["failures"]) == (2, {})
    code, envelope = ivk_json("sweep", "report", out)
    assert (code, envelope["data"]["failed_items"]) == (0, [])
    made = tmp_path / "grid.png"
    code, envelope = ivk_json("sweep", "grid", out, "width", "--out", made)
    assert code == 0, envelope["error"]
    with Image.open(made) as image:
        assert image.width > image.height > 16
    code, envelope = ivk_json("sweep", "gallery", out)
    assert code == 0, envelope["error"]
    assert "00000.png" in (out / "index.html").read_text("utf-8")
    code, envelope = ivk_json("sweep", "retry", out)
    assert (code, envelope["data"]["reopened"]) == (0, 0)
    code, envelope = ivk_json("sweep", "resume", out, "--url", url)
    assert (code, envelope["data"]["done"], envelope["data"]["requests"]) == (0, 2, 0)


def test_a_folder_without_a_sweep_is_told(ivk_json, tmp_path):
    for word in ("status", "report", "retry", "resume"):
        code, envelope = ivk_json("sweep", word, tmp_path)
        assert code != 0
        assert envelope["error"]["code"] == "sweep_error"
        assert str(tmp_path) in envelope["error"]["message"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["wdth"], "NAME... cannot be 'wdth'"),
        (["width", "--out", "grid.text"], "--out grid.text: unknown file extension"),
    ],
)
def test_a_grid_that_cannot_be_drawn_says_why(
    ivk_json, blank, url, tmp_path, monkeypatch, words, said
):
    monkeypatch.chdir(tmp_path)
    ivk_json("sweep", "run", blank, "--product", "width=8", "--out", "o", "--url", url)
    code, envelope = ivk_json("sweep", "grid", "o", *words)
    assert (code, envelope["error"]["code"]) == (2, "usage")
    assert said in envelope["error"]["message"]


def test_items_that_failed_are_told_by_the_exit_code(ivk_json, blank, tmp_path):
    with SimulatedServer() as server:
        server.fail_next("blank_image", "OutOfMemoryError")
        words = ("sweep", "run", blank, "--product", "width=8..11", "--out")
        code, envelope = ivk_json(*words, tmp_path / "o", "--url", server.url)
        assert (code, envelope["error"]["code"]) == (1, "job_failed")
        assert (envelope["data"]["done"], envelope["data"]["failed"]) == (3, 1)
        code, envelope = ivk_json("sweep", "status", tmp_path / "o")
        assert envelope["data"]["failures"] == {"out_of_memory": 1}
        code, envelope = ivk_json(
            "sweep", "retry", tmp_path / "o", "--kind", "canceled"
        )
        assert envelope["data"]["reopened"] == 0
        code, envelope = ivk_json("sweep", "retry", tmp_path / "o")
        assert envelope["data"]["reopened"] == 1
        code, envelope = ivk_json(*words, tmp_path / "o", "--url", server.url)
        assert (code, envelope["data"]["done"]) == (0, 4)


def test_images_may_go_elsewhere(ivk_json, blank, url, tmp_path):
    target = (tmp_path / "elsewhere").as_uri()
    words = ("sweep", "run", blank, "--product", "width=8..9", "--url", url)
    out = ("--out", tmp_path / "o")
    code, envelope = ivk_json(*words, *out, "--outputs", target)
    assert code == 0, envelope["error"]
    names = sorted(path.name for path in (tmp_path / "elsewhere").rglob("*.png"))
    assert names == ["00000.png", "00001.png"]
    code, envelope = ivk_json(*words, *out)
    assert (code, envelope["error"]["code"]) == (2, "sweep_changed")
    code, envelope = ivk_json(*words, *out, "--outputs", "elsewhere")
    assert (code, envelope["error"]["code"]) == (2, "usage")
    assert "--outputs cannot be 'elsewhere'" in envelope["error"]["message"]


def test_several_servers_share_a_sweep(ivk_json, blank, url, tmp_path):
    with SimulatedServer() as other:
        code, envelope = ivk_json(
            "sweep", "run", blank, "--product", "width=8..47", "--out", tmp_path / "o",
            "--server", url, "--server", other.url, "--url", url,
        )  # fmt: skip
        assert code == 0, envelope["error"]
    assert envelope["data"]["done"] == 40
    text = (tmp_path / "o" / "manifest.csv").read_text("utf-8")
    assert url in text
    assert other.url in text
