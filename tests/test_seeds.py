"""Seeds: where they come from, and that setting them reaches every one that can be."""

from __future__ import annotations

import pytest

import workflow_builder as build
from invokeai_py_client.exceptions import FieldValidationError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.base_handle import BaseWorkflowHandle


def handle(*args, **options) -> BaseWorkflowHandle:
    return BaseWorkflowHandle(build.definition(*args, **options), NodeCatalog.bundled())


def text_to_image(kind: str) -> BaseWorkflowHandle:
    return BaseWorkflowHandle(build.text_to_image(kind), NodeCatalog.bundled())


def test_a_literal_seed_is_read_and_written():
    wf = text_to_image("literal")
    (seed,) = wf.seeds
    assert (seed.kind, seed.value, seed.settable) == ("literal", 5, True)
    wf.seeds.set(7)
    assert wf.edits() == {("noise", "seed"): 7}
    assert wf.seeds[0].value == 7


def test_a_random_node_is_pinned_to_one_number():
    wf = text_to_image("rand_int")
    (seed,) = wf.seeds
    assert (seed.kind, seed.value) == ("random", None)
    wf.seeds.set(4294967295)
    nodes = wf.compile().graph["nodes"]
    assert (nodes["source"]["low"], nodes["source"]["high"]) == (4294967295, 4294967296)
    assert wf.seeds[0].value == 4294967295
    assert wf.check() == []


def test_an_integer_node_hands_the_seed_on():
    wf = text_to_image("integer")
    assert wf.seeds[0].origin == ("source", "value")
    wf.seeds.set(7)
    assert wf.compile().graph["nodes"]["source"]["value"] == 7


def test_a_calculated_seed_is_reported_and_left_alone():
    wf = text_to_image("add")
    (seed,) = wf.seeds
    assert (seed.kind, seed.settable, seed.origin) == (
        "edge",
        False,
        ("source", "value"),
    )
    plan = wf.seeds.set(7)
    assert plan.edits == {}
    assert [item.kind for item in plan.warnings] == ["seed_not_set"]


def test_connectors_are_seen_through():
    wf = handle(
        [
            build.node("r", "rand_int"),
            build.connector("c"),
            build.node("n", "noise"),
        ],
        ["r.value -> c.in", "c.out -> n.seed"],
    )
    assert wf.seeds[0].kind == "random"
    assert wf.seeds.set(3).edits == {("r", "low"): 3, ("r", "high"): 4}


def test_a_random_node_whose_range_is_fed_cannot_be_pinned():
    wf = handle(
        [
            build.node("i", "integer"),
            build.node("r", "rand_int"),
            build.node("n", "noise"),
        ],
        ["i.value -> r.high", "r.value -> n.seed"],
    )
    assert wf.seeds[0].kind == "edge"


def test_a_batch_of_seeds_is_left_to_the_batch():
    wf = handle(
        [
            build.node("b", "integer_batch", {"integers": [1, 2]}),
            build.node("n", "noise"),
        ],
        ["b.value -> n.seed"],
    )
    assert wf.seeds[0].kind == "batch"
    assert [item.kind for item in wf.seeds.set(1).warnings] == ["seed_not_set"]


def test_what_changes_along_with_a_seed_is_warned_about():
    wf = handle(
        [
            build.node("r", "rand_int"),
            build.node("n", "noise"),
            build.node("s", "add"),
        ],
        ["r.value -> n.seed", "r.value -> s.a"],
    )
    assert [item.kind for item in wf.seeds.set(1).warnings] == ["seed_shared"]


def test_an_unset_seed_in_metadata_stays_unset():
    metadata = build.node("m", "core_metadata")
    metadata["data"]["inputs"]["seed"].pop("value", None)
    wf = handle([metadata, build.node("n", "noise")])
    assert [seed.node_id for seed in wf.seeds] == ["n"]


def test_a_workflow_without_a_seed_says_so():
    wf = handle([build.node("a", "add")])
    assert len(wf.seeds) == 0
    assert [item.kind for item in wf.seeds.set(1).warnings] == ["no_seed"]


@pytest.mark.parametrize("seed", [-1, 4294967296, 1.5, "7", True, None])
def test_what_is_no_seed_is_refused(seed):
    wf = text_to_image("literal")
    with pytest.raises(FieldValidationError, match="4294967295"):
        wf.seeds.set(seed)
    with pytest.raises(FieldValidationError):
        wf._with_call_values(None, {}, seed)
    assert wf.edits() == {}


def test_the_seed_of_one_call():
    wf = text_to_image("rand_int")
    assert wf._with_call_values(None, {}).seed is None
    call = wf._with_call_values(None, {}, 7)
    assert (call.seed, call.edits[("source", "low")]) == (7, 7)
    drawn = wf._with_call_values(None, {}, "random")
    assert drawn.edits[("source", "low")] == drawn.seed
    assert wf.edits() == {}


def test_a_seed_given_by_name_wins_over_the_one_for_all():
    node = build.node("m", "noise")
    wf = handle([build.node("n", "noise"), node], form=[("n", "seed")])
    call = wf._with_call_values({"seed_": 1}, {}, 7)
    assert call.edits == {("n", "seed"): 1, ("m", "seed"): 7}
