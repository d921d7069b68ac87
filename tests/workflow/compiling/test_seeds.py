"""Seeds: where they come from, and that setting them reaches every one that can be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import workflow_builder as build

from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.compiling.seed_per_run import (
    draws_numbers,
    seed_columns,
    with_seeds,
)
from invokeai_py_client.workflow.compiling.seeds import (
    can_set_seed,
    find_seeds,
    is_seed,
    plan_seed,
)
from invokeai_py_client.workflow.editor.edge_index import Edge
from invokeai_py_client.workflow.editor.loaded_workflow import (
    LoadedInput,
    LoadedWorkflow,
)
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle


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


def test_what_a_node_does_with_its_own_seed_is_no_surprise():
    assert text_to_image("literal").seeds.set(7).warnings == []


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


@pytest.mark.parametrize(
    ("low", "high", "value"),
    [(5, 6, 5), (5, 7, None), (5, 5, None), (6, 5, None), ("5", 6, None), (0, 1, 0)],
)
def test_a_random_node_that_can_draw_one_number_only_is_known(low, high, value):
    nodes = [build.node("r", "rand_int", {"low": low, "high": high})]
    wf = handle([*nodes, build.node("n", "noise")], ["r.value -> n.seed"])
    assert wf.seeds[0].value == value


def test_a_chain_of_integers_is_followed_to_what_decides():
    nodes = [
        build.node("r", "rand_int"),
        *(build.node(name, "integer") for name in "abc"),
        build.node("n", "noise"),
    ]
    chain = ["a.value -> b.value", "b.value -> c.value", "c.value -> n.seed"]
    (seed,) = handle(nodes, chain).seeds
    assert (seed.kind, seed.origin) == ("literal", ("a", "value"))
    (seed,) = handle(nodes, ["r.value -> a.value", *chain]).seeds
    assert (seed.kind, seed.origin) == ("random", ("r", "value"))
    assert handle(nodes, chain).seeds.set(7).edits == {("a", "value"): 7}


def test_a_connector_that_leads_nowhere_leaves_the_literal():
    nodes = [build.connector("c"), build.node("n", "noise", {"seed": 5})]
    (seed,) = handle(nodes, ["c.out -> n.seed"]).seeds
    assert (seed.kind, seed.value, seed.origin) == ("literal", 5, ("n", "seed"))


def ring(*edges: str, seed: int = 5) -> LoadedWorkflow:
    """A workflow whose edges no loading would have let through."""
    nodes = [build.node("i", "integer"), build.node("j", "integer")]
    nodes += [build.connector("c"), build.connector("d")]
    nodes.append(build.node("n", "noise", {"seed": seed}))
    wf = handle(nodes)
    stored = [build.edge(edge) for edge in edges]
    names = ("source", "sourceHandle", "target", "targetHandle")
    made = [Edge(*(edge[name] for name in names), id=edge["id"]) for edge in stored]
    return replace(wf.compile().loaded, edges=made)


def test_edges_in_a_ring_end_the_search():
    loaded = ring("i.value -> n.seed", "j.value -> i.value", "i.value -> j.value")
    (seed,) = find_seeds(loaded, {})
    assert (seed.kind, seed.settable) == ("edge", False)
    loaded = ring("c.out -> n.seed", "d.out -> c.in", "c.out -> d.in")
    (seed,) = find_seeds(loaded, {})
    assert (seed.kind, seed.value) == ("literal", 5)


def test_of_two_edges_into_a_seed_the_last_one_counts():
    (seed,) = find_seeds(ring("i.value -> n.seed", "j.value -> n.seed"), {})
    assert seed.origin == ("j", "value")


def test_only_seeds_that_an_option_decides_can_be_set():
    wf = handle(
        [build.node("s", "add"), build.node("n", "noise"), build.node("m", "noise")],
        ["s.value -> m.seed"],
    )
    loaded = wf.compile().loaded
    assert can_set_seed(loaded, ("n", "seed"))
    assert not can_set_seed(loaded, ("m", "seed"))
    assert not can_set_seed(loaded, ("n", "width"))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("seed", True),
        ("saved_workflow_input::n::seed", True),
        ("seeds", False),
        ("seed::width", False),
        ("my_seed", False),
    ],
)
def test_a_seed_is_called_seed(name, found):
    assert is_seed(name) is found


def test_what_hands_a_seed_on_to_seeds_alone_changes_nothing_else():
    wf = handle(
        [
            build.node("r", "rand_int"),
            build.node("i", "integer"),
            build.node("n", "noise"),
            build.node("m", "noise"),
        ],
        ["r.value -> i.value", "i.value -> n.seed", "r.value -> m.seed"],
    )
    assert wf.seeds.set(1).warnings == []


def test_the_input_that_changes_along_is_named():
    wf = handle(
        [
            build.node("i", "integer"),
            build.node("n", "noise"),
            build.node("s", "add", label="Sum"),
        ],
        ["i.value -> n.seed", "i.value -> s.b"],
    )
    (warning,) = wf.seeds.set(1).warnings
    assert (warning.node_id, warning.field_name) == ("s", "b")
    assert warning.message == "Sum.b changes along with the seed: both come from i"


def test_why_a_seed_was_not_set_is_said():
    wf = text_to_image("add")
    (warning,) = wf.seeds.set(7).warnings
    assert (warning.node_id, warning.field_name) == ("noise", "seed")
    assert "source.value calculates it" in warning.message


class TestSeedPerRun:
    """Several runs with random seeds are one run with a list of seeds."""

    def columns(self, wf, seeds, **edits):
        loaded = wf.compile().loaded
        plan = plan_seed(loaded, {}, seeds[0]).edits
        return seed_columns(loaded, {**plan, **edits}, seeds)

    def test_each_seed_has_its_column(self):
        assert self.columns(text_to_image("literal"), [7, 8, 9]) == {
            ("noise", "seed"): [7, 8, 9]
        }
        assert self.columns(text_to_image("rand_int"), [7, 9]) == {
            ("source", "low"): [7, 9],
            ("source", "high"): [8, 10],
        }

    def test_a_seed_of_the_callers_own_is_not_among_them(self):
        wf = handle([build.node("n", "noise"), build.node("m", "noise")])
        loaded = wf.compile().loaded
        edits = {("n", "seed"): 1, ("m", "seed"): 7}
        assert seed_columns(loaded, edits, [7, 8]) == {("m", "seed"): [7, 8]}

    def test_batch_data_cannot_reach_into_a_called_workflow(self):
        wf = handle([build.node("n", "noise"), build.node("c", "call_saved_workflow")])
        loaded = wf.compile().loaded
        name = "saved_workflow_input::n::seed"
        template = loaded.nodes["n"].template_of("seed")
        node = replace(
            loaded.nodes["c"],
            dynamic_inputs={name: template},
            inputs={name: LoadedInput(name, name, value=3, template=template)},
        )
        loaded = replace(loaded, nodes={**loaded.nodes, "c": node})
        edits = plan_seed(loaded, {}, 7).edits
        assert edits == {("n", "seed"): 7, ("c", name): 7}
        assert seed_columns(loaded, edits, [7, 8]) == {("n", "seed"): [7, 8]}

    def test_the_list_comes_before_other_batches_and_is_one_run(self):
        nodes = [
            build.node("b", "integer_batch", {"integers": [1, 2]}),
            build.node("n", "noise"),
            build.node("a", "add"),
        ]
        compiled = handle(nodes, ["b.value -> a.a"]).compile()
        compiled = replace(compiled, runs=3)
        columns = {("n", "seed"): [7, 8, 9], ("gone", "seed"): [1, 2, 3]}
        made = with_seeds(compiled, columns)
        assert made.runs == 1
        assert made.data == [
            [{"node_path": "n", "field_name": "seed", "items": [7, 8, 9]}],
            *compiled.data,
        ]
        # Nothing of the graph has a seed.
        assert with_seeds(compiled, {("gone", "seed"): [1]}) is compiled

    @pytest.mark.parametrize(
        ("kind", "draws"),
        [("rand_int", True), ("rand_float", True), ("random_range", True),
         ("noise", False)],
    )  # fmt: skip
    def test_a_graph_that_draws_numbers_is_told(self, kind, draws):
        graph = handle([build.node("a", "add"), build.node("r", kind)]).compile().graph
        assert draws_numbers(graph) is draws


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


def test_a_seed_is_one_without_a_value_too_and_a_note_only_with_one():
    noise, noted = build.node("n", "noise"), build.node("m", "core_metadata")
    for bare in (noise, noted):
        del bare["data"]["inputs"]["seed"]["value"]
    wf = handle([noise, noted])
    assert [(seed.node_id, seed.value) for seed in wf.seeds] == [("n", None)]
    wf = handle([noise, build.node("m", "core_metadata", {"seed": 3})])
    assert [(seed.node_id, seed.value) for seed in wf.seeds] == [("n", None), ("m", 3)]


def test_a_workflow_without_a_seed_says_so():
    wf = handle([build.node("a", "add")])
    assert len(wf.seeds) == 0
    assert [item.kind for item in wf.seeds.set(1).warnings] == ["no_seed"]


@pytest.mark.parametrize("seed", [-1, 4294967296, 1.5, "7", True, None])
def test_an_invalid_seed_is_refused(seed):
    wf = text_to_image("literal")
    with pytest.raises(ArgumentError, match="4294967295"):
        wf.seeds.set(seed)
    assert wf.edits() == {}


@pytest.mark.parametrize("seed", [np.int64(7), np.uint32(7), 7.0])
def test_a_seed_of_numpy_or_of_a_table_is_a_seed(seed):
    wf = text_to_image("literal")
    wf.seeds.set(seed)
    assert [type(value) for value in wf.edits().values()] == [int]
    assert set(wf.edits().values()) == {7}


def test_setting_a_seed_that_nothing_has_is_logged(caplog):
    handle([build.node("a", "add")]).seeds.set(1)
    assert "no node of this workflow has a seed" in caplog.text


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
