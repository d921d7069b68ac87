"""`ivk workflow lock` and `ivk workflow check`: what CI sees."""

from __future__ import annotations

import json
import shutil

import pytest
from paths import PORTRAIT

from invokeai_py_client.workflow import WorkflowLock


@pytest.fixture
def file(tmp_path):
    return shutil.copy(PORTRAIT, tmp_path / "portrait.json")


def edit(file, change):
    document = json.loads(file.read_text("utf-8"))
    change(document)
    file.write_text(json.dumps(document), "utf-8")


def without_the_first_field(document):
    elements = document["form"]["elements"]
    gone = next(k for k, e in elements.items() if e["type"] == "node-field")
    elements[elements[gone]["parentId"]]["data"]["children"].remove(gone)
    del elements[gone]


def reversed_form(document):
    for element in document["form"]["elements"].values():
        if element["type"] == "container":
            element["data"]["children"].reverse()


def test_lock_then_check_finds_everything_unchanged(file, ivk_json):
    code, made = ivk_json("workflow", "lock", file, "--offline")
    assert code == 0
    lock = WorkflowLock.from_file(file.with_name("portrait.lock.json"))
    assert made["data"]["inputs"] == list(lock.inputs)
    code, checked = ivk_json("workflow", "check", file, "--offline")
    assert code == 0
    assert {item["kind"] for item in checked["data"]["inputs"]} == {"unchanged"}


def test_check_passes_a_rearranged_form_and_says_what_moved(file, ivk, ivk_json):
    ivk("workflow", "lock", file, "--offline")
    edit(file, reversed_form)
    code, checked = ivk_json("workflow", "check", file, "--offline")
    assert code == 0
    assert "moved" in {item["kind"] for item in checked["data"]["inputs"]}


def test_check_fails_for_a_missing_input_until_fix_accepts_it(file, ivk, ivk_json):
    ivk("workflow", "lock", file, "--offline")
    path = file.with_name("portrait.lock.json")
    before = path.read_text("utf-8")
    gone = next(iter(WorkflowLock.from_file(path).inputs))
    edit(file, without_the_first_field)
    for command in ("check", "lock"):
        code, failed = ivk_json("workflow", command, file, "--offline")
        assert code == 1
        assert failed["error"]["code"] == "lock_broken"
        assert gone in failed["error"]["message"]
        assert "--fix" in failed["error"]["hint"]
        assert path.read_text("utf-8") == before
    code, _, notes = ivk("workflow", "check", file, "--offline", "--fix")
    assert code == 0
    assert f"without {gone}" in notes
    assert gone not in WorkflowLock.from_file(path).inputs
    assert ivk("workflow", "check", file, "--offline")[0] == 0


def test_check_without_a_lock_file_says_how_to_make_one(file, ivk_json):
    code, missing = ivk_json("workflow", "check", file, "--offline")
    assert code == 3
    assert "ivk workflow lock" in missing["error"]["hint"]


def test_a_locked_name_that_is_gone_ends_a_run_before_anything_is_sent(
    file, ivk, ivk_json
):
    ivk("workflow", "lock", file, "--offline")
    path = file.with_name("portrait.lock.json")
    gone = next(iter(WorkflowLock.from_file(path).inputs))
    edit(file, without_the_first_field)
    code, refused = ivk_json(
        "workflow", "compile", file, "--offline", "--set", f"{gone}=x"
    )
    assert code == 1
    assert refused["error"]["code"] == "lock_broken"
