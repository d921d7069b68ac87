"""Typed fields: what may be set, what is refused and how, and what goes on the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, IntEnum
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from invokeai_py_client import ivk_fields
from invokeai_py_client.exceptions import FieldProblem, FieldValidationError
from invokeai_py_client.ivk_fields import (
    BoardReference,
    FieldRegistry,
    FloatArithmeticSequence,
    FloatLinearDistribution,
    FloatParseString,
    FloatRandomUniform,
    ImageReference,
    ImagesFromBoard,
    IntegerArithmeticSequence,
    IntegerRandomUniform,
    IvkBoardField,
    IvkBooleanField,
    IvkColorField,
    IvkField,
    IvkFloatField,
    IvkFloatGeneratorField,
    IvkImageCollectionField,
    IvkImageField,
    IvkImageGeneratorField,
    IvkIntegerCollectionField,
    IvkIntegerField,
    IvkIntegerGeneratorField,
    IvkLoRAField,
    IvkModelIdentifierField,
    IvkRawField,
    IvkSavedWorkflowField,
    IvkSchedulerField,
    IvkStringCollectionField,
    IvkStringField,
    IvkStringGeneratorField,
    IvkStylePresetField,
    IvkUnknownField,
    IvkVideoField,
    ModelReference,
    StringDynamicPromptsRandom,
    StringParseString,
    StylePresetReference,
    WorkflowReference,
    field_registry,
    find_references,
    replace_references,
)
from invokeai_py_client.ivk_fields import registry as registry_module
from invokeai_py_client.ivk_fields.scheduler import SCHEDULERS, canonical_scheduler
from invokeai_py_client.nodes import (
    UNSET,
    FieldType,
    InputTemplate,
    Limits,
    NodeCatalog,
)

SDXL = {
    "key": "6b1c",
    "hash": "blake3:00",
    "name": "Juggernaut XL",
    "base": "sdxl",
    "type": "main",
}
LORA = {**SDXL, "key": "77aa", "name": "ink", "type": "lora"}
UUID = "0c8a3bd6-5d64-4f4c-a6c6-2f3a3f1f8f7e"


@pytest.fixture(scope="module")
def catalog() -> NodeCatalog:
    return NodeCatalog.bundled()


def info_of(catalog: NodeCatalog, node: str, name: str, **more: Any) -> dict[str, Any]:
    template = catalog[node].inputs[name]
    return {
        "type": template.type.name,
        "name": name,
        "label": "",
        "node_type": node,
        "cardinality": template.type.cardinality,
        "required": template.required,
        "template": template,
        **more,
    }


def build(catalog: NodeCatalog, node: str, name: str, **more: Any) -> IvkField[Any]:
    return field_registry.build(info_of(catalog, node, name, **more))


def refused(field: IvkField[Any], value: Any) -> FieldProblem:
    """Set a value that must be refused; the old one must stay."""
    before = field.to_api_format()
    with pytest.raises(FieldValidationError) as caught:
        field.value = value
    assert field.to_api_format() == before
    return caught.value.problems[0]


def limited(
    type_name: str, cardinality: str = "SINGLE", **limits: Any
) -> InputTemplate:
    kind = FieldType(type_name, cardinality)  # type: ignore[arg-type]
    return InputTemplate("x", "X", kind, limits=Limits(**limits))


class TestAssignment:
    def test_the_old_value_stays_and_the_error_says_where_and_what(
        self, catalog: NodeCatalog
    ) -> None:
        steps = build(
            catalog, "denoise_latents", "steps", value=10, node_id="n1", input_index=3
        )
        problem = refused(steps, 0)
        assert problem.kind == "exclusive_minimum"
        assert (problem.node_id, problem.field_name) == ("n1", "steps")
        assert problem.input_index == 3
        assert problem.value == 0
        assert problem.allowed == "an integer, greater than 0"
        assert "input 3" in problem.message
        assert "n1" in problem.message
        assert "greater than 0, got 0" in problem.message
        steps.value = 30
        assert steps.value == 30

    @pytest.mark.parametrize("value", [True, "5", 5.0, 5.5, None.__class__, [5], {}])
    def test_an_integer_is_nothing_else(self, value: Any) -> None:
        assert refused(IvkIntegerField(value=4), value).kind == "type"

    @pytest.mark.parametrize(
        "value", [True, "0.5", float("nan"), float("inf"), 10**400]
    )
    def test_a_float_is_a_finite_number(self, value: Any) -> None:
        assert refused(IvkFloatField(value=0.5), value).kind in ("type", "finite")

    def test_an_integer_for_a_float_stays_an_integer(self) -> None:
        field = IvkFloatField(value=7)
        assert field.value == 7
        assert isinstance(field.value, int)

    @pytest.mark.parametrize("value", [1, 0, "true", None.__class__])
    def test_a_switch_is_true_or_false(self, value: Any) -> None:
        assert refused(IvkBooleanField(value=True), value).kind == "type"

    @pytest.mark.parametrize("value", [5, b"text", True, ["a"]])
    def test_a_text_is_text(self, value: Any) -> None:
        assert refused(IvkStringField(value="a"), value).kind == "type"

    def test_half_a_surrogate_pair_is_no_text(self) -> None:
        assert refused(IvkStringField(value="a"), "\ud83d").kind == "unicode"

    def test_numbers_of_numpy_become_plain_ones(self) -> None:
        integer, real, switch = IvkIntegerField(), IvkFloatField(), IvkBooleanField()
        integer.value = np.int64(5)  # type: ignore[assignment]
        real.value = np.float32(0.5)  # type: ignore[assignment]
        switch.value = np.bool_(True)  # type: ignore[assignment]
        assert type(integer.value) is int
        assert type(real.value) is float
        assert switch.value is True
        real.value = Decimal("0.25")  # type: ignore[assignment]
        assert real.value == 0.25
        assert refused(integer, np.bool_(True)).kind == "type"
        assert refused(real, np.bool_(True)).kind == "type"

    def test_members_of_enumerations_become_plain_values(self) -> None:
        class Mood(str, Enum):
            CALM = "calm"

        class Size(IntEnum):
            BIG = 5

        text, number, real = IvkStringField(), IvkIntegerField(), IvkFloatField()
        text.value = Mood.CALM
        number.value = Size.BIG
        real.value = np.float64(0.5)
        assert (type(text.value), text.value) == (str, "calm")
        assert (type(number.value), number.value) == (int, 5)
        assert type(real.value) is float

    def test_none_unsets_and_leaves_the_wire_without_a_value(self) -> None:
        field = IvkIntegerField(value=4)
        field.value = None
        assert not field.is_set
        assert "value" not in field.to_api_format()

    def test_a_bad_value_is_refused_by_the_constructor_too(self) -> None:
        with pytest.raises(FieldValidationError):
            IvkIntegerField(value="5")
        with pytest.raises(FieldValidationError):
            IvkIntegerField(value=9, template=limited("IntegerField", maximum=8))

    def test_what_was_given_is_not_kept_by_reference(self) -> None:
        given = [1, 2]
        field = IvkIntegerCollectionField(value=given)
        given.append(3)
        assert field.value == [1, 2]
        field.to_api_format()["value"].append(4)
        assert field.value == [1, 2]

    def test_a_clone_is_independent(self) -> None:
        field = IvkIntegerCollectionField(value=[1])
        other = field.clone()
        other.value = [2]
        assert (field.value, field.is_changed) == ([1], False)
        assert other.is_changed


class TestLimits:
    @pytest.mark.parametrize(
        ("limits", "good", "bad", "kind"),
        [
            ({"minimum": 3}, 3, 2, "minimum"),
            ({"maximum": 3}, 3, 4, "maximum"),
            ({"exclusive_minimum": 3}, 4, 3, "exclusive_minimum"),
            ({"exclusive_maximum": 3}, 2, 3, "exclusive_maximum"),
            ({"multiple_of": 8}, 64, 65, "multiple_of"),
            ({"choices": (256, 512)}, 256, 257, "choice"),
        ],
    )
    def test_of_integers(self, limits: dict, good: int, bad: int, kind: str) -> None:
        field = IvkIntegerField(template=limited("IntegerField", **limits))
        field.value = good
        assert refused(field, bad).kind == kind
        assert field.value == good

    def test_multiples_of_a_float_allow_for_rounding(self) -> None:
        field = IvkFloatField(template=limited("FloatField", multiple_of=0.1))
        field.value = 0.3
        assert refused(field, 0.35).kind == "multiple_of"

    def test_limits_that_only_the_gui_knows_count(self) -> None:
        template = InputTemplate(
            "x", "X", FieldType("IntegerField"), gui={"maximum": 4, "multipleOf": 2}
        )
        field = IvkIntegerField(template=template)
        assert refused(field, 6).kind == "maximum"
        assert refused(field, 3).kind == "multiple_of"

    def test_of_texts_and_lists(self) -> None:
        text = IvkStringField(
            template=limited("StringField", min_length=2, max_length=3, pattern="^a")
        )
        text.value = "ab"
        assert refused(text, "a").kind == "min_length"
        assert refused(text, "abcd").kind == "max_length"
        assert refused(text, "bbb").kind == "pattern"
        items = IvkIntegerCollectionField(
            template=limited(
                "IntegerField", "COLLECTION", min_items=1, max_items=2, minimum=0
            )
        )
        items.value = (1, 2)
        assert items.value == [1, 2]
        assert refused(items, []).kind == "min_items"
        assert refused(items, [1, 2, 3]).kind == "max_items"
        problem = refused(items, [1, -1])
        assert problem.kind == "minimum"
        assert "item 1" in problem.message
        assert refused(items, "12").kind == "type"

    def test_a_nested_limit_of_the_server_counts(self, catalog: NodeCatalog) -> None:
        assert (
            refused(build(catalog, "lresize", "width", value=64), 0).kind == "minimum"
        )

    def test_a_bound_of_a_union_with_a_list_refuses_the_list(
        self, catalog: NodeCatalog
    ) -> None:
        weight = build(catalog, "t2i_adapter", "weight", value=1)
        assert refused(weight, [1.0]).kind == "type"
        images = build(catalog, "llava_onevision_vllm", "images")
        images.value = "a.png"
        assert images.value == {"image_name": "a.png"}
        images.value = ["a.png"]
        assert images.value == [{"image_name": "a.png"}]

    def test_a_pattern_of_another_engine_refuses_nothing(self) -> None:
        field = IvkStringField(template=limited("StringField", pattern="(?<n>["))
        field.value = "anything"
        assert field.value == "anything"

    def test_a_list_where_a_value_or_a_list_may_be(self, catalog: NodeCatalog) -> None:
        scale = build(catalog, "denoise_latents", "cfg_scale", value=7.5)
        scale.value = np.array([7.5, 5.0])
        assert scale.value == [7.5, 5.0]
        assert refused(scale, [7.5, "5"]).kind == "type"


class TestStoredValues:
    @pytest.mark.parametrize(
        ("node", "name", "raw"),
        [
            ("noise", "seed", "7"),
            ("noise", "seed", -1),
            ("noise", "width", 1.5),
            ("add", "a", {"odd": True}),
            ("denoise_latents", "scheduler", "no_such"),
            ("main_model_loader", "model", {"key": "only"}),
            ("l2i", "board", "Holiday"),
            ("blank_image", "color", {"r": 300, "g": 0, "b": 0, "a": 255}),
            ("lora_collection_loader", "loras", [{"lora": None, "weight": 1}]),
            ("float_generator", "generator", {"type": "foreign"}),
            ("image", "image", "name.png"),
        ],
    )
    def test_a_bad_one_is_kept_and_is_a_problem(
        self, catalog: NodeCatalog, node: str, name: str, raw: Any
    ) -> None:
        field = build(catalog, node, name, value=raw, node_id="n")
        assert field.raw_value == raw
        assert field.to_api_format()["value"] == raw
        assert not field.is_changed
        problems = field.problems()
        assert problems
        assert problems[0].node_id == "n"
        assert problems[0].field_name == name

    def test_the_file_s_object_is_never_touched(self, catalog: NodeCatalog) -> None:
        raw = {"r": 1, "g": 2, "b": 3, "a": 4}
        field = build(catalog, "blank_image", "color", value=raw)
        field.value["r"] = 9
        assert raw["r"] == 1
        assert field.is_changed
        assert field.raw_value == {"r": 1, "g": 2, "b": 3, "a": 4}

    def test_true_instead_of_1_is_a_change(self) -> None:
        field = IvkRawField(value=[1])
        field.value = [True]
        assert field.is_changed

    def test_every_fresh_value_of_every_node_is_held(
        self, catalog: NodeCatalog
    ) -> None:
        for node, template in catalog.items():
            for name, item in template.inputs.items():
                more = {} if item.default is UNSET else {"value": item.default}
                field = build(catalog, node, name, **more)
                wire = field.to_api_format()
                assert wire["type"] == item.type.name
                assert wire.get("value", UNSET) == item.default, (node, name)

    def test_the_fresh_values_that_are_refused_are_the_known_ones(
        self, catalog: NodeCatalog
    ) -> None:
        found = {
            f"{node}.{name}"
            for node, template in catalog.items()
            for name, item in template.inputs.items()
            if item.default is not UNSET
            and build(catalog, node, name, value=item.default).problems()
        }
        # What a real 6.14.2 server was seen to refuse, see docs/dev/fields.md.
        assert found == {
            "crop_latents.width",
            "crop_latents.height",
            "float_batch.floats",
            "flux_kontext_image_prep.images",
            "ideogram4_denoise.steps",
            "ideogram4_denoise.guidance_scale",
            "image_batch.images",
            "integer_batch.integers",
            "metadata_to_bool_collection.default_value",
            "lresize.width",
            "lresize.height",
            "lscale.scale_factor",
            "string_batch.strings",
            "video_concat.fps",
        }


class TestChoices:
    def test_options_are_values_and_the_error_names_labels(
        self, catalog: NodeCatalog
    ) -> None:
        field = build(catalog, "float_math", "operation", value="ADD")
        field.value = "MUL"
        problem = refused(field, "Multiply A*B")
        assert "'MUL' (Multiply A*B)" in (problem.allowed or "")
        assert "did you mean 'MUL'" in problem.message
        assert field.labels["MUL"] == "Multiply A*B"

    def test_options_may_be_integers(self, catalog: NodeCatalog) -> None:
        field = build(catalog, "flux_text_encoder", "t5_max_seq_len", value=256)
        assert field.problems() == []
        field.value = np.int32(512)
        assert field.value == 512
        assert refused(field, "512").kind == "choice"
        assert refused(field, True).kind == "type"

    def test_options_are_an_enum(self, catalog: NodeCatalog) -> None:
        field = build(catalog, "wan_i2v_ideal_dimensions", "target_resolution")
        choice = field.choice_enum
        assert issubclass(choice, Enum)
        assert [member.value for member in choice] == list(field.choices)
        field.value = choice["_480P"]
        assert field.value == "480p"
        assert type(field.value) is str

    def test_every_enum_of_every_node_has_one(self, catalog: NodeCatalog) -> None:
        for node, template in catalog.items():
            for name, item in template.inputs.items():
                if item.type.name == "EnumField":
                    field = build(catalog, node, name)
                    values = [member.value for member in field.choice_enum]
                    assert values == list(item.gui["options"])

    @pytest.mark.parametrize("name", SCHEDULERS)
    def test_schedulers_by_name(self, catalog: NodeCatalog, name: str) -> None:
        field = build(catalog, "denoise_latents", "scheduler", value="euler")
        field.value = name
        assert field.value == name
        assert canonical_scheduler(name) == name

    @pytest.mark.parametrize(
        ("alias", "name"),
        [
            ("Euler a", "euler_a"),
            ("Euler Ancestral", "euler_a"),
            ("DPM++ 2M Karras", "dpmpp_2m_k"),
            ("dpmpp_2m_karras", "dpmpp_2m_k"),
            ("DPM++ 2M SDE Karras", "dpmpp_2m_sde_k"),
            ("DPM++ SDE", "dpmpp_sde"),
            ("DPM++ 3M Karras", "dpmpp_3m_k"),
            ("DPM2 a Karras", "kdpm_2_a_k"),
            ("KDPM 2 Ancestral", "kdpm_2_a"),
            ("dpm_2_ancestral", "kdpm_2_a"),
            ("k_euler_ancestral", "euler_a"),
            ("LMS Karras", "lms_k"),
            ("PLMS", "pndm"),
            ("uni_pc", "unipc"),
            ("UniPCMultistepScheduler", "unipc"),
            ("EulerDiscreteScheduler", "euler"),
            ("DPMSolverMultistepScheduler", "dpmpp_2m"),
            ("DPMSolverSinglestepScheduler", "dpmpp_2s"),
            ("KDPM2AncestralDiscreteScheduler", "kdpm_2_a"),
            ("HeunDiscreteScheduler", "heun"),
            ("DDIMScheduler", "ddim"),
            ("ER-SDE", "er_sde"),
        ],
    )
    def test_schedulers_by_the_names_of_other_programs(
        self, alias: str, name: str
    ) -> None:
        assert IvkSchedulerField(value=alias).value == name

    def test_an_unknown_scheduler_is_refused_with_the_list(self) -> None:
        problem = refused(IvkSchedulerField(value="ddim"), "eulr")
        assert "did you mean 'euler'" in problem.message
        assert "'dpmpp_3m_k'" in (problem.allowed or "")

    def test_an_alias_of_a_scheduler_that_the_server_lacks_is_refused(self) -> None:
        template = limited("SchedulerField", choices=("euler", "ddim"))
        field = IvkSchedulerField(template=template)
        assert refused(field, "Euler a").kind == "choice"


@dataclass
class FakeBoard:
    board_id: str
    board_name: str = "x"


class TestBoards:
    @pytest.mark.parametrize(
        ("value", "wire"),
        [
            ("auto", "auto"),
            ("none", "none"),
            ({"board_id": "b1"}, {"board_id": "b1"}),
            (FakeBoard("b1"), {"board_id": "b1"}),
            (FakeBoard("none"), "none"),
            ("Holiday", BoardReference("Holiday")),
        ],
    )
    def test_are_taken_by_name_id_and_object(self, value: Any, wire: Any) -> None:
        field = IvkBoardField(value=value)
        assert field.value == wire
        assert field.problems() == []

    @pytest.mark.parametrize("value", ["", "  ", {}, {"board_id": ""}, 5, ["b"]])
    def test_anything_else_is_refused(self, value: Any) -> None:
        refused(IvkBoardField(value="auto"), value)


class TestImages:
    def test_a_file_must_be_there(self, tmp_path: Path) -> None:
        field = IvkImageField()
        missing = tmp_path / "missing.png"
        assert str(missing) in refused(field, missing).message
        assert str(missing) in refused(field, str(missing)).message
        assert "folder" in refused(field, tmp_path).message

    def test_a_text_is_a_file_when_it_has_a_folder_or_is_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "in.png").write_bytes(b"x")
        monkeypatch.chdir(tmp_path)
        field = IvkImageField()
        for given in ("in.png", "./in.png", str(tmp_path / "in.png"), Path("in.png")):
            field.value = given
            assert isinstance(field.value, ImageReference)
            assert field.value.source.is_absolute()
            assert field.value.source.samefile(tmp_path / "in.png")
        field.value = f"{UUID}.png"
        assert field.value == {"image_name": f"{UUID}.png"}
        refused(field, "other/in.png")
        refused(field, "a/" * 5000)
        refused(field, "~no_such_user_here/a.png")
        refused(field, "a/\0.png")
        field.value = "b" * 5000
        assert field.value == {"image_name": "b" * 5000}
        assert "download" in refused(field, "http://localhost/in.png").message

    def test_bytes_pictures_and_results(self) -> None:
        picture = Image.new("RGB", (2, 2))
        image = SimpleNamespace(image_name="a.png", width=2)
        field = IvkImageField()
        field.value = b"\x89PNG"
        assert field.value == ImageReference(b"\x89PNG")
        field.value = picture
        assert field.value.source is picture
        field.value = image
        assert field.value.source is image
        field.value = SimpleNamespace(image=image)
        assert field.value.source is image
        refused(field, b"")
        refused(field, 5)
        refused(field, {})

    def test_a_result_with_several_images_tells_so_itself(self) -> None:
        class Result:
            @property
            def image(self) -> Any:
                raise LookupError("two images")

        with pytest.raises(LookupError, match="two images"):
            IvkImageField(value=Result())

    def test_lists(self, catalog: NodeCatalog) -> None:
        field = IvkImageCollectionField()
        field.value = ["a.png", {"image_name": "b.png"}]
        assert field.to_api_format()["value"] == [
            {"image_name": "a.png"},
            {"image_name": "b.png"},
        ]
        batch = build(catalog, "image_batch", "images")
        assert refused(batch, []).kind == "min_items"
        result = SimpleNamespace(images=(SimpleNamespace(image_name="c.png"),))
        batch.value = result
        assert len(batch.unresolved()) == 1

    def test_videos(self, tmp_path: Path) -> None:
        field = IvkVideoField(value="v.mp4")
        assert field.value == {"video_name": "v.mp4"}
        refused(field, tmp_path / "v.mp4")
        refused(field, {"image_name": "a.png"})


class TestModels:
    def test_a_name_becomes_a_look_up_among_what_the_input_takes(
        self, catalog: NodeCatalog
    ) -> None:
        field = build(catalog, "sdxl_model_loader", "model")
        field.value = "Juggernaut XL"
        reference = field.value
        assert isinstance(reference, ModelReference)
        assert reference.text == "Juggernaut XL"
        assert reference.base == ("sdxl",)
        assert reference.type == ("main",)
        assert field.unresolved() == [reference]

    def test_a_record_is_checked_against_the_template(
        self, catalog: NodeCatalog
    ) -> None:
        field = build(catalog, "sdxl_model_loader", "model")
        field.value = {**SDXL, "path": "/x", "description": None}
        assert field.value == SDXL
        assert refused(field, {**SDXL, "base": "flux"}).kind == "model_base"
        assert refused(field, {**SDXL, "type": "vae"}).kind == "model_type"
        assert field.allowed == "a model of base sdxl and type main"

    def test_objects_and_parts_of_records(self) -> None:
        base = Enum("Base", {"SDXL": "sdxl"})
        field = IvkModelIdentifierField()
        field.value = SimpleNamespace(**{**SDXL, "base": base["SDXL"]})
        assert field.value == SDXL
        field.value = {"name": "ink", "base": "sdxl", "type": "lora"}
        assert field.value == ModelReference("ink", ("sdxl",), ("lora",))
        field.value = {**SDXL, "submodel_type": None}
        assert field.value["submodel_type"] is None
        for bad in ("", {}, 5, {"base": "sdxl"}, SimpleNamespace(x=1)):
            refused(field, bad)

    def test_an_identifier_of_an_old_file_is_looked_up(
        self, catalog: NodeCatalog
    ) -> None:
        old = {"model_name": "dream", "base_model": "sd-1", "model_type": "main"}
        field = build(catalog, "main_model_loader", "model", value=old)
        assert field.to_api_format()["value"] == old
        assert field.problems() == []
        assert field.unresolved() == [ModelReference("dream", ("sd-1",), ("main",))]

    @pytest.mark.parametrize(
        ("value", "weights"),
        [
            ([("ink", 0.8), ("fog", 1)], [0.8, 1]),
            (["ink"], [0.75]),
            ("ink", [0.75]),
            (("ink", 0.5), [0.5]),
            ({"ink": 0.8, "fog": 0.2}, [0.8, 0.2]),
            ([{"lora": LORA, "weight": -0.5}], [-0.5]),
            ([{"lora": "ink"}], [0.75]),
            (LORA, [0.75]),
            ([SimpleNamespace(**LORA)], [0.75]),
            ([], []),
        ],
    )
    def test_loras(self, value: Any, weights: list[float]) -> None:
        field = IvkLoRAField(value=value)
        assert [item["weight"] for item in field.value] == weights
        assert all(
            item["lora"] == LORA or item["lora"].type == ("lora",)
            for item in field.value
        )

    @pytest.mark.parametrize(
        "value", [[("ink", "much")], [("a", 1, 2)], [{"weight": 1}], [SDXL], 5, [None]]
    )
    def test_bad_loras(self, value: Any) -> None:
        refused(IvkLoRAField(value=[]), value)


class TestColors:
    @pytest.mark.parametrize(
        ("value", "wire"),
        [
            ("#ff8000", (255, 128, 0, 255)),
            ("#ff800040", (255, 128, 0, 64)),
            ("FF8000", (255, 128, 0, 255)),
            ("#f80", (255, 136, 0, 255)),
            ((1, 2, 3), (1, 2, 3, 255)),
            ([1, 2, 3, 4], (1, 2, 3, 4)),
            ({"r": 1, "g": 2, "b": 3}, (1, 2, 3, 255)),
            (np.array([1, 2, 3]), (1, 2, 3, 255)),
        ],
    )
    def test_are_taken_in_every_form(self, value: Any, wire: tuple) -> None:
        field = IvkColorField(value=value)
        assert field.value == dict(zip("rgba", wire))
        assert field.hex == "#" + bytes(wire).hex()

    @pytest.mark.parametrize(
        "value",
        [
            "red",
            "#12345",
            (1, 2),
            (1, 2, 256),
            (1, 2, -1),
            (True, 1, 1),
            (0.5, 0.5, 0.5),
            {"r": 1},
            {"r": 1, "g": 2, "b": 3, "x": 4},
            5,
        ],
    )
    def test_anything_else_is_refused(self, value: Any) -> None:
        refused(IvkColorField(value="#000000"), value)


class TestResources:
    def test_ids_go_on_the_wire_and_names_are_looked_up(self) -> None:
        style = IvkStylePresetField(value=UUID)
        assert style.value == {"style_preset_id": UUID}
        style.value = "Sketch"
        assert style.value == StylePresetReference("Sketch")
        saved = IvkSavedWorkflowField(value=f"default_{UUID}")
        assert saved.value == f"default_{UUID}"
        saved.value = "Upscale"
        assert saved.value == WorkflowReference("Upscale")
        saved.value = SimpleNamespace(workflow_id="w1")
        assert saved.value == "w1"
        refused(style, "")
        refused(saved, 5)


class TestGenerators:
    @pytest.mark.parametrize(
        ("field", "config"),
        [
            (IvkFloatGeneratorField, FloatArithmeticSequence(start=1, step=2, count=3)),
            (IvkFloatGeneratorField, FloatLinearDistribution(end=2.5)),
            (IvkFloatGeneratorField, FloatRandomUniform(seed=7)),
            (IvkFloatGeneratorField, FloatParseString(input="1;2", splitOn=";")),
            (IvkFloatGeneratorField, FloatArithmeticSequence(values=[1, 2.5])),
            (IvkIntegerGeneratorField, IntegerArithmeticSequence(count=4)),
            (IvkIntegerGeneratorField, IntegerRandomUniform(min=-5, seed=0)),
            (IvkStringGeneratorField, StringParseString(input="a|b", splitOn="|")),
            (IvkStringGeneratorField, StringDynamicPromptsRandom(seed=3)),
            (IvkImageGeneratorField, ImagesFromBoard(category="assets")),
        ],
    )
    def test_take_configs_and_give_them_back(self, field: Any, config: Any) -> None:
        made = field(value=config)
        assert made.config == config
        assert made.value == config.wire()
        assert json.loads(json.dumps(made.value)) == made.value
        made.value = config.wire()
        assert made.config == config

    @pytest.mark.parametrize(
        "value",
        [
            {"type": "integer_generator_arithmetic_sequence", "start": 0.5},
            {"type": "integer_generator_arithmetic_sequence", "start": True},
            {"type": "integer_generator_arithmetic_sequence", "count": "3"},
            {"type": "float_generator_arithmetic_sequence"},
            {"start": 1},
            StringParseString(),
            [1, 2],
        ],
    )
    def test_refuse_what_the_gui_could_not_run(self, value: Any) -> None:
        refused(IvkIntegerGeneratorField(value=IntegerArithmeticSequence()), value)

    def test_images_of_a_board_by_name(self) -> None:
        field = IvkImageGeneratorField(value="Holiday")
        (reference,) = field.unresolved()
        assert reference == BoardReference("Holiday", bare=True)
        wire = replace_references(field.to_api_format()["value"], {reference: "b1"})
        assert wire == {
            "type": "image_generator_images_from_board",
            "board_id": "b1",
            "category": "images",
        }
        field.value = field.value
        assert field.unresolved() == [reference]
        field.value = ImagesFromBoard(board_id=FakeBoard("b2"))
        assert field.value["board_id"] == "b2"
        field.value = "none"
        assert field.value["board_id"] == "none"
        refused(field, "auto")


class TestWithoutWidget:
    def test_metadata_lists_are_kept_as_json(self, catalog: NodeCatalog) -> None:
        raw = [{"model": LORA, "weight": 1}]
        field = build(catalog, "core_metadata", "loras", value=raw)
        assert isinstance(field, IvkRawField)
        assert field.to_api_format()["value"] == raw
        field.value = []
        refused(field, [object()])
        refused(field, [float("nan")])

    def test_what_only_an_edge_feeds_is_read_only(self, catalog: NodeCatalog) -> None:
        field = build(catalog, "denoise_latents", "latents", value=5)
        assert isinstance(field, IvkUnknownField)
        assert field.value == 5
        assert refused(field, {"latents_name": "x"}).kind == "read_only"
        assert refused(field, None).kind == "read_only"

    def test_a_field_that_nothing_is_known_of(self) -> None:
        field = field_registry.build(
            {"type": "", "name": "gone", "value": {"a": 1}, "template": None}
        )
        assert isinstance(field, IvkUnknownField)
        assert field.value == {"a": 1}

    def test_every_input_that_takes_a_value_has_a_field(
        self, catalog: NodeCatalog
    ) -> None:
        for node, template in catalog.items():
            for name, item in template.inputs.items():
                unknown = isinstance(build(catalog, node, name), IvkUnknownField)
                assert unknown == (item.input == "connection"), (node, name)


class IvkCustomField(IvkField[str]):
    value: str

    def validate_field(self) -> None:
        if self.value == "forbidden":
            raise ValueError("anything but that")

    def to_api_format(self):
        return {"type": "custom", "value": self.value}


class TestExtension:
    @pytest.fixture
    def registry(self) -> FieldRegistry:
        registry = field_registry.copy()
        registry.register(
            lambda info: info.get("type") == "CustomField",
            lambda info: IvkCustomField(value=info.get("value", "")),
        )
        return registry

    def test_the_guide_s_field_works(self, registry: FieldRegistry) -> None:
        field = registry.build({"type": "CustomField", "name": "x", "value": "a"})
        assert isinstance(field, IvkCustomField)
        field.value = "b"
        assert field.to_api_format() == {"type": "custom", "value": "b"}
        assert IvkCustomField.from_api_format(field.to_api_format()).value == "b"

    def test_an_unset_value_too(self, registry: FieldRegistry) -> None:
        field = registry.build({"type": "CustomField", "name": "x"})
        assert field.value == ""
        assert not field.is_changed

    @pytest.mark.parametrize("value", ["forbidden", 5, None, b"x"])
    def test_a_refused_value_is_our_error_and_the_old_one_stays(
        self, registry: FieldRegistry, value: Any
    ) -> None:
        field = registry.build({"type": "CustomField", "name": "x", "value": "a"})
        problem = refused(field, value)
        assert problem.field_name == "x"
        assert problem.value == value
        with pytest.raises(FieldValidationError):
            IvkCustomField(value=value)

    @pytest.mark.parametrize("raw", ["forbidden", 5, [1]])
    def test_a_bad_value_in_a_file_is_kept(
        self, registry: FieldRegistry, raw: Any
    ) -> None:
        field = registry.build({"type": "CustomField", "name": "x", "value": raw})
        assert isinstance(field, IvkCustomField)
        assert field.value == raw
        assert field.problems()
        field.value = "fine"
        assert field.problems() == []

    def test_the_newest_rule_wins_and_undo_takes_it_back(
        self, registry: FieldRegistry
    ) -> None:
        class Other(IvkCustomField):
            pass

        undo = registry.register(
            lambda info: info["name"] == "x", lambda info: Other(value="o")
        )
        info = {"type": "CustomField", "name": "x"}
        assert type(registry.build(info)) is Other
        undo()
        undo()
        assert type(registry.build(info)) is IvkCustomField
        assert isinstance(field_registry.build(info), IvkUnknownField)

    def test_what_a_predicate_raises_is_not_hidden(self) -> None:
        registry = FieldRegistry()
        registry.register(lambda info: info["no such key"], IvkRawField.from_info)
        with pytest.raises(KeyError):
            registry.build({"type": "IntegerField", "name": "x"})

    def test_a_model_validator_that_refuses_leaves_the_old_value(self) -> None:
        from pydantic import model_validator

        class Pair(IvkField[int]):
            value: int = 0
            limit: int = 5

            @model_validator(mode="after")
            def _below(self) -> Pair:
                if self.value > self.limit:
                    raise ValueError("too much")
                return self

        field = Pair(value=3)
        refused(field, 9)
        assert field.value == 3
        with pytest.raises(FieldValidationError):
            field.limit = 1
        assert field.limit == 5

    def test_installed_packages_add_rules(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls: list[FieldRegistry] = []

        class Point:
            def load(self) -> Any:
                return calls.append

        monkeypatch.setattr(registry_module, "_entry_points", lambda: (Point(),))
        registry = FieldRegistry().load_entry_points_later()
        assert calls == []
        for _ in range(2):
            registry.build({"type": "IntegerField", "name": "x"})
        assert calls == [registry]

    def test_the_entry_point_group_can_be_read(self) -> None:
        found = registry_module._entry_points()
        assert all(isinstance(point, metadata.EntryPoint) for point in found)


class TestReferences:
    def test_are_found_and_replaced_at_any_depth(self) -> None:
        lora, board = ModelReference("ink", type=("lora",)), BoardReference("b")
        image = ImageReference(b"x")
        value = [{"lora": lora, "weight": 1}, {"deep": [board, image, 3]}]
        assert list(find_references(value)) == [lora, board, image]
        wire = replace_references(value, {lora: LORA, board: "id", image: "a.png"})
        assert wire == [
            {"lora": LORA, "weight": 1},
            {"deep": [{"board_id": "id"}, {"image_name": "a.png"}, 3]},
        ]
        with pytest.raises(KeyError):
            replace_references(value, {})

    def test_a_submodel_goes_into_the_record(self) -> None:
        reference = ModelReference("x", submodel_type="vae")
        wire = replace_references(reference, {reference: SDXL})
        assert wire == {**SDXL, "submodel_type": "vae"}

    def test_equal_sources_are_one_reference(self, tmp_path: Path) -> None:
        picture = Image.new("RGB", (1, 1))
        assert ImageReference(tmp_path) == ImageReference(tmp_path)
        assert ImageReference(picture) == ImageReference(picture)
        assert ImageReference(picture) != ImageReference(picture.copy())
        assert len({ImageReference(b"a"), ImageReference(b"a")}) == 1
        assert ImageReference(b"a") != BoardReference("a")


def test_all_names_the_public_fields_in_order() -> None:
    assert ivk_fields.__all__ == sorted(ivk_fields.__all__)
    for name in ivk_fields.__all__:
        assert hasattr(ivk_fields, name)
    families = {name for name in ivk_fields.__all__ if name.startswith("Ivk")}
    used = {kind.__name__ for kind in registry_module.SINGLE.values()}
    used |= {kind.__name__ for kind in registry_module.COLLECTION.values()}
    assert used <= families


def test_strings_of_a_collection_are_not_a_text() -> None:
    field = IvkStringCollectionField(value=["a"])
    assert refused(field, "ab").kind == "type"
