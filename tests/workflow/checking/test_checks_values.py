"""Values: what the checks refuse is what a real 6.14.2 refuses or chokes on.

Every expectation here was tried on the models of a real server (docs/dev/checks.md).
"""

from __future__ import annotations

import math

import pytest
from workflow_builder import MODEL

from invokeai_py_client.nodes.catalog import NodeCatalog
from invokeai_py_client.nodes.template import FieldType, InputTemplate, Limits
from invokeai_py_client.workflow.checking.value_checks import (
    batch_value_problem,
    is_json,
    literal_problem,
    stored_batch_item,
)

IMAGE = {"image_name": "a.png"}
COLOR = {"r": 1, "g": 2, "b": 3, "a": 255}
LORA = {**MODEL, "type": "lora"}


def template(place: str) -> InputTemplate:
    node_type, field_name = place.split(".")
    return NodeCatalog.bundled()[node_type].inputs[field_name]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("add.a", 5),
        ("add.a", 10**30),
        ("add.a", True),
        ("add.a", 7.0),
        ("add.a", "7"),
        ("add.a", " 7 "),
        ("add.a", "7.0"),
        ("add.a", "1_000"),
        ("float.value", 5),
        ("float.value", "1e2"),
        ("string.value", 5),
        ("string.value", 1.5),
        ("boolean.value", 1),
        ("boolean.value", "yes"),
        ("denoise_latents.cfg_scale", [1.0, 2]),
        ("denoise_latents.scheduler", "euler_a"),
        ("denoise_latents.denoising_end", 1),
        ("lresize.width", 64),
        ("llava_onevision_vllm.images", IMAGE),
        ("llava_onevision_vllm.images", [IMAGE]),
        ("core_metadata.loras", [{"model": LORA, "weight": 1}]),
        ("denoise_latents.latents", {"latents_name": "x", "seed": None}),
        ("blank_image.color", COLOR),
        ("blank_image.color", {**COLOR, "r": 1.0}),
        ("img_resize.image", IMAGE),
        ("img_resize.image", None),
        ("l2i.board", {"board_id": "b"}),
        ("main_model_loader.model", MODEL),
        ("main_model_loader.model", {**MODEL, "submodel_type": None}),
        ("flux_text_encoder.t5_max_seq_len", 256),
        ("string_collection.collection", []),
        ("integer_collection.collection", [1, 2.0, "3"]),
        ("lora_collection_loader.loras", [{"lora": LORA, "weight": 0.5}]),
        ("lora_collection_loader.loras", {"lora": LORA, "weight": 0.5}),
        ("metadata_item.value", [1, "a", None]),
        ("core_metadata.width", None),
    ],
)
def test_what_the_server_takes_is_taken(place, value):
    assert literal_problem(template(place), value) is None


@pytest.mark.parametrize(
    ("place", "value", "kind"),
    [
        ("add.a", 1.5, "type"),
        ("add.a", "x", "type"),
        ("add.a", "1.5", "type"),
        ("add.a", None, "type"),
        ("add.a", math.nan, "json"),
        ("float.value", math.inf, "json"),
        ("float.value", "", "type"),
        ("float.value", [1.0], "type"),
        ("string.value", True, "type"),
        ("string.value", ["a"], "type"),
        ("string.value", "half \ud800", "json"),
        ("boolean.value", 2, "type"),
        ("boolean.value", "maybe", "type"),
        ("denoise_latents.steps", 0, "exclusive_minimum"),
        ("denoise_latents.denoising_end", 1.5, "maximum"),
        ("denoise_latents.cfg_rescale_multiplier", 1, "exclusive_maximum"),
        ("noise.width", 65, "multiple_of"),
        # Their limits are inside a union with null.
        ("lresize.width", 63, "minimum"),
        ("lresize.width", 65, "multiple_of"),
        ("lscale.scale_factor", 0, "exclusive_minimum"),
        ("core_metadata.loras", [{"model": {"key": "k"}, "weight": 1}], "model"),
        ("core_metadata.loras", [{"model": LORA, "weight": "x"}], "type"),
        ("core_metadata.loras", [{"model": LORA}], "type"),
        ("denoise_latents.latents", {"latents_name": 5}, "type"),
        # A bound of a union is held against every member, and fails on lists.
        ("controlnet.control_weight", [1.0], "type"),
        ("flux_controlnet.control_weight", [], "type"),
        ("t2i_adapter.weight", [0.5], "type"),
        ("llava_onevision_vllm.images", [IMAGE] * 4, "max_items"),
        ("video_concat.fps", 0, "minimum"),
        ("flux_kontext_image_prep.images", [], "min_items"),
        ("flux_kontext_image_prep.images", [IMAGE] * 11, "max_items"),
        ("controlnet.control_weight", 3, "maximum"),
        ("denoise_latents.scheduler", "nope", "choice"),
        ("flux_text_encoder.t5_max_seq_len", 128, "choice"),
        ("flux_text_encoder.t5_max_seq_len", "256", "choice"),
        ("blank_image.color", {"r": 1, "g": 2, "b": 3}, "color"),
        ("blank_image.color", {**COLOR, "a": 256}, "color"),
        ("blank_image.color", "red", "type"),
        ("img_resize.image", "a.png", "type"),
        ("img_resize.image", {"video_name": "v"}, "type"),
        ("l2i.board", "auto", "type"),
        ("main_model_loader.model", "Juggernaut", "type"),
        ("main_model_loader.model", {"key": "k"}, "model"),
        ("main_model_loader.model", {**MODEL, "base": "flux"}, "model_base"),
        ("main_model_loader.model", {**MODEL, "type": "lora"}, "model_type"),
        ("integer_collection.collection", [1, "x"], "type"),
        ("integer_collection.collection", 1, "type"),
        ("lora_collection_loader.loras", [{"lora": LORA}], "type"),
        ("l2i.vae", 5, "type"),
        ("l2i.latents", {"image_name": "a"}, "type"),
    ],
)
def test_what_the_server_refuses_is_refused(place, value, kind):
    refused = literal_problem(template(place), value)
    assert refused is not None
    assert refused.kind == kind
    assert refused.allowed


def test_a_model_of_an_unknown_type_is_not_refused_for_it():
    model = {**MODEL, "type": "unknown"}
    assert literal_problem(template("main_model_loader.model"), model) is None
    odd = literal_problem(template("main_model_loader.model"), {**MODEL, "type": "any"})
    assert odd is not None
    assert odd.kind == "model_type"


def test_models_that_fit_anywhere_are_not_refused_for_their_base():
    for base in ("any", "unknown"):
        assert (
            literal_problem(
                template("main_model_loader.model"), {**MODEL, "base": base}
            )
            is None
        )


@pytest.mark.parametrize(
    ("place", "item"),
    [
        ("add.a", 5),
        ("add.a", True),
        ("add.a", "5"),
        ("string.value", True),
        ("boolean.value", True),
        ("img_resize.image", IMAGE),
        ("integer_collection.collection", [1, 2]),
        ("denoise_latents.scheduler", "ddim"),
        ("image_collection.images", [IMAGE]),
    ],
)
def test_batch_values_that_a_worker_can_read_are_taken(place, item):
    assert batch_value_problem(template(place), item) is None


@pytest.mark.parametrize(
    ("place", "item", "kind"),
    [
        ("denoise_latents.scheduler", "nope", "choice"),
        ("noise.width", 65, "multiple_of"),
        ("denoise_latents.steps", 0, "exclusive_minimum"),
        ("denoise_latents.steps", 2.5, "type"),
        ("denoise_latents.steps", "q", "type"),
        ("denoise_latents.latents", "x", "type"),
        ("main_model_loader.model", MODEL, "batch_item"),
        ("l2i.board", {"board_id": "b"}, "batch_item"),
        ("add.a", None, "batch_item"),
        ("integer_collection.collection", [[1]], "batch_item"),
        ("add.a", math.nan, "batch_item"),
    ],
)
def test_batch_values_that_would_block_the_queue_are_refused(place, item, kind):
    refused = batch_value_problem(template(place), item)
    assert refused is not None
    assert refused.kind == kind


def test_nothing_is_batched_into_an_unknown_type():
    custom = InputTemplate("x", "X", FieldType("MyPackField"), input="connection")
    assert literal_problem(custom, {"anything": 1}) is None
    refused = batch_value_problem(custom, "x")
    assert refused is not None
    assert refused.kind == "batch_target"


@pytest.mark.parametrize(
    ("limits", "value", "kind"),
    [
        (Limits(min_length=2), "a", "min_length"),
        (Limits(max_length=2), "abc", "max_length"),
        (Limits(pattern="^a+$"), "b", "pattern"),
    ],
)
def test_text_has_length_and_pattern(limits, value, kind):
    text = InputTemplate("x", "X", FieldType("StringField"), limits=limits)
    refused = literal_problem(text, value)
    assert refused is not None
    assert refused.kind == kind


IMAGES = "flux_kontext_image_prep.images"


def test_a_list_may_have_as_many_items_as_its_limits_say():
    for count in (1, 10):
        assert literal_problem(template(IMAGES), [IMAGE] * count) is None
    for count, words in ((0, "at least 1 items"), (11, "at most 10 items")):
        refused = literal_problem(template(IMAGES), [IMAGE] * count)
        assert refused is not None
        assert refused.allowed == words


def test_the_item_that_does_not_fit_is_named():
    refused = literal_problem(template("integer_collection.collection"), [1, 2, "x"])
    assert refused is not None
    assert refused.allowed is not None
    assert refused.allowed.startswith("item 2: ")
    missing = literal_problem(template("integer_collection.collection"), [1, None])
    assert missing is not None
    assert missing.allowed == "item 1: no null"


def test_items_may_be_null_where_their_own_limits_say_so():
    some = Limits(item=Limits(nullable=True))
    texts = FieldType("StringField", "COLLECTION")
    assert literal_problem(InputTemplate("x", "X", texts, limits=some), [None]) is None


def test_null_is_taken_where_anything_is():
    assert literal_problem(template("metadata_item.value"), None) is None


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ({"a": [1, 2.5, None, True, "x"]}, True),
        ((1, 2), True),
        ({1: "a"}, False),
        ({"\ud800": 1}, False),
        ({"a": {"b": "\ud800"}}, False),
        ([math.inf], False),
        (b"bytes", False),
        ({1, 2}, False),
    ],
)
def test_json_and_the_database_carry_some_values_only(value, fits):
    assert is_json(value) is fits


@pytest.mark.parametrize(
    ("item", "stored"),
    [(True, 1.0), (False, 0.0), ([True, 2, "x"], [1.0, 2, "x"]), (3, 3), ("x", "x")],
)
def test_the_server_stores_true_and_false_of_a_batch_as_floats(item, stored):
    found = stored_batch_item(item)
    assert found == stored
    assert repr(found) == repr(stored)


@pytest.mark.parametrize(
    ("item", "fits"),
    [
        ({"image_name": "a"}, True),
        ({"video_name": "a"}, True),
        ({"image_name": 5}, False),
        ([{"image_name": "a"}], True),
        ([{"image_name": "a"}, {"key": "k"}], False),
        ([1, math.nan], False),
    ],
)
def test_a_batch_holds_scalars_and_what_has_a_name(item, fits):
    target = InputTemplate("x", "X", FieldType("AnyField"))
    refused = batch_value_problem(target, item)
    assert (refused is None) is fits


def test_a_pattern_only_the_server_understands_is_left_to_it():
    text = InputTemplate(
        "x", "X", FieldType("StringField"), limits=Limits(pattern=r"\p{L}(")
    )
    assert literal_problem(text, "a") is None


def test_multiples_forgive_what_the_server_forgives():
    tenth = InputTemplate(
        "x", "X", FieldType("FloatField"), limits=Limits(multiple_of=0.1)
    )
    assert literal_problem(tenth, 0.3) is None
    assert literal_problem(tenth, 0.35) is not None
