"""Compiling follows the GUI's rules where no recorded case shows them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Optional

import pytest
from workflow_builder import connector, definition, document, node

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.nodes.template import UNSET
from invokeai_py_client.workflow.compiling.apply_edits import apply_edits
from invokeai_py_client.workflow.compiling.compile_workflow import (
    CompiledWorkflow,
    CompileOptions,
    compile_workflow,
)
from invokeai_py_client.workflow.compiling.graph import build_graph
from invokeai_py_client.workflow.compiling.server_queries import needed_facts
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.editor.edge_index import Edge
from invokeai_py_client.workflow.editor.server_facts import (
    BoardImagesQuery,
    DynamicPromptsQuery,
    ExistsQuery,
    SavedWorkflowQuery,
    ServerFacts,
)
from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle
from invokeai_py_client.workflow.loading.form_fields import form_fields
from invokeai_py_client.workflow.loading.load_workflow import load_workflow

CATALOG = NodeCatalog.bundled()
MODEL = {"key": "k1", "hash": "h", "name": "n", "base": "sd-1", "type": "main"}


def compiled(
    nodes: list[Any],
    edges: tuple[str, ...] = (),
    edits: Optional[dict[Any, Any]] = None,
    facts: Optional[ServerFacts] = None,
    **options: Any,
) -> CompiledWorkflow:
    return compile_workflow(
        definition(nodes, edges),
        CATALOG,
        edits=edits,
        facts=facts,
        options=CompileOptions(**options),
    )


def problem_kinds(found: CompiledWorkflow) -> list[str]:
    return [problem.kind for problem in found.problems]


def lists(found: CompiledWorkflow) -> list[list[Any]]:
    return [[entry["items"] for entry in entries] for entries in found.data]


@pytest.mark.parametrize(
    ("stored", "auto_add", "sent"),
    [
        ("auto", None, UNSET),
        ("auto", "b1", {"board_id": "b1"}),
        (None, "b1", {"board_id": "b1"}),
        ("none", "b1", UNSET),
        ({"board_id": "b2"}, "b1", {"board_id": "b2"}),
        ("Holiday", "b1", "Holiday"),
        ("", "b1", ""),
    ],
)
def test_boards(stored: Any, auto_add: Optional[str], sent: Any) -> None:
    nodes = [node("n", "blank_image", {"board": stored})]
    found = compiled(nodes, auto_add_board=auto_add)
    assert found.graph["nodes"]["n"].get("board", UNSET) == sent


def test_a_node_without_a_board_input_gets_none() -> None:
    stored = node("n", "blank_image")
    del stored["data"]["inputs"]["board"]
    found = compiled([stored], auto_add_board="b1")
    assert "board" not in found.graph["nodes"]["n"]


def test_each_graph_has_a_new_id() -> None:
    nodes = [node("n", "add")]
    assert compiled(nodes).graph["id"] != compiled(nodes).graph["id"]


def test_edits_replace_add_and_take_out_values() -> None:
    edits = {("n", "a"): 5.0, ("n", "b"): UNSET, ("m", "b"): None}
    stored = [node("n", "add"), node("m", "add")]
    del stored[1]["data"]["inputs"]["b"]
    found = compiled(stored, edits=edits)
    assert found.graph["nodes"]["n"].get("a") == 5
    assert "b" not in found.graph["nodes"]["n"]
    assert found.graph["nodes"]["m"]["b"] is None
    assert found.workflow is not None
    inputs = found.workflow["nodes"][0]["data"]["inputs"]
    assert inputs["a"]["value"] == 5
    assert "value" not in inputs["b"]
    assert json.dumps(found.workflow)


def test_edits_leave_the_loaded_workflow_as_it_was() -> None:
    loaded = load_workflow(definition([node("n", "add", {"a": 1})]), CATALOG)
    before = json.dumps(loaded.document)
    compile_workflow(loaded, CATALOG, edits={("n", "a"): 2})
    assert loaded.nodes["n"].inputs["a"].value == 1
    assert json.dumps(loaded.document) == before
    again = compile_workflow(loaded, CATALOG)
    assert again.graph["nodes"]["n"]["a"] == 1


def test_edits_are_stripped_to_the_keys_of_their_shape() -> None:
    edits = {
        ("m", "model"): {**MODEL, "description": "x"},
        ("i", "image"): {"image_name": "a.png", "width": 3},
    }
    nodes = [node("m", "main_model_loader"), node("i", "image")]
    graph = compiled(nodes, edits=edits).graph
    assert graph["nodes"]["m"]["model"] == MODEL
    assert graph["nodes"]["i"]["image"] == {"image_name": "a.png"}


def test_edits_that_lead_nowhere_are_problems() -> None:
    edits = {("gone", "a"): 1, ("n", "gone"): 2, ("n", "a"): object()}
    found = compiled([node("n", "add")], edits=edits)
    assert sorted(problem_kinds(found)) == ["not_json", "unknown_field", "unknown_node"]
    named = {problem.kind: problem for problem in found.problems}
    assert "a, b" in str(named["unknown_field"].allowed)


def test_core_metadata_takes_any_input() -> None:
    nodes = [node("md", "core_metadata", {"mine": [{"a": None}], "none": 1})]
    edits = {("md", "new"): {"x": [1]}, ("md", "none"): None}
    graph = compiled(nodes, edits=edits).graph
    assert graph["nodes"]["md"]["mine"] == [{"a": None}]
    assert graph["nodes"]["md"]["new"] == {"x": [1]}
    assert graph["nodes"]["md"]["none"] is None


def test_a_connected_input_is_not_sent_but_stays_in_the_file() -> None:
    nodes = [node("a", "add", {"a": 7}), node("b", "add", {"a": 8})]
    found = compiled(nodes, ("a.value -> b.a",))
    assert "a" not in found.graph["nodes"]["b"]
    assert found.workflow is not None
    assert found.workflow["nodes"][1]["data"]["inputs"]["a"]["value"] == 8


def test_a_ring_of_connectors_sends_no_edge_and_keeps_the_literal() -> None:
    nodes = [connector("c"), connector("d"), node("a", "add", {"a": 3})]
    edges = ("c.out -> a.a", "d.out -> c.in", "c.out -> d.in")
    found = compiled(nodes, edges)
    assert found.graph["edges"] == []
    assert found.graph["nodes"]["a"]["a"] == 3


def test_the_literal_beside_an_edge_is_dropped_where_it_is_sent() -> None:
    """The inputs of a called workflow are inside one value of the calling node."""
    facts = ServerFacts(saved_workflows={"w": saved("a", "b")})
    first, second = (f"saved_workflow_input::in1::{name}" for name in "ab")
    nodes = [call("w"), node("i", "integer"), node("s", "string"), node("a", "add")]
    loaded = load_workflow(definition(nodes), CATALOG, facts)
    edges = [
        Edge("i", "value", "cs", first),
        Edge("s", "value", "cs", "workflow_id"),
        # No loading lets this one through.
        Edge("i", "value", "a", second),
    ]
    graph = build_graph(replace(loaded, edges=edges), None)
    assert graph["nodes"]["cs"]["workflow_inputs"] == {second: 22}
    assert "workflow_id" not in graph["nodes"]["cs"]
    assert graph["nodes"]["a"]["a"] == 0


def test_setting_the_same_saved_workflow_again_changes_nothing() -> None:
    facts = ServerFacts(saved_workflows={"w": saved("a", "b")})
    loaded = load_workflow(definition([call("w")]), CATALOG, facts)
    name = "saved_workflow_input::in1::a"
    mine = {("cs", name): 5, ("cs", "workflow_id"): "w"}
    # The answer is not needed once the inputs are there.
    found = compile_workflow(loaded, CATALOG, edits=mine)
    assert found.graph["nodes"]["cs"]["workflow_inputs"][name] == 5
    kept = apply_edits(loaded, mine, CATALOG, ServerFacts()).loaded
    assert kept.nodes["cs"].inputs[name].value == 5
    # One that was not set before brings its inputs, and unset they go.
    empty = node("cs", "call_saved_workflow")
    empty["data"]["inputs"].pop("workflow_id", None)
    fresh = load_workflow(definition([empty]), CATALOG, facts)
    called = apply_edits(fresh, {("cs", "workflow_id"): "w"}, CATALOG, facts).loaded
    assert name in called.nodes["cs"].inputs
    gone = apply_edits(loaded, {("cs", "workflow_id"): UNSET}, CATALOG, facts).loaded
    assert name not in gone.nodes["cs"].inputs


def test_edges_that_mean_the_same_are_sent_once() -> None:
    nodes = [node("a", "integer"), connector("c"), node("k", "collect")]
    edges = ("a.value -> c.in", "c.out -> k.item", "a.value -> k.item")
    found = compiled(nodes, edges)
    assert len(found.graph["edges"]) == 1


def batch(node_id: str, group: Any, values: list[Any]) -> dict[str, Any]:
    given = {"integers": values}
    if group is not None:
        given["batch_group_id"] = group
    stored = node(node_id, "integer_batch", given)
    if group is None:
        del stored["data"]["inputs"]["batch_group_id"]
    return stored


def test_groups_are_zipped_and_come_in_javascripts_key_order() -> None:
    nodes = [
        batch("b1", "Group 1", [1]),
        batch("b2", "None", [2]),
        batch("b3", "7", [3]),
        batch("b4", "Group 1", [4]),
        batch("b5", None, [5]),
        *(node(f"a{i}", "add") for i in range(1, 6)),
    ]
    edges = tuple(f"b{i}.value -> a{i}.a" for i in range(1, 6))
    found = compiled(nodes, edges)
    assert lists(found) == [[[3]], [[1], [4]], [[2]], [[5]]]


@pytest.mark.parametrize(
    ("group", "same"),
    [(5, "5"), (1.5, "1.5"), (True, "true"), (["x"], "x"), (["None"], "None")],
)
def test_a_group_goes_by_the_text_of_its_value(group: Any, same: str) -> None:
    nodes = [batch("b1", group, [1]), batch("b2", same, [2])]
    nodes += [node("a1", "add"), node("a2", "add")]
    found = compiled(nodes, ("b1.value -> a1.a", "b2.value -> a2.a"))
    apart = same == "None"
    assert lists(found) == ([[[1]], [[2]]] if apart else [[[1], [2]]])


def test_only_what_javascript_takes_for_an_index_comes_first() -> None:
    groups = ["4294967295", "07", "4294967294", "None"]
    nodes = [batch(f"b{i}", group, [i]) for i, group in enumerate(groups)]
    nodes += [node(f"a{i}", "add") for i in range(4)]
    found = compiled(nodes, tuple(f"b{i}.value -> a{i}.a" for i in range(4)))
    assert lists(found) == [[[2]], [[0]], [[1]], [[3]]]


def test_a_batch_node_feeds_all_its_targets_with_one_list() -> None:
    nodes = [batch("b", "None", [1, 2]), node("a", "add")]
    found = compiled(nodes, ("b.value -> a.a", "b.value -> a.b"))
    assert lists(found) == [[[1, 2], [1, 2]]]
    assert found.batches[0].targets == (("a", "a"), ("a", "b"))
    # A dropped edge leaves the literal where it is.
    assert found.graph["nodes"]["a"]["a"] == 0


def test_a_batch_node_that_feeds_nothing_sends_nothing() -> None:
    found = compiled([batch("b", "None", [1]), node("a", "add")])
    assert found.data == []
    assert found.batches[0].items == (1,)


def test_a_connector_that_nothing_feeds_makes_no_values() -> None:
    nodes = [connector("c"), batch("b", "None", [1]), node("a", "add")]
    found = compiled(nodes, ("c.out -> b.integers", "b.value -> a.a"))
    assert [problem.kind for problem in found.problems] == ["batch_source"]
    assert found.problems[0].node_id == "b"


def test_a_generator_stands_in_for_the_list_also_through_a_connector() -> None:
    settings = {"type": "integer_generator_arithmetic_sequence", "count": 2}
    nodes = [
        node("g", "integer_generator", {"generator": settings}),
        connector("c"),
        batch("b", "None", [9]),
        node("a", "add"),
    ]
    edges = ("g.integers -> c.in", "c.out -> b.integers", "b.value -> a.a")
    found = compiled(nodes, edges)
    assert lists(found) == [[[0, 1]]]
    assert found.batches[0].generator_id == "g"


def test_a_batch_knows_whether_its_values_were_drawn() -> None:
    kind = "integer_generator_random_distribution_uniform"
    for settings, drawn in (({"type": kind}, True), ({"type": kind, "seed": 1}, False)):
        nodes = [
            node("g", "integer_generator", {"generator": settings}),
            batch("b", "None", [9]),
            node("a", "add"),
        ]
        edges = ("g.integers -> b.integers", "b.value -> a.a")
        assert [item.is_drawn for item in compiled(nodes, edges).batches] == [drawn]
        assert [item.is_drawn for item in compiled(nodes).batches] == [False]


def test_of_two_generators_with_one_id_the_first_is_asked() -> None:
    """Like the form; of two nodes that run, the graph has the last."""
    settings = [
        {"type": "integer_generator_arithmetic_sequence", "start": start, "count": 2}
        for start in (1, 7)
    ]
    nodes = [
        *(node("g", "integer_generator", {"generator": item}) for item in settings),
        node("b", "integer_batch", {"batch_group_id": "None"}),
        node("a", "add"),
    ]
    found = compiled(nodes, ("g.integers -> b.integers", "b.value -> a.a"))
    assert lists(found) == [[[1, 2]]]


def test_a_generator_that_needs_the_server_is_a_problem_without_it() -> None:
    settings = {
        "type": "string_generator_dynamic_prompts_combinatorial",
        "input": "{a|b}",
        "maxPrompts": 5,
    }
    nodes = [
        node("g", "string_generator", {"generator": settings}),
        node("b", "string_batch", {"batch_group_id": "None"}),
        node("s", "string"),
    ]
    edges = ("g.strings -> b.strings", "b.value -> s.value")
    query = DynamicPromptsQuery("{a|b}", 5, True)
    alone = compiled(nodes, edges)
    assert problem_kinds(alone) == ["missing_answer"]
    answered = compiled(
        nodes, edges, facts=ServerFacts(dynamic_prompts={query: ["a", "b"]})
    )
    assert answered.problems == ()
    assert lists(answered) == [[["a", "b"]]]


def test_only_a_generator_makes_values_for_a_batch() -> None:
    nodes = [
        node("i", "integer_collection", {"collection": [1, 2]}),
        node("b", "integer_batch"),
        node("a", "add"),
    ]
    loaded = load_workflow(definition(nodes, ["b.value -> a.a"]), CATALOG)
    edges = [*loaded.edges, Edge("i", "collection", "b", "integers")]
    found = compile_workflow(replace(loaded, edges=edges), CATALOG)
    (problem,) = found.problems
    assert (problem.kind, problem.node_id, problem.field_name) == (
        "batch_source", "b", "integers",
    )  # fmt: skip
    assert lists(found) == [[[]]]


def test_a_generator_without_settings_is_a_problem_at_its_place() -> None:
    empty = node("g", "integer_generator")
    empty["data"]["inputs"]["generator"].pop("value", None)
    nodes = [empty, node("b", "integer_batch"), node("a", "add")]
    found = compiled(nodes, ("g.integers -> b.integers", "b.value -> a.a"))
    (problem,) = found.problems
    assert (problem.kind, problem.node_id, problem.value) == ("generator", "g", None)


def test_what_a_newly_called_workflow_names_is_asked_for_as_well() -> None:
    settings = {
        "type": "string_generator_dynamic_prompts_combinatorial",
        "input": "{a|b}",
        "maxPrompts": 5,
    }
    nodes = [
        node("g", "string_generator", {"generator": settings}),
        node("b", "string_batch"),
        node("s", "call_saved_workflow"),
    ]
    edges = ["g.strings -> b.strings"]
    loaded = load_workflow(definition(nodes, edges), CATALOG)
    facts = ServerFacts(saved_workflows={"w": saved("a")})
    edits = {
        ("s", "workflow_id"): "w",
        ("s", "saved_workflow_input::in1::a"): 5,
    }
    prompts = DynamicPromptsQuery("{a|b}", 5, True)
    asked = needed_facts(loaded, edits, facts=facts)
    assert asked == [prompts]
    assert needed_facts(loaded, edits) == [
        SavedWorkflowQuery("w"), prompts,
    ]  # fmt: skip


def saved(*exposed: str) -> dict[str, Any]:
    nodes = [node("in1", "add", {"a": 11, "b": 22}, labels={"a": "First"})]
    stored = document(nodes, form=[("in1", "a")])
    stored["exposedFields"] = [{"nodeId": "in1", "fieldName": name} for name in exposed]
    return stored


def call(workflow_id: str) -> dict[str, Any]:
    return node("cs", "call_saved_workflow", {"workflow_id": workflow_id})


def test_a_saved_workflow_gives_its_form_as_inputs() -> None:
    facts = ServerFacts(saved_workflows={"w": saved("b", "a")})
    loaded = load_workflow(definition([call("w")]), CATALOG, facts)
    names = [name for name in loaded.nodes["cs"].inputs if "::" in name]
    assert names == ["saved_workflow_input::in1::a", "saved_workflow_input::in1::b"]
    edits = {("cs", names[1]): 5}
    found = compile_workflow(loaded, CATALOG, edits=edits)
    assert found.problems == ()
    assert found.graph["nodes"]["cs"]["workflow_inputs"] == {names[0]: 11, names[1]: 5}


@pytest.mark.parametrize("settings", [None, {"min": None}, {"type": "new-config"}])
def test_settings_do_not_hide_the_form_of_a_called_workflow(settings: Any) -> None:
    """Only its structure matters: the GUI reads that form without its schema."""
    stored = saved()
    stored["form"]["elements"]["element-0"]["data"]["settings"] = settings
    found = compiled([call("w")], facts=ServerFacts(saved_workflows={"w": stored}))
    assert found.graph["nodes"]["cs"]["workflow_inputs"] == {
        "saved_workflow_input::in1::a": 11
    }


@pytest.mark.parametrize(
    "break_it",
    [
        lambda form: form["elements"]["element-0"].pop("parentId"),
        lambda form: form["elements"]["element-0"].update(parentId=None),
        lambda form: form["elements"]["root"].update(parentId="root"),
        lambda form: form["elements"]["root"]["data"].update(children=None),
        lambda form: form["elements"].update(odd=None, root=5),
        lambda form: form.update(elements=[]),
        lambda form: form.update(rootElementId=None),
        lambda form: form.pop("rootElementId"),
    ],
)
def test_the_exposed_fields_stand_in_for_a_called_form_of_no_structure(
    break_it: Any,
) -> None:
    stored = saved("b", "b")
    stored["exposedFields"] += [{"nodeId": "in1"}, None, {"nodeId": 1, "fieldName": 2}]
    break_it(stored["form"])
    found = compiled([call("w")], facts=ServerFacts(saved_workflows={"w": stored}))
    assert found.graph["nodes"]["cs"]["workflow_inputs"] == {
        "saved_workflow_input::in1::b": 22
    }


def test_a_library_record_answers_as_well_as_its_workflow() -> None:
    record = {"workflow_id": "w", "workflow": saved()}
    found = compiled([call("w")], facts=ServerFacts(saved_workflows={"w": record}))
    assert found.graph["nodes"]["cs"]["workflow_inputs"] == {
        "saved_workflow_input::in1::a": 11
    }


def test_another_saved_workflow_brings_other_inputs() -> None:
    facts = ServerFacts(saved_workflows={"w": saved(), "x": saved("b")})
    edits = {("cs", "saved_workflow_input::in1::b"): 5, ("cs", "workflow_id"): "x"}
    found = compiled([call("w")], edits=edits, facts=facts)
    assert found.problems == ()
    assert found.graph["nodes"]["cs"]["workflow_id"] == "x"
    assert found.graph["nodes"]["cs"]["workflow_inputs"] == {
        "saved_workflow_input::in1::a": 11,
        "saved_workflow_input::in1::b": 5,
    }


@pytest.mark.parametrize("other", ["", "x"])
def test_inputs_of_the_form_that_another_call_lacks_are_gone(other: str) -> None:
    name = "saved_workflow_input::in1::a"
    nodes = [call("w"), node("n", "add", {"a": 1})]
    stored = document(nodes, form=[("cs", name), ("cs", "workflow_id"), ("n", "a")])
    facts = ServerFacts(
        saved_workflows={"w": saved(), "x": document([node("in1", "add")])}
    )
    loaded = load_workflow(WorkflowDefinition.from_dict(stored), CATALOG, facts)
    edits: dict[tuple[str, str], Any] = {("cs", "workflow_id"): other, ("n", "a"): "x"}
    found = compile_workflow(loaded, CATALOG, edits=edits)
    shown = [(item.node_id, item.field_name) for item in form_fields(found.loaded)]
    assert shown == [("cs", "workflow_id"), ("n", "a")]
    # The index of an input is its place in the file's form.
    wf = BaseWorkflowHandle(loaded, CATALOG)
    problems = wf._compile(loaded, CATALOG, edits, CompileOptions()).problems
    assert [item.input_index for item in problems if item.field_name == "a"] == [2]
    again = load_workflow(WorkflowDefinition.from_dict(found.workflow), CATALOG, facts)
    assert "dead_form_field" not in [warning.kind for warning in again.warnings]
    assert [item.field_name for item in form_fields(again)] == ["workflow_id", "a"]


def test_an_edge_into_an_input_that_went_is_not_sent() -> None:
    facts = ServerFacts(saved_workflows={"w": saved()})
    edge = "i.value -> cs.saved_workflow_input::in1::a"
    nodes = [node("i", "integer"), call("w")]
    assert len(compiled(nodes, (edge,), facts=facts).graph["edges"]) == 1
    found = compiled(nodes, (edge,), {("cs", "workflow_id"): ""}, facts)
    assert found.graph["edges"] == []
    assert found.graph["nodes"]["cs"]["workflow_inputs"] == {}


def test_a_saved_workflow_that_was_not_read_is_a_problem() -> None:
    unread = compiled([call("w")])
    assert problem_kinds(unread) == ["missing_answer"]
    place = [(item.node_id, item.field_name, item.value) for item in unread.problems]
    assert place == [("cs", "workflow_id", "w")]
    gone = compiled([call("w")], facts=ServerFacts(saved_workflows={"w": None}))
    assert problem_kinds(gone) == ["missing_saved_workflow"]


def test_needed_facts_ask_each_question_once_until_answered() -> None:
    board = {
        "type": "image_generator_images_from_board",
        "board_id": "b",
        "category": "images",
    }
    nodes = [
        node("m", "main_model_loader", {"model": MODEL}),
        node("m2", "main_model_loader", {"model": MODEL}),
        node("p", "blank_image", {"board": {"board_id": "b"}}),
        node("g", "image_generator", {"generator": board}),
        node("ib", "image_batch", {"batch_group_id": "None"}),
        call("w"),
    ]
    stored = definition(nodes, ("g.images -> ib.images",))
    loaded = load_workflow(stored, CATALOG)
    asked = needed_facts(loaded)
    assert set(asked) == {
        ExistsQuery("models", "k1"),
        ExistsQuery("boards", "b"),
        BoardImagesQuery("b", ("general",)),
        SavedWorkflowQuery("w"),
    }
    assert len(asked) == 4
    answers = {
        asked[0]: saved() if asked[0] == SavedWorkflowQuery("w") else True,
    }
    for query in asked:
        if isinstance(query, ExistsQuery):
            answers[query] = query.kind == "models"
        elif isinstance(query, BoardImagesQuery):
            answers[query] = ["1.png"]
        else:
            answers[query] = saved()
    facts = ServerFacts().answered(answers)
    again = load_workflow(stored, CATALOG, facts)
    assert needed_facts(again) == []
    assert again.nodes["p"].inputs["board"].value is UNSET
    assert again.nodes["m"].inputs["model"].value == MODEL


def test_new_facts_load_the_file_again() -> None:
    loaded = load_workflow(
        definition([node("m", "main_model_loader", {"model": MODEL})]), CATALOG
    )
    facts = ServerFacts(missing={"models": frozenset({"k1"})})
    found = compile_workflow(loaded, CATALOG, facts=facts)
    assert "model" not in found.graph["nodes"]["m"]
    assert [warning.kind for warning in found.warnings] == ["missing_model"]


def test_facts_are_read_from_json() -> None:
    expanded = {"prompt": "p", "max_prompts": 2}
    stored = {
        "missing": {"images": ["a", "b"]},
        "existing": {"boards": ["c"]},
        "dynamic_prompts": [
            {**expanded, "combinatorial": True, "prompts": ["x", "y"]},
            {**expanded, "combinatorial": False, "seed": 4, "prompts": ["x"]},
        ],
        "board_images": [
            {"board_id": "b", "categories": ["general"], "image_names": ["1.png"]}
        ],
        "saved_workflows": {"w": saved(), "gone": None},
    }
    assert ServerFacts.from_dict(stored) == ServerFacts(
        missing={"images": frozenset({"a", "b"})},
        existing={"boards": frozenset({"c"})},
        dynamic_prompts={
            DynamicPromptsQuery("p", 2, True): ("x", "y"),
            DynamicPromptsQuery("p", 2, False, 4): ("x",),
        },
        board_images={BoardImagesQuery("b", ("general",)): ("1.png",)},
        saved_workflows={"w": saved(), "gone": None},
    )


@pytest.mark.parametrize(
    ("part", "categories"),
    [
        ({}, ("general",)),
        ({"category": "images"}, ("general",)),
        ({"category": "assets"}, ("control", "mask", "user", "other")),
        ({"categories": ["mask"]}, ("mask",)),
    ],
)
def test_a_gallery_tab_may_stand_for_its_categories(
    part: Any, categories: tuple[str, ...]
) -> None:
    entry = {"board_id": "b", "image_names": ["1"], **part}
    facts = ServerFacts.from_dict({"board_images": [entry]})
    assert list(facts.board_images) == [BoardImagesQuery("b", categories)]


@pytest.mark.parametrize(
    ("stored", "where"),
    [
        ([], "facts"),
        ({"mising": {}}, "facts"),
        ({"missing": {"images": "a"}}, "facts.missing.images"),
        ({"dynamic_prompts": [{}]}, "facts.dynamic_prompts[0].prompt"),
        ({"board_images": [{"board_id": "b"}]}, "facts.board_images[0].image_names"),
        (
            {"board_images": [{"board_id": "b", "category": {}}]},
            "facts.board_images[0].category",
        ),
        ({"saved_workflows": []}, "facts.saved_workflows"),
    ],
)
def test_facts_that_are_none_are_refused_by_place(stored: Any, where: str) -> None:
    with pytest.raises(WorkflowFormatError) as caught:
        ServerFacts.from_dict(stored)
    assert caught.value.where == where


def test_the_embedded_workflow_loads_to_the_same_payload() -> None:
    nodes = [
        node("a", "add", {"a": 1}),
        connector("c"),
        {"id": "t", "type": "notes", "data": {"label": "hello", "notes": "x"}},
        node("u", "of_another_server", {"x": 1}),
        call("w"),
    ]
    stored = document(nodes, ["a.value -> c.in"], [("a", "a"), ("a", "gone")])
    facts = ServerFacts(saved_workflows={"w": saved()})
    edits = {("a", "a"): 4}
    first = compile_workflow(
        WorkflowDefinition.from_dict(stored),
        CATALOG,
        edits=edits,
        facts=facts,
    )
    assert first.workflow is not None
    assert "id" not in first.workflow
    assert [item["id"] for item in first.workflow["nodes"]] == [*"actu", "cs"]
    root = first.workflow["form"]["elements"]["root"]
    assert root["data"]["children"] == ["element-0"]
    embedded = WorkflowDefinition.from_dict(first.workflow)
    second = compile_workflow(embedded, CATALOG, facts=facts)
    assert {**second.graph, "id": first.graph["id"]} == first.graph
    assert len(form_fields(second.loaded)) == 1
