"""Graphs that the server refuses, and how it chooses what runs."""

from __future__ import annotations

from typing import Any

import pytest
from talks.conversation import graph
from talks.graph_runs import Server

from invokeai_py_client.simulator.graphs.graph import Graph
from invokeai_py_client.simulator.graphs.node_schema import bundled_schemas
from invokeai_py_client.simulator.session.if_branches import IfBranches
from invokeai_py_client.simulator.session.session import Session

ADD = {"type": "add", "a": 1, "b": 2}
NUMBER = {"type": "integer", "value": 1}
TEXT = {"type": "string", "value": "x"}
NUMBERS = {"type": "range_of_size", "size": 2}
ITERATE, COLLECT = {"type": "iterate"}, {"type": "collect"}
JOIN = {"type": "string_join"}
WRONG = {
    "an iterator of nothing": (
        graph(i=ITERATE),
        "Invalid iterator node (i): Iterator must have a collection input edge",
    ),
    "an iterator of two lists": (
        graph(
            ("n.collection", "i.collection"),
            ("m.collection", "i.collection"),
            n=NUMBERS,
            m=NUMBERS,
            i=ITERATE,
        ),
        "Invalid iterator node (i): Iterator may only have one input edge",
    ),
    "an iterator of images into numbers": (
        graph(
            ("n.collection", "i.collection"),
            ("i.item", "a.a"),
            n={"type": "image_collection", "collection": []},
            i=ITERATE,
            a=ADD,
        ),
        "Invalid iterator node (i): Iterator outputs must connect to an input with a "
        "matching type",
    ),
    "an iterator of collected texts into numbers": (
        graph(
            ("t.value", "c.item"),
            ("c.collection", "i.collection"),
            ("i.item", "a.a"),
            t=TEXT,
            c=COLLECT,
            i=ITERATE,
            a=ADD,
        ),
        "Invalid iterator node (i): Iterator collection type must match all iterator "
        "output types",
    ),
    "an iterator of an empty collector": (
        graph(("c.collection", "i.collection"), i=ITERATE, c=COLLECT),
        "Invalid iterator node (i): Iterator input collector must have at least one "
        "item or collection input edge",
    ),
    "a collector of nothing": (
        graph(c=COLLECT),
        "Invalid collector node (c): Collector must have at least one item or "
        "collection input edge",
    ),
    "a collector of a number as a list": (
        graph(("n.value", "c.collection"), n=NUMBER, c=COLLECT),
        "Invalid collector node (c): Collector collection input must be a collection",
    ),
    "a collector of numbers and images": (
        graph(
            ("n.value", "c.item"),
            ("b.image", "c.item"),
            n=NUMBER,
            b={"type": "blank_image"},
            c=COLLECT,
        ),
        "Invalid collector node (c): Collector input collection items must be of a "
        "single type",
    ),
    "collected texts into numbers": (
        graph(
            ("t.value", "c.item"),
            ("c.collection", "m.collection"),
            t=TEXT,
            c=COLLECT,
            m={"type": "integer_collection"},
        ),
        "Invalid collector node (c): Collector outputs must connect to a collection "
        "input with a matching type",
    ),
    "collected texts into collected numbers": (
        graph(
            ("t.value", "c.item"),
            ("n.value", "d.item"),
            ("c.collection", "d.collection"),
            t=TEXT,
            n=NUMBER,
            c=COLLECT,
            d=COLLECT,
        ),
        "Invalid collector node (d): Collector input collection items must be of a "
        "single type",
    ),
}
RIGHT = {
    "an iterator of collected values of any type": graph(
        ("n.value", "if.true_input"),
        ("if.value", "c.item"),
        ("c.collection", "i.collection"),
        ("i.item", "a.a"),
        i=ITERATE,
        c=COLLECT,
        n=NUMBER,
        a=ADD,
        **{"if": {"type": "if", "condition": True}},
    ),
    "an iterator of collected numbers into texts": graph(
        ("n.value", "c.item"),
        ("c.collection", "i.collection"),
        ("i.item", "j.string_left"),
        n=NUMBER,
        c=COLLECT,
        i=ITERATE,
        j=JOIN,
    ),
    "collected numbers into collected numbers": graph(
        ("n.value", "c.item"),
        ("c.collection", "d.collection"),
        n=NUMBER,
        c=COLLECT,
        d=COLLECT,
    ),
    "an edge into the index of an iterator": graph(
        ("n.value", "i.index"),
        ("m.collection", "i.collection"),
        ("i.item", "a.a"),
        n=NUMBER,
        m=NUMBERS,
        i=ITERATE,
        a=ADD,
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_graph_is_refused_in_the_words_of_the_server(
    server: Server, name: str
) -> None:
    wrong, says = WRONG[name]
    run = server.run(wrong)
    assert run.status_code == 422
    assert [problem.split("Value error, ")[-1] for problem in run.problems] == [says]


def test_collected_texts_into_images_make_the_server_fail(server: Server) -> None:
    wrong = graph(
        ("t.value", "c.item"),
        ("c.collection", "m.collection"),
        t=TEXT,
        c=COLLECT,
        m={"type": "image_collection"},
    )
    assert server.enqueue(wrong) == (500, "Internal Server Error")


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_graph_is_run(server: Server, name: str) -> None:
    run = server.run(RIGHT[name])
    assert (run.status_code, run.status, run.error) == (200, "completed", None)


def test_an_iterator_counts_by_itself_whatever_its_index_is_fed(
    server: Server,
) -> None:
    run = server.run(RIGHT["an edge into the index of an iterator"])
    items = {path: result for (source, path), result in run.results.items() if path}
    assert [items[0,]["value"], items[1,]["value"]] == [2, 3]


def session_of(wanted: dict[str, Any]) -> Session:
    schemas = bundled_schemas()
    return Session(Graph.model_validate(wanted, context=schemas), schemas)


@pytest.mark.parametrize("condition", [True, False])
def test_only_the_branch_that_an_if_takes_is_run(
    server: Server, condition: bool
) -> None:
    run = server.run(
        graph(
            ("yes.value", "if.true_input"),
            ("no.value", "if.false_input"),
            ("both.value", "yes.a"),
            ("both.value", "no.a"),
            both=NUMBER,
            yes=ADD,
            no=ADD,
            **{"if": {"type": "if", "condition": condition}},
        )
    )
    taken = "yes" if condition else "no"
    assert {source for source, _ in run.results} == {"both", taken, "if"}


def test_an_if_is_decided_once_and_nothing_else_is() -> None:
    wanted = graph(
        ("yes.value", "if.true_input"),
        yes=ADD,
        **{"if": {"type": "if", "condition": True}},
    )
    session = session_of(wanted)
    node = session.next_node()
    assert node is not None
    assert node.type == "add"
    branches = IfBranches(session, session.scheduler.path)
    assert branches.decide(node.id, []) is None
    (if_id,) = session.source_prepared["if"]
    inputs = session.scheduler.inputs(if_id)
    assert branches.decide(if_id, inputs) == ([], {"yes"}, set())
    assert branches.decide(if_id, inputs) is None


def test_a_list_as_a_condition_fails_the_job(server: Server) -> None:
    run = server.run(
        graph(
            ("flags.collection", "if.condition"),
            ("yes.value", "if.true_input"),
            flags={"type": "boolean_collection", "collection": [True]},
            yes=ADD,
            **{"if": {"type": "if"}},
        )
    )
    says = "Node if has invalid incoming input for condition"
    assert (run.status, run.error) == ("failed", ("NodeInputError", says))
