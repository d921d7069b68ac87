"""The table of field types: one row for each type of the server's templates.

The registry takes the classes from it, the checks of literals and batches what the
server takes, and the documentation what people may give. A type that has no row only
takes an edge, or belongs to a custom node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from invokeai_py_client.ivk_fields import (
    color,
    enum,
    generator,
    media,
    model,
    resource,
    scalar,
    server_rules as rules,
)
from invokeai_py_client.ivk_fields.server_rules import ServerRule
from invokeai_py_client.ivk_fields.template_field import (
    IvkRawField,
    IvkUnknownField,
    TemplateField,
)
from invokeai_py_client.nodes.template import InputTemplate

FieldClass = type[TemplateField[Any]]


@dataclass(frozen=True)
class FieldTypeRow:
    """What is known of one type.

    Attributes:
        takes: What people may set, for the documentation.
        one: The class of a single value; None when the GUI only has lists.
        many: The class of a list; None when a list only comes from an edge.
        server_rule: What the server takes as a single value; None when anything.
    """

    takes: str
    one: Optional[FieldClass] = None
    many: Optional[FieldClass] = None
    server_rule: Optional[ServerRule] = None


# Objects that the GUI keeps and cannot edit, with the keys that the server needs.
_METADATA: Mapping[str, Sequence[str]] = {
    "ControlNetMetadataField": ("image", "control_model"),
    "IPAdapterMetadataField": (
        "image", "ip_adapter_model", "clip_vision_model", "method", "weight",
        "begin_step_percent", "end_step_percent",
    ),
    "LoRAMetadataField": ("model", "weight"),
    "T2IAdapterMetadataField": ("image", "t2i_adapter_model"),
}  # fmt: skip

FIELD_TYPES: Mapping[str, FieldTypeRow] = {
    "IntegerField": FieldTypeRow(
        "`int`, NumPy integers, `3.0`",
        scalar.IvkIntegerField,
        scalar.IvkIntegerCollectionField,
        rules.integer_rule,
    ),
    "FloatField": FieldTypeRow(
        "`int`, `float`, NumPy numbers, `Decimal`; finite",
        scalar.IvkFloatField,
        scalar.IvkFloatCollectionField,
        rules.float_rule,
    ),
    "StringField": FieldTypeRow(
        "`str`",
        scalar.IvkStringField,
        scalar.IvkStringCollectionField,
        rules.string_rule,
    ),
    "BooleanField": FieldTypeRow(
        "`bool`",
        scalar.IvkBooleanField,
        scalar.IvkBooleanCollectionField,
        rules.boolean_rule,
    ),
    "EnumField": FieldTypeRow(
        "an option, or an `Enum` member of that value",
        enum.IvkEnumField,
        server_rule=rules.string_rule,
    ),
    "SchedulerField": FieldTypeRow(
        "a scheduler's name here, in A1111, ComfyUI, k-diffusion or Diffusers",
        enum.IvkSchedulerField,
        server_rule=rules.string_rule,
    ),
    "ColorField": FieldTypeRow(
        "`#rgb`, `#rrggbb`, `#rrggbbaa`, `rgb()`, a name of CSS, `{r, g, b[, a]}`",
        color.IvkColorField,
        server_rule=rules.color_rule,
    ),
    "ImageField": FieldTypeRow(
        "all that can be uploaded, a name on the server, `IvkImage`, `RunResult`",
        media.IvkImageField,
        media.IvkImageCollectionField,
        rules.id_rule("image_name", "an image"),
    ),
    "VideoField": FieldTypeRow(
        "a path, bytes, a name on the server, `IvkVideo`, `RunResult`",
        media.IvkVideoField,
        media.IvkVideoCollectionField,
        rules.id_rule("video_name", "a video"),
    ),
    "BoardField": FieldTypeRow(
        '`Board`, its name or id, `"none"`, `"auto"`',
        resource.IvkBoardField,
        server_rule=rules.id_rule("board_id", "a board"),
    ),
    "ModelIdentifierField": FieldTypeRow(
        "a name, key or hash; a record, or part of one",
        model.IvkModelIdentifierField,
        server_rule=rules.model_rule,
    ),
    # A value or a list in the schema, and always a list in the GUI.
    "LoRAField": FieldTypeRow(
        "names, `(name, weight)`, `{lora, weight}`, `{name: weight}`; "
        "the weight is 0.75 when not given",
        model.IvkLoRAField,
        model.IvkLoRAField,
        rules.lora_rule,
    ),
    "StylePresetField": FieldTypeRow(
        "an id, name or record",
        resource.IvkStylePresetField,
        server_rule=rules.id_rule("style_preset_id", "a style preset"),
    ),
    "SystemPromptField": FieldTypeRow(
        "an id, name or record",
        resource.IvkSystemPromptField,
        server_rule=rules.id_rule("system_prompt_id", "a system prompt"),
    ),
    "SavedWorkflowField": FieldTypeRow(
        "an id, name or record",
        resource.IvkSavedWorkflowField,
        server_rule=rules.string_rule,
    ),
    "IntegerGeneratorField": FieldTypeRow(
        "`IntegerArithmeticSequence(…)` and its kin, or their wire form",
        generator.IvkIntegerGeneratorField,
        server_rule=rules.keys_rule("IntegerGeneratorField", ()),
    ),
    "FloatGeneratorField": FieldTypeRow(
        "`FloatArithmeticSequence(…)` and its kin, or their wire form",
        generator.IvkFloatGeneratorField,
        server_rule=rules.keys_rule("FloatGeneratorField", ()),
    ),
    "StringGeneratorField": FieldTypeRow(
        "`StringParseString(…)` or dynamic prompts, or their wire form",
        generator.IvkStringGeneratorField,
        server_rule=rules.keys_rule("StringGeneratorField", ()),
    ),
    "ImageGeneratorField": FieldTypeRow(
        "`ImagesFromBoard(…)`, its wire form, or a board",
        generator.IvkImageGeneratorField,
        server_rule=rules.keys_rule("ImageGeneratorField", ()),
    ),
    **{
        name: FieldTypeRow(
            "objects", many=IvkRawField, server_rule=rules.keys_rule(name, keys)
        )
        for name, keys in _METADATA.items()
    },
    # Inputs of core_metadata that a user made up.
    "MetadataExtraField": FieldTypeRow("any JSON value", IvkRawField),
}


# A raw field is of several types: it has none of its own.
for _name, _row in FIELD_TYPES.items():
    for _kind in (_row.one, _row.many):
        if _kind is not None and _kind is not IvkRawField:
            _kind.TYPE = _name


def field_class(type_name: Optional[str], cardinality: str = "SINGLE") -> FieldClass:
    """The class of a type; `IvkUnknownField` for what takes no value."""
    row = FIELD_TYPES.get(type_name or "")
    found = row and (row.many if cardinality == "COLLECTION" else row.one)
    return found or IvkUnknownField


def describe_input(template: InputTemplate) -> str:
    """What an input takes, such as ``an integer, at least 1``."""
    kind = field_class(template.type.name, template.type.cardinality)
    if template.input == "connection" or kind is IvkUnknownField:
        return "an edge that brings it"
    return kind.from_info({"template": template}).allowed or ""
