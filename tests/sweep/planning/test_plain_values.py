"""Every value that a field takes has a JSON form, from which it comes back."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from invokeai_py_client.ivk_fields.color import IvkColorField
from invokeai_py_client.ivk_fields.enum import IvkEnumField, IvkSchedulerField
from invokeai_py_client.ivk_fields.field_types import FIELD_TYPES
from invokeai_py_client.ivk_fields.generator import (
    FloatArithmeticSequence,
    FloatParseString,
    ImagesFromBoard,
    IntegerLinearDistribution,
    IvkFloatGeneratorField,
    IvkImageGeneratorField,
    IvkIntegerGeneratorField,
    IvkStringGeneratorField,
    StringDynamicPromptsRandom,
)
from invokeai_py_client.ivk_fields.media import (
    IvkImageCollectionField,
    IvkImageField,
    IvkVideoCollectionField,
    IvkVideoField,
)
from invokeai_py_client.ivk_fields.model import IvkLoRAField, IvkModelIdentifierField
from invokeai_py_client.ivk_fields.references import (
    BoardReference,
    ModelReference,
    StylePresetReference,
    WorkflowReference,
)
from invokeai_py_client.ivk_fields.resource import (
    IvkBoardField,
    IvkSavedWorkflowField,
    IvkStylePresetField,
    IvkSystemPromptField,
)
from invokeai_py_client.ivk_fields.scalar import (
    IvkBooleanCollectionField,
    IvkBooleanField,
    IvkFloatCollectionField,
    IvkFloatField,
    IvkIntegerCollectionField,
    IvkIntegerField,
    IvkStringCollectionField,
    IvkStringField,
)
from invokeai_py_client.ivk_fields.template_field import IvkRawField
from invokeai_py_client.sweep.planning.plain_values import (
    Contents,
    canonical_json,
    from_plain,
    readable_value,
    to_plain,
)

HERE = Path(__file__)
ID = "11111111-2222-3333-4444-555555555555"
RECORD = {"key": "k", "hash": "h", "name": "n", "base": "sdxl", "type": "main"}

integers = st.integers()
floats = st.floats(allow_nan=False, allow_infinity=False)
strings = st.text(st.characters(exclude_categories=["Cs"]))
names = (
    st.text("abc XYZ-_.1", min_size=1).filter(str.strip).filter(lambda t: t[0] != ".")
)
ids = st.sampled_from([ID, "auto", "none"])
records = st.fixed_dictionaries(dict.fromkeys(RECORD, names))
models = st.one_of(
    names,
    records,
    st.builds(dict, records, submodel_type=names),
    st.builds(lambda text, base: {"name": text, "base": base}, names, names),
    st.builds(lambda text: {"model_name": text, "base_model": "sdxl"}, names),
)
loras = names | st.builds(lambda record: {**record, "type": "lora"}, records)
images = st.one_of(
    st.just(HERE),
    st.builds(lambda text: {"image_name": text}, names),
    st.just("a-1.png"),
)
videos = st.one_of(st.just(HERE), st.builds(lambda text: {"video_name": text}, names))
json_values = st.recursive(
    st.none() | st.booleans() | integers | floats | strings,
    lambda inner: st.lists(inner) | st.dictionaries(strings | st.just("$file"), inner),
).filter(lambda value: value is not None)
boards = st.one_of(
    names, ids, st.builds(lambda n: {"board_id": n, "board_name": n}, names)
)

VALUES = {
    IvkIntegerField: integers,
    IvkIntegerCollectionField: st.lists(integers),
    IvkFloatField: floats | integers,
    IvkFloatCollectionField: st.lists(floats),
    IvkStringField: strings,
    IvkStringCollectionField: st.lists(strings),
    IvkBooleanField: st.booleans(),
    IvkBooleanCollectionField: st.lists(st.booleans()),
    IvkEnumField: strings | integers,
    IvkSchedulerField: st.sampled_from(["euler", "DPM++ 2M Karras"]),
    IvkColorField: st.sampled_from(
        ["red", "#12345678", (1, 2, 3), {"r": 1, "g": 2, "b": 3}]
    ),
    IvkImageField: images,
    IvkImageCollectionField: st.lists(images),
    IvkVideoField: videos,
    IvkVideoCollectionField: st.lists(videos),
    IvkBoardField: boards,
    IvkModelIdentifierField: models,
    IvkLoRAField: st.lists(loras | st.tuples(loras, floats)),
    IvkStylePresetField: names | ids,
    IvkSystemPromptField: names | ids,
    IvkSavedWorkflowField: names | ids | st.just(""),
    IvkIntegerGeneratorField: st.builds(IntegerLinearDistribution, start=integers),
    IvkFloatGeneratorField: st.one_of(
        st.builds(FloatArithmeticSequence, start=floats | integers),
        st.builds(FloatParseString, input=strings),
    ),
    IvkStringGeneratorField: st.builds(StringDynamicPromptsRandom, input=strings),
    IvkImageGeneratorField: names | st.builds(ImagesFromBoard, board_id=names),
    IvkRawField: json_values,
}


def field_values():
    """A field of every type, with a value."""
    return st.one_of(
        *(st.tuples(st.just(kind), found) for kind, found in VALUES.items())
    )


def test_every_type_of_field_is_among_them():
    kinds = {kind for row in FIELD_TYPES.values() for kind in (row.one, row.many)}
    assert kinds - {None} == set(VALUES)


@given(field_values(), st.booleans())
def test_a_fields_value_comes_back_from_its_plain_form(sample, short):
    kind, given_value = sample
    field = kind()
    field.value = given_value
    plain = to_plain(field.value, short=short)
    assert json.loads(canonical_json(plain)) == plain
    found = from_plain(json.loads(canonical_json(plain)))
    if not short:
        assert found == field.value
    again = kind()
    again.value = found
    if not short or kind not in {IvkBoardField, IvkModelIdentifierField, IvkLoRAField}:
        assert again.value == field.value
    readable_value(plain)


@pytest.mark.parametrize(
    "value",
    [
        ModelReference("a", base=("sdxl", "sd-1"), type=("main",), submodel_type="vae"),
        BoardReference("b", bare=True),
        StylePresetReference("s"),
        WorkflowReference("w"),
        {"$file": 1, "$json": {"$image": []}},
        {"lora": ModelReference("x"), "weight": 0.5},
    ],
)
def test_references_and_odd_mappings_come_back(value):
    assert from_plain(json.loads(canonical_json(to_plain(value)))) == value


def write(path, content):
    path.write_bytes(content)
    return str(path)


def test_content_is_kept_once_by_its_hash_and_copied_into_the_folder(tmp_path):
    from PIL import Image

    contents = Contents()
    content = io.BytesIO()
    Image.new("RGB", (2, 2), "red").save(content, "PNG")
    fields = [IvkImageField(), IvkImageField(), IvkImageField()]
    fields[0].value = fields[1].value = content.getvalue()
    fields[2].value = Image.new("RGB", (2, 2), "blue")
    plain = [to_plain(field.value, contents.keep) for field in fields]
    assert plain[0] == plain[1] != plain[2]
    (tmp_path / "inputs").mkdir()
    contents.hand_to(lambda data, name: write(tmp_path / "inputs" / name, data))
    files = sorted(path.name for path in (tmp_path / "inputs").iterdir())
    assert files == sorted({item["sha256"] for item in plain})
    assert from_plain(plain[0], tmp_path).source.read_bytes() == content.getvalue()


def test_what_people_see_of_a_plain_value():
    seen = {
        "a": "a",
        "b": readable_value({"$model": RECORD}),
        "c": readable_value({"$board": {"board_id": "i", "board_name": "n"}}),
        "d": readable_value({"$image": "x.png"}),
        "e": readable_value([{"$file": "/a/b.png", "sha256": ""}]),
        "f": readable_value({"$json": {"$x": {"y": 1}}}),
    }
    assert seen == {
        "a": "a",
        "b": "n",
        "c": "n",
        "d": "x.png",
        "e": [Path("/a/b.png")],
        "f": {"$x": {"y": 1}},
    }
