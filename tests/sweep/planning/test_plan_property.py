"""Any axes: their product in order, each item the same however it is reached."""

from __future__ import annotations

import itertools
import json

import workflow_builder as build
from hypothesis import given, strategies as st

from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.sweep.planning.base_plan import BaseSweepPlan
from invokeai_py_client.sweep.planning.drawn_seeds import seeds
from invokeai_py_client.sweep.planning.plain_values import canonical_json
from invokeai_py_client.sweep.planning.plan_sweep import plan_sweep
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

NODES = [
    build.node("n", "noise"),
    build.node("s", "string"),
    build.node("c", "color"),
    build.node("i", "integer"),
    build.node("f", "float"),
    build.node("t", "boolean"),
]
HANDLE = BaseWorkflowHandle(build.definition(NODES, [], []), NodeCatalog.bundled())

strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
COLUMNS = {
    "s.value": strings,
    "c.color": st.sampled_from(["red", "#0f0f"]),
    "i.value": st.integers(-3, 3),
    "f.value": st.floats(-1, 1) | st.integers(-1, 1),
    "t.value": st.booleans(),
}


def lists(name, size):
    return st.lists(COLUMNS[name], min_size=size, max_size=size)


@st.composite
def plans(draw):
    """Arguments of `plan_sweep`, with every column on one axis at most."""
    names = draw(st.permutations(list(COLUMNS)))
    cut, end = sorted(draw(st.tuples(st.integers(0, 5), st.integers(0, 5))))
    size = draw(st.integers(1, 3))
    found = {
        "zip": {name: draw(lists(name, size)) for name in names[:cut]},
        "product": {
            name: draw(lists(name, draw(st.integers(1, 3)))) for name in names[cut:end]
        },
        "runs": draw(st.integers(1, 2)),
        "seed": draw(st.sampled_from(["keep", "random", 7])),
    }
    if names[end:]:
        cells = st.fixed_dictionaries({}, optional={n: COLUMNS[n] for n in names[end:]})
        rows = draw(st.lists(cells, min_size=1, max_size=3))
        if any(rows):
            found["rows"] = rows
    return {name: value for name, value in found.items() if value}


def points(arguments):
    """What the items set, as the axes are described."""
    axes = [list(map(dict, arguments.get("rows", [{}])))]
    zipped = arguments.get("zip", {})
    sides = zip(*zipped.values()) if zipped else [()]
    axes.append([dict(zip(zipped, side)) for side in sides])
    for name, values in arguments.get("product", {}).items():
        axes.append([{name: value} for value in values])
    axes.append([{} for _ in range(arguments["runs"])])
    for parts in itertools.product(*axes):
        yield {name: value for part in parts for name, value in part.items()}


@given(plans())
def test_items_are_the_product_of_the_axes_however_they_are_reached(arguments):
    plan = BaseSweepPlan(plan_sweep(HANDLE, **arguments))
    wanted = list(points(arguments))
    items = list(plan)
    assert len(plan) == len(items) == len(wanted)
    for item, want in zip(items, wanted):
        given_values = {n: v for n, v in item.values.items() if n != "seed"}
        assert given_values.keys() == want.keys()
        for name in want.keys() - {"c.color"}:
            assert given_values[name] == want[name]
            assert type(given_values[name]) is type(want[name])
    assert [plan[n] for n in reversed(range(len(plan)))] == items[::-1]


@given(plans())
def test_keys_differ_and_values_are_canonical(arguments):
    plan = BaseSweepPlan(plan_sweep(HANDLE, **arguments))
    planned = list(plan._planned_items())
    assert len({item.key for item in planned}) == len(planned)
    again = BaseSweepPlan(plan_sweep(HANDLE, **arguments, root=plan.root))
    assert list(again._planned_items()) == planned
    for item in planned:
        assert canonical_json(json.loads(item.values)) == item.values
    for first, second in itertools.combinations(planned, 2):
        one, two = json.loads(first.values), json.loads(second.values)
        is_same = one.keys() == two.keys() and one.get("c.color") == two.get("c.color")
        assert (first.part == second.part) is is_same


@given(st.integers(0, 2**62), st.integers(1, 50))
def test_drawn_seeds_are_seeds_and_follow_from_their_number(root, count):
    found = list(seeds(count, random=root))
    assert found == list(seeds(count, random=root))
    assert all(0 <= seed < 2**32 for seed in found)
