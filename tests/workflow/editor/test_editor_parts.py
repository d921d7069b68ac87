"""The parts of a loaded workflow by themselves: forms, edges, answers of a server."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

import pytest

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.workflow.editor.edge_index import Edge, EdgeIndex
from invokeai_py_client.workflow.editor.form_schema import (
    is_empty,
    is_sound,
)
from invokeai_py_client.workflow.editor.loaded_workflow import (
    Form,
    FormElement,
    LoadedNode,
)
from invokeai_py_client.workflow.editor.server_facts import (
    BoardImagesQuery,
    DynamicPromptsQuery,
    ExistsQuery,
    SavedWorkflowQuery,
    ServerFacts,
)


def container(*children: str, parent: Optional[str] = None) -> FormElement:
    return FormElement("", "container", parent, children)


def text(parent: Optional[str]) -> FormElement:
    return FormElement("", "text", parent)


def form(root_id: str = "root", **elements: FormElement) -> Form:
    return Form({key: replace(item, id=key) for key, item in elements.items()}, root_id)


@pytest.mark.parametrize(
    ("elements", "sound"),
    [
        ({"root": container()}, True),
        ({"root": container("a"), "a": text("root")}, True),
        (
            {
                "root": container("a", "b"),
                "a": container("c", parent="root"),
                "b": text("root"),
                "c": text("a"),
            },
            True,
        ),
        # An element that nothing shows, or that is not there.
        ({"root": container(), "a": text("root")}, False),
        ({"root": container("a")}, False),
        # A parent that does not have it, and a root with a parent.
        ({"root": container("a"), "a": text("b"), "b": container()}, False),
        ({"root": container("a"), "a": text(None)}, False),
        ({"root": container(parent="root")}, False),
        ({"root": text(None)}, False),
        # A container that contains itself.
        (
            {"root": container("a"), "a": container("a", parent="a")},
            False,
        ),
        (
            {"root": container("a", "a"), "a": container(parent="root")},
            False,
        ),
    ],
)
def test_a_form_is_sound_when_each_element_is_where_its_parent_has_it(elements, sound):
    assert is_sound(form(**elements)) is sound


def test_a_form_is_empty_when_its_root_is_all_there_is():
    assert is_empty(form(root=container()))
    assert is_empty(form("gone", a=container()))
    assert is_empty(form(root=text(None), a=text(None)))
    assert not is_empty(form(root=container("a"), a=text("root")))
    assert not is_empty(form(root=container(), a=text("root")))


def link(name: str, source: str, target: str) -> Edge:
    ends = {"connector": ("out", "in"), "invocation": ("value", "a")}
    out = ends[KINDS[source]][0]
    into = ends[KINDS[target]][1]
    return Edge(source, out, target, into, id=name)


KINDS = {
    **dict.fromkeys(("n", "m", "o"), "invocation"),
    **dict.fromkeys(("c", "d", "e"), "connector"),
}


def test_behind_a_connector_are_the_edges_of_those_it_leads_to_in_order():
    edges = [
        link("1", "n", "c"),
        link("2", "c", "d"),
        link("3", "d", "m"),
        link("4", "c", "o"),
        link("5", "d", "o"),
    ]
    behind = EdgeIndex(edges).behind("c", KINDS)
    assert [edge.id for edge in behind] == ["2", "3", "5", "4"]


def test_behind_connectors_in_a_ring_each_edge_is_met_once():
    edges = [link("1", "c", "d"), link("2", "d", "e"), link("3", "e", "c")]
    assert [edge.id for edge in EdgeIndex(edges).behind("c", KINDS)] == ["1", "2", "3"]


def test_hidden_edges_enter_nothing_and_link_nothing():
    edges = [link("1", "n", "m"), link("2", "o", "m"), link("3", "n", "c")]
    index = EdgeIndex(edges)
    assert [edge.id for edge in index.into("m", "a")] == ["1", "2"]
    assert [edge.id for edge in index.without({"1"}).into("m", "a")] == ["2"]
    # The view leaves the index as it is.
    assert len(index.into("m", "a")) == 2
    assert list(index.links(set())) == [("n", "m"), ("o", "m"), ("n", "c")]
    assert list(index.links({"2", "3"})) == [("n", "m")]


def test_a_line_between_folded_nodes_enters_nothing():
    index = EdgeIndex([Edge("n", "value", "m", "a", type="collapsed")])
    assert index.into("m", "a") == []
    assert list(index.links(set())) == [("n", "m")]


def test_behind_a_chain_of_connectors_is_the_output_that_feeds_it():
    edges = [link("1", "n", "c"), link("2", "c", "d"), link("3", "d", "e")]
    index = EdgeIndex(edges)
    for _ in range(2):  # the second time by its own shortcuts
        for connector in "cde":
            assert index.resolve(connector, "out", KINDS) == ("n", "value")
    assert index.resolve("n", "value", KINDS) == ("n", "value")


def test_a_connector_without_an_input_or_in_a_ring_leads_nowhere():
    index = EdgeIndex([link("1", "c", "d"), link("2", "d", "e")])
    assert index.resolve("e", "out", KINDS) is None
    ring = EdgeIndex([link("1", "c", "d"), link("2", "d", "c"), link("3", "d", "e")])
    for connector in "ecd":
        assert ring.resolve(connector, "out", KINDS) is None
    assert index.resolve("note", "out", {"note": "notes"}) is None


def test_things_exist_until_the_server_says_otherwise():
    facts = ServerFacts(
        missing={"images": frozenset({"gone"}), "models": frozenset({"*"})},
        existing={"boards": frozenset({"b"})},
    )
    assert facts.exists("images", "there")
    assert not facts.exists("images", "gone")
    assert not facts.exists("models", "any")
    for kind, name, known in (
        ("images", "gone", True),
        ("images", "there", False),
        ("models", "any", True),
        ("boards", "b", True),
        ("boards", "other", False),
        ("videos", "b", False),
    ):
        assert facts.knows(ExistsQuery(kind, name)) is known, (kind, name)


def test_answers_about_things_are_remembered_by_their_kind():
    there, gone = ExistsQuery("images", "a"), ExistsQuery("images", "b")
    facts = ServerFacts().answered({there: True, gone: False})
    assert facts.existing == {"images": {"a"}}
    assert facts.missing == {"images": {"b"}}
    again = facts.answered({ExistsQuery("boards", "a"): False})
    assert again.missing == {"images": {"b"}, "boards": {"a"}}
    assert again.existing == facts.existing


def test_prompts_serve_every_query_that_their_seed_allows():
    free = DynamicPromptsQuery("p", 2, False)
    seeded = replace(free, seed=3)
    for stored, query, found in (
        (free, free, True),
        # An answer without a seed serves any, one with a seed serves its own,
        # and a query without one.
        (free, seeded, True),
        (seeded, seeded, True),
        (seeded, free, True),
        (seeded, replace(free, seed=4), False),
        (seeded, replace(free, prompt="q"), False),
        (free, replace(seeded, combinatorial=True), False),
    ):
        facts = ServerFacts(dynamic_prompts={stored: ["x"]})
        assert (facts.prompts(query) == ["x"]) is found
        assert facts.knows(query) is found
    both = ServerFacts(dynamic_prompts={free: ["free"], seeded: ["seeded"]})
    assert both.prompts(seeded) == ["seeded"]
    assert both.prompts(free) == ["free"]


def test_facts_of_a_file_are_read_whole():
    facts = ServerFacts.from_dict(
        {
            "missing": {"images": ["gone.png"]},
            "existing": {"boards": ["b"]},
            "dynamic_prompts": [
                {"prompt": "p", "max_prompts": 2, "combinatorial": True,
                 "prompts": ["a", "b"]},
                {"prompt": "p", "max_prompts": 2, "combinatorial": False,
                 "prompts": ["c"], "seed": 3},
            ],
            "board_images": [
                {"board_id": "b", "image_names": ["1.png"]},
                {"board_id": "b", "category": "assets", "image_names": ["2.png"]},
                {"board_id": "b", "categories": ["mask"], "image_names": ["3.png"]},
            ],
            "saved_workflows": {"w": {"nodes": []}, "gone": None},
        }
    )  # fmt: skip
    assert facts == ServerFacts(
        missing={"images": frozenset({"gone.png"})},
        existing={"boards": frozenset({"b"})},
        dynamic_prompts={
            DynamicPromptsQuery("p", 2, True): ("a", "b"),
            DynamicPromptsQuery("p", 2, False, 3): ("c",),
        },
        board_images={
            BoardImagesQuery("b", ("general",)): ("1.png",),
            BoardImagesQuery("b", ("control", "mask", "user", "other")): ("2.png",),
            BoardImagesQuery("b", ("mask",)): ("3.png",),
        },
        saved_workflows={"w": {"nodes": []}, "gone": None},
    )
    assert ServerFacts.from_dict({}) == ServerFacts()


def test_a_form_is_read_depth_first():
    fields = {
        key: FormElement(key, "node-field", field_key=("n", key)) for key in "xyz"
    }
    shown = form(root=container("a", "x", "gone"), a=container("y", "z"), **fields)
    assert [key for key, _ in shown.field_elements()] == [
        ("n", "y"), ("n", "z"), ("n", "x"),
    ]  # fmt: skip
    left = shown.without({"y"})
    assert [key for key, _ in left.field_elements()] == [("n", "z"), ("n", "x")]
    assert left.elements["a"].children == ("z",)
    assert "y" not in left.elements


def test_a_node_is_called_by_its_label_then_by_its_template_then_by_its_type():
    template = NodeCatalog.bundled()["add"]
    node = LoadedNode("a", "add", "1.0.0", {}, template=template)
    assert node.title == template.title
    assert replace(node, label="Sum").title == "Sum"
    assert replace(node, template=None).title == "add"


def test_a_dynamic_input_comes_before_one_of_the_template():
    template = NodeCatalog.bundled()["add"]
    node = LoadedNode("a", "add", "1.0.0", {}, template=template)
    assert node.template_of("a") is template.inputs["a"]
    assert node.template_of("x") is None
    assert replace(node, template=None).template_of("a") is None
    dynamic = replace(node, dynamic_inputs={"a": template.inputs["b"]})
    assert dynamic.template_of("a") is template.inputs["b"]


def test_answers_are_known_once_they_were_given():
    prompts = DynamicPromptsQuery("p", 2, True)
    images = BoardImagesQuery("b", ("general",))
    saved = SavedWorkflowQuery("w")
    nothing = ServerFacts()
    assert not any(map(nothing.knows, (prompts, images, saved)))
    answered = nothing.answered({prompts: ["x"], images: ["1.png"], saved: None})
    assert all(map(answered.knows, (prompts, images, saved)))
    other = DynamicPromptsQuery("p", 3, True), BoardImagesQuery("c", ("general",))
    assert not any(map(answered.knows, other))


@pytest.mark.parametrize(
    ("stored", "where", "message"),
    [
        ({"missing": []}, "facts.missing", "expected an object"),
        ({"missing": {"images": "a"}}, "facts.missing.images", "expected a list"),
        ({"mising": {}}, "facts", "unknown key 'mising'"),
        ({"missing": {"cats": []}}, "facts.missing", "unknown key 'cats'"),
        (
            {"board_images": [{"board_id": 1}]},
            "facts.board_images[0].board_id",
            "expected a string",
        ),
    ],
)
def test_a_fact_in_the_wrong_place_is_named_with_its_place(stored, where, message):
    with pytest.raises(WorkflowFormatError) as caught:
        ServerFacts.from_dict(stored)
    assert caught.value.where == where
    assert message in str(caught.value)
