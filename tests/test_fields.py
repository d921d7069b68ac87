"""Typed fields: what may be set, what is refused and how, and what goes on the wire."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

import numpy as np
import pytest
from field_builder import build, limited, refused

from invokeai_py_client.exceptions import FieldValidationError
from invokeai_py_client.ivk_fields import (
    IvkBooleanField,
    IvkFloatField,
    IvkIntegerCollectionField,
    IvkIntegerField,
    IvkRawField,
    IvkSchedulerField,
    IvkStringField,
)
from invokeai_py_client.ivk_fields.enum import SCHEDULERS, canonical_scheduler
from invokeai_py_client.ivk_fields.registry import FieldRegistry
from invokeai_py_client.nodes import (
    UNSET,
    FieldType,
    InputTemplate,
    NodeCatalog,
)


@pytest.fixture(scope="module")
def catalog() -> NodeCatalog:
    return NodeCatalog.bundled()


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

    def test_a_whole_float_of_a_table_is_an_integer(self) -> None:
        for value in (7.0, np.float64(7), np.float32(7), np.int64(7)):
            field = IvkIntegerField(value=4)
            field.value = value
            assert type(field.value) is int
            assert field.value == 7
        numbers = IvkFloatField(value=1)
        numbers.value = np.float32(3)
        assert type(numbers.value) is float

    @pytest.mark.parametrize("value", [True, "5", 5.5, None.__class__, [5], {}])
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
    def test_a_string_field_takes_strings_only(self, value: Any) -> None:
        assert refused(IvkStringField(value="a"), value).kind == "type"

    def test_half_a_surrogate_pair_is_refused(self) -> None:
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

    def test_of_strings_and_lists(self) -> None:
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

    def test_the_object_of_the_file_is_never_changed(
        self, catalog: NodeCatalog
    ) -> None:
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

    def test_an_alias_of_a_scheduler_that_the_server_does_not_have_is_refused(
        self,
    ) -> None:
        template = limited("SchedulerField", choices=("euler", "ddim"))
        field = IvkSchedulerField(template=template)
        assert refused(field, "Euler a").kind == "choice"


def test_a_rule_that_is_not_made_of_functions_is_refused_at_once():
    with pytest.raises(TypeError, match="build_fn='y' is not allowed"):
        FieldRegistry().register(lambda info: True, "y")


def test_a_builder_that_does_not_return_a_field_is_named_with_the_input():
    registry = FieldRegistry()
    registry.register(lambda info: True, lambda info: "no field")
    with pytest.raises(TypeError, match=r"'prompt' \(StringField\) it gave 'no field'"):
        registry.build({"type": "StringField", "name": "prompt"})
