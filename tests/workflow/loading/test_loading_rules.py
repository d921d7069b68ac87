"""The rules of loading one by one: types, versions, settings, called workflows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

import pytest
from workflow_builder import connector, document, node

from invokeai_py_client.nodes import FieldType, InputTemplate, NodeCatalog, NodeTemplate
from invokeai_py_client.nodes.template import UNSET
from invokeai_py_client.workflow.document.definition import WorkflowDefinition
from invokeai_py_client.workflow.editor.loaded_workflow import (
    LoadedInput,
    LoadedWorkflow,
)
from invokeai_py_client.workflow.editor.server_facts import ServerFacts
from invokeai_py_client.workflow.editor.workflow_draft import DraftNode
from invokeai_py_client.workflow.loading.called_workflows import refresh_dynamic_inputs
from invokeai_py_client.workflow.loading.editor_type_rules import (
    can_feed,
    can_share_an_input,
    can_swap,
    item_type,
    same_type,
)
from invokeai_py_client.workflow.loading.form_fields import form_fields
from invokeai_py_client.workflow.loading.generator_schemas import (
    GENERATOR_FIELDS,
    parse_any_generator,
    parse_generator,
)
from invokeai_py_client.workflow.loading.load_workflow import load_workflow
from invokeai_py_client.workflow.loading.update_nodes import (
    fresh_value,
    is_updatable,
    update_node,
)

CATALOG = NodeCatalog.bundled()


def load(stored: dict[str, Any], facts: Optional[ServerFacts] = None) -> LoadedWorkflow:
    return load_workflow(WorkflowDefinition.from_dict(stored), CATALOG, facts)


def kinds(loaded: LoadedWorkflow) -> list[str]:
    return [warning.kind for warning in loaded.warnings]


def kept(loaded: LoadedWorkflow) -> list[str]:
    return [item.id for item in loaded.edges]


# -- types of edges --------------------------------------------------------------------

ONE, MANY, EITHER = "SINGLE", "COLLECTION", "SINGLE_OR_COLLECTION"


def kind(text: str) -> FieldType:
    """A type: ``Integer``, ``Integer[]``, ``Integer|[]``, a batch with ``*`` before."""
    batch, text = text.startswith("*"), text.lstrip("*")
    for ending, cardinality in (("|[]", EITHER), ("[]", MANY), ("", ONE)):
        if text.endswith(ending):
            name = text[: len(text) - len(ending)]
            return FieldType(f"{name}Field", cardinality, batch)  # type: ignore[arg-type]
    raise AssertionError


@pytest.mark.parametrize(
    ("source", "target", "fits"),
    [
        ("Integer", "Integer", True),
        ("Integer", "Float", True),
        ("Float", "String", True),
        ("Float", "Integer", False),
        ("Integer[]", "Float[]", True),
        ("Integer", "Float[]", False),
        ("Integer[]", "Float", False),
        ("Integer", "Float|[]", True),
        ("Integer[]", "Float|[]", True),
        ("Integer", "Integer|[]", True),
        ("Integer|[]", "Integer", False),
        ("Image", "Integer|[]", False),
        ("Integer", "Any", True),
        ("Integer[]", "Any", True),
        ("Any", "Integer", True),
        ("Any", "Integer[]", False),
        ("Any[]", "Integer[]", True),
        ("CollectionItem", "Integer", True),
        ("CollectionItem", "Integer|[]", True),
        ("CollectionItem", "Integer[]", False),
        ("Integer", "CollectionItem", True),
        ("Integer[]", "CollectionItem", False),
        ("Integer|[]", "CollectionItem", False),
        ("Collection[]", "Integer[]", True),
        ("Collection[]", "Integer|[]", True),
        ("Collection[]", "Integer", False),
        ("Integer[]", "Collection[]", True),
        ("Integer", "Collection[]", False),
        ("*Integer[]", "*Integer[]", True),
        ("*Integer[]", "Integer[]", False),
        ("Integer[]", "*Integer[]", False),
        ("*Integer[]", "*Float[]", True),
        ("*Integer[]", "Any", False),
    ],
)
def test_an_output_fits_an_input_by_name_and_number(
    source: str, target: str, fits: bool
) -> None:
    assert can_feed(kind(source), kind(target)) is fits


def test_what_the_schema_called_a_type_counts_as_the_type() -> None:
    scheduler = replace(kind("Scheduler"), original=kind("Enum"))
    assert same_type(scheduler, kind("Enum"))
    assert same_type(kind("Enum"), scheduler)
    assert same_type(scheduler, replace(kind("Other"), original=kind("Enum")))
    assert not same_type(scheduler, kind("String"))
    assert not same_type(kind("Enum"), kind("Enum[]"))
    assert not same_type(kind("Enum[]"), kind("*Enum[]"))


@pytest.mark.parametrize(
    ("one", "other", "swaps", "shares"),
    [
        ("Integer", "Integer[]", True, True),
        ("Integer", "Integer", False, True),
        ("Integer", "Integer|[]", False, True),
        ("Integer", "Float", False, True),
        ("Integer", "Image", False, False),
        ("Integer", "Image[]", False, False),
        ("*Integer[]", "Integer", False, False),
    ],
)
def test_branches_may_be_one_of_a_thing_and_a_list_of_it(
    one: str, other: str, swaps: bool, shares: bool
) -> None:
    for first, second in ((one, other), (other, one)):
        assert can_swap(kind(first), kind(second)) is swaps
        assert can_share_an_input(kind(first), kind(second)) is shares


def test_an_item_of_a_list_is_one_of_its_type() -> None:
    assert item_type(kind("Integer[]")) == kind("Integer")
    assert item_type(kind("Collection[]")) is None


# -- settings of generators ------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "fits"),
    [
        ({"type": "float_generator_parse_string"}, True),
        ({"type": "float_generator_parse_string", "values": None}, True),
        ({"type": "float_generator_parse_string", "values": [1, 2.5]}, True),
        ({"type": "float_generator_parse_string", "values": [1, "2"]}, False),
        ({"type": "float_generator_parse_string", "values": "1"}, False),
        ({"type": "float_generator_parse_string", "values": {"a": 1}}, False),
        ({"type": "float_generator_random_distribution_uniform", "seed": 0}, True),
        ({"type": "float_generator_random_distribution_uniform", "seed": None}, True),
        ({"type": "float_generator_random_distribution_uniform", "seed": 0.5}, False),
        ({"type": "integer_generator_arithmetic_sequence", "count": -1}, True),
        ({"type": "integer_generator_arithmetic_sequence", "count": 2**53}, False),
        ({"type": "string_generator_dynamic_prompts_random", "count": 1}, True),
        ({"type": "string_generator_dynamic_prompts_random", "count": 0}, False),
        ({"type": "string_generator_dynamic_prompts_random", "count": 1.5}, False),
        ({"type": "string_generator_dynamic_prompts_random", "seed": True}, False),
        ({"type": "image_generator_images_from_board", "category": "assets"}, True),
        ({"type": "image_generator_images_from_board", "category": "videos"}, False),
        ({"type": "image_generator_images_from_board", "board_id": " "}, False),
        ({"type": "something"}, False),
    ],
)
def test_settings_are_those_of_a_kind_or_nothing(
    settings: dict[str, Any], fits: bool
) -> None:
    found = parse_any_generator(settings)
    assert (found is not None) is fits
    if found is not None:
        assert found["type"] == settings["type"]
        assert {**found, **settings} == found


def test_settings_are_read_in_their_plain_form() -> None:
    board = {"type": "image_generator_images_from_board", "board_id": " b ", "x": 1}
    assert parse_any_generator(board) == {
        "type": "image_generator_images_from_board",
        "board_id": "b",
        "category": "images",
    }
    numbers = {"type": "float_generator_parse_string", "values": [1.0, 2.5]}
    found = parse_any_generator(numbers)
    assert found is not None
    assert repr(found["values"]) == "[1, 2.5]"
    assert parse_generator(GENERATOR_FIELDS["FloatGeneratorField"], 7) is None
    integers = GENERATOR_FIELDS["IntegerGeneratorField"]
    assert parse_generator(integers, numbers) is None


# -- nodes of other versions -----------------------------------------------------------


def template(version: str = "1.0.0", **inputs: Any) -> NodeTemplate:
    """A node type with an input of each type and default."""
    items = {
        name: InputTemplate(name, name.title(), FieldType(type_name), default=default)
        for name, (type_name, default) in inputs.items()
    }
    return NodeTemplate("probe", "Probe", version, items, {}, "probe_output")


@pytest.mark.parametrize(
    ("have", "want", "fits"),
    [
        ("1.0.0", "1.9.9", True),
        ("1", "1.2.3", True),
        ("v1.0", "1.2.3", True),
        ("1.x", "1.2.3", True),
        ("1.*.2", "1.2.3", True),
        ("1.0.0-beta.1+build.2", "1.2.3", True),
        ("2.0.0", "1.2.3", False),
        ("10.0.0", "1.2.3", False),
        ("x", "1.2.3", False),
        ("", "1.2.3", False),
        ("1.0.0 ", "1.2.3", False),
        ("1.0.0", "newest", False),
    ],
)
def test_a_node_of_the_same_major_version_is_updatable(
    have: str, want: str, fits: bool
) -> None:
    assert is_updatable(have, template(want)) is fits


@pytest.mark.parametrize(
    ("type_name", "default", "fresh"),
    [
        ("IntegerField", 7, 7),
        ("IntegerField", 0, 0),
        ("BooleanField", False, False),
        ("IntegerField", UNSET, 0),
        ("IntegerField", None, 0),
        ("StringField", None, ""),
        ("ColorField", UNSET, {"r": 0, "g": 0, "b": 0, "a": 1}),
        ("LoRAField", UNSET, []),
        ("ImageField", UNSET, UNSET),
        ("ImageField", None, UNSET),
    ],
)
def test_a_fresh_value_is_the_default_else_that_of_the_type(
    type_name: str, default: Any, fresh: Any
) -> None:
    item = template(x=(type_name, default)).inputs["x"]
    found = fresh_value(item)
    assert found == fresh
    assert type(found) is type(fresh)
    if isinstance(found, (dict, list)):
        assert found is not fresh_value(item)


@pytest.mark.parametrize(
    ("stored", "default", "merged"),
    [
        (UNSET, {"a": 1}, {"a": 1}),
        ({"a": 5}, {"a": 1, "b": 2}, {"a": 5, "b": 2}),
        ({"c": 5}, {"a": 1}, {"c": 5, "a": 1}),
        ({"a": {"x": 5}}, {"a": {"x": 1, "y": 2}}, {"a": {"x": 5, "y": 2}}),
        ([7], [1, 2, 3], [7, 2, 3]),
        ([7, 8, 9], [1], [7, 8, 9]),
        ([], [1, 2], [1, 2]),
        ([{"x": 5}, 6], [{"x": 1, "y": 2}, {"z": 3}], [{"x": 5, "y": 2}, 6]),
        ([1], {"a": 1}, [1]),
        ({"a": 1}, [1], {"a": 1}),
        ("x", "y", "x"),
        ({"a": 5}, UNSET, {"a": 5}),
    ],
)
def test_a_stored_value_is_completed_by_a_fresh_one(
    stored: Any, default: Any, merged: Any
) -> None:
    before = LoadedInput("x", "x", label="Mine", value=stored)
    found = DraftNode(
        id="n",
        type="probe",
        version="1.0.0",
        inputs={"x": before, "gone": LoadedInput("gone", "gone", value=1)},
        use_cache=True,
        is_intermediate=False,
    )
    update_node(found, template("1.1.0", x=("OtherField", default), y=("F", 3)), ())
    assert found.version == "1.1.0"
    assert {name: item.value for name, item in found.inputs.items()} == {
        "x": merged,
        "y": 3,
    }
    assert found.inputs["x"].label == "Mine"


@pytest.mark.parametrize("version", ["1", "1.0", "1.0.1", "1.0.2"])
@pytest.mark.parametrize("images", [UNSET, [], [{"image_name": "b"}]])
@pytest.mark.parametrize("is_fed", [False, True])
def test_the_list_of_an_image_collection_moves_to_where_it_is_read(
    version: str, images: Any, is_fed: bool
) -> None:
    """Versions before 1.0.2 have it in `collection`, newer ones in `images`."""
    newer = replace(CATALOG["image_collection"], version="1.0.9")
    catalog = {**CATALOG, newer.type: newer}
    stored = node(
        "n", "image_collection", {"collection": [{"image_name": "a"}]}, version=version
    )
    if images is not UNSET:
        stored["data"]["inputs"]["images"]["value"] = images
    nodes = [stored, node("m", "image_collection")]
    edges = ["m.collection -> n.collection"] if is_fed else []
    stored = document(nodes, edges, form=[("n", "collection")])
    loaded = load_workflow(WorkflowDefinition.from_dict(stored), catalog)
    inputs = loaded.nodes["n"].inputs
    moves = version != "1.0.2" and not is_fed and not (images and images is not UNSET)
    moved = ([{"image_name": "a"}], [])
    stays = (images or [], [{"image_name": "a"}])
    found = (inputs["images"].value or [], inputs["collection"].value)
    assert found == (moved if moves else stays)
    assert [field.field_name for field in form_fields(loaded)] == ["images"]


# -- called workflows ------------------------------------------------------------------


def saved(*fields: tuple[str, str], exposed: Any = ()) -> dict[str, Any]:
    nodes = [
        node("n", "add", {"a": 4, "b": 5}, labels={"a": "First"}),
        node("i", "image"),
        node("u", "unknown_type", {"x": 1}),
    ]
    nodes[0]["data"]["inputs"]["b"]["description"] = "the second"
    stored = document(nodes, form=fields)
    stored["exposedFields"] = [
        {"nodeId": node_id, "fieldName": name} for node_id, name in exposed
    ]
    return stored


def called(workflow: Any, *, value: Any = UNSET) -> DraftNode:
    found = DraftNode(
        id="c",
        type="call_saved_workflow",
        version="1.0.0",
        inputs={},
        use_cache=True,
        is_intermediate=False,
    )
    if value is not UNSET:
        refresh_dynamic_inputs(found, workflow, CATALOG)
        name = "saved_workflow_input::n::a"
        found.inputs[name] = replace(found.inputs[name], value=value)
    refresh_dynamic_inputs(found, workflow, CATALOG)
    return found


def offered(found: DraftNode) -> list[str]:
    return [name.replace("saved_workflow_input::", "") for name in found.inputs]


def test_a_called_workflow_offers_its_form_and_then_its_exposed_fields() -> None:
    both = saved(("n", "b"), exposed=[("n", "a"), ("n", "b"), ("i", "image")])
    found = called(both)
    assert offered(found) == ["n::b", "n::a", "i::image"]
    templates = list(found.dynamic_inputs.values())
    assert [item.gui["ui_order"] for item in templates] == [0, 1, 2]
    assert {item.gui["ui_hidden"] for item in templates} == {False}
    assert {item.input for item in templates} == {"any"}
    for wrapped in ({"workflow": both}, both):
        assert offered(called(wrapped)) == offered(found)
    assert offered(called({"workflow": 7})) == []


def test_its_inputs_are_called_as_there_and_have_the_values_from_there() -> None:
    found = called(saved(("n", "a"), ("n", "b")))
    first, second = found.inputs.values()
    assert (first.label, first.value) == ("First", 4)
    assert (second.label, second.value) == ("B", 5)
    assert second.description == "the second"
    assert first.description == CATALOG["add"].inputs["a"].description


@pytest.mark.parametrize(
    "field", [("n", "gone"), ("gone", "a"), ("u", "x"), ("n", "metadata")]
)
def test_what_holds_no_value_of_its_own_is_not_offered(field: tuple[str, str]) -> None:
    found = called(saved(exposed=[field, ("n", "a")]))
    assert offered(found) == ["n::a"]
    assert found.dynamic_inputs["saved_workflow_input::n::a"].gui["ui_order"] == 0


def test_a_value_stays_unless_the_type_of_its_input_changed() -> None:
    name = "saved_workflow_input::n::a"
    found = called(saved(("n", "a")), value=9)
    assert found.inputs[name].value == 9
    before = found.dynamic_inputs[name]
    found.dynamic_inputs[name] = replace(before, type=FieldType("StringField"))
    refresh_dynamic_inputs(found, saved(("n", "a")), CATALOG)
    assert found.inputs[name].value == 4
    found.inputs[name] = replace(found.inputs[name], value=9)
    named = replace(before.type, original=FieldType("EnumField"))
    found.dynamic_inputs[name] = replace(before, type=named)
    refresh_dynamic_inputs(found, saved(("n", "a")), CATALOG)
    assert found.inputs[name].value == 9
    del found.dynamic_inputs[name]
    refresh_dynamic_inputs(found, saved(("n", "a")), CATALOG)
    assert found.inputs[name].value == 4


def test_inputs_that_the_workflow_no_longer_has_go_and_others_stay() -> None:
    found = called(saved(("n", "a"), ("n", "b")))
    found.inputs["workflow_id"] = LoadedInput("workflow_id", "workflow_id", value="w")
    refresh_dynamic_inputs(found, saved(("n", "b")), CATALOG)
    assert offered(found) == ["n::b", "workflow_id"]
    assert list(found.dynamic_inputs) == ["saved_workflow_input::n::b"]


def test_a_called_workflow_that_is_not_there_is_warned_of() -> None:
    stored = document([node("c", "call_saved_workflow", {"workflow_id": "w"})])
    loaded = load(stored)
    assert kinds(loaded) == ["saved_workflow"]
    assert "w could not be read" in loaded.warnings[0].message
    facts = ServerFacts(saved_workflows={"w": saved(("n", "a"))})
    assert kinds(load(stored, facts)) == []
    for nothing in ("", None, 7):
        other = document([node("c", "call_saved_workflow", {"workflow_id": nothing})])
        assert "saved_workflow" not in kinds(load(other))
    same_name = document([node("c", "add", {"workflow_id": "w"})])
    assert "saved_workflow" not in kinds(load(same_name))


# -- edges -----------------------------------------------------------------------------


def refused(nodes: list[dict[str, Any]], *edges: str) -> str:
    """Why the last edge is left out; empty when all are kept."""
    loaded = load(document(nodes, list(edges)))
    assert kept(loaded)[: len(edges) - 1] == list(edges[:-1])
    return ", ".join(item.message.split("left out: ")[-1] for item in loaded.warnings)


NODES = [
    node("a", "add"),
    node("b", "add"),
    node("i", "integer"),
    node("j", "integer"),
    node("s", "string"),
    node("o", "boolean"),
    node("img", "blank_image"),
    node("r", "img_resize"),
    node("f", "if"),
    node("g", "if"),
    node("c", "collect"),
    node("d", "collect"),
    node("l", "integer_collection"),
    node("m", "core_metadata"),
    connector("x"),
    connector("y"),
    connector("z"),
]


@pytest.mark.parametrize(
    ("edges", "reason"),
    [
        (["i.value -> a.a"], ""),
        (["i.value -> gone.a"], "a node it connects does not exist"),
        (["gone.value -> a.a"], "a node it connects does not exist"),
        (["i.nothing -> a.a"], "integer has no output nothing"),
        (["i.value -> a.nothing"], "add has no input nothing"),
        (["i.value -> a.a", "i.value -> a.b"], ""),
        (["i.value -> a.a", "j.value -> a.a"], "the input has an edge already"),
        (["i.value -> c.item", "j.value -> c.item"], ""),
        (["img.image -> a.a"], "ImageField (SINGLE) does not fit IntegerField"),
        # Connectors.
        (["x.out -> a.a", "i.value -> x.in"], ""),
        (["x.out -> a.a", "s.value -> x.in"], "does not fit"),
        (["x.out -> a.a", "x.out -> b.a"], ""),
        (["x.out -> a.a", "x.out -> s.value"], ""),
        (["x.out -> a.a", "x.out -> r.image"], "behind the connector do not match"),
        (["x.out -> a.a", "x.out -> y.in", "y.out -> b.a"], ""),
        (["x.out -> y.in", "y.out -> a.a", "img.image -> x.in"], "does not fit"),
        (["i.value -> x.in", "j.value -> x.in"], "a connector has one input only"),
        (["i.value -> x.nothing"], "a connector has no input nothing"),
        (["x.nothing -> a.a"], "a connector has no output nothing"),
        (["i.value -> x.in", "x.out -> a.a", "x.out -> b.b"], ""),
        (["img.image -> x.in", "x.out -> a.a"], "does not fit"),
        (["x.out -> y.in", "y.out -> z.in", "z.out -> x.in"], ""),
        (["x.out -> a.a", "a.value -> x.in"], "it would close a loop"),
        (["x.out -> y.in", "x.out -> a.a"], ""),
        (["x.out -> y.in", "x.out -> z.in", "z.out -> a.a", "y.out -> b.a"], ""),
        # Branches of an `if`.
        (["o.value -> f.condition"], ""),
        (["img.image -> f.condition"], "does not fit"),
        (["i.value -> f.true_input", "img.image -> f.false_input"], "different types"),
        (["l.collection -> f.true_input", "i.value -> f.false_input"], ""),
        (["i.value -> f.true_input", "f.value -> a.a"], ""),
        (["s.value -> f.true_input", "f.value -> a.a"], "does not fit"),
        (
            ["i.value -> f.true_input", "s.value -> f.false_input", "f.value -> a.a"],
            "does not fit",
        ),
        # Collectors.
        (["i.value -> c.item", "img.image -> c.item"], "gathers IntegerField"),
        (["l.collection -> c.collection", "img.image -> c.item"], "gathers"),
        (["i.value -> c.item", "c.collection -> d.collection"], ""),
        (
            [
                "img.image -> d.item",
                "i.value -> c.item",
                "c.collection -> d.collection",
            ],
            "the list gathers ImageField, not IntegerField",
        ),
    ],
)
def test_the_last_edge_is_kept_or_its_reason_is_told(
    edges: list[str], reason: str
) -> None:
    found = refused(NODES, *edges)
    assert (reason in found) if reason else (found == "")


def test_a_doubled_edge_is_there_already() -> None:
    stored = document(NODES, ["i.value -> c.item", "j.value -> c.item"])
    stored["edges"].append({**stored["edges"][0], "id": "again"})
    loaded = load(stored)
    assert "again" not in kept(loaded)
    assert "it is there already" in loaded.warnings[0].message


def test_an_edge_that_is_left_out_is_named_with_its_ends() -> None:
    loaded = load(document(NODES, ["img.image -> a.a"]))
    (warning,) = loaded.warnings
    assert warning.message.startswith("edge img.image -> a.a left out: ")
    assert (warning.kind, warning.node_id, warning.field_name) == ("edge", "a", "a")


def test_a_note_has_neither_inputs_nor_outputs() -> None:
    note = connector("n")
    note["type"] = note["data"]["type"] = "notes"
    note["data"]["notes"] = "text"
    nodes = [*NODES, note]
    assert "a node of kind notes has no outputs" in refused(nodes, "n.out -> a.a")
    assert "a node of kind notes has no inputs" in refused(nodes, "i.value -> n.in")


# -- the form --------------------------------------------------------------------------


def exposed_only(*fields: tuple[str, str]) -> dict[str, Any]:
    stored = document(
        [node("n", "add", labels={"a": "Mine"}), node("l", "integer_collection")]
    )
    stored["exposedFields"] = [
        {"nodeId": node_id, "fieldName": name} for node_id, name in fields
    ]
    return stored


def test_exposed_fields_are_a_form_where_there_is_no_other() -> None:
    stored = exposed_only(("n", "b"), ("n", "a"), ("l", "collection"))
    loaded = load(stored)
    first, second, third = form_fields(loaded)
    assert [item.field_name for item in (first, second, third)] == [
        "b",
        "a",
        "collection",
    ]
    assert first.settings == {
        "type": "integer-field-config",
        "showShuffle": False,
        "component": "number-input",
    }
    # A list has no settings.
    assert third.settings is None
    elements = loaded.document["form"]["elements"].values()
    shown = [item["data"] for item in elements if item["type"] == "node-field"]
    assert [item["showDescription"] for item in shown] == [False] * 3


def test_a_form_with_fields_is_preferred_to_the_exposed_ones() -> None:
    stored = document([node("n", "add")], form=[("n", "a")])
    stored["exposedFields"] = [{"nodeId": "n", "fieldName": "b"}]
    assert [item.field_name for item in form_fields(load(stored))] == ["a"]


def test_a_field_is_described_by_the_file_else_by_its_template() -> None:
    stored = exposed_only(("n", "a"), ("n", "b"))
    stored["nodes"][0]["data"]["inputs"]["a"]["description"] = "the first"
    first, second = form_fields(load(stored))
    assert first.description == "the first"
    assert second.description == CATALOG["add"].inputs["b"].description != ""


@pytest.mark.parametrize("field", [("n", "gone"), ("gone", "a")])
def test_a_form_leaves_out_what_no_node_has(field: tuple[str, str]) -> None:
    loaded = load(document([node("n", "add")], form=[field, ("n", "a")]))
    assert [item.field_name for item in form_fields(loaded)] == ["a"]
    (warning,) = loaded.warnings
    assert (warning.kind, warning.node_id, warning.field_name) == (
        "dead_form_field",
        *field,
    )
    elements = loaded.document["form"]["elements"]
    assert elements["root"]["data"]["children"] == ["element-1"]


# -- the head of a file ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "is_told"), [("1.0.0", False), ("2.0.0", True), ("3.0.0", True)]
)
@pytest.mark.parametrize(
    "change",
    [{"name": None}, {"notes": 7}, {"id": ""}, {"id": 7}, {"category": "mine"}],
)
def test_what_a_head_lacks_is_told_from_the_second_format_on(
    version: str, is_told: bool, change: dict[str, Any]
) -> None:
    stored = document([])
    stored["meta"] = {"version": version, "category": "user"}
    stored["id"] = "own"
    assert kinds(load(stored)) == []
    holder = stored["meta"] if "category" in change else stored
    holder.update(change)
    loaded = load(stored)
    assert kinds(loaded) == ["format"] * is_told
    assert loaded.document["meta"] == {"category": "user", "version": "4.0.0"}


def test_only_connectors_are_connectors() -> None:
    note = connector("note")
    note["type"] = note["data"]["type"] = "notes"
    note["data"]["notes"] = "text"
    loaded = load(document([connector("x"), note, node("n", "add")]))
    assert loaded.connectors == {"x"}
    assert set(loaded.nodes) == {"n"}


@pytest.mark.parametrize(
    ("version", "is_told"), [("1.0.0", False), ("2.0.0", True), ("4.0.0", True)]
)
def test_a_file_without_exposed_fields_is_told_of_from_the_second_format_on(
    version: str, is_told: bool
) -> None:
    stored = document([])
    stored["meta"] = {"version": version}
    del stored["exposedFields"]
    assert kinds(load(stored)) == ["format"] * is_told


# -- nodes -----------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0", "4.0.0"])
@pytest.mark.parametrize(
    ("node_type", "use_cache"),
    [("add", True), ("rand_int", False), ("unknown_type", True)],
)
def test_a_node_without_flags_has_those_of_its_type(
    version: str, node_type: str, use_cache: bool
) -> None:
    bare = node("n", node_type)
    bare["data"]["inputs"] = {}
    del bare["data"]["useCache"], bare["data"]["isIntermediate"]
    stored = document([bare])
    stored["meta"] = {"version": version}
    loaded = load(stored)
    found = loaded.nodes["n"]
    assert (found.use_cache, found.is_intermediate) == (use_cache, False)
    told = [item.kind for item in loaded.warnings if item.node_id == "n"]
    assert told.count("format") == (0 if version == "1.0.0" else 2)


@pytest.mark.parametrize("version", [None, "", 7])
def test_a_node_without_a_version_is_taken_for_the_first(version: Any) -> None:
    stored = node("n", "add", {"a": 4})
    stored["data"]["version"] = version
    loaded = load(document([stored]))
    assert loaded.nodes["n"].version == CATALOG["add"].version
    (warning,) = loaded.warnings
    assert "no version; taken for 1.0.0" in warning.message


def test_one_return_node_is_fine() -> None:
    assert kinds(load(document([node("r", "workflow_return")]))) == []


@pytest.mark.parametrize("version", ["2.0.0", "4.0.0"])
@pytest.mark.parametrize("node_type", ["core_metadata", "add"])
def test_null_is_a_value_of_metadata_alone(version: str, node_type: str) -> None:
    stored = node("n", node_type)
    stored["data"]["inputs"] = {
        "a": {"name": "a", "label": "", "value": None, "type": "integer"}
    }
    file = document([stored])
    file["meta"] = {"version": version}
    value = load(file).nodes["n"].inputs["a"].value
    keeps = node_type == "core_metadata" and version == "4.0.0"
    assert value is (None if keeps else UNSET)


@pytest.mark.parametrize("node_type", ["core_metadata", "add"])
def test_an_update_keeps_inputs_of_any_name_of_metadata_alone(node_type: str) -> None:
    newest = CATALOG[node_type].version
    version = f"{newest.split('.')[0]}.0.99"
    stored = node("n", node_type, {"mine": 3}, version=version)
    loaded = load(document([stored]))
    assert loaded.nodes["n"].version == newest != version
    found = loaded.nodes["n"].inputs
    assert ("mine" in found) is (node_type == "core_metadata")
    assert set(found) >= set(CATALOG[node_type].inputs)


def test_what_a_node_says_of_its_drawing_is_in_the_document() -> None:
    bare = node("n", "add")
    for key in ("id", "isOpen", "nodePack"):
        del bare["data"][key]
    bare["position"] = {"x": 1.5, "y": "low"}
    full = node("m", "add")
    full["position"] = {"x": 1.0, "y": -2}
    full["data"].update(id=" other ", isOpen=False, nodePack="mine")
    odd = node("o", "unknown_type")
    del odd["data"]["nodePack"]
    odd["data"]["isOpen"] = "yes"
    bend = connector("x")
    del bend["data"]["id"], bend["data"]["isOpen"]
    note = connector("t")
    note["type"] = note["data"]["type"] = "notes"
    note["data"].update(notes="text", id="own")
    loaded = load(document([bare, full, odd, bend, note]))
    nodes = {item["id"]: item for item in loaded.document["nodes"]}
    assert [nodes[key]["position"] for key in "nm"] == [
        {"x": 1.5, "y": 0},
        {"x": 1, "y": -2},
    ]
    data = {key: item["data"] for key, item in nodes.items()}
    assert {key: item["id"] for key, item in data.items()} == {
        "n": "n",
        "m": "other",
        "o": "o",
        "x": "x",
        "t": "own",
    }
    assert {key: item["isOpen"] for key, item in data.items()} == {
        "n": True,
        "m": False,
        "o": False,
        "x": False,
        "t": True,
    }
    assert [data[key]["nodePack"] for key in "nmo"] == ["invokeai", "mine", "invokeai"]
    assert data["t"]["notes"] == "text"
    assert "notes" not in data["x"]
