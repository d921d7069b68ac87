"""`--name`: templates of file names on the command line."""

from __future__ import annotations

import json

import pytest
from workflow_builder import document, node


@pytest.fixture
def workflow_file(tmp_path):
    blank = node("b", "blank_image", {"width": 24, "height": 16})
    blank["data"]["isIntermediate"] = False
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(document([blank], form=[("b", "width")])))
    return path


def saved(envelope):
    paths = [job["images"][0]["path"] for job in envelope["data"]["jobs"]]
    return [path.rpartition("/out{1}/")[2] for path in paths]


def test_the_images_of_a_run_have_the_names_of_the_template(
    ivk_json, workflow_file, tmp_path
):
    out = tmp_path / "out{1}"
    code, envelope = ivk_json(
        "workflow", "run", workflow_file, "--simulate", "--runs", 2, "--out", out,
        "--name", "{{{width:04d}}}/{index:02d}-{output:slug}-{height}",
    )  # fmt: skip
    assert code == 0, envelope["error"]
    names = ["{0024}/00-blank-image-16.png", "{0024}/01-blank-image-16.png"]
    assert saved(envelope) == names
    assert all((out / name).is_file() for name in names)


def test_images_of_one_name_are_told_apart(ivk_json, workflow_file, tmp_path):
    out = tmp_path / "out{1}"
    code, envelope = ivk_json(
        "workflow", "run", workflow_file, "--simulate", "--runs", 3, "--out", out,
        "--name", "{width}",
    )  # fmt: skip
    assert code == 0, envelope["error"]
    first, *others = saved(envelope)
    assert first == "24.png"
    assert len({first, *others}) == len(list(out.iterdir())) == 3
    assert all(name.startswith("24-") for name in others)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("{wdth}", "did you mean 'width'"),
        ("{width:slug:x}", "not a format"),
        ("{output:05d}", "does not fit"),
        ("../{index}", "not the name of a file"),
    ],
)
def test_a_wrong_template_is_refused_before_anything_runs(
    ivk_json, workflow_file, tmp_path, name, said
):
    out = tmp_path / "out"
    code, envelope = ivk_json(
        "workflow", "run", workflow_file, "--simulate", "--out", out, "--name", name
    )
    assert code == 2
    assert "--name" in envelope["error"]["message"]
    assert said in json.dumps(envelope["error"])
    assert not out.exists()


def test_a_template_needs_a_folder(ivk_json, workflow_file):
    words = ("workflow", "run", workflow_file, "--simulate", "--name", "{index}")
    code, envelope = ivk_json(*words)
    assert code == 2
    assert "--out" in envelope["error"]["message"]


def test_downloads_have_the_names_of_the_template(
    ivk_json, invokeai_url, invokeai_client, tmp_path
):
    repo = invokeai_client.image_repo
    names = [
        repo.upload_image(b"P6 1 1 255 \1\2\3", metadata={"seed": seed}).image_name
        for seed in (7, 8)
    ]
    out = tmp_path / "out"
    code, envelope = ivk_json(
        "image", "download", *names, "--url", invokeai_url, "--name", "{sed}"
    )
    assert code == 2
    assert "--name" in envelope["error"]["message"]
    assert "did you mean 'seed'" in envelope["error"]["hint"]
    code, envelope = ivk_json(
        "image", "download", *names, "--out", out, "--url", invokeai_url,
        "--name", "{index:03d}-{seed}-{width}x{height}",
    )  # fmt: skip
    assert code == 0, envelope["error"]
    assert [entry["image_name"] for entry in envelope["data"]] == names
    assert sorted(path.name for path in out.iterdir()) == [
        "000-7-1x1.png",
        "001-8-1x1.png",
    ]
