"""Values that edges bring, by longer ways: iterators, collectors, branches, batches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest
import workflow_builder as build
from edge_cases import NUMBERS, RANGE

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.checking import edge_values
from invokeai_py_client.workflow.checking.check_workflow import check_workflow
from invokeai_py_client.workflow.document.warnings import WorkflowWarning
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

CATALOG = NodeCatalog.bundled()
EMPTY = BaseWorkflowHandle(build.definition([]), CATALOG).compile()

Found = tuple[list[FieldProblem], list[WorkflowWarning]]


def found(nodes: dict[str, dict[str, Any]], *edges: str, data: Any = ()) -> Found:
    """Problems, required inputs aside, and warnings of values."""
    graph = build.graph(nodes, *edges)
    compiled = replace(EMPTY, graph=graph, data=list(data))
    problems, warnings = check_workflow(compiled, CATALOG)
    return (
        [item for item in problems if item.kind != "missing_input"],
        [item for item in warnings if item.kind == "edge_value"],
    )


def integers(*numbers: int) -> dict[str, Any]:
    return {"type": "integer_collection", "collection": list(numbers)}


def integer(number: Any) -> dict[str, Any]:
    return {"type": "integer", "value": number}


ITERATE = {"type": "iterate"}
COLLECT = {"type": "collect"}
ADD = {"type": "add", "b": 0}
OPEN = {"type": "metadata_to_integer", "label": "seed"}  # only the run will tell


def items_into(target: str, **nodes: dict[str, Any]) -> Found:
    """What is found when the items of the list `c` go through `m` to a field."""
    edges = ("c.collection -> n.collection", "n.item -> m.a", f"m.value -> {target}")
    return found({"n": ITERATE, "m": ADD, "r": RANGE, **nodes}, *edges)


class TestIterators:
    @pytest.mark.parametrize("numbers", [(20,), (1, 20), (20, 1, 2)])
    def test_one_item_that_does_not_fit_is_enough(self, numbers):
        (problem,), warnings = items_into("r.start", c=integers(*numbers))
        assert (problem.node_id, problem.kind) == ("r", "edge_value")
        assert "start=20" in problem.message
        assert warnings == []

    def test_items_that_fit_are_fine(self):
        assert items_into("r.start", c=integers(1, 9)) == ([], [])

    def test_the_items_of_an_empty_list_are_none(self):
        problems, _ = items_into("r.start", c=integers())
        assert problems == []

    def test_items_that_cannot_be_calculated_are_not_known(self):
        divided = {"type": "integer_math", "operation": "DIV", "a": 6}
        edges = (
            "c.collection -> n.collection",
            "n.item -> m.b",
            "m.value -> r.start",
        )
        nodes = {"c": NUMBERS, "n": ITERATE, "m": divided, "r": RANGE}
        problems, (warning,) = found(nodes, *edges)
        assert [problem.node_id for problem in problems] == ["m"]
        assert (warning.node_id, warning.field_name) == ("r", "start")

    def test_a_list_of_the_run_has_items_of_the_run(self):
        listed = {"type": "range"}
        edges = (
            "o.value -> c.stop",
            "c.collection -> n.collection",
            "n.item -> r.start",
        )
        nodes = {"o": OPEN, "c": listed, "n": ITERATE, "r": RANGE}
        problems, warnings = found(nodes, *edges)
        assert problems == []
        assert [item.node_id for item in warnings] == ["r"]

    def test_items_of_two_iterators_are_not_paired(self):
        nodes = {
            "c": integers(1, 2, 20), "d": integers(5, 50),
            "n": ITERATE, "o": ITERATE, "r": RANGE, "m": ADD,
        }  # fmt: skip
        lists = ("c.collection -> n.collection", "d.collection -> o.collection")
        pair = ("n.item -> r.start", "o.item -> r.stop")
        assert found(nodes, *lists, *pair) == ([], [])
        summed = ("n.item -> m.a", "o.item -> m.b", "m.value -> r.start")
        problems, (warning,) = found(nodes, *lists, *summed)
        assert problems == []
        assert (warning.node_id, warning.field_name) == ("r", "start")

    def test_lists_are_known_up_to_ten_thousand_items(self):
        for size, problems in ((10_000, ["r"]), (10_001, [])):
            listed = {"type": "integer_collection", "collection": [20] * size}
            nodes = {"c": listed, "n": ITERATE, "r": RANGE}
            edges = ("c.collection -> n.collection", "n.item -> r.start")
            told, _ = found(nodes, *edges)
            assert [item.node_id for item in told] == problems, size


class TestCollectors:
    END: ClassVar = {"type": "integer_collection"}

    def test_what_is_collected_arrives_in_one_list(self):
        nodes = {"i": integer(1), "c": COLLECT, "n": ITERATE, "r": RANGE}
        nodes["d"] = integers(2, 20)
        edges = (
            "i.value -> c.item",
            "d.collection -> c.collection",
            "c.collection -> n.collection",
            "n.item -> r.start",
        )
        (problem,), _ = found(nodes, *edges)
        assert "start=20" in problem.message

    def test_a_list_that_is_collected_as_an_item_stays_a_list(self):
        nodes = {"d": integers(1, 2), "c": COLLECT, "e": self.END}
        edges = ("d.collection -> c.item", "c.collection -> e.collection")
        (problem,), _ = found(nodes, *edges)
        assert (problem.node_id, problem.value) == ("e", [[1, 2]])

    def test_a_collection_with_a_part_of_the_run_is_not_known(self):
        nodes = {"o": OPEN, "i": integer(20), "c": COLLECT, "n": ITERATE, "r": RANGE}
        edges = (
            "i.value -> c.item",
            "o.value -> c.item",
            "c.collection -> n.collection",
            "n.item -> r.start",
        )
        problems, (warning,) = found(nodes, *edges)
        assert problems == []
        assert warning.node_id == "r"


class TestRules:
    def test_a_problem_is_placed_at_the_field_that_the_rule_names(self):
        nodes = {"i": integer(20), "r": {**RANGE, "stop": 10}}
        (problem,), _ = found(nodes, "i.value -> r.start")
        assert (problem.node_id, problem.field_name, problem.value) == ("r", "stop", 10)
        assert problem.allowed == "a stop above start (20)"

    def test_only_the_field_of_the_run_is_warned_of(self):
        adapter = {"type": "controlnet", "end_step_percent": 0.5}
        number = {"type": "float", "value": 0.2}
        open_number = {"type": "metadata_to_float", "label": "cfg_scale"}
        nodes = {"o": open_number, "f": number, "a": adapter}
        edges = ("o.value -> a.begin_step_percent", "f.value -> a.end_step_percent")
        problems, warnings = found(nodes, *edges)
        assert problems == []
        assert [(item.node_id, item.field_name) for item in warnings] == [
            ("a", "begin_step_percent")
        ]
        both = ("o.value -> a.begin_step_percent", "o.value -> a.end_step_percent")
        _, warnings = found(nodes, *both)
        assert [item.field_name for item in warnings] == [
            "begin_step_percent", "end_step_percent",
        ]  # fmt: skip

    def test_what_literals_break_is_told_once_although_an_edge_enters(self):
        nodes = {"i": integer(1), "r": {**RANGE, "start": 20, "stop": 10}}
        problems, _ = found(nodes, "i.value -> r.step")
        assert [item.kind for item in problems] == ["node_rule"]

    def test_a_value_that_its_field_refuses_is_not_held_against_a_rule_too(self):
        number = {"type": "float", "value": 7}
        nodes = {"f": number, "a": {"type": "controlnet"}}
        (problem,), _ = found(nodes, "f.value -> a.begin_step_percent")
        assert problem.allowed == "a number, at least 0, at most 1"

    def test_each_faulty_field_is_told_once_for_all_jobs(self):
        nodes = {"i": integer(1), "j": integer(1), "n": {"type": "noise"}}
        edges = ("i.value -> n.width", "j.value -> n.height")
        data = [[_datum("i.value", 65, 66), _datum("j.value", 67, 68)]]
        problems, _ = found(nodes, *edges, data=data)
        assert [(item.field_name, item.value) for item in problems] == [
            ("width", 65), ("height", 67),
        ]  # fmt: skip

    def test_the_message_says_where_the_value_comes_from(self):
        nodes = {"i": integer(65), "n": {"type": "noise"}}
        (problem,), _ = found(nodes, "i.value -> n.width")
        assert "would get 65 from i.value (i)" in problem.message
        # With the label that a user gave the node.
        stored = [
            build.node("i", "integer", {"value": 65}, label="Size"),
            build.node("n", "noise"),
        ]
        handle = BaseWorkflowHandle(
            build.definition(stored, ["i.value -> n.width"]), CATALOG
        )
        (problem,) = handle.check()
        assert "from Size.value (i)" in problem.message


class TestBranches:
    """Where an `if` takes the one branch, the server does not run the other."""

    ROOT: ClassVar = {"type": "float_math", "operation": "SQRT", "a": -1}

    @pytest.mark.parametrize(("taken", "count"), [(True, 0), (False, 1)])
    def test_all_nodes_before_a_branch_are_skipped_with_it(self, taken, count):
        nodes = {
            "f": self.ROOT,
            "g": {"type": "float"},
            "x": {"type": "if", "condition": taken},
        }
        edges = ("f.value -> g.value", "g.value -> x.false_input")
        problems, warnings = found(nodes, *edges)
        assert len(problems) == count
        assert warnings == []

    def test_all_nodes_before_a_branch_of_the_run_are_warned_of(self):
        nodes = {
            "f": self.ROOT,
            "g": {"type": "float"},
            "b": {"type": "metadata_to_bool", "label": "seamless_x"},
            "x": {"type": "if"},
        }
        chain = ("f.value -> g.value", "g.value -> x.true_input")
        problems, (warning,) = found(nodes, *chain, "b.value -> x.condition")
        assert problems == []
        assert warning.node_id == "f"

    def test_a_node_that_something_else_needs_is_not_skipped(self):
        nodes = {
            "f": self.ROOT,
            "g": {"type": "float"},
            "x": {"type": "if", "condition": False},
        }
        problems, _ = found(nodes, "f.value -> x.true_input", "f.value -> g.value")
        assert [item.node_id for item in problems] == ["f"]

    def test_what_decides_between_branches_always_runs(self):
        label = {"type": "metadata_to_bool", "label": "* CUSTOM LABEL *"}
        nodes = {
            "s": {"type": "string", "value": ""},
            "b": {**label, "custom_label": "x"},
            "x": {"type": "if"},
        }
        edges = ("s.value -> b.custom_label", "b.value -> x.condition")
        problems, warnings = found(nodes, *edges)
        assert [item.node_id for item in problems] == ["b"]
        assert warnings == []


def _datum(place: str, *items: Any) -> dict[str, Any]:
    node_id, _, name = place.partition(".")
    return {"node_path": node_id, "field_name": name, "items": list(items)}


class TestEffort:
    """Calculating ends after some results; the rest is not known."""

    def test_further_jobs_are_not_looked_at(self, monkeypatch):
        # Each job costs a result, and one for each of its two nodes.
        monkeypatch.setattr(edge_values, "MAX_RESULTS", 9)
        nodes = {"i": integer(1), "r": RANGE}
        for place, count in ((0, 1), (2, 1), (3, 0)):
            items = [-100 + number for number in range(6)]
            items[place] = 20
            data = [[_datum("i.value", *items)]]
            problems, _ = found(nodes, "i.value -> r.start", data=data)
            assert len(problems) == count, place

    @pytest.mark.parametrize(("most", "known"), [(2, False), (3, True)])
    def test_further_results_of_a_job_are_not_known(self, monkeypatch, most, known):
        monkeypatch.setattr(edge_values, "MAX_RESULTS", most)
        nodes = {"i": integer(20), "a": ADD, "b": ADD, "r": RANGE}
        edges = ("i.value -> a.a", "a.value -> b.a", "b.value -> r.start")
        problems, warnings = found(nodes, *edges)
        assert (len(problems), len(warnings)) == ((1, 0) if known else (0, 1))

    @pytest.mark.parametrize(("most", "known"), [(8, False), (9, True)])
    def test_what_is_collected_counts_as_well(self, monkeypatch, most, known):
        # The list, its four items in the collection, and a sum for each.
        monkeypatch.setattr(edge_values, "MAX_RESULTS", most)
        nodes = {"d": integers(1, 2, 3, 20), "c": COLLECT, "n": ITERATE, "a": ADD}
        edges = (
            "d.collection -> c.collection",
            "c.collection -> n.collection",
            "n.item -> a.a",
            "a.value -> r.start",
        )
        problems, warnings = found({**nodes, "r": RANGE}, *edges)
        assert (len(problems), len(warnings)) == ((1, 0) if known else (0, 1))
