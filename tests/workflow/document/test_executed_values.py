"""A workflow beside the graph that ran has its values; a graph alone becomes one."""

from __future__ import annotations

from typing import Any

import pytest
import workflow_builder as build

from invokeai_py_client import WorkflowDefinition

Nodes = dict[str, dict[str, Any]]


def edge(source: str, target: str) -> dict[str, Any]:
    """An edge of a graph, from ``node.output`` to ``node.input``."""
    (start, output), (end, name) = source.split("."), target.split(".")
    return {
        "source": {"node_id": start, "field": output},
        "destination": {"node_id": end, "field": name},
    }


def graph_of(nodes: Nodes, *edges: str) -> dict[str, Any]:
    links = [edge(*ends.split(" -> ")) for ends in edges]
    return {
        "nodes": {key: {"id": key, **node} for key, node in nodes.items()},
        "edges": links,
    }


def of_graph(
    nodes: Nodes, *edges: str, metadata: dict[str, Any] | None = None
) -> WorkflowDefinition:
    document = {"graph": graph_of(nodes, *edges), "metadata": metadata or {}}
    return WorkflowDefinition.from_dict(document)


def beside(
    workflow: dict[str, Any], nodes: Nodes, *edges: str, **more: Any
) -> WorkflowDefinition:
    """The workflow of a document that has the graph beside it."""
    return WorkflowDefinition.from_dict(
        {
            "invokeai_workflow": workflow,
            "invokeai_graph": graph_of(nodes, *edges),
            **more,
        }
    )


def inputs_of(definition: WorkflowDefinition, node_id: str) -> dict[str, Any]:
    (node,) = (node for node in definition.document["nodes"] if node["id"] == node_id)
    inputs = node["data"]["inputs"].items()
    return {key: item["value"] for key, item in inputs if "value" in item}


def messages(definition: WorkflowDefinition, kind: str) -> list[str]:
    return [item.message for item in definition.warnings if item.kind == kind]


def exposed(definition: WorkflowDefinition) -> list[tuple[str, str]]:
    found = definition.document["exposedFields"]
    return [(item["nodeId"], item["fieldName"]) for item in found]


RANDOM: Nodes = {
    "r": {"type": "rand_int", "low": 0, "high": 100},
    "n": {"type": "noise"},
    "m": {"type": "core_metadata"},
}


@pytest.mark.parametrize("between", [(), ("i",), ("i", "j")])
def test_a_number_is_known_that_was_noted_through_literal_nodes(
    between: tuple[str, ...],
) -> None:
    """An `integer` node hands on what feeds it, as often as there are such nodes."""
    nodes = {**RANDOM, **{key: {"type": "integer", "value": 1} for key in between}}
    stops = ["r", *between]
    edges = [f"{start}.value -> {end}.value" for start, end in zip(stops, between)]
    definition = of_graph(
        nodes, *edges, f"{stops[-1]}.value -> m.chance", metadata={"chance": 7}
    )
    assert inputs_of(definition, "r") == {"low": 7, "high": 8}
    assert messages(definition, "executed_value") == ["r is pinned to 7, which it drew"]
    assert messages(definition, "unknown_value") == []


def test_a_number_is_not_known_that_only_went_through_a_calculation() -> None:
    nodes = {**RANDOM, "a": {"type": "add", "b": 1}}
    definition = of_graph(
        nodes, "r.value -> a.value", "a.value -> m.chance", metadata={"chance": 7}
    )
    assert inputs_of(definition, "r") == {"low": 0, "high": 100}
    assert len(messages(definition, "unknown_value")) == 1


def test_only_what_feeds_the_metadata_node_is_noted_there() -> None:
    """The seed in the metadata may be another one than that of this input."""
    definition = of_graph(RANDOM, "r.value -> n.seed", metadata={"seed": 7})
    assert inputs_of(definition, "r") == {"low": 0, "high": 100}
    assert len(messages(definition, "unknown_value")) == 1


@pytest.mark.parametrize(
    ("node", "is_warned_of"),
    [
        ({"type": "rand_int", "low": 5, "high": 6}, False),
        ({"type": "rand_int", "low": 5, "high": 7}, True),
        ({"type": "rand_int", "low": 5}, True),
        ({"type": "rand_int", "high": 6}, True),
        ({"type": "rand_float", "low": 0.0, "high": 1.0}, True),
        ({"type": "random_range", "seed": 3}, False),
        ({"type": "random_range"}, True),
        ({"type": "rand_float", "seed": 3}, True),
        ({"type": "noise", "seed": 3}, False),
    ],
)
def test_a_node_is_warned_of_whose_draw_cannot_be_repeated(
    node: dict[str, Any], is_warned_of: bool
) -> None:
    definition = of_graph({"r": node})
    assert bool(messages(definition, "unknown_value")) is is_warned_of


def test_a_drawn_number_is_not_pinned_where_an_edge_sets_its_limit() -> None:
    definition = of_graph(
        {**RANDOM, "i": {"type": "integer", "value": 9}},
        "i.value -> r.high",
        "r.value -> m.chance",
        metadata={"chance": 7},
    )
    assert inputs_of(definition, "r")["low"] == 0
    assert len(messages(definition, "unknown_value")) == 1


SIZED = build.node("b", "blank_image", {"width": 64, "height": 64}, label="Canvas")


def test_what_ran_with_another_value_is_named_by_its_label_and_type() -> None:
    ran = {"b": {"type": "blank_image", "width": 128, "height": 64}}
    definition = beside(build.document([SIZED]), ran)
    assert inputs_of(definition, "b")["width"] == 128
    assert messages(definition, "executed_value") == [
        "Canvas.width is 128, as it ran; the workflow beside the graph has 64"
    ]
    plain = build.node("b", "blank_image", {"width": 64, "height": 64})
    (message,) = messages(beside(build.document([plain]), ran), "executed_value")
    assert message.startswith("blank_image.width is 128")


@pytest.mark.parametrize(
    ("stored", "ran", "is_same"),
    [
        ({"key": "k"}, {"key": "k", "submodel": None}, True),
        ({"key": "k", "name": "n"}, {"key": "k"}, True),
        ({"key": "k"}, {"key": "l"}, False),
        ({"key": "k"}, {"key": "k", "submodel": "unet"}, False),
        ("auto", {"board_id": "x"}, True),
        ("auto", {"key": "x"}, False),
        (1, 1.0, True),
        (1, True, False),
        (2**53 + 1, 2**53, True),
    ],
)
def test_what_means_the_same_to_the_gui_is_not_a_difference(
    stored: Any, ran: Any, is_same: bool
) -> None:
    document = build.document([build.node("n", "a_node", {"x": stored})])
    definition = beside(document, {"n": {"type": "a_node", "x": ran}})
    assert bool(messages(definition, "executed_value")) is not is_same
    assert inputs_of(definition, "n") == {"x": stored if is_same else ran}


def fed(*edges: str) -> dict[str, Any]:
    nodes = [
        build.node("i", "integer_batch", {"integers": [64, 128]}),
        build.node("v", "integer", {"value": 32}),
        build.node("b", "blank_image", {"width": 64, "height": 64}),
    ]
    return build.document(nodes, list(edges))


def test_an_edge_of_a_batch_gives_way_to_the_value_that_ran() -> None:
    ran = {
        "v": {"type": "integer", "value": 32},
        "b": {"type": "blank_image", "width": 128, "height": 32},
    }
    document = fed("i.value -> b.width", "v.value -> b.height")
    definition = beside(document, ran, "v.value -> b.height")
    kept = [item["target"] for item in definition.document["edges"]]
    handles = [item["targetHandle"] for item in definition.document["edges"]]
    assert (kept, handles) == (["b"], ["height"])
    assert inputs_of(definition, "b")["width"] == 128
    assert "b.width has the value that ran, not those of i" in messages(
        definition, "executed_value"
    )


@pytest.mark.parametrize(
    ("ran", "edges"),
    [
        # The node at the start of the edge ran as well.
        ({"i": {"type": "integer_batch"}, "b": {"width": 128}}, ()),
        # The graph has no value for the input.
        ({"b": {"height": 64}}, ()),
        # Another edge fed it.
        ({"v": {"value": 32}, "b": {"width": 128}}, ("v.value -> b.width",)),
    ],
    ids=["source ran", "no value", "fed"],
)
def test_other_edges_are_kept(ran: Nodes, edges: tuple[str, ...]) -> None:
    document = fed("i.value -> b.width")
    nodes = {key: {"type": "a_node", **node} for key, node in ran.items()}
    definition = beside(document, nodes, *edges)
    assert definition.document["edges"] == document["edges"]


def test_the_nodes_of_a_graph_are_laid_out_six_in_a_row() -> None:
    nodes = {f"n{number}": {"type": "add"} for number in range(14)}
    places = [
        (node["position"]["x"], node["position"]["y"])
        for node in of_graph(nodes).document["nodes"]
    ]
    columns = [x for x, _ in places[:6]]
    steps = {right - left for left, right in zip(columns, columns[1:])}
    assert columns[0] == 0
    assert len(steps) == 1
    assert steps.pop() > 0
    assert [x for x, _ in places] == (columns * 3)[:14]
    rows = [y for _, y in places]
    assert rows == [rows[0]] * 6 + [rows[6]] * 6 + [rows[12]] * 2
    assert rows[0] == 0 < rows[6] == rows[12] - rows[6]


@pytest.mark.parametrize(
    ("stored", "flags"),
    [
        ({}, (False, True)),
        ({"is_intermediate": True, "use_cache": False}, (True, False)),
        ({"is_intermediate": False, "use_cache": True}, (False, True)),
    ],
)
def test_the_flags_of_a_graph_are_kept(
    stored: dict[str, Any], flags: tuple[bool, bool]
) -> None:
    (node,) = of_graph({"n": {"type": "add", **stored}}).document["nodes"]
    data = node["data"]
    assert (data["isIntermediate"], data["useCache"]) == flags


def test_a_name_of_the_metadata_means_the_input_that_feeds_it_there() -> None:
    nodes: Nodes = {
        "p": {"type": "string", "value": "a fox"},
        "q": {"type": "string", "value": "a fox"},
        "m": {"type": "core_metadata", "app": "x"},
    }
    definition = of_graph(
        nodes, "q.value -> m.positive_prompt", metadata={"positive_prompt": "a fox"}
    )
    assert exposed(definition) == [("q", "value")]


def test_a_text_is_found_by_its_value_alone_but_a_number_is_not() -> None:
    nodes: Nodes = {"p": {"type": "a_node", "prompt": "a fox", "rate": 3}}
    definition = of_graph(nodes, metadata={"positive": "a fox", "speed": 3})
    assert exposed(definition) == [("p", "prompt")]
    assert "speed" in messages(definition, "metadata")[0]


def test_empty_text_is_not_found_by_its_value() -> None:
    nodes: Nodes = {"p": {"type": "a_node", "prompt": ""}}
    assert exposed(of_graph(nodes, metadata={"negative": ""})) == []


def test_of_inputs_of_one_name_that_with_the_value_is_meant() -> None:
    nodes: Nodes = {
        "a": {"type": "a_node", "width": 64},
        "b": {"type": "a_node", "width": 128},
    }
    assert exposed(of_graph(nodes, metadata={"width": 128})) == [("b", "width")]


def test_an_input_that_an_edge_feeds_is_meant_by_the_literal_behind_it() -> None:
    nodes: Nodes = {
        "i": {"type": "integer", "value": 5},
        "j": {"type": "integer"},
        "n": {"type": "noise"},
        "c": {"type": "add", "a": 1},
        "d": {"type": "denoise"},
    }
    edges = ("i.value -> j.value", "j.value -> n.seed", "c.value -> d.steps")
    definition = of_graph(nodes, *edges, metadata={"seed": 9, "steps": 4})
    assert exposed(definition) == [("i", "value")]
    assert messages(definition, "metadata") == [
        "the metadata names what no single input of the graph has: steps",
        "the metadata is not of this graph: seed is 9, the graph has 5",
    ]


def test_literal_nodes_in_a_ring_mean_no_input() -> None:
    nodes: Nodes = {"i": {"type": "integer"}, "n": {"type": "noise"}}
    edges = ("i.value -> i.value", "i.value -> n.seed")
    assert exposed(of_graph(nodes, *edges, metadata={"seed": 9})) == []


def test_what_the_metadata_says_of_itself_is_not_looked_for() -> None:
    noted = {
        "app_version": "6.14.2",
        "generation_mode": "txt2img",
        "loras": ["l"],
        "vae": None,
    }
    definition = of_graph({"n": {"type": "noise", "vae": "v"}}, metadata=noted)
    assert messages(definition, "metadata") == []
    assert exposed(definition) == []


@pytest.mark.parametrize("count", [8, 9])
def test_up_to_eight_names_without_an_input_are_listed(count: int) -> None:
    noted = {f"k{number}": number for number in range(1, count + 1)}
    (message,) = messages(of_graph({"n": {"type": "a"}}, metadata=noted), "metadata")
    listed = ", ".join(f"k{number}" for number in range(1, 9))
    assert message.endswith(f": {listed}" + (", …" if count > 8 else ""))


def session_of(prepared: dict[str, list[str]], results: dict[str, Any]) -> Any:
    return {
        "graph": graph_of(RANDOM),
        "source_prepared_mapping": prepared,
        "results": results,
    }


def test_a_session_says_what_its_nodes_returned_if_they_ran_once() -> None:
    results = {"x": {"value": 7}, "y": {"value": 8}}
    once = WorkflowDefinition.from_dict(
        {"session": session_of({"r": ["x"]}, results), "item_id": 3}
    )
    assert inputs_of(once, "r") == {"low": 7, "high": 8}
    twice = WorkflowDefinition.from_dict(
        {"session": session_of({"r": ["x", "y"]}, results)}
    )
    assert inputs_of(twice, "r") == {"low": 0, "high": 100}
    for broken in ({"r": "x"}, {"r": []}, None, ["x"]):
        odd: Any = session_of({}, results)
        odd["source_prepared_mapping"] = broken
        definition = WorkflowDefinition.from_dict({"session": odd})
        assert inputs_of(definition, "r") == {"low": 0, "high": 100}
    without: Any = session_of({"r": ["x"]}, {})
    without["results"] = None
    definition = WorkflowDefinition.from_dict({"session": without})
    assert inputs_of(definition, "r") == {"low": 0, "high": 100}


def test_a_workflow_beside_a_session_came_with_a_job() -> None:
    document = build.document([SIZED])
    definition = WorkflowDefinition.from_dict(
        {"workflow": document, "session": {"graph": {"nodes": {}}}}
    )
    assert messages(definition, "wrapped") == ["the workflow was taken out of a job"]
    definition = WorkflowDefinition.from_dict({"workflow": document})
    assert messages(definition, "wrapped") == [
        "the workflow was taken out of a record of the workflow library"
    ]


@pytest.mark.parametrize(("columns", "count"), [([[{}]], 1), ([], 0), (None, 0)])
def test_the_values_of_a_request_are_warned_of(columns: Any, count: int) -> None:
    graph = graph_of({"n": {"type": "add"}})
    definition = WorkflowDefinition.from_dict({"graph": graph, "data": columns})
    assert len(messages(definition, "batch_data")) == count
