"""What a plan is made of: axes are multiplied, and each item has its values."""

from __future__ import annotations

import itertools
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
from invokeai_py_client.sweep.planning.drawn_seeds import seeds
from invokeai_py_client.sweep.planning.plan_sweep import plan_sweep
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

NODES = [
    build.node("n", "noise", {"width": 64}),
    build.node("r", "rand_int"),
    build.node("b", "blank_image", is_intermediate=False),
    build.node("s", "string"),
    build.node("i", "integer"),
]
EDGES = ["r.value -> n.seed", "i.value -> b.height"]
FORM = [("n", "width"), ("s", "value"), ("b", "mode"), ("b", "height"), ("i", "value")]


@pytest.fixture(scope="module")
def handle():
    definition = build.definition(NODES, EDGES, FORM)
    return BaseWorkflowHandle(definition, NodeCatalog.bundled())


def plan(handle, **arguments):
    return BaseSweepPlan(plan_sweep(handle, **arguments))


def values(found):
    return [dict(item.values) for item in found]


def test_axes_are_multiplied_and_the_first_varies_slowest(handle):
    found = plan(
        handle,
        rows=[{"value": "a"}, {"value": "b"}],
        product={"width": (64, 128), "mode": ["RGB"]},
        runs=2,
    )
    assert len(found) == 8
    wanted = itertools.product("ab", (64, 128), ["RGB"], range(2))
    assert values(found) == [
        {"value": text, "width": width, "mode": mode} for text, width, mode, _ in wanted
    ]
    assert [found[n] for n in range(8)] == list(found) == found.preview(99)
    assert found[-1] == found[7]
    with pytest.raises(IndexError):
        found[8]


def test_zipped_values_go_side_by_side(handle):
    found = plan(handle, zip={"width": [64, 72], "value": iter("xy")})
    assert values(found) == [{"width": 64, "value": "x"}, {"width": 72, "value": "y"}]


def test_zipped_lists_of_other_lengths_are_refused_by_name_and_length(handle):
    with pytest.raises(ArgumentError, match="'width' has 2, 'value' has 1"):
        plan(handle, zip={"width": [64, 72], "value": ["x"]})


@pytest.mark.parametrize("axis", [{"product": {"width": []}}, {"rows": []}])
def test_an_empty_axis_is_refused(handle, axis):
    with pytest.raises(ArgumentError, match="at least one"):
        plan(handle, **axis)


def test_an_unknown_column_names_those_that_resemble_it(handle):
    with pytest.raises(InputNotFoundError, match="width"):
        plan(handle, product={"widht": [1]})


def test_an_input_that_an_edge_feeds_is_refused(handle):
    with pytest.raises(FieldValidationError, match="an edge feeds it"):
        plan(handle, product={"height": [64]})


def test_an_input_on_two_axes_is_refused(handle):
    with pytest.raises(FieldValidationError, match=r"set by zip and by product"):
        plan(handle, zip={"width": [64]}, product={("n", "width"): [64]})


def test_a_seed_of_all_on_two_axes_is_refused(handle):
    with pytest.raises(
        FieldValidationError, match=r"set by product\['.*seed'\] and by seed"
    ):
        plan(handle, product={"seed": [1]}, seed="random")
    with pytest.raises(FieldValidationError, match=r"set by zip and by product"):
        plan(handle, product={"seed": [1]}, zip={"seed": [1]})
    with pytest.raises(
        FieldValidationError, match=r"set by product\['.*seed'\] and by seed"
    ):
        plan(handle, product={("n", "seed"): [1]}, seed=5)


def test_wrong_numbers_of_seeds_are_refused():
    for wrong in (0, -1, "3", 2.5):
        with pytest.raises(ArgumentError, match="from 1 on"):
            seeds(wrong)


def test_wrong_arguments_are_refused(handle):
    for wrong in ({"runs": 0}, {"runs": "2"}, {"seed": "radnom"}, {"zip": {}}):
        with pytest.raises(ArgumentError):
            plan(handle, **wrong)
    for values in ("RGB", 5, {"a": 1}, b"x"):
        with pytest.raises(ArgumentError, match="product"):
            plan(handle, product={"mode": values})
    with pytest.raises(FieldValidationError, match="4294967295"):
        list(plan(handle, seed=-1)._planned_items())
    with pytest.raises(ArgumentError, match="at most"):
        seeds(10, start=4294967290)


def test_a_plan_without_axes_is_one_item_with_the_handles_values(handle):
    (item,) = plan(handle)
    assert item.values == {}
    assert len({item.key for item in plan(handle, runs=101)}) == 101


def test_fields_beyond_the_form_are_columns_by_node_and_field(handle):
    found = plan(handle, product={("n", "height"): [64], "b.color": ["red"]})
    assert found.columns == ("n.height", "b.color")
    assert found[0].values["n.height"] == 64


def test_a_value_may_be_a_function_of_the_others(handle):
    found = plan(
        handle,
        product={
            "width": [64, 128],
            ("n", "height"): lambda v: v.width * 2,
            "value": [lambda v: f"{v['width']}x{v['n.height']}", "plain"],
        },
    )
    texts = [item.values["value"] for item in found]
    assert texts == ["64x128", "plain", "128x256", "plain"]


def test_repeated_items_have_keys_of_their_own_and_always_the_same(handle):
    found = plan(handle, product={"width": [64, 64]}, runs=3)
    keys = [item.key for item in found]
    assert len(set(keys)) == 6
    assert keys == [item.key for item in plan(handle, zip={"width": [64, 64]}, runs=3)]


def test_seeds_are_drawn_once_and_again_from_the_same_root(handle):
    first = plan(handle, product={"width": [64, 128]}, seed="random")
    again = plan(handle, product={"width": [64, 128]}, seed="random", root=first.root)
    other = plan(handle, product={"width": [64, 128]}, seed="random")
    assert first.digest == again.digest != other.digest
    assert len({item.values["seed"] for item in first}) == 2
    listed = plan(handle, product={"seed": seeds(3, start=5)})
    assert [item.values["seed"] for item in listed] == [5, 6, 7]
    assert listed.root is None
    drawn = plan(handle, product={"seed": seeds(3)})
    again = plan(handle, product={"seed": seeds(3)}, root=drawn.root)
    assert drawn.digest == again.digest


def test_planned_items_are_canonical_and_parts_have_what_no_batch_can_vary(handle):
    found = list(
        plan(
            handle,
            product={"width": [64, 128], "b.color": ["red", "blue"], "mode": ["RGB"]},
        )._planned_items()
    )
    assert [item.index for item in found] == [0, 1, 2, 3]
    assert json.loads(found[0].values)["b.color"] == {
        "a": 255,
        "b": 0,
        "g": 0,
        "r": 255,
    }
    assert found[0].part == found[2].part != found[1].part == found[3].part


def test_problems_name_row_and_column_and_how_many_there_are(handle):
    found = plan(handle, rows=[{"width": n} for n in range(64, 600)])
    assert len(found.problems) == 21
    assert "row 2 of rows, column 'width'" in found.problems[0].message
    assert found.problems[-1].value == 536 - 67 - 20
