"""Loading follows the GUI's rules where no recorded case shows them."""

from __future__ import annotations

import copy
from typing import Any, Optional

import pytest
from workflow_builder import connector, document, edge, node

from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.nodes.template import UNSET
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.editor.server_facts import ServerFacts
from invokeai_py_client.workflow.loading.form_fields import form_fields
from invokeai_py_client.workflow.loading.legacy_types import gui_reads_old_value
from invokeai_py_client.workflow.loading.load_workflow import (
    LoadedWorkflow,
    load_workflow,
)

CATALOG = NodeCatalog.bundled()


def load(stored: dict[str, Any], facts: Optional[ServerFacts] = None) -> LoadedWorkflow:
    return load_workflow(WorkflowDefinition.from_dict(stored), CATALOG, facts)


def kinds(loaded: LoadedWorkflow) -> list[str]:
    return [warning.kind for warning in loaded.warnings]


def kept(loaded: LoadedWorkflow) -> list[str]:
    return [item.id for item in loaded.edges]


def value_of(stored: Any, field: str = "a", node_type: str = "add") -> Any:
    loaded = load(document([node("n", node_type, {field: stored})]))
    return loaded.nodes["n"].inputs[field].value


OLD_TYPES: dict[str, Any] = {
    "1.0.0": "integer",
    "2.0.0": {
        "name": "IntegerField",
        "isCollection": False,
        "isCollectionOrScalar": False,
    },
}


def old_node(version: str, node_type: str = "add", **values: Any) -> dict[str, Any]:
    """A node whose inputs say their type, as formats 1 and 2 have it."""
    found = node("n", node_type, values)
    for item in found["data"]["inputs"].values():
        if version in OLD_TYPES:
            item["type"] = OLD_TYPES[version]
    return found


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0", "3.0.0", "4.0.0"])
def test_every_format_loads_without_a_warning(version: str) -> None:
    stored = document([old_node(version, a=4)])
    stored["meta"] = {"version": version}
    loaded = load(stored)
    assert kinds(loaded) == []
    assert loaded.nodes["n"].inputs["a"].value == 4
    assert loaded.document["meta"] == {"category": "user", "version": "4.0.0"}


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
def test_formats_without_a_form_use_exposed_fields(version: str) -> None:
    stored = document([node("n", "add")], form=[("n", "b")])
    stored["meta"] = {"version": version}
    stored["exposedFields"] = [
        {"nodeId": "n", "fieldName": "a"},
        {"nodeId": "n", "fieldName": "gone"},
        {"nodeId": "gone", "fieldName": "a"},
    ]
    assert [field.field_name for field in form_fields(load(stored))] == ["a"]


def test_the_first_format_may_leave_out_texts_edges_and_versions() -> None:
    bare = old_node("1.0.0", a=4)
    del bare["data"]["version"], bare["data"]["useCache"]
    loaded = load({"nodes": [bare], "meta": {"version": "1.0.0"}})
    assert loaded.nodes["n"].use_cache is True
    assert loaded.nodes["n"].version == CATALOG["add"].version
    assert kinds(loaded) == ["node_version"]


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
@pytest.mark.parametrize(
    ("stored", "kept"),
    [(4, []), (4.0, []), (None, []), (4.5, ["raw_value"]), ([4], ["raw_value"])],
)
def test_values_that_do_not_fit_the_type_of_an_old_file_are_kept_with_a_warning(
    version: str, stored: Any, kept: list[str]
) -> None:
    file = document([old_node(version, a=stored)])
    file["meta"] = {"version": version}
    loaded = load(file)
    assert kinds(loaded) == kept
    assert stored is None or loaded.nodes["n"].inputs["a"].value == stored


@pytest.mark.parametrize(
    ("declared", "value", "fits"),
    [
        ("Scheduler", "euler_k", True),
        ({"name": "SchedulerField"}, "dpmpp_3m_k", False),
        ({"name": "StringField"}, "", True),
        ("enum", "x", True),
        ("boolean", True, True),
        ("boolean", 1, False),
        ("float", 1, True),
        ("float", "1", False),
        ("ImageField", {"image_name": "a.png"}, True),
        ("ImagePolymorphic", {"image_name": " "}, False),
        ("ImageCollection", [{"image_name": "a.png"}], False),
        ({"name": "BoardField"}, {"board_id": "b"}, True),
        ({"name": "ColorField"}, {"r": 1, "g": 2, "b": 3, "a": 4}, True),
        ({"name": "ColorField"}, {"r": 1, "g": 2, "b": 3, "a": 0.5}, False),
        ({"name": "LatentsField"}, "x", False),
        ({}, 1, False),
        (None, 1, False),
        (["integer"], 1, False),
    ],
)
def test_what_the_gui_reads_of_an_old_file(
    declared: Any, value: Any, fits: bool
) -> None:
    assert gui_reads_old_value(declared, value) is fits


def test_an_old_file_without_types_is_told_of_once() -> None:
    stored = document([node("n", "add", {"a": 4, "b": 5})])
    stored["meta"] = {"version": "2.0.0"}
    assert kinds(load(stored)) == ["format"]


@pytest.mark.parametrize(
    "break_it",
    [
        lambda file: file["nodes"][0].update(position=None),
        lambda file: file["nodes"][0].update(position={"x": 1}),
        lambda file: file["nodes"][0].update(position={"x": 10**400, "y": 0}),
        lambda file: file["nodes"][0]["data"].pop("label"),
        lambda file: file["nodes"][0]["data"].pop("notes"),
        lambda file: file["nodes"][0]["data"].pop("isOpen"),
        lambda file: file["nodes"][0]["data"].pop("id"),
        lambda file: file["nodes"][0]["data"].update(nodePack=""),
        lambda file: file["edges"][0].pop("id"),
        lambda file: file["edges"][0].update(hidden="no"),
        lambda file: file["meta"].update(category="mine"),
        lambda file: file.pop("exposedFields"),
    ],
)
def test_what_only_a_drawing_needs_is_filled_in_with_a_warning(break_it: Any) -> None:
    def file() -> dict[str, Any]:
        nodes = [node("a", "integer", {"value": 1}), node("n", "add")]
        return document(nodes, ["a.value -> n.a"])

    broken = file()
    break_it(broken)
    loaded, sound = load(broken), load(file())
    assert kinds(sound) == []
    assert kinds(loaded) == ["format"]
    assert loaded.nodes == sound.nodes
    assert [(edge.source, edge.target) for edge in loaded.edges] == [("a", "n")]


@pytest.mark.parametrize("hidden", [True, False, None])
def test_what_an_edge_says_of_its_drawing_is_kept(hidden: Any) -> None:
    stored = document([node("a", "integer"), node("n", "add")], ["a.value -> n.a"])
    if hidden is not None:
        stored["edges"][0]["hidden"] = hidden
    assert load(stored).document["edges"][0].get("hidden") is hidden


@pytest.mark.parametrize("meta", [None, {}, {"version": 5}, {"version": "7.1"}, []])
def test_an_unknown_format_is_read_as_the_newest(meta: Any) -> None:
    stored = document([node("n", "add")], form=[("n", "a")])
    stored["meta"] = meta
    loaded = load(stored)
    assert kinds(loaded) == ["format"]
    assert len(form_fields(loaded)) == 1


@pytest.mark.parametrize(
    ("path", "where"),
    [
        (("nodes", 0, "id"), "nodes[0].id"),
        (("nodes", 0, "type"), "nodes[0].type"),
        (("nodes", 0, "data"), "nodes[0].data"),
        (("nodes", 0, "data", "type"), "nodes[0].data.type"),
        (("nodes", 0, "data", "inputs"), "nodes[0].data.inputs"),
        (("nodes", 0, "data", "inputs", "a"), "nodes[0].data.inputs.a"),
        (("nodes", 0, "data", "inputs", "a", "name"), "nodes[0].data.inputs.a.name"),
        (("edges",), "edges"),
        (("edges", 0), "edges[0]"),
        (("edges", 0, "type"), "edges[0].type"),
        (("edges", 0, "source"), "edges[0].source"),
        (("edges", 0, "targetHandle"), "edges[0].targetHandle"),
    ],
)
def test_a_part_the_payload_needs_is_named_when_it_is_missing(
    path: tuple[Any, ...], where: str
) -> None:
    stored = document([node("n", "add"), node("m", "add")], ["n.value -> m.a"])
    stored = copy.deepcopy(stored)
    place = stored
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = {"odd": 1} if path[-1] == "type" else None
    with pytest.raises(WorkflowFormatError) as caught:
        load(stored)
    assert caught.value.where == where


def test_a_second_return_node_is_refused() -> None:
    nodes = [node("r1", "workflow_return"), node("r2", "workflow_return")]
    with pytest.raises(WorkflowFormatError, match="r1, r2"):
        load(document(nodes))


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        (5, 5),
        (1.5, 1.5),
        (2.0, 2),
        ("7", "7"),
        (True, True),
        ("", ""),
        ([], []),
        ([1, 2.0], [1, 2]),
        (["a"], ["a"]),
        (None, UNSET),
        ({"image_name": " a.png ", "width": 3}, {"image_name": "a.png"}),
        ([{"image_name": "a", "x": 1}], [{"image_name": "a"}]),
        ({"video_name": "v", "x": 1}, {"video_name": "v"}),
        ({"board_id": "b", "x": 1}, {"board_id": "b"}),
        ({"style_preset_id": "s", "x": 1}, {"style_preset_id": "s"}),
        ({"system_prompt_id": "s", "x": 1}, {"system_prompt_id": "s"}),
        (
            {"r": 1, "g": 2.0, "b": 3, "a": 4, "x": 1},
            {"r": 1, "g": 2, "b": 3, "a": 4},
        ),
    ],
)
def test_values_are_read_for_any_type_of_field(stored: Any, wanted: Any) -> None:
    found = value_of(stored)
    assert found is wanted or (found == wanted and type(found) is type(wanted))


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        (2**53, 2**53),
        (2**53 + 1, 2**53),
        (-(2**53) - 1, -(2**53)),
        # As JavaScript prints a double: the fewest digits, then zeros.
        ([1, 2**60 + 1], [1, 1152921504606847000]),
        (12345678901234567890, 12345678901234567000),
        (10**22, 1e22),
        (float(2**60), 1152921504606847000),
        (10**400, 10**400),
    ],
)
def test_integers_beyond_a_double_are_rounded_as_the_gui_does(
    stored: Any, wanted: Any
) -> None:
    loaded = load(document([node("a", "add", {"a": stored})]))
    found = loaded.nodes["a"].inputs["a"].value
    assert found == wanted
    assert isinstance(found, type(wanted))


@pytest.mark.parametrize(
    "stored",
    [
        [True, False],
        [1, "a"],
        [[1]],
        {},
        {"image_name": ""},
        {"image_name": 3},
        {"latents_name": "x"},
        {"r": 1, "g": 2, "b": 3, "a": 0.5},
        {"start": 2},
        {"r": 1, "g": 2, "b": 3, "a": 256},
        {"r": -1, "g": 2, "b": 3, "a": 255},
        {"key": "", "hash": "h", "name": "n", "base": "sd-1", "type": "main"},
        {"key": "k", "hash": "h", "name": "n", "base": "sd-1", "type": 3},
        {"model_name": "old", "base_model": "sd-1", "model_type": "main"},
        {"type": "something_else", "x": 1},
    ],
)
def test_values_the_gui_would_lose_are_kept_with_a_warning(stored: Any) -> None:
    loaded = load(document([node("n", "add", {"a": stored})]))
    assert loaded.nodes["n"].inputs["a"].value == stored
    assert kinds(loaded) == ["raw_value"]


def test_model_identifiers_keep_their_submodel_even_when_null() -> None:
    model = {"key": "k", "hash": "h", "name": "n", "base": "sd-1", "type": "main"}
    found = value_of({**model, "submodel_type": None, "x": 1})
    assert found == {**model, "submodel_type": None}
    assert value_of([{"lora": model, "weight": 1, "x": 1}]) == [
        {"lora": model, "weight": 1}
    ]


def test_a_board_generator_is_not_a_board_in_its_own_field() -> None:
    stored = {
        "type": "image_generator_images_from_board",
        "board_id": "b",
        "category": "images",
    }
    assert value_of(stored, "generator", "image_generator") == stored
    assert value_of(stored) == {"board_id": "b"}


@pytest.mark.parametrize(
    ("version", "updated"),
    [
        ("1.0.0", True),
        ("1.99.3", True),
        ("1.0.1-beta", True),
        ("1.0", True),
        ("0.9.0", False),
        ("2.0.0", False),
        ("newest", False),
        (" 1.0.0", False),
    ],
)
def test_nodes_of_the_same_major_version_are_updated(
    version: str, updated: bool
) -> None:
    stored = node("n", "add", {"a": 4}, version=version)
    del stored["data"]["inputs"]["b"]
    stored["data"]["inputs"]["c"] = {"name": "c", "value": 1}
    loaded = load(document([stored]))
    found = loaded.nodes["n"]
    assert ("not_updated" in kinds(loaded)) is not updated
    if updated:
        assert found.version == CATALOG["add"].version
        assert {name: item.value for name, item in found.inputs.items()} == {
            "a": 4,
            "b": 0,
        }
    else:
        assert found.version == version
        assert set(found.inputs) == {"a", "c"}


def test_nodes_of_the_templates_version_are_not_filled_in() -> None:
    stored = node("n", "add", {"a": 4})
    del stored["data"]["inputs"]["b"]
    assert set(load(document([stored])).nodes["n"].inputs) == {"a"}


def test_an_update_merges_objects_key_by_key() -> None:
    stored = node(
        "g",
        "float_generator",
        {"generator": {"type": "float_generator_parse_string", "input": "1"}},
        version="1.0.9",
    )
    template = CATALOG["float_generator"]
    assert template.version != "1.0.9"
    value = load(document([stored])).nodes["g"].inputs["generator"].value
    assert value["input"] == "1"
    assert value["count"] == 10


def test_the_earlier_of_two_edges_into_an_input_stays() -> None:
    nodes = [node("a", "add"), node("b", "add"), node("c", "add")]
    first, second = "a.value -> c.a", "b.value -> c.a"
    assert kept(load(document(nodes, [first, second]))) == [first]
    assert kept(load(document(nodes, [second, first]))) == [second]


def test_a_node_does_not_feed_itself() -> None:
    loaded = load(document([node("a", "add")], ["a.value -> a.a"]))
    assert kept(loaded) == []
    assert "a node cannot feed itself" in loaded.warnings[0].message


def test_a_collector_gathers_what_the_collectors_before_it_do() -> None:
    nodes = [node(name, "collect") for name in "cd"]
    nodes += [node("i", "integer"), node("s", "string")]
    chain = ["i.value -> c.item", "c.collection -> d.collection"]
    assert kept(load(document(nodes, [*chain, "i.value -> d.item"]))) == [
        *chain,
        "i.value -> d.item",
    ]
    loaded = load(document(nodes, [*chain, "s.value -> d.item"]))
    assert kept(loaded) == chain
    assert "gathers" in loaded.warnings[0].message


def test_a_collector_that_is_given_a_whole_list_gathers_its_type() -> None:
    nodes = [node("c", "collect"), node("l", "integer_collection")]
    nodes += [node("s", "string"), node("i", "integer")]
    whole = "l.collection -> c.collection"
    assert kept(load(document(nodes, [whole, "s.value -> c.item"]))) == [whole]
    both = [whole, "i.value -> c.item"]
    assert kept(load(document(nodes, both))) == both


def test_an_edge_that_closes_a_loop_goes() -> None:
    nodes = [node(name, "add") for name in "abc"]
    ring = ["a.value -> b.a", "b.value -> c.a", "c.value -> a.a"]
    loaded = load(document(nodes, ring))
    assert kept(loaded) == ring[:2]
    assert "close a loop" in loaded.warnings[0].message


@pytest.mark.parametrize(
    ("source", "target", "fits"),
    [
        ("integer.value", "float.value", True),
        ("integer.value", "string.value", True),
        ("float.value", "string.value", True),
        ("float.value", "integer.value", False),
        ("string.value", "integer.value", False),
        ("integer.value", "integer_collection.collection", False),
        ("integer_collection.collection", "integer.value", False),
        ("integer_collection.collection", "iterate.collection", True),
        ("iterate.item", "integer.value", True),
        ("integer.value", "collect.item", True),
        ("collect.collection", "integer_collection.collection", True),
        ("integer_collection.collection", "collect.item", False),
        ("integer.value", "img_resize.board", False),
        ("integer.value", "if.true_input", True),
        ("integer_generator.integers", "integer_batch.integers", True),
        ("integer_collection.collection", "integer_batch.integers", False),
    ],
)
def test_types_of_an_edge_must_fit(source: str, target: str, fits: bool) -> None:
    source_type, output = source.split(".")
    target_type, field = target.split(".")
    nodes = [node("s", source_type), node("t", target_type)]
    loaded = load(document(nodes, [f"s.{output} -> t.{field}"]))
    assert bool(loaded.edges) is fits


def test_an_if_takes_two_branches_of_one_kind() -> None:
    nodes = [node("i", "integer"), node("s", "string"), node("f", "if")]
    both = ["i.value -> f.true_input", "s.value -> f.false_input"]
    # An integer may stand for a string, so these two do fit.
    assert kept(load(document(nodes, both))) == both
    nodes[1] = node("s", "blank_image")
    both[1] = "s.image -> f.false_input"
    assert kept(load(document(nodes, both))) == both[:1]


def test_what_an_if_gives_must_suit_what_it_feeds() -> None:
    nodes = [node("b", "blank_image"), node("f", "if"), node("a", "add")]
    edges = ["b.image -> f.true_input", "f.value -> a.a"]
    assert kept(load(document(nodes, edges))) == edges[:1]
    assert kept(load(document(nodes, edges[::-1]))) == edges[::-1]


def test_a_chain_of_collects_gathers_one_type() -> None:
    nodes = [
        node("i", "integer"),
        node("s", "blank_image"),
        node("c", "collect"),
        node("d", "collect"),
    ]
    edges = ["i.value -> c.item", "c.collection -> d.collection", "s.image -> d.item"]
    assert kept(load(document(nodes, edges))) == edges[:2]


def test_edges_through_connectors_are_judged_by_what_is_behind() -> None:
    nodes = [node("i", "blank_image"), connector("c"), node("a", "add")]
    edges = ["c.out -> a.a", "i.image -> c.in"]
    assert kept(load(document(nodes, edges))) == edges[:1]
    nodes[0] = node("i", "integer")
    edges[1] = "i.value -> c.in"
    loaded = load(document(nodes, edges, form=[("a", "a")]))
    assert kept(loaded) == edges
    assert form_fields(loaded)[0].connected_from == ("i", "value")


def test_an_edge_through_a_connector_may_not_close_a_loop() -> None:
    nodes = [node("a", "add"), connector("c"), node("b", "add")]
    edges = ["a.value -> b.a", "c.out -> a.a", "b.value -> c.in"]
    assert kept(load(document(nodes, edges))) == edges[:2]


def test_a_loose_connector_counts_as_connected_but_has_no_source() -> None:
    stored = document(
        [connector("c"), node("a", "add")], ["c.out -> a.a"], [("a", "a")]
    )
    field = form_fields(load(stored))[0]
    assert field.connected
    assert field.connected_from is None


def test_collapsed_edges_count_as_links_of_a_loop() -> None:
    stored = document([node("a", "add"), node("b", "add")])
    stored["edges"] = [
        {"id": "1", "type": "collapsed", "source": "b", "target": "a"},
        edge("a.value -> b.a"),
    ]
    assert kept(load(stored)) == ["1"]


def test_missing_things_are_unset_and_named() -> None:
    model = {"key": "gone", "hash": "h", "name": "n", "base": "sd-1", "type": "main"}
    nodes = [
        node("m", "main_model_loader", {"model": model}),
        node("v", "denoise_latents", {"unet": model}),
        node("i", "image", {"image": {"image_name": "gone"}}),
        node(
            "l",
            "image_collection",
            {"images": [{"image_name": "gone"}, {"image_name": "here"}]},
        ),
        node("b", "blank_image", {"board": {"board_id": "gone"}}),
    ]
    gone = frozenset({"gone"})
    facts = ServerFacts(missing=dict.fromkeys(("images", "boards", "models"), gone))
    loaded = load(document(nodes), facts)
    assert sorted(kinds(loaded)) == [
        "missing_board",
        "missing_image",
        "missing_image",
        "missing_model",
        "missing_model",
    ]
    assert loaded.nodes["m"].inputs["model"].value is UNSET
    assert loaded.nodes["v"].inputs["unet"].value is UNSET
    assert loaded.nodes["i"].inputs["image"].value is UNSET
    assert loaded.nodes["l"].inputs["images"].value == [{"image_name": "here"}]
    assert loaded.nodes["b"].inputs["board"].value is UNSET


def test_a_node_that_cannot_be_updated_keeps_missing_things() -> None:
    model = {"key": "gone", "hash": "h", "name": "n", "base": "sd-1", "type": "main"}
    stored = node("m", "main_model_loader", {"model": model}, version="9.0.0")
    loaded = load(document([stored]), ServerFacts(missing={"models": frozenset({"*"})}))
    assert loaded.nodes["m"].inputs["model"].value == model


def test_the_last_of_two_nodes_with_one_id_runs() -> None:
    stored = document([node("n", "add", {"a": 1}), node("n", "add", {"a": 2})])
    loaded = load(stored)
    assert loaded.nodes["n"].inputs["a"].value == 2
    assert kinds(loaded) == ["duplicate_node"]


def test_labels_of_the_user_come_before_the_templates() -> None:
    nodes = [node("n", "add", labels={"a": "Mine"}, label="Sum")]
    fields = form_fields(load(document(nodes, form=[("n", "a"), ("n", "b")])))
    assert [field.label for field in fields] == ["Mine", "B"]
    assert [field.user_label for field in fields] == ["Mine", ""]
    assert {field.node_title for field in fields} == {"Sum"}


def test_a_field_may_be_shown_twice() -> None:
    stored = document([node("n", "add")], form=[("n", "a"), ("n", "a")])
    assert len(form_fields(load(stored))) == 2


def test_a_form_that_breaks_its_schema_gives_way_to_exposed_fields() -> None:
    stored = document([node("n", "add")], form=[("n", "a")])
    stored["form"]["elements"]["element-0"]["data"]["settings"] = {
        "type": "integer-field-config",
        "min": None,
    }
    stored["exposedFields"] = [{"nodeId": "n", "fieldName": "b"}]
    loaded = load(stored)
    assert [field.field_name for field in form_fields(loaded)] == ["b"]
    assert kinds(loaded) == ["form"]


def test_a_divider_with_data_makes_the_whole_form_void() -> None:
    stored = document([node("n", "add")], form=[("n", "a")])
    elements = stored["form"]["elements"]
    elements["d"] = {"id": "d", "type": "divider", "parentId": "root"}
    elements["root"]["data"]["children"].append("d")
    assert len(form_fields(load(stored))) == 1
    elements["d"]["data"] = {}
    assert form_fields(load(stored)) == []


def test_a_float_generator_may_lack_its_type() -> None:
    assert value_of({"start": 2}, "generator", "float_generator") == {
        "type": "float_generator_arithmetic_sequence",
        "start": 2,
        "step": 0.1,
        "count": 10,
    }
    image = {"image_name": "a"}
    assert value_of(image, "generator", "float_generator") == image


def test_settings_of_a_form_are_read_in_the_guis_order() -> None:
    stored = document([node("n", "add")], form=[("n", "a"), ("n", "b")])
    elements = stored["form"]["elements"]
    elements["element-0"]["data"]["settings"] = {"min": 1}
    elements["element-1"]["data"]["settings"] = {"type": "integer-field-config"}
    first, second = form_fields(load(stored))
    assert first.settings == {
        "type": "float-field-config",
        "showShuffle": False,
        "component": "number-input",
        "min": 1,
    }
    assert second.settings is not None
    assert second.settings["type"] == "integer-field-config"


def test_an_input_whose_key_no_template_has_is_unknown() -> None:
    stored = document([node("n", "add", {"a": 4})])
    inputs = stored["nodes"][0]["data"]["inputs"]
    inputs["other"] = inputs.pop("a")
    loaded = load(stored)
    unknown = [(item.kind, item.field_name) for item in loaded.warnings]
    assert unknown == [("unknown_field", "other")]


def test_a_missing_image_in_a_list_of_anything_is_taken_off() -> None:
    """The GUI forgets such a list; it is kept, and names an image that is gone."""
    odd = [{"image_name": "gone.png"}, 5, {"image_name": "here.png"}]
    stored = document([node("n", "image_collection", {"images": odd})])
    loaded = load(stored, ServerFacts(missing={"images": frozenset({"gone.png"})}))
    assert kinds(loaded) == ["raw_value", "missing_image"]
    assert loaded.nodes["n"].inputs["images"].value == odd[1:]


@pytest.mark.parametrize("own_id", ["", None, 5, ["x"]])
def test_a_file_id_that_is_not_a_string_is_reported(own_id: Any) -> None:
    stored = document([node("n", "add")])
    stored["id"] = own_id
    assert kinds(load(stored)) == ["format"]


def test_an_element_of_a_form_is_found_by_its_key() -> None:
    """What it calls itself only matters for the root, and in the embedded file."""
    stored = document([node("n", "add", {"a": 4})], form=[("n", "a")])
    stored["form"]["elements"]["element-0"]["id"] = " other "
    loaded = load(stored)
    assert kinds(loaded) == []
    assert [item.field_name for item in form_fields(loaded)] == ["a"]
    assert loaded.document["form"]["elements"]["element-0"]["id"] == "other"
    stored["form"]["elements"]["root"]["id"] = "other"
    assert kinds(load(stored)) == ["form"]
    assert [item.field_name for item in form_fields(load(stored))] == ["a"]


def dynamic_node(template: Any) -> dict[str, Any]:
    name = "saved_workflow_input::n::a"
    found = node("cs", "call_saved_workflow")
    found["data"]["inputs"][name] = {"name": name, "label": "", "value": 3}
    found["data"]["dynamicInputTemplates"] = {name: template}
    return found


DYNAMIC_TEMPLATE: dict[str, Any] = {
    "name": "saved_workflow_input::n::a",
    "title": "A",
    "required": False,
    "description": "",
    "fieldKind": "input",
    "input": "any",
    "type": {"name": "IntegerField", "cardinality": "SINGLE", "batch": False},
    "default": 0,
}


def test_a_stored_input_of_a_called_workflow_has_its_template() -> None:
    stored = {**DYNAMIC_TEMPLATE, "limits": 5, "new_key": {}, "minimum": 1}
    loaded = load(document([dynamic_node(stored)]))
    template = loaded.nodes["cs"].template_of("saved_workflow_input::n::a")
    assert template is not None
    assert template.gui == {"minimum": 1}
    assert template.type.name == "IntegerField"


@pytest.mark.parametrize(
    "change",
    [
        {"type": None},
        {"type": "IntegerField"},
        {"type": {**DYNAMIC_TEMPLATE["type"], "name": {}}},
        {"type": {**DYNAMIC_TEMPLATE["type"], "cardinality": []}},
        {"type": {**DYNAMIC_TEMPLATE["type"], "batch": 0}},
        {"type": {**DYNAMIC_TEMPLATE["type"], "originalType": 5}},
        {"type": {}},
        {"title": None},
        {"required": 1},
        {"input": ["any"]},
        {"input": "both"},
        {"multipleOf": True},
        {"options": {}},
        {"options": [{}]},
        {"ui_choice_labels": []},
        {"ui_model_base": [["sdxl"]]},
    ],
)
def test_a_stored_input_without_a_sound_template_is_refused_by_place(
    change: dict[str, Any],
) -> None:
    with pytest.raises(WorkflowFormatError) as caught:
        load(document([dynamic_node({**DYNAMIC_TEMPLATE, **change})]))
    assert "dynamicInputTemplates.saved_workflow_input::n::a" in str(caught.value)
