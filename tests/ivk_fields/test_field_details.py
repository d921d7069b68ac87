"""What fields take, show and describe, kind by kind."""

from __future__ import annotations

import math
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest
from field_builder import LORA, SDXL, limited
from hypothesis import given, strategies as st

from invokeai_py_client.exceptions import FieldProblem, FieldValidationError
from invokeai_py_client.ivk_fields import (
    IvkBoardField,
    IvkColorField,
    IvkEnumField,
    IvkField,
    IvkImageField,
    IvkLoRAField,
    IvkModelIdentifierField,
    IvkRawField,
    IvkSchedulerField,
)
from invokeai_py_client.ivk_fields.enum import enum_of
from invokeai_py_client.ivk_fields.field_types import describe_input, field_class
from invokeai_py_client.ivk_fields.generator import (
    FloatRandomUniform,
    IntegerRandomUniform,
    IvkIntegerGeneratorField,
    StringDynamicPromptsCombinatorial,
    StringDynamicPromptsRandom,
)
from invokeai_py_client.ivk_fields.model import model_problems, old_identifier
from invokeai_py_client.ivk_fields.references import (
    BoardReference,
    ImageReference,
    ModelReference,
)
from invokeai_py_client.ivk_fields.registry import FieldRegistry
from invokeai_py_client.ivk_fields.server_rules import float_rule, keys_rule
from invokeai_py_client.ivk_fields.value_rules import is_multiple, must_be
from invokeai_py_client.nodes import FieldType, InputTemplate, Limits


def field_of(
    type_name: str, cardinality: str = "SINGLE", value: Any = None, **limits: Any
) -> Any:
    """A field of that type, which holds the value unchecked."""
    template = limited(type_name, cardinality, **limits)
    info = {"type": type_name, "cardinality": cardinality, "template": template}
    if value is not None:
        info["value"] = value
    return FieldRegistry().build(info)


def words_of(field: IvkField[Any], value: Any) -> str:
    with pytest.raises(FieldValidationError) as caught:
        field.value = value
    return caught.value.problems[0].what


class TestEveryField:
    def test_its_type_is_that_of_the_template_else_its_class(self) -> None:
        assert field_of("IntegerField").type_name == "IntegerField"

        class Own(IvkField[int]):
            pass

        assert Own().type_name == "Own"

    def test_a_value_that_is_not_valid_is_not_described_as_the_default(self) -> None:
        assert field_of("IntegerField", value=7).json_schema()["default"] == 7
        held = field_of("IntegerField", value=7, maximum=5)
        assert held.value == 7
        assert "default" not in held.json_schema()
        assert "default" not in field_of("IntegerField").json_schema()

    def test_what_is_bound_later_keeps_what_was_bound_before(self) -> None:
        field = field_of("IntegerField", maximum=5)
        field.bind(node_id="n")
        field.bind(field_name="width")
        assert field.template.limits.maximum == 5
        with pytest.raises(FieldValidationError) as caught:
            field.value = 6
        problem = caught.value.problems[0]
        assert (problem.node_id, problem.field_name) == ("n", "width")

    def test_a_locked_field_says_so_and_refuses_with_the_reason(self) -> None:
        field = field_of("IntegerField")
        assert not field.is_locked
        field.lock(FieldProblem("an edge feeds it", "connected"))
        assert field.is_locked
        assert words_of(field, 3) == "an edge feeds it"

    @pytest.mark.parametrize(
        ("stored", "value", "is_changed"),
        [
            ({"a": [1]}, {"a": [1]}, False),
            ({"a": 1}, {"a": True}, True),
            ({"a": 1}, {"a": 1.0}, True),
            ({"a": 1}, {"b": 1}, True),
            ({"a": 1}, {"a": 1, "b": None}, True),
            ({}, [], True),
            ([], {}, True),
            ({"a": {}}, {"a": 0}, True),
            ([1], "1", True),
            ([1, 2], [1], True),
            ([1], [2], True),
        ],
    )
    def test_it_knows_whether_its_value_is_that_of_the_file(
        self, stored: Any, value: Any, is_changed: bool
    ) -> None:
        field = IvkRawField.holding(stored)
        assert not field.is_changed
        field.value = value
        assert field.is_changed is is_changed

    def test_the_reason_of_an_own_class_is_told_with_its_place(self) -> None:
        class Pair(IvkField[list[int]]):
            def validate_field(self) -> None:
                if len(self.value or []) > 2:
                    raise ValueError
                if len(self.value or []) > 1:
                    raise ValueError("must be one")

        assert words_of(Pair(), [1, 2]) == "must be one"
        assert words_of(Pair(), [1, 2, 3]) == "ValueError"
        assert words_of(Pair(), [1, "x"]).startswith("1: Input should be")
        assert words_of(Pair(), 7).startswith("Input should be")


class TestColors:
    @pytest.mark.parametrize(
        ("value", "components"),
        [
            (SimpleNamespace(r=1, g=2, b=3), (1, 2, 3, 255)),
            (SimpleNamespace(r=1, g=2, b=3, a=4), (1, 2, 3, 4)),
            ("#abc", (170, 187, 204, 255)),
            ("#abc8", (170, 187, 204, 136)),
            ("#010203", (1, 2, 3, 255)),
            ("#01020304", (1, 2, 3, 4)),
            ("rgba(1, 2, 3, 0.7)", (1, 2, 3, 178)),
            ("rgb(100% 0% 20% / 40%)", (255, 0, 51, 102)),
            ("rgb(300, -1, 0)", (255, 0, 0, 255)),
        ],
    )
    def test_components_are_read_from_each_way_to_write_a_colour(
        self, value: Any, components: tuple[int, ...]
    ) -> None:
        field = IvkColorField()
        field.value = value
        assert field.value == dict(zip("rgba", components))
        assert field.hex == "#" + bytes(components).hex()

    def test_what_is_not_a_colour_has_no_digits(self) -> None:
        assert IvkColorField().hex is None
        assert IvkColorField.holding({"r": 1}).hex is None
        for value in (7, (1, 2), (1, 2, 3, 4, 5), {"r": 1, "g": 2, "b": 3, "x": 4}):
            with pytest.raises(FieldValidationError):
                IvkColorField(value=value)

    def test_its_schema_has_text_or_components_of_255(self) -> None:
        text, components = IvkColorField().json_schema()["anyOf"][:2]
        assert text["type"] == "string"
        assert components["additionalProperties"] is False
        assert components["required"] == ["r", "g", "b"]
        part = {"type": "integer", "minimum": 0, "maximum": 255}
        assert components["properties"] == dict.fromkeys("rgba", part)


class TestOptions:
    def test_options_that_read_alike_are_counted(self) -> None:
        found = enum_of("Size", ("a b", "a-b", "A B", "480p", "", "!"))
        assert {item.name: item.value for item in found} == {
            "A_B": "a b",
            "A_B_2": "a-b",
            "A_B_3": "A B",
            "_480P": "480p",
            "EMPTY": "",
            "EMPTY_2": "!",
        }

    def test_the_enumeration_is_called_as_the_input_is(self) -> None:
        field = field_of("EnumField", choices=("a", "b"))
        assert field.choice_enum.__name__ == "X"
        template = InputTemplate("x", "!", FieldType("EnumField"))
        assert IvkEnumField.from_info({"template": template}).choice_enum.__name__ == (
            "Choice"
        )

    def test_one_near_option_is_suggested(self) -> None:
        field = field_of("EnumField", choices=("euler", "euler_a", "eulers"))
        words = words_of(field, "eulr")
        assert "did you mean 'euler'?" in words
        assert "'eulers'?" not in words

    def test_without_known_options_any_name_or_number_will_do(self) -> None:
        for value in ("x", 3):
            assert IvkEnumField.holding(value).problems() == []
        for value in ([], {"a": 1}, 1.5):
            (problem,) = IvkEnumField.holding(value).problems()
            assert "must be a string or an integer" in problem.what

    def test_a_scheduler_is_a_name(self) -> None:
        class Sampler(Enum):
            EULER = "euler"

        field = IvkSchedulerField(value=Sampler.EULER)
        assert field.value == "euler"
        for value in (5, None, ["euler"], Sampler):
            if value is not None:
                assert "must be one of" in words_of(field, value)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (limited("IntegerField", minimum=1), "an integer, at least 1"),
        (limited("StringField", max_length=9), "a string of at most 9 characters"),
        (
            limited("StringField", min_length=2, max_length=9),
            "a string of at least 2 and at most 9 characters",
        ),
        (limited("StringField", min_length=2), "a string of at least 2 characters"),
        (limited("StringField", choices=("a",), max_length=1), "one of 'a'"),
        (
            limited("IntegerField", "COLLECTION", min_items=1, max_items=3),
            "a list of integers, at least 1 items, at most 3 items",
        ),
        (limited("IntegerField", "COLLECTION"), "a list of integers"),
        (
            InputTemplate("x", "X", FieldType("IntegerField"), input="connection"),
            "an edge that brings it",
        ),
        (limited("LatentsField"), "an edge that brings it"),
    ],
)
def test_what_an_input_takes_is_described(template: InputTemplate, words: str) -> None:
    assert describe_input(template) == words


def test_every_type_that_takes_a_value_is_described() -> None:
    for name in ("ModelIdentifierField", "BoardField", "ImageField", "ColorField"):
        assert describe_input(limited(name))
        assert field_class(name).__name__ in ("Ivk" + name)


def test_a_generator_has_a_config_where_it_is_valid() -> None:
    valid = {
        "type": "integer_generator_arithmetic_sequence",
        "start": 1,
        "step": 2,
        "count": 3,
    }
    config: Any = IvkIntegerGeneratorField.holding(valid).config
    assert (config.start, config.step, config.count) == (1, 2, 3)
    assert IvkIntegerGeneratorField().config is None
    assert IvkIntegerGeneratorField.holding({"type": "other"}).config is None


class TestGenerators:
    """Settings as the GUI's schema of them has it."""

    SEEDED = (
        FloatRandomUniform,
        IntegerRandomUniform,
        StringDynamicPromptsRandom,
    )

    @pytest.mark.parametrize("kind", SEEDED)
    def test_a_seed_is_sent_where_it_is_given(self, kind: Any) -> None:
        for seed in (0, 7, 2**32):
            assert kind(seed=seed).wire()["seed"] == seed
        assert "seed" not in kind().wire()

    @pytest.mark.parametrize("kind", SEEDED)
    @pytest.mark.parametrize("seed", [True, "7", 7.5, [7]])
    def test_a_seed_is_an_integer(self, kind: Any, seed: Any) -> None:
        with pytest.raises(FieldValidationError, match="seed"):
            kind(seed=seed)

    @pytest.mark.parametrize("count", [0, -1])
    def test_a_template_makes_one_prompt_or_more(self, count: int) -> None:
        assert StringDynamicPromptsRandom(count=1).wire()["count"] == 1
        with pytest.raises(FieldValidationError, match="count"):
            StringDynamicPromptsRandom(count=count)
        made = StringDynamicPromptsCombinatorial(maxPrompts=1)
        assert made.wire()["maxPrompts"] == 1
        with pytest.raises(FieldValidationError, match="maxPrompts"):
            StringDynamicPromptsCombinatorial(maxPrompts=count)

    def test_other_generators_may_make_nothing(self) -> None:
        assert FloatRandomUniform(count=0).wire()["count"] == 0

    @pytest.mark.parametrize("value", [True, "1", None, math.inf, math.nan])
    def test_a_bound_of_floats_is_a_finite_number(self, value: Any) -> None:
        with pytest.raises(FieldValidationError, match="min"):
            FloatRandomUniform(min=value)
        assert FloatRandomUniform(min=1).wire()["min"] == 1


class TestImages:
    @pytest.mark.parametrize("length", [299, 300, 301, 5000])
    def test_a_path_is_shown_up_to_300_characters(self, length: int) -> None:
        path = "/" + "a" * (length - 1)
        shown = path if length <= 300 else path[:300] + "..."
        assert words_of(IvkImageField(), path) == f"no such file: {shown}"

    def test_a_folder_is_told_from_a_missing_file(self, tmp_path: Any) -> None:
        assert words_of(IvkImageField(), tmp_path).startswith("is a folder")
        missing = words_of(IvkImageField(), tmp_path / "x.png")
        assert missing.startswith("no such file")

    @pytest.mark.parametrize("name", ["", None, 7])
    def test_an_object_without_a_name_is_not_an_image(self, name: Any) -> None:
        nameless = SimpleNamespace(image_name=name)
        for value in (nameless, SimpleNamespace(image=nameless)):
            assert "cannot be made of" in words_of(IvkImageField(), value)

    def test_the_only_image_of_a_result_is_taken(self) -> None:
        field = IvkImageField()
        field.value = SimpleNamespace(image=SimpleNamespace(image_name="a.png"))
        assert field.unresolved()


class TestModels:
    wanted = ModelReference("", base=("sdxl",), type=("main",))

    @pytest.mark.parametrize(
        ("more", "base", "kind"),
        [
            ({}, ("sdxl",), ("main",)),
            ({"base_model": "", "model_type": ""}, ("sdxl",), ("main",)),
            ({"base_model": 7, "model_type": None}, ("sdxl",), ("main",)),
            ({"base_model": "sd-1", "model_type": "vae"}, ("sd-1",), ("vae",)),
        ],
    )
    def test_an_old_identifier_is_completed_by_what_the_input_takes(
        self, more: dict[str, Any], base: Any, kind: Any
    ) -> None:
        found = old_identifier({"model_name": " tiny ", **more}, self.wanted)
        assert found == ModelReference("tiny", base=base, type=kind)

    @pytest.mark.parametrize("value", [7, {}, {"model_name": " "}, {"model_name": 7}])
    def test_anything_else_is_not_an_old_identifier(self, value: Any) -> None:
        assert old_identifier(value) is None

    @pytest.mark.parametrize("key", ["key", "hash", "name", "base", "type"])
    def test_what_a_record_lacks_is_named(self, key: str) -> None:
        for value in (None, 7, ""):
            record = {**SDXL, key: value}
            found = [problem.what for problem in model_problems(record, self.wanted)]
            # A model without a hash is still found by its key.
            is_fine = key == "hash" and value == ""
            assert found == ([] if is_fine else [f"the model has no {key}"])

    @pytest.mark.parametrize(
        ("base", "kind", "words"),
        [
            ([], [], "a model"),
            (["sdxl"], [], "a model of base sdxl"),
            ([], ["main"], "a model of type main"),
            (["sdxl", "sd-1"], ["main"], "a model of base sdxl or sd-1 and type main"),
        ],
    )
    def test_its_schema_says_which_models_it_takes(
        self, base: list[str], kind: list[str], words: str
    ) -> None:
        template = InputTemplate(
            "x",
            "X",
            FieldType("ModelIdentifierField"),
            required=True,
            gui={"ui_model_base": base, "ui_model_type": kind},
        )
        field = IvkModelIdentifierField.from_info({"template": template})
        schema = field.json_schema()
        assert schema["description"] == f"The name, key or hash of {words}."
        assert (schema["type"], schema["minLength"]) == ("string", 1)

    def test_a_lora_is_a_model_with_a_weight_and_nothing_else(self) -> None:
        schema = IvkLoRAField().json_schema()
        (items,) = (
            part["items"] for part in schema["anyOf"] if part.get("type") == "array"
        )
        assert items["additionalProperties"] is False
        assert items["required"] == ["lora"]
        for value in (["x"], [{"weight": 1}], [7]):
            (problem,) = IvkLoRAField.holding(value).problems()
            assert "must be a LoRA" in problem.what
        assert IvkLoRAField.holding([{"lora": LORA, "weight": 1}]).problems() == []

    @pytest.mark.parametrize(
        ("variant", "provider", "fits"),
        [
            ((), (), True),
            (("large",), (), True),
            (("small",), (), False),
            (("small", "large"), ("acme",), True),
            (("large",), ("other",), False),
            ((), ("acme",), True),
            ((), ("other",), False),
        ],
    )
    def test_a_model_is_chosen_by_variant_and_provider(
        self, variant: Any, provider: Any, fits: bool
    ) -> None:
        wanted = ModelReference("m", variant=variant, provider_id=provider)
        model = SimpleNamespace(variant="large", model_extra={"provider_id": "acme"})
        assert wanted.has_detail_of(model) is fits
        bare = SimpleNamespace(model_extra=None)
        assert wanted.has_detail_of(bare) is (not variant and not provider)


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        (ModelReference("Juggernaut XL"), "<model 'Juggernaut XL'>"),
        (ImageReference(b"1234"), "<image '4 bytes'>"),
        (BoardReference("Cats"), "<board 'Cats'>"),
    ],
)
def test_a_reference_shows_what_it_was_made_of(reference: Any, shown: str) -> None:
    assert repr(reference) == shown


class TestBoards:
    @pytest.mark.parametrize("board_id", ["", None, 7])
    def test_an_object_without_an_id_is_not_a_board(self, board_id: Any) -> None:
        field = IvkBoardField()
        assert "a board" in words_of(field, SimpleNamespace(board_id=board_id))

    def test_a_board_object_is_taken_with_its_name(self) -> None:
        field = IvkBoardField()
        field.value = SimpleNamespace(board_id="x", board_name="Cats")
        assert field.value == {"board_id": "x", "board_name": "Cats"}
        field.value = SimpleNamespace(board_id="x", board_name="")
        assert field.value == {"board_id": "x"}
        field.value = SimpleNamespace(board_id="none", board_name="x")
        assert field.value == "none"

    def test_its_schema_is_text_that_is_not_empty(self) -> None:
        text = IvkBoardField().json_schema()["anyOf"][0]
        assert (text["type"], text["minLength"]) == ("string", 1)


class TestRawValues:
    def test_what_json_cannot_hold_is_refused(self) -> None:
        for value in (math.nan, [math.inf], {"a": object()}, {1, 2}):
            assert "must be JSON" in words_of(IvkRawField(), value)

    def test_a_list_of_objects_is_one_of_objects(self) -> None:
        field = field_of("ControlNetMetadataField", "COLLECTION")
        if isinstance(field, IvkRawField):
            field.value = [{"a": 1}]
            assert "must be an object" in words_of(field, [1])
            assert field.allowed == "a list of JSON objects"
        single = IvkRawField()
        for value in (1, "x", [1], {"a": 1}):
            single.value = value
        assert single.allowed == "any JSON value"

    def test_a_field_for_edges_alone_can_not_be_set(self) -> None:
        schema = field_of("LatentsField").json_schema()
        assert schema == {"not": {}, "readOnly": True}


class TestRegistry:
    def test_an_own_registry_does_not_load_installed_packages(self) -> None:
        registry = FieldRegistry()
        assert not registry.has_rule({"type": "IntegerField"})
        assert registry.copy()._rules == []

    def test_an_empty_label_is_not_a_name(self) -> None:
        info = {"type": "IntegerField", "name": "a", "input_index": 3, "label": ""}
        field = FieldRegistry().build(info)
        with pytest.raises(FieldValidationError) as caught:
            field.value = "x"
        assert caught.value.problems[0].input_name is None
        field = FieldRegistry().build({**info, "label": "Width"})
        with pytest.raises(FieldValidationError) as caught:
            field.value = "x"
        assert caught.value.problems[0].input_name == "Width"


class TestRulesOfTheServer:
    @pytest.mark.parametrize("value", ["x", None, [], math.nan, math.inf, "inf"])
    def test_what_is_not_a_number_is_refused(self, value: Any) -> None:
        assert float_rule(value) is not None

    @pytest.mark.parametrize("value", [1, 1.5, "1.5", True])
    def test_numbers_are_taken_within_their_limits(self, value: Any) -> None:
        assert float_rule(value, Limits(minimum=1)) is None
        assert float_rule(value, Limits(minimum=2)) is not None

    def test_an_object_needs_its_keys_and_each_as_it_must_be(self) -> None:
        rule = keys_rule("of control", ("image", "weight", "note"))
        good = {"image": {"image_name": "a"}, "weight": [1, "0.5"], "note": object()}
        assert rule(good, Limits()) is None
        assert rule({**good, "more": 1}, Limits()) is None
        for key in good:
            without = {name: value for name, value in good.items() if name != key}
            problem = rule(without, Limits())
            assert problem is not None
            assert problem.allowed == "an object of control with image, weight, note"
        for key, value in (("image", {}), ("image", [{}]), ("weight", [1, "x"])):
            problem = rule({**good, key: value}, Limits())
            assert problem is not None
            assert problem.allowed is not None
            assert f"; {key}: " in problem.allowed
        for value in (7, None, ["image", "weight", "note"]):
            assert rule(value, Limits()) is not None
        empty = keys_rule("of any kind", ())
        assert empty({}, Limits()) is None
        problem = empty(7, Limits())
        assert problem is not None
        assert problem.allowed == "an object of any kind"


class TestSteps:
    @given(st.integers(-(10**18), 10**18), st.integers(1, 10**6))
    def test_a_whole_number_is_a_multiple_if_nothing_is_left(
        self, value: int, step: int
    ) -> None:
        assert is_multiple(value, step) is (value % step == 0)
        assert is_multiple(value, float(step)) is (value % step == 0)

    @given(st.integers(-(10**6), 10**6), st.sampled_from([0.1, 0.05, 0.25, 1.5]))
    def test_a_multiple_of_a_fraction_is_one_in_spite_of_rounding(
        self, count: int, step: float
    ) -> None:
        assert is_multiple(count * step, step)
        assert is_multiple(count * step, -step)
        assert not is_multiple((count + 0.5) * step, step)

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_what_is_not_finite_is_a_multiple_of_nothing(self, value: float) -> None:
        assert not is_multiple(value, 0.1)
        assert not is_multiple(value, 1)

    def test_a_number_beyond_any_float_is_not_a_multiple_of_a_fraction(self) -> None:
        assert not is_multiple(10**400, 0.1)
        assert is_multiple(10**400, 10)

    @pytest.mark.parametrize(
        ("bound", "shown"),
        [
            (1.0, "at least 1, got"),
            (1.5, "at least 1.5, got"),
            (-3.0, "at least -3, got"),
            (1e14, "at least 100000000000000, got"),
            (1e15, "at least 1000000000000000.0, got"),
            (1e16, "at least 1e+16, got"),
            (math.inf, "at least inf, got"),
        ],
    )
    def test_a_bound_is_shown_without_needless_zeros(
        self, bound: float, shown: str
    ) -> None:
        field = field_of("IntegerField", minimum=bound)
        assert shown in words_of(field, -100)
        assert must_be("x", 1).what.startswith("must be x")
