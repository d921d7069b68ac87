"""What a lock file promises to scripts, and how it is found and read."""

from __future__ import annotations

import asyncio
import json

import pytest
import workflow_builder as build

from invokeai_py_client import (
    ArgumentError,
    AsyncInvokeAIClient,
    InvokeAIClient,
    LockedInputError,
    WorkflowDefinition,
    WorkflowError,
    WorkflowFormatError,
)
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow import WorkflowLock
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

CATALOG = NodeCatalog.bundled()
FORM = [("p", "value"), ("q", "value"), ("sum", "a")]


def document(form=FORM, labels=("Prompt", "Prompt"), ids=("p", "q"), edges=True):
    first, second = ids
    nodes = [
        build.node(first, "string", {"value": "p"}, labels={"value": labels[0]}),
        build.node(second, "string", {"value": "q"}, labels={"value": labels[1]}),
        build.node("join", "string_join"),
        build.node("sum", "add", {"a": 1}, labels={"a": "Steps"}),
    ]
    wires = [
        f"{first}.value -> join.string_left",
        f"{second}.value -> join.string_right",
    ]
    return build.document(nodes, wires if edges else [], form=form)


def handle(file, lock=None):
    return BaseWorkflowHandle(WorkflowDefinition.from_dict(file), CATALOG, lock=lock)


LOCK = handle(document()).create_lock()


def kinds(changed):
    return {item.name: item.kind for item in changed.list_lock_changes()}


def test_two_inputs_with_one_label_keep_their_names_when_the_form_is_rearranged():
    changed = handle(document(form=[FORM[1], FORM[2], FORM[0]]), LOCK)
    assert (changed["prompt"], changed["prompt_2"]) == ("p", "q")
    assert changed.inputs.names == ("prompt_2", "steps", "prompt")
    assert changed.warnings == ()
    assert kinds(changed) == {
        "prompt": "moved",
        "prompt_2": "unchanged",
        "steps": "unchanged",
    }


def test_labels_that_change_places_change_no_name():
    named = document(labels=("Positive", "Negative"))
    lock = handle(named).create_lock()
    changed = handle(document(labels=("Negative", "Positive")), lock)
    assert (changed["positive"], changed["Negative"]) == ("p", "q")
    changed.set_inputs(positive="a", negative="b")
    assert changed.edits() == {("p", "value"): "a", ("q", "value"): "b"}
    assert kinds(changed) == {
        "positive": "renamed",
        "negative": "renamed",
        "steps": "unchanged",
    }


def test_a_node_made_again_is_found_by_its_edges():
    form = [("new", "value"), ("q", "value"), ("sum", "a")]
    changed = handle(document(form=form, ids=("new", "q")), LOCK)
    assert changed["prompt"] == changed["p", "value"] == "p"
    assert kinds(changed)["prompt"] == "recreated"


def test_a_new_node_that_is_not_connected_as_the_old_one_was_is_not_taken_for_it():
    form = [("new", "value"), ("q", "value"), ("sum", "a")]
    changed = handle(document(form=form, ids=("new", "q"), edges=False), LOCK)
    with pytest.raises(
        LockedInputError, match=r"prompt is locked, but its node p"
    ) as e:
        changed["prompt"] = "x"
    assert e.value.kind == "missing"
    assert "--fix" in str(e.value)
    # The new one has a name that no script can have meant the old one by.
    assert changed.inputs.names == ("prompt_3", "prompt_2", "steps")
    assert changed.edits() == {}


def test_a_field_that_the_form_no_longer_shows_is_an_error_that_says_how_to_reach_it():
    changed = handle(document(form=FORM[1:]), LOCK)
    with pytest.raises(LockedInputError, match=r"set_node_value\('p', 'value', …\)"):
        changed.set_inputs(prompt="x")
    (warning,) = changed.warnings
    assert (warning.kind, warning.node_id, warning.field_name) == ("lock", "p", "value")


def test_a_changed_type_is_an_error_until_the_lock_accepts_it():
    stored = LOCK.to_dict()
    stored["inputs"]["steps"]["type"] = "StringField"
    changed = handle(document(), WorkflowLock.from_dict(stored))
    with pytest.raises(LockedInputError, match="was of type StringField") as caught:
        changed["steps"] = 3
    assert caught.value.kind == "retyped"
    accepted = handle(document(), changed.create_lock())
    accepted["steps"] = 3
    assert accepted.edits() == {("sum", "a"): 3}


def test_limits_and_defaults_that_change_are_told_and_break_nothing():
    stored = LOCK.to_dict()
    stored["inputs"]["steps"]["limits"] = {"maximum": 3}
    changed = handle(document(), WorkflowLock.from_dict(stored))
    assert kinds(changed)["steps"] == "limits"
    assert changed["steps"] == 1


def test_keys_of_before_win_over_names_and_labels_of_new_inputs():
    # A script said "value" for the one locked input of that field name.
    lock = handle(document(form=[FORM[0], FORM[2]])).create_lock()
    changed = handle(document(labels=("Text", "value")), lock)
    assert changed["value"] == "p"
    assert changed.inputs.names == ("prompt", "value_2", "steps")
    assert kinds(changed)["value_2"] == "new"


def test_a_lock_survives_its_file_and_is_the_same_text_every_time(tmp_path):
    path = LOCK.save(tmp_path / "w.lock.json")
    again = WorkflowLock.from_file(path)
    assert again == LOCK
    assert again.to_json() == path.read_text("utf-8") == LOCK.to_json()
    assert handle(document(), LOCK).create_lock() == LOCK
    assert [file.name for file in tmp_path.iterdir()] == ["w.lock.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[]", "is not a lock file"),
        ("{}", "is not a lock file"),
        (json.dumps({**LOCK.to_dict(), "version": 9}), "of version 9"),
        (json.dumps({**LOCK.to_dict(), "nodes": []}), "is damaged: nodes"),
        (json.dumps({**LOCK.to_dict(), "edges": [["a"]]}), "is damaged: edges.0"),
        (
            json.dumps(
                {**LOCK.to_dict(), "inputs": {"a b": LOCK.to_dict()["inputs"]["steps"]}}
            ),
            "'a b' cannot be the name",
        ),
    ],
)
def test_a_file_that_is_not_a_lock_is_refused_with_its_name(tmp_path, text, message):
    path = tmp_path / "w.lock.json"
    path.write_text(text, "utf-8")
    with pytest.raises(WorkflowFormatError, match=message) as caught:
        WorkflowLock.from_file(path)
    assert "w.lock.json" in str(caught.value)


def test_the_lock_beside_a_file_is_taken_by_both_clients(tmp_path):
    file = tmp_path / "w.json"
    file.write_text(json.dumps(document(form=[FORM[1], FORM[0], FORM[2]])), "utf-8")
    lock_file = LOCK.save(tmp_path / "w.lock.json")

    async def names(**options):
        async with AsyncInvokeAIClient("http://127.0.0.1:9") as client:
            loaded = await client.workflow_repo.load(file, **options)
            made = client.workflow_repo.create_workflow(file, **options)
            return [loaded["prompt"], made["prompt"]]

    with InvokeAIClient("http://127.0.0.1:9") as client:
        repo = client.workflow_repo
        for options, first in (
            ({}, "p"),
            ({"lock": True}, "p"),
            ({"lock": False}, "q"),
            ({"lock": lock_file}, "p"),
            ({"lock": LOCK}, "p"),
        ):
            loaded = repo.load(file, **options)
            assert loaded["prompt"] == first, options
            assert repo.create_workflow(file, **options)["prompt"] == first
            assert asyncio.run(names(**options)) == [first, first]
            assert loaded.with_inputs(prompt="x").lock is loaded.lock
        lock_file.unlink()
        assert repo.load(file)["prompt"] == "q"
        with pytest.raises(ArgumentError, match=r"w\.lock\.json exists"):
            repo.load(file, lock=True)
        with pytest.raises(WorkflowError, match="has no lock"):
            repo.load(file).list_lock_changes()
        with pytest.raises(ArgumentError, match="only for a file"):
            repo.create_workflow(document(), lock=True)
