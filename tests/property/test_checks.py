"""Checks over any value, any graph and any batch: they judge, they never fail."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings, strategies as st

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.ivk_fields.server_rules import read_integer
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.checking.batch_checks import batch_problems
from invokeai_py_client.workflow.checking.graph_checks import GraphView, graph_problems
from invokeai_py_client.workflow.checking.value_checks import (
    batch_value_problem,
    literal_problem,
)

CATALOG = NodeCatalog.bundled()
TEMPLATES = [template for node in CATALOG.values() for template in node.inputs.values()]
NODE_TYPES = sorted(CATALOG)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["5", "euler", "auto", "nan", "1e5", "\ud800"])
)
objects = st.sampled_from(
    [
        {"image_name": "a"},
        {"board_id": "b"},
        {"r": 1, "g": 2, "b": 3, "a": 4},
        {"key": "k", "hash": "h", "name": "n", "base": "sd-1", "type": "main"},
        {"image_name": 5},
        {},
    ]
)
values = st.recursive(
    scalars | objects,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(template=st.sampled_from(TEMPLATES), value=values)
@settings(max_examples=500, deadline=None)
def test_every_value_gets_a_verdict_in_words(template, value):
    for check in (literal_problem, batch_value_problem):
        refused = check(template, value)
        assert refused is None or (refused.kind and refused.allowed)


@given(template=st.sampled_from(TEMPLATES), value=values)
@settings(max_examples=300, deadline=None)
def test_a_batch_is_never_looser_than_a_literal(template, value):
    """What may be batched may be written, once true and false are numbers."""
    if batch_value_problem(template, value) is None and not _has_bool(value):
        assert literal_problem(template, value) is None


def _has_bool(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_has_bool, value))
    return isinstance(value, bool)


@given(st.integers())
def test_integers_are_read_in_every_way_they_are_written(number):
    assert read_integer(number) == read_integer(str(number)) == number
    assert read_integer(f"{number}.0") == number


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    ids = [f"n{index}" for index in range(draw(st.integers(0, 6)))]
    nodes = {
        key: {
            "id": key,
            "type": draw(
                st.sampled_from([*NODE_TYPES, "iterate", "collect", "add", "gone"])
            ),
        }
        for key in ids
    }
    ends = st.sampled_from([*ids, "ghost"])
    fields = st.sampled_from(["value", "a", "collection", "item", "image", "nope"])
    edges = [
        {
            "source": {"node_id": draw(ends), "field": draw(fields)},
            "destination": {"node_id": draw(ends), "field": draw(fields)},
        }
        for _ in range(draw(st.integers(0, 8)))
    ]
    return {"nodes": nodes, "edges": edges}


@given(graphs())
@settings(max_examples=300, deadline=None)
def test_every_graph_gets_a_verdict(graph):
    for problem in graph_problems(GraphView(graph, CATALOG)):
        assert isinstance(problem, FieldProblem)
        assert problem.message


@given(st.permutations(range(6)), st.data())
def test_a_cycle_is_found_exactly_when_there_is_one(order, data):
    """Edges along an order make no cycle; one that goes back makes one."""
    names = [f"n{index}" for index in order]
    nodes = {name: {"id": name, "type": "add"} for name in names}
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    chosen = data.draw(st.lists(st.sampled_from(pairs), min_size=1, unique=True))
    forward = [_edge(a, b) for a, b in chosen]
    assert not list(
        graph_problems(GraphView({"nodes": nodes, "edges": forward}, CATALOG))
    )
    first, last = data.draw(st.sampled_from(chosen))
    graph = {"nodes": nodes, "edges": [*forward, _edge(last, first)]}
    assert [item.kind for item in graph_problems(GraphView(graph, CATALOG))] == [
        "cycle"
    ]


def _edge(source: str, target: str) -> dict[str, Any]:
    return {
        "source": {"node_id": source, "field": "value"},
        "destination": {"node_id": target, "field": "a"},
    }


@given(graph=graphs(), data=st.data())
@settings(max_examples=200, deadline=None)
def test_every_batch_gets_a_verdict(graph, data):
    datum = st.fixed_dictionaries(
        {
            "node_path": st.sampled_from([*graph["nodes"], "ghost"]),
            "field_name": st.sampled_from(["a", "b", "value", "start", "stop", "id"]),
            "items": st.lists(values, max_size=4),
        }
    )
    groups = data.draw(st.lists(st.lists(datum, max_size=3), max_size=3))
    for problem in batch_problems(groups, graph, CATALOG):
        assert problem.message
