"""The message of a refused value is made of its parts."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import pytest

from invokeai_py_client.exceptions import FieldProblem

PROBLEM = FieldProblem(
    "must be at most 10, got 11",
    "maximum",
    "n1",
    "steps",
    value=11,
    allowed="an integer, at most 10",
)


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({}, "node n1, field steps"),
        ({"field_name": None}, "node n1"),
        ({"node_label": "Denoise"}, "Denoise.steps (n1)"),
        ({"input_index": 3}, "input 3 (node n1, field steps)"),
        (
            {"input_index": 3, "input_name": "steps", "node_label": "Denoise"},
            "input 3 'steps' (Denoise.steps)",
        ),
        ({"where": "edge a.x -> n1.steps"}, "edge a.x -> n1.steps"),
        ({"input_index": 3, "where": "batch for n1"}, "input 3 (batch for n1)"),
    ],
)
def test_a_message_starts_with_the_place_as_far_as_it_is_known(parts, place):
    problem = replace(PROBLEM, **parts)
    assert problem.place == place
    assert problem.message == f"{place}: must be at most 10, got 11"


def test_a_problem_of_the_whole_graph_has_no_place():
    assert FieldProblem("the graph has a cycle", "cycle").message == (
        "the graph has a cycle"
    )


def test_without_words_of_its_own_a_problem_tells_the_value_and_what_is_allowed():
    problem = FieldProblem("", "type", value="x" * 99, allowed="an integer")
    assert problem.message.endswith("...; allowed: an integer")
    assert len(problem.message) < 99


def test_a_problem_is_data_for_json_and_pickle():
    data = json.loads(json.dumps(PROBLEM.as_dict()))
    assert data["message"] == PROBLEM.message
    assert (data["kind"], data["node_id"], data["value"]) == ("maximum", "n1", 11)
    assert pickle.loads(pickle.dumps(PROBLEM)) == PROBLEM
