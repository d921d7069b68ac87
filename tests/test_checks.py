"""Whole payloads: every problem at once, with its place, and no false alarm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import workflow_builder as build
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.batch_checks import batch_problems
from invokeai_py_client.workflow.checks import check_workflow, workflow_warnings
from invokeai_py_client.workflow.graph_checks import graph_problems

CATALOG = NodeCatalog.bundled()


def handle(*args, **options) -> BaseWorkflowHandle:
    return BaseWorkflowHandle(build.definition(*args, **options), CATALOG)


def graph_kinds(nodes: dict[str, dict[str, Any]], *edges: str) -> list[str]:
    return [item.kind for item in graph_problems(build.graph(nodes, *edges), CATALOG)]


def types(**nodes: str) -> dict[str, dict[str, Any]]:
    return {key: {"type": value} for key, value in nodes.items()}


class TestPayload:
    def test_a_sound_workflow_has_no_problem(self):
        wf = BaseWorkflowHandle(build.text_to_image(), CATALOG)
        assert wf.check() == []

    def test_every_problem_is_reported_with_its_place(self):
        nodes = [
            build.node("n", "noise", {"width": 63, "height": "tall"}),
            build.node("d", "denoise_latents", {"steps": 0}),
        ]
        wf = handle(nodes, ["n.noise -> d.noise"], form=[("n", "height")])
        problems = {(item.node_id, item.field_name): item for item in wf.check()}
        assert problems["n", "width"].kind == "multiple_of"
        assert problems["n", "width"].value == 63
        assert "multiple of 8" in (problems["n", "width"].allowed or "")
        assert problems["n", "width"].input_index is None
        assert problems["n", "height"].input_index == 0
        assert problems["n", "height"].message.startswith("input 0")
        assert problems["d", "steps"].kind == "exclusive_minimum"
        for missing in ("unet", "positive_conditioning", "negative_conditioning"):
            assert problems["d", missing].kind == "missing_input"

    def test_a_required_input_counts_although_the_file_lacks_it(self):
        resize = build.node("r", "img_resize")
        del resize["data"]["inputs"]["image"]
        (problem,) = handle([resize]).check()
        assert (problem.kind, problem.field_name) == ("missing_input", "image")

    def test_a_batch_supplies_a_required_input(self):
        nodes = [
            build.node("b", "image_batch", {"images": [{"image_name": "a"}]}),
            build.node("r", "img_resize"),
        ]
        assert handle(nodes, ["b.image -> r.image"]).check() == []

    def test_a_value_that_no_edge_lets_through_is_told(self):
        wf = BaseWorkflowHandle(build.text_to_image(), CATALOG)
        problems = wf.compile(edits={("noise", "seed"): 7}).problems
        assert [item.kind for item in problems] == ["connected"]
        assert "source.value" in problems[0].message

    def test_runs_start_at_one(self):
        wf = BaseWorkflowHandle(build.text_to_image(), CATALOG)
        compiled = wf.compile()
        for runs in (0, -1, True):
            problems = check_workflow(replace(compiled, runs=runs), CATALOG)
            assert [item.kind for item in problems] == ["runs"]

    def test_unknown_node_types_only_warn(self):
        wf = handle([build.node("x", "gone"), build.node("a", "add")])
        compiled = wf.compile()
        assert compiled.problems == []
        assert compiled.warnings

    def test_an_empty_workflow_only_warns(self):
        compiled = handle([]).compile()
        assert compiled.problems == []
        assert "empty_graph" in [item.kind for item in compiled.warnings]

    def test_a_seed_beyond_its_limits_is_fine_where_the_server_folds_it(self):
        wf = handle([build.node("n", "noise", {"seed": -1})])
        assert wf.check() == []


class TestNodeRules:
    @pytest.mark.parametrize(
        ("node_type", "values", "field"),
        [
            ("range", {"start": 5, "stop": 5}, "stop"),
            ("integer_math", {"operation": "DIV", "b": 0}, "b"),
            ("integer_math", {"operation": "EXP", "b": -1}, "b"),
            ("float_math", {"operation": "EXP", "a": -2, "b": 0.5}, "b"),
            ("float_math", {"operation": "EXP", "a": 0, "b": -1}, "b"),
            ("image_panel_layout", {"num_rows": 2, "panel_row_idx": 2},
             "panel_row_idx"),
            ("metadata_to_string", {}, "custom_label"),
            ("face_mask_detection", {"face_ids": "1,x"}, "face_ids"),
            ("denoise_latents", {"cfg_scale": 0.5}, "cfg_scale"),
            ("denoise_latents", {"cfg_scale": [7, 0.5]}, "cfg_scale"),
            ("ip_adapter", {"begin_step_percent": 0.9, "end_step_percent": 0.1},
             "begin_step_percent"),
            ("ip_adapter", {"weight": 3}, "weight"),
        ],
    )  # fmt: skip
    def test_hand_written_rules_of_the_server_hold(self, node_type, values, field):
        wf = handle([build.node("x", node_type, values)])
        problems = [item for item in wf.check() if item.kind == "node_rule"]
        assert [item.field_name for item in problems] == [field]

    def test_a_rule_counts_the_default_behind_an_edge(self):
        """The server stores the default of `stop`, 10, and reads it again."""
        nodes = [
            build.node("i", "integer", {"value": 50}),
            build.node("r", "range", {"start": 20}),
        ]
        problems = handle(nodes, ["i.value -> r.stop"]).check()
        assert [item.kind for item in problems] == ["node_rule"]

    def test_rules_that_hold_are_silent(self):
        nodes = [
            build.node("r", "range", {"start": 5, "stop": 6}),
            build.node("m", "integer_math", {"operation": "MIN", "b": 0}),
            build.node("f", "float_math", {"operation": "EXP", "a": -2, "b": 2}),
        ]
        assert handle(nodes).check() == []


class TestGraph:
    def test_ids_and_types(self):
        assert graph_kinds({"a": {"type": "add", "id": "b"}}) == ["node_id"]
        assert graph_kinds(types(a="no_such")) == ["node_type"]
        assert graph_kinds(types(a="integer_batch")) == ["node_type"]
        assert graph_kinds({"i.x": {"type": "add"}, "": {"type": "add"}}) == []

    @pytest.mark.parametrize(
        "edge", ["a.value -> z.a", "z.value -> a.a", "a.nope -> b.a", "a.value -> b.no"]
    )
    def test_an_edge_needs_both_ends(self, edge):
        assert graph_kinds(types(a="add", b="add"), edge) == ["edge_end"]

    def test_cycles(self):
        nodes = types(a="add", b="add", c="add")
        assert graph_kinds(nodes, "a.value -> b.a", "b.value -> a.a") == ["cycle"]
        assert graph_kinds(nodes, "a.value -> a.a") == ["cycle"]
        assert graph_kinds(nodes, "a.value -> b.a", "a.value -> c.a") == []

    @pytest.mark.parametrize(
        ("source", "target"),
        [
            ("integer.value", "float.value"),
            ("integer.value", "string.value"),
            ("float.value", "string.value"),
            ("boolean.value", "integer.value"),
            ("float.value", "denoise_latents.cfg_scale"),
            ("float_collection.collection", "denoise_latents.cfg_scale"),
            ("integer.value", "metadata_item.value"),
            ("scheduler.scheduler", "denoise_latents.scheduler"),
            ("lora_loader.unet", "denoise_latents.unet"),
        ],
    )
    def test_types_that_fit(self, source, target):
        (a, output), (b, field) = source.split("."), target.split(".")
        assert graph_kinds(types(a=a, b=b), f"a.{output} -> b.{field}") == []

    @pytest.mark.parametrize(
        ("source", "target"),
        [
            ("float.value", "integer.value"),
            ("string.value", "integer.value"),
            ("integer.value", "img_resize.image"),
            # A number, or null: an integer is neither to the server.
            ("integer.value", "core_metadata.cfg_scale"),
            ("integer.value", "denoise_latents.cfg_scale"),
            ("string.value", "denoise_latents.scheduler"),
        ],
    )
    def test_types_that_do_not_fit(self, source, target):
        (a, output), (b, field) = source.split("."), target.split(".")
        assert graph_kinds(types(a=a, b=b), f"a.{output} -> b.{field}") == ["edge_type"]

    def test_an_iterator_needs_one_list(self):
        nodes = types(r="range", s="range", i="iterate", a="add", x="integer")
        assert graph_kinds(types(i="iterate")) == ["iterate"]
        good = "r.collection -> i.collection", "i.item -> a.a"
        assert graph_kinds(nodes, *good) == []
        assert graph_kinds(nodes, *good, "s.collection -> i.collection") == ["iterate"]
        assert graph_kinds(nodes, "x.value -> i.collection") == ["iterate"]

    def test_an_iterators_items_fit_where_they_go(self):
        nodes = types(r="range", i="iterate", m="img_resize")
        edges = "r.collection -> i.collection", "i.item -> m.image"
        assert graph_kinds(nodes, *edges) == ["iterate"]

    def test_a_collector_needs_items_of_one_type(self):
        nodes = types(c="collect", a="integer", b="string", l="integer_collection")
        assert graph_kinds(types(c="collect")) == ["collect"]
        assert graph_kinds(nodes, "a.value -> c.item") == []
        mixed = graph_kinds(nodes, "a.value -> c.item", "b.value -> c.item")
        assert mixed == ["collect"]
        good = "a.value -> c.item", "c.collection -> l.collection"
        assert graph_kinds(nodes, *good) == []

    def test_a_collectors_list_fits_where_it_goes(self):
        nodes = types(c="collect", b="string", l="integer_collection")
        edges = "b.value -> c.item", "c.collection -> l.collection"
        assert graph_kinds(nodes, *edges) == ["collect"]

    def test_choices_cannot_be_collected(self):
        nodes = types(s="scheduler", c="collect")
        assert graph_kinds(nodes, "s.scheduler -> c.item") == ["collect"]

    def test_the_inputs_of_a_called_workflow_take_any_edge(self):
        nodes = types(a="add", c="call_saved_workflow")
        edge = "a.value -> c.saved_workflow_input::n::value"
        assert graph_kinds(nodes, edge) == []

    def test_two_edges_into_one_input_only_warn(self):
        wf = handle([build.node("a", "add"), build.node("b", "add")])
        nodes = build.graph(
            types(a="add", b="add"), "a.value -> b.a", "a.value -> b.a"
        )  # as another program could make it
        compiled = replace(wf.compile(), graph=nodes)
        assert check_workflow(compiled, CATALOG) == []
        assert [item.kind for item in workflow_warnings(compiled)] == ["edges"]


def datum(place: str, *items: Any) -> dict[str, Any]:
    node_id, field_name = place.split(".")
    return {"node_path": node_id, "field_name": field_name, "items": list(items)}


class TestBatch:
    GRAPH = build.graph(types(a="add", s="string", r="range", m="integer_math"))

    def kinds(self, *groups: list[dict[str, Any]]) -> list[str]:
        return [item.kind for item in batch_problems(groups, self.GRAPH, CATALOG)]

    def test_sound_data_has_no_problem(self):
        assert self.kinds() == []
        assert self.kinds([datum("a.a", 1, 2), datum("s.value", "x", "y")]) == []
        assert self.kinds([datum("a.a", 1)], [datum("a.b", 1, 2.0)]) == []
        assert self.kinds([datum("a.use_cache", True, False)]) == []

    @pytest.mark.parametrize(
        ("data", "kind"),
        [
            ([], "batch_empty"),
            ([datum("a.a")], "batch_empty"),
            ([datum("a.a", 1, 2), datum("a.b", 1)], "batch_length"),
            ([datum("a.a", 1), datum("a.a", 2)], "batch_duplicate"),
            ([datum("z.a", 1)], "batch_target"),
            ([datum("a.z", 1)], "batch_target"),
            ([datum("a.id", "a")], "batch_target"),
            ([datum("a.type", "add")], "batch_target"),
            ([datum("s.value", "x", 1)], "batch_type"),
            ([datum("a.a", 1.5)], "type"),
            ([datum("a.a", {"key": "k"})], "batch_item"),
        ],
    )
    def test_each_rule(self, data, kind):
        assert kind in self.kinds(data)

    def test_a_duplicate_in_another_group_counts(self):
        assert self.kinds([datum("a.a", 1)], [datum("a.a", 2)]) == ["batch_duplicate"]

    def test_rules_over_two_fields_look_at_the_jobs_there_will_be(self):
        zipped = [datum("m.operation", "ADD", "DIV"), datum("m.b", 0, 1)]
        assert self.kinds(zipped) == []
        assert self.kinds([zipped[0]], [zipped[1]]) == ["node_rule"]
        assert self.kinds([datum("r.start", 3, 20)]) == ["node_rule"]

    def test_thousands_of_bad_values_are_not_all_listed(self):
        data = [datum("a.a", *["x"] * 5000)]
        assert 1 <= len(self.kinds(data)) <= 20

    def test_a_batch_that_an_edge_overrules_warns(self):
        nodes = [
            build.node("b", "integer_batch", {"integers": [1, 2]}),
            build.node("a", "add"),
            build.node("i", "integer"),
        ]
        compiled = handle(nodes, ["b.value -> a.a"]).compile()
        fed = build.graph(types(a="add", i="integer"), "i.value -> a.a")
        warned = workflow_warnings(replace(compiled, graph=fed))
        assert [item.kind for item in warned] == ["batch_ignored"]

    def test_a_batch_that_feeds_nothing_warns(self):
        nodes = [
            build.node("b", "integer_batch", {"integers": [1, 2]}),
            build.node("a", "add"),
        ]
        warned = workflow_warnings(handle(nodes).compile())
        assert [(item.kind, item.node_id) for item in warned] == [
            ("batch_unconnected", "b")
        ]


class TestHalfSurrogates:
    """The server's database cannot store them; their job would block the queue."""

    BROKEN = "a\ud800b"

    def problems(self, *nodes, **texts):
        return handle(list(nodes), **texts).check()

    @pytest.mark.parametrize(
        "values",
        [
            {"made_up": BROKEN},
            {"made_up": {"nested": ["fine", BROKEN]}},
            {"made_up": {BROKEN: 1}},
            {"positive_prompt": BROKEN},
        ],
    )
    def test_in_metadata_that_no_template_knows(self, values):
        problems = self.problems(build.node("m", "core_metadata", values))
        assert [(item.kind, item.node_id) for item in problems] == [("json", "m")]

    def test_in_texts_that_only_the_embedded_workflow_has(self):
        problems = self.problems(build.node("s", "string", label=self.BROKEN))
        assert [item.kind for item in problems] == ["json"]
        assert "workflow.nodes[0].data.label" in problems[0].message

    def test_whole_pairs_are_text(self):
        assert self.problems(build.node("s", "string", {"value": "a\U0001f600b"})) == []
