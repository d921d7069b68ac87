"""Values that edges bring: calculated and refused before they end a server's worker."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
import workflow_builder as build
from edge_cases import EDGE_CASES, RANGE

from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.checking.check_workflow import check_workflow
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

CATALOG = NodeCatalog.bundled()
EMPTY = BaseWorkflowHandle(build.definition([]), CATALOG).compile()


def found(graph: dict[str, Any], data: Any = ()) -> tuple[list[str], list[str]]:
    """The messages of problems, required inputs aside, and of warnings."""
    compiled = replace(EMPTY, graph=graph, data=list(data))
    problems, warnings = check_workflow(compiled, CATALOG)
    return (
        [item.message for item in problems if item.kind != "missing_input"],
        [item.message for item in warnings if item.kind == "edge_value"],
    )


@pytest.mark.parametrize("case", EDGE_CASES)
def test_what_literals_decide_is_calculated(case: str) -> None:
    verdict, graph = EDGE_CASES[case]
    problems, warnings = found(graph)
    assert warnings == []
    assert (problems == []) is (verdict == "runs"), problems
    # One fault is told once, not at every node that it passes.
    assert len(problems) <= 1


def test_the_problem_names_field_values_and_what_is_allowed() -> None:
    (problem,), _ = found(EDGE_CASES["a range starts after its end"][1])
    assert "start=20" in problem
    assert "stop=10" in problem
    assert "above start" in problem
    (problem,), _ = found(EDGE_CASES["a width that is not a multiple of eight"][1])
    assert "65" in problem
    assert "i.value" in problem
    assert "multiple of 8" in problem


def test_a_refused_condition_names_node_field_and_source() -> None:
    (problem,), _ = found(EDGE_CASES["a list of flags as a condition"][1])
    assert problem.startswith("if.condition (x): would get [True, False] from f.")
    assert problem.endswith("allowed: true or false")
    case = "a condition from a branch that is not taken"
    (problem,), _ = found(EDGE_CASES[case][1])
    assert problem.startswith("if.condition (x): gets its value from b.value (b)")
    assert "(y) does not take its true_input" in problem
    (problem,), _ = found(EDGE_CASES["an item as a branch"][1])
    assert problem.startswith("if.true_input (x): only gets what c (c) makes")


def test_a_condition_that_only_the_run_knows_is_warned_of_unless_it_is_a_list() -> None:
    nodes: dict[str, dict[str, Any]] = {
        "m": {"type": "metadata_to_integer", "label": "seed"},
        "x": {"type": "if", "condition": True},
        "y": {"type": "if"},
    }
    edges = ("m.value -> x.true_input", "x.value -> y.condition")
    problems, (warning,) = found(build.graph(nodes, *edges))
    assert problems == []
    assert "x.value" in warning
    assert "not true or false" in warning
    nodes["m"] = {"type": "metadata_to_bool_collection", "label": "seamless_x"}
    (problem,), warnings = found(build.graph(nodes, "m.collection -> y.condition"))
    assert "a list" in problem
    assert warnings == []


def test_a_condition_in_a_branch_that_the_run_chooses_is_warned_of() -> None:
    nodes: dict[str, dict[str, Any]] = {
        "m": {"type": "metadata_to_bool", "label": "seamless_x"},
        "b": {"type": "boolean", "value": True},
        "x": {"type": "if"},
        "y": {"type": "if"},
    }
    edges = (
        "m.value -> y.condition",
        "b.value -> x.condition",
        "x.value -> y.true_input",
    )
    problems, (warning,) = found(build.graph(nodes, *edges))
    assert problems == []
    assert "does not run when" in warning


def test_what_the_run_decides_is_warned_of() -> None:
    nodes = {"d": {"type": "rand_int"}, "r": RANGE}
    problems, (warning,) = found(build.graph(nodes, "d.value -> r.start"))
    assert problems == []
    assert "d.value" in warning
    assert "stop" in warning
    # The server checks `stop` itself, and only the job would fail.
    assert found(build.graph(nodes, "d.value -> r.stop")) == ([], [])


def test_a_branch_that_the_run_chooses_is_warned_of() -> None:
    nodes: dict[str, dict[str, Any]] = {
        "f": {"type": "float_math", "operation": "SQRT", "a": -1},
        "m": {"type": "metadata_to_bool", "label": "seamless_x"},
        "x": {"type": "if"},
    }
    edges = ("m.value -> x.condition", "f.value -> x.true_input")
    problems, (warning,) = found(build.graph(nodes, *edges))
    assert problems == []
    assert "nan" in warning


def datum(place: str, *items: Any) -> dict[str, Any]:
    node_id, _, name = place.partition(".")
    return {"node_path": node_id, "field_name": name, "items": list(items)}


def test_every_job_of_a_batch_is_calculated() -> None:
    nodes = {"i": {"type": "integer"}, "j": {"type": "integer"}, "r": RANGE}
    edges = ("i.value -> r.start", "j.value -> r.stop")
    graph = build.graph(nodes, *edges)
    zipped = [datum("i.value", 1, 20), datum("j.value", 5, 25)]
    assert found(graph, [zipped]) == ([], [])
    # Every combination of the same values: 20 with 5 is among them.
    (problem,), _ = found(graph, [zipped[:1], zipped[1:]])
    assert "start=20" in problem
    assert "stop=5" in problem


def test_literals_that_json_has_no_number_for_are_refused() -> None:
    for value in ("nan", "inf", "-Infinity", ["nan"]):
        kind = "float_collection" if isinstance(value, list) else "float"
        name = "collection" if isinstance(value, list) else "value"
        (problem,), _ = found(build.graph({"f": {"type": kind, name: value}}))
        assert "finite" in problem
    for number in (10**4300, "1" * 4301, -(10**9000)):
        (problem,), _ = found(build.graph({"i": {"type": "integer", "value": number}}))
        assert "integer" in problem


@pytest.mark.parametrize("kind", ["add", "collect"])
def test_a_long_chain_takes_time_in_proportion(kind: str) -> None:
    def seconds(count: int) -> float:
        nodes: dict[str, Any] = {"n": {"type": "integer", "value": 1}}
        nodes.update({f"n{i}": {"type": kind} for i in range(count)})
        names = {"add": ("value", "a"), "collect": ("collection", "collection")}
        output, target = names[kind]
        edges = [f"n{i}.{output} -> n{i + 1}.{target}" for i in range(count - 1)]
        edges.append("n.value -> n0." + ("a" if kind == "add" else "item"))
        compiled = replace(EMPTY, graph=build.graph(nodes, *edges))
        started = time.process_time()
        problems, _ = check_workflow(compiled, CATALOG)
        assert problems == []
        return time.process_time() - started

    # In proportion is 8 times as long, with the square 64 times.
    short = min(seconds(1_500) for _ in range(3))
    long = min(seconds(12_000) for _ in range(3))
    assert long < 40 * short
