"""Whole payloads: every problem at once, with its place, and no false alarm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import workflow_builder as build

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.ivk_fields.references import ModelReference
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.nodes.template import FieldType, InputTemplate
from invokeai_py_client.workflow.checking.batch_checks import batch_problems
from invokeai_py_client.workflow.checking.check_workflow import (
    check_workflow,
)
from invokeai_py_client.workflow.checking.graph_checks import GraphView, graph_problems
from invokeai_py_client.workflow.compiling.compile_workflow import compile_workflow
from invokeai_py_client.workflow.editor.server_facts import ServerFacts
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.loading.load_workflow import load_workflow

CATALOG = NodeCatalog.bundled()
BOARD = {
    "type": "image_generator_images_from_board",
    "board_id": "b",
    "category": "images",
}


def handle(*args, **options) -> BaseWorkflowHandle:
    return BaseWorkflowHandle(build.definition(*args, **options), CATALOG)


def graph_kinds(nodes: dict[str, dict[str, Any]], *edges: str) -> list[str]:
    view = GraphView(build.graph(nodes, *edges), CATALOG)
    return [item.kind for item in graph_problems(view)]


def graph_messages(nodes: dict[str, dict[str, Any]], *edges: str) -> list[str]:
    view = GraphView(build.graph(nodes, *edges), CATALOG)
    return [item.message for item in graph_problems(view)]


def joined(nodes: dict[str, dict[str, Any]], *edges: str) -> dict[str, dict[str, Any]]:
    """The nodes that have an edge."""
    ends = {end.strip().split(".")[0] for edge in edges for end in edge.split("->")}
    return {key: node for key, node in nodes.items() if key in ends}


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

    def test_a_required_input_that_is_missing_in_the_file_is_reported(self):
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

    def test_a_value_of_a_connected_input_is_reported(self):
        edits = {("noise", "seed"): 7}
        compiled = compile_workflow(build.text_to_image(), CATALOG, edits=edits)
        problems = [*compiled.problems, *check_workflow(compiled, CATALOG)[0]]
        assert [item.kind for item in problems] == ["connected"]
        assert "source.value" in problems[0].message

    def test_runs_start_at_one(self):
        wf = BaseWorkflowHandle(build.text_to_image(), CATALOG)
        compiled = wf.compile()
        for runs in (0, -1, True):
            problems = check_workflow(replace(compiled, runs=runs), CATALOG)[0]
            assert [item.kind for item in problems] == ["runs"]

    @pytest.mark.parametrize("kind", ["no_such", "integer_batch", "string_generator"])
    def test_of_nodes_that_the_server_cannot_run_nothing_else_is_said(self, kind):
        values = {"type": kind, "integers": "nonsense", "use_cache": "nonsense"}
        compiled = replace(handle([]).compile(), graph=build.graph({"a": values}))
        problems, _ = check_workflow(compiled, CATALOG)
        assert [(item.kind, item.node_id) for item in problems] == [("node_type", "a")]

    def test_what_is_still_to_be_looked_up_is_not_judged(self):
        model = ModelReference("Juggernaut")
        nodes = {
            "m": {"type": "main_model_loader", "model": model},
            "r": {"type": "range", "start": 20, "stop": model},
        }
        compiled = replace(handle([]).compile(), graph=build.graph(nodes))
        assert check_workflow(compiled, CATALOG)[0] == []

    def test_switches_of_a_node_are_true_or_false(self):
        for value, count in ((True, 0), (None, 0), (1, 1), ("yes", 1)):
            nodes = {"a": {"type": "add", "use_cache": value}}
            compiled = replace(handle([]).compile(), graph=build.graph(nodes))
            problems, _ = check_workflow(compiled, CATALOG)
            assert [item.field_name for item in problems] == ["use_cache"] * count

    @pytest.mark.parametrize(
        ("seed", "fine"),
        [(-1, True), (2**40, True), (7.0, True), (1.5, False), ("7", False)],
    )
    def test_a_seed_that_the_server_folds_is_an_integer(self, seed, fine):
        nodes = {"n": {"type": "noise", "seed": seed}}
        compiled = replace(handle([]).compile(), graph=build.graph(nodes))
        problems, _ = check_workflow(compiled, CATALOG)
        assert [item.allowed for item in problems] == ([] if fine else ["an integer"])

    def test_a_missing_value_says_what_became_of_the_one_in_the_file(self):
        nodes = [
            build.node("m", "main_model_loader", {"model": build.MODEL}),
            build.node("r", "img_resize", {"image": {"image_name": "gone.png"}}),
        ]
        facts = ServerFacts(missing={"models": frozenset({"*"})})
        loaded = load_workflow(build.definition(nodes), CATALOG, facts)
        assert {item.kind for item in loaded.warnings} == {"missing_model"}
        problems, _ = check_workflow(compile_workflow(loaded, CATALOG), CATALOG)
        (missing,) = problems
        (warning,) = loaded.warnings
        assert f"needs one: {warning.message}; allowed: " in missing.message
        # Of several the first; those of other inputs and other kinds are not about it.
        others = [
            replace(warning, node_id="r"),
            replace(warning, kind="other", message="other"),
            warning,
            replace(warning, message="second"),
        ]
        again = compile_workflow(replace(loaded, warnings=others), CATALOG)
        problems, _ = check_workflow(again, CATALOG)
        assert problems == [missing]
        # Once it was replaced, what was in the file does not matter.
        unset = replace(again, edits={("m", "model"): None})
        problems, _ = check_workflow(unset, CATALOG)
        assert "has no value and needs one; allowed: " in problems[0].message

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

    def test_the_end_that_is_missing_is_named(self):
        def words(edge):
            (message,) = graph_messages(types(a="add", b="add"), edge)
            assert f"edge {edge}" in message
            return message

        assert "there is no target node z" in words("a.value -> z.a")
        assert "there is no source node z" in words("z.value -> a.a")
        assert "node a has no output 'nope'" in words("a.nope -> b.a")
        assert "node b has no input 'no'" in words("a.value -> b.no")

    @pytest.mark.parametrize(
        ("target", "kinds"),
        [
            ("call_saved_workflow", []),
            ("add", ["edge_end"]),
        ],
    )
    def test_only_a_called_workflow_has_inputs_of_its_own(self, target, kinds):
        nodes = types(a="add", b=target)
        dynamic = "a.value -> b.saved_workflow_input::n::value"
        assert graph_kinds(nodes, dynamic) == kinds
        assert graph_kinds(nodes, "a.value -> b.made_up") == ["edge_end"]
        # Every node has these, and no template shows them.
        assert graph_kinds(nodes, "a.value -> b.use_cache") == []

    def test_an_output_whose_type_the_gui_hides_has_the_one_of_the_server(self):
        nodes = types(v="workflow_return_value", s="string", g="workflow_return_get")
        assert graph_kinds(nodes, "v.value -> s.value") == ["edge_type"]

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

    def test_an_iterator_of_a_collector_gives_what_was_collected(self):
        nodes = types(a="integer", c="collect", i="iterate", m="add", r="img_resize")
        edges = "a.value -> c.item", "c.collection -> i.collection"
        assert graph_kinds(nodes, *edges, "i.item -> m.a") == []
        assert graph_kinds(nodes, *edges, "i.item -> r.image") == ["iterate"]

    def test_a_collector_needs_items_of_one_type(self):
        nodes = types(c="collect", a="integer", b="string", l="integer_collection")
        assert graph_kinds(types(c="collect")) == ["collect"]
        assert graph_kinds(nodes, "a.value -> c.item") == []
        mixed = graph_kinds(nodes, "a.value -> c.item", "b.value -> c.item")
        assert mixed == ["collect"]
        good = "a.value -> c.item", "c.collection -> l.collection"
        assert graph_kinds(nodes, *good) == []

    SOURCES = types(
        a="integer", b="string", c="collect", d="collect", n="iterate", m="add",
        i="integer_collection", s="string_collection", x="if", r="img_resize",
        j="integer_collection", e="boolean", f="float_collection",
    )  # fmt: skip

    def kinds(self, *edges):
        return graph_kinds(joined(self.SOURCES, *edges), *edges)

    def message(self, *edges):
        (message,) = graph_messages(joined(self.SOURCES, *edges), *edges)
        return message

    def test_lists_are_collected_by_the_types_of_their_items(self):
        one = "i.collection -> c.collection"
        assert self.kinds(one) == []
        assert self.kinds(one, "a.value -> c.item") == []
        assert self.kinds(one, "s.collection -> c.collection") == ["collect"]
        # What they hold is what an iterator hands on.
        items = one, "c.collection -> n.collection"
        assert self.kinds(*items, "n.item -> m.a") == []
        assert self.kinds(*items, "n.item -> r.image") == ["iterate"]

    def test_only_lists_are_collected_as_lists(self):
        assert self.kinds("a.value -> c.collection") == ["collect"]
        # Anything may be a list.
        assert self.kinds("x.value -> c.collection") == []
        assert self.kinds("a.value -> d.item", "d.collection -> c.collection") == []

    def test_what_a_collector_lacks_is_said_with_its_place(self):
        item = "a.value -> c.item"
        said = self.message(item, "c.collection -> r.image")
        assert "its list does not fit r.image, which takes" in said
        said = self.message(item, "c.collection -> s.collection")
        assert "a list of IntegerField does not fit s.collection" in said
        said = self.message(
            "i.collection -> n.collection",
            "n.item -> c.item",
            "c.collection -> s.collection",
        )
        assert "a list of anything does not fit s.collection" in said

    def test_true_and_false_are_integers_in_a_list_too(self):
        item = "e.value -> c.item"
        assert self.kinds(item, "c.collection -> i.collection") == []
        for other in "fs":
            edge = f"c.collection -> {other}.collection"
            assert self.kinds(item, edge) == ["collect"]
        mixed = item, "a.value -> c.item"
        assert self.kinds(*mixed, "c.collection -> i.collection") == []

    def test_a_collectors_list_fits_where_it_goes(self):
        nodes = types(c="collect", b="string", l="integer_collection")
        edges = "b.value -> c.item", "c.collection -> l.collection"
        assert graph_kinds(nodes, *edges) == ["collect"]

    def test_a_collector_behind_a_collector_gathers_the_same_type(self):
        nodes = types(c="collect", d="collect", a="integer", b="string")
        nodes.update(types(l="integer_collection", i="integer_collection"))
        chain = "a.value -> c.item", "c.collection -> d.collection"
        assert graph_kinds(nodes, *chain, "d.collection -> l.collection") == []
        assert graph_kinds(nodes, *chain, "b.value -> d.item") == ["collect"]
        text = "b.value -> c.item", "c.collection -> d.collection"
        assert graph_kinds(nodes, *text, "d.collection -> l.collection") == ["collect"]

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
        assert check_workflow(compiled, CATALOG)[0] == []
        (warning,) = check_workflow(compiled, CATALOG)[1]
        assert warning.kind == "edges"
        assert warning.message.startswith("Add Integers.a (b) has 2 edges")

    def test_a_collector_takes_any_number_of_edges(self):
        nodes = types(a="integer", b="integer", c="collect")
        graph = build.graph(nodes, "a.value -> c.item", "b.value -> c.item")
        compiled = replace(handle([build.node("a", "add")]).compile(), graph=graph)
        assert check_workflow(compiled, CATALOG) == ([], [])


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

    def test_of_one_node_only_the_fields_of_a_rule_count(self):
        nodes = types(m="integer_math", n="integer_math")
        graph = build.graph(nodes)
        graph["nodes"]["m"]["operation"] = "ADD"
        graph["nodes"]["n"]["operation"] = "DIV"
        data = [[datum("m.b", 0, 1), datum("n.a", 0, 1)]]
        assert list(batch_problems(data, graph, CATALOG)) == []
        graph["nodes"]["m"]["operation"] = "DIV"
        graph["nodes"]["n"]["operation"] = "ADD"
        data = [[datum("m.b", 1, 1), datum("n.b", 0, 0)]]
        assert list(batch_problems(data, graph, CATALOG)) == []
        graph["nodes"]["n"]["operation"] = "DIV"
        data = [[datum("m.b", 1, 1), datum("n.b", 1, 0)]]
        (problem,) = batch_problems(data, graph, CATALOG)
        assert (problem.node_id, problem.kind) == ("n", "node_rule")

    def test_values_of_two_types_are_named_with_what_is_allowed(self):
        graph = build.graph(types(s="string"))
        data = [[datum("s.value", "x", 1)]]
        found = {item.kind: item for item in batch_problems(data, graph, CATALOG)}
        assert found["batch_type"].value == ["x", 1]
        assert "all numbers" in (found["batch_type"].allowed or "")

    def test_lists_of_other_lengths_are_placed_at_the_first_of_them(self):
        data = [[datum("a.a", 1, 2), datum("a.b", 1)]]
        (problem,) = batch_problems(data, self.GRAPH, CATALOG)
        assert (problem.node_id, problem.field_name) == ("a", "a")
        assert problem.value == [2, 1]

    def test_images_and_videos_are_not_mixed(self):
        graph = build.graph(types(i="image"))
        images = [{"image_name": "a.png"}, {"image_name": "b.png"}]
        assert list(batch_problems([[datum("i.image", *images)]], graph, CATALOG)) == []
        mixed = [*images, {"video_name": "a.mp4"}]
        found = batch_problems([[datum("i.image", *mixed)]], graph, CATALOG)
        assert "batch_type" in [problem.kind for problem in found]

    def test_seeds_that_the_server_folds_are_integers_all_the_same(self):
        graph = build.graph(types(n="noise"))
        for seeds, kinds in (
            ([0, 2**40, -1], []),
            ([1, 2.0], []),
            ([1, 1.5], ["type"]),
            ([1, True], []),
            (["1", "2"], ["type", "type"]),
        ):
            found = batch_problems([[datum("n.seed", *seeds)]], graph, CATALOG)
            assert [item.kind for item in found] == kinds, seeds

    def test_thousands_of_bad_values_are_not_all_listed(self):
        data = [datum("a.a", *["x"] * 5000)]
        assert len(self.kinds(data)) == 20
        assert len(self.kinds([datum("a.a", *["x"] * 20)])) == 20
        assert len(self.kinds([datum("a.a", *["x"] * 19, 1)])) == 20

    def test_a_batch_that_an_edge_overrules_warns(self):
        nodes = [
            build.node("b", "integer_batch", {"integers": [1, 2]}),
            build.node("a", "add"),
            build.node("i", "integer"),
        ]
        compiled = handle(nodes, ["b.value -> a.a"]).compile()
        fed = build.graph(types(a="add", i="integer"), "i.value -> a.a")
        (warned,) = check_workflow(replace(compiled, graph=fed), CATALOG)[1]
        assert warned.kind == "batch_ignored"
        assert warned.message.startswith("Add Integers.a (a) has a batch of values")

    def test_an_empty_batch_is_told_once_with_its_reason(self):
        """A generator that gave no answer is a problem of its own."""
        nodes = [
            build.node("g", "image_generator", {"generator": BOARD}),
            build.node("b", "image_batch"),
            build.node("e", "integer_batch", {"integers": []}),
            build.node("r", "img_resize"),
            build.node("a", "add"),
        ]
        edges = ["g.images -> b.images", "b.image -> r.image", "e.value -> a.a"]
        compiled = handle(nodes, edges).compile()
        graph = build.graph(types(r="img_resize", a="add"))
        data = [[datum("r.image")], [datum("a.a")]]
        empty = replace(compiled, graph=graph, data=data)
        assert {batch.node_id: batch.generator_id for batch in compiled.batches} == {
            "b": "g",
            "e": None,
        }
        problems, _ = check_workflow(replace(empty, problems=()), CATALOG)
        assert [item.node_id for item in problems] == ["r", "a"]
        for place, left in (("g", ["a"]), ("other", ["r", "a"]), (None, ["r", "a"])):
            faulty = FieldProblem("no answer", "generator", place)
            problems, _ = check_workflow(replace(empty, problems=(faulty,)), CATALOG)
            assert [item.node_id for item in problems] == left

    def test_a_breach_of_a_rule_is_placed_at_the_field_that_the_rule_names(self):
        graph = build.graph({"r": {"type": "range", "stop": 10}})
        (problem,) = batch_problems([[datum("r.start", 3, 20)]], graph, CATALOG)
        assert (problem.field_name, problem.value) == ("stop", 10)
        (problem,) = batch_problems([[datum("r.stop", 3, -1)]], graph, CATALOG)
        assert (problem.field_name, problem.value) == ("stop", -1)

    def test_a_batch_that_feeds_nothing_warns(self):
        nodes = [
            build.node("b", "integer_batch", {"integers": [1, 2]}),
            build.node("a", "add"),
        ]
        warned = check_workflow(handle(nodes).compile(), CATALOG)[1]
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


class TestCalledWorkflows:
    """The inputs of a called workflow are checked as those of a node."""

    NAMES = ("saved_workflow_input::n::value", "saved_workflow_input::n::board")

    def problems(self, given, *edges, kind="call_saved_workflow"):
        number = InputTemplate("value", "V", FieldType("IntegerField"), required=True)
        board = InputTemplate("board", "B", FieldType("BoardField"))
        wf = handle([build.node("c", "call_saved_workflow")])
        compiled = wf.compile()
        node = replace(
            compiled.loaded.nodes["c"],
            dynamic_inputs=dict(zip(self.NAMES, (number, board))),
        )
        nodes = {
            "c": {"type": kind, "workflow_id": "w", "workflow_inputs": given},
            "i": {"type": "integer"},
        }
        compiled = replace(
            compiled,
            loaded=replace(compiled.loaded, nodes={"c": node}),
            graph=build.graph(nodes, *edges),
        )
        found = check_workflow(compiled, CATALOG)[0]
        return [(item.kind, item.field_name) for item in found]

    def test_a_value_that_fits_is_fine(self):
        for board in ("auto", "none", None, {"board_id": "b"}):
            assert self.problems(dict(zip(self.NAMES, (5, board)))) == []

    def test_a_value_that_does_not_fit_is_refused(self):
        value, board = self.NAMES
        assert self.problems({value: "x"}) == [("type", value)]
        assert self.problems({value: 5, board: 3}) == [("type", board)]
        assert self.problems({value: 5, board: "\ud800"})[0] == ("json", board)

    def test_a_value_that_is_needed_comes_from_an_edge_or_is_missing(self):
        value, _ = self.NAMES
        assert self.problems({}) == [("missing_input", value)]
        assert self.problems(None) == [("missing_input", value)]
        assert self.problems({}, f"i.value -> c.{value}") == []

    def test_a_node_that_calls_nothing_has_no_such_inputs(self):
        found = self.problems({self.NAMES[0]: "x"}, kind="add")
        assert all(field == "workflow_inputs" for _, field in found)
