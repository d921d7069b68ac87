"""Typed fields of boards, images, models and the like, and of generators."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from field_builder import LORA, SDXL, UUID, build, refused
from PIL import Image

from invokeai_py_client.ivk_fields import (
    BoardReference,
    FloatArithmeticSequence,
    FloatLinearDistribution,
    FloatParseString,
    FloatRandomUniform,
    ImageReference,
    ImagesFromBoard,
    IntegerArithmeticSequence,
    IntegerRandomUniform,
    IvkBoardField,
    IvkColorField,
    IvkFloatGeneratorField,
    IvkImageCollectionField,
    IvkImageField,
    IvkImageGeneratorField,
    IvkIntegerGeneratorField,
    IvkLoRAField,
    IvkModelIdentifierField,
    IvkRawField,
    IvkSavedWorkflowField,
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
    replace_references,
)
from invokeai_py_client.nodes import (
    NodeCatalog,
)


@pytest.fixture(scope="module")
def catalog() -> NodeCatalog:
    return NodeCatalog.bundled()


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
            (FakeBoard("b1"), {"board_id": "b1", "board_name": "x"}),
            (FakeBoard("none"), "none"),
            ("Holiday", BoardReference("Holiday")),
            ("Uncategorized", BoardReference("Uncategorized")),
            ("", BoardReference("")),
        ],
    )
    def test_are_taken_by_name_id_and_object(self, value: Any, wire: Any) -> None:
        field = IvkBoardField(value=value)
        assert field.value == wire
        assert field.problems() == []

    @pytest.mark.parametrize("value", [{}, {"board_id": ""}, 5, ["b"]])
    def test_anything_else_is_refused(self, value: Any) -> None:
        refused(IvkBoardField(value="auto"), value)


class TestImages:
    def test_a_file_must_be_there(self, tmp_path: Path) -> None:
        field = IvkImageField()
        missing = tmp_path / "missing.png"
        assert str(missing) in refused(field, missing).message
        assert str(missing) in refused(field, str(missing)).message
        assert "folder" in refused(field, tmp_path).message

    def test_a_string_is_a_file_when_it_has_a_folder_or_exists(
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
        for address in ("http://localhost/in.png", Path("https://localhost/in.png")):
            assert "download it first" in refused(field, address).message

    def test_what_is_content_is_taken_at_once(self) -> None:
        field = IvkImageField()
        for given in (io.BytesIO(b"x"), bytearray(b"x"), "data:image/png;base64,eA=="):
            field.value = given
            assert field.value == ImageReference(b"x")
        written = io.BytesIO()
        written.write(b"x")
        field.value = written
        assert field.value == ImageReference(b"x")
        assert "binary" in refused(field, io.StringIO("x")).message
        assert "base64" in refused(field, "data:image/png;base64,!").message

    @pytest.mark.parametrize("shape", [(4, 3), (4, 3, 1), (4, 3, 3), (4, 3, 4)])
    def test_an_array_of_bytes_is_an_image(self, shape: tuple[int, ...]) -> None:
        array = np.zeros(shape, "uint8")
        assert IvkImageField(value=array).value.source is array

    @pytest.mark.parametrize(
        ("array", "advice"),
        [
            (np.zeros((4, 3)), "(array * 255).round().astype('uint8')"),
            (np.zeros((4, 3), "int32"), "array.astype('uint8')"),
            (np.zeros((3, 40, 50), "uint8"), "array.transpose(1, 2, 0)"),
            (np.zeros((1, 4, 3, 3), "uint8"), "array[0]"),
            (np.zeros((4, 3, 2), "uint8"), "3 or 4 colours"),
            (np.zeros((0, 3), "uint8"), "(0, 3)"),
        ],
    )
    def test_another_array_is_refused_with_what_to_do(
        self, array: Any, advice: str
    ) -> None:
        assert advice in refused(IvkImageField(), array).message

    def test_bytes_images_and_results(self) -> None:
        opened = Image.new("RGB", (2, 2))
        image = SimpleNamespace(image_name="a.png", width=2)
        field = IvkImageField()
        field.value = b"\x89PNG"
        assert field.value == ImageReference(b"\x89PNG")
        field.value = opened
        assert field.value.source is opened
        field.value = image
        assert field.value.source is image
        field.value = SimpleNamespace(image=image)
        assert field.value.source is image
        refused(field, b"")
        refused(field, 5)
        refused(field, {})

    def test_a_result_with_several_images_raises_its_own_error(self) -> None:
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
            ("red", (255, 0, 0, 255)),
            ("RebeccaPurple", (0x66, 0x33, 0x99, 255)),
            ("transparent", (0, 0, 0, 0)),
            ("rgb(255, 128, 0)", (255, 128, 0, 255)),
            ("rgba(255 128 0 / 50%)", (255, 128, 0, 128)),
            ("rgb(100%, 0%, 0%, .5)", (255, 0, 0, 128)),
            ("rgb(20%, 40%, 60%)", (51, 102, 153, 255)),
            ("rgb(300 -2 0)", (255, 0, 0, 255)),
        ],
    )
    def test_are_taken_in_every_form(self, value: Any, wire: tuple) -> None:
        field = IvkColorField(value=value)
        assert field.value == dict(zip("rgba", wire))
        assert field.hex == "#" + bytes(wire).hex()

    @pytest.mark.parametrize(
        "value",
        [
            "no colour",
            "rgb(1, 2)",
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
    def test_take_configs_and_return_them(self, field: Any, config: Any) -> None:
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
            {"type": "float_generator_arithmetic_sequence", "start": "1.5"},
            {"type": "float_generator_arithmetic_sequence", "step": True},
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
