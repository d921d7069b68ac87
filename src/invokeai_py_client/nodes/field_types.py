"""Which type an input or output has, read from its schema as the GUI reads it.

The rules are those of the 6.14.2 workflow editor: a constant or an enumeration is an
``EnumField``, a reference is the name of what it refers to, null does not count, a
union of something and a list of the same is ``SINGLE_OR_COLLECTION``, and anything
else has no type, which leaves the input out of the template.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from invokeai_py_client.nodes.template import Cardinality, FieldType

Schema = Mapping[str, Any]

PRIMITIVE_TYPES = {
    "integer": "IntegerField",
    "number": "FloatField",
    "string": "StringField",
    "boolean": "BooleanField",
}

# Types whose values the GUI keeps and cannot edit.
METADATA_TYPES = (
    "ControlNetMetadataField", "IPAdapterMetadataField", "LoRAMetadataField",
    "MetadataExtraField", "T2IAdapterMetadataField",
)  # fmt: skip
# Types that the GUI can hold a value of; every other type only takes an edge.
STATEFUL_TYPES = frozenset(
    {
        *METADATA_TYPES, *PRIMITIVE_TYPES.values(),
        "BoardField", "ColorField", "EnumField", "FloatGeneratorField", "ImageField",
        "ImageGeneratorField", "IntegerGeneratorField", "LoRAField",
        "ModelIdentifierField", "SavedWorkflowField", "SchedulerField",
        "StringGeneratorField", "StylePresetField", "SystemPromptField", "VideoField",
    }
)  # fmt: skip


def _model(
    kind: str, base: Optional[list[str]] = None, variant: Optional[list[str]] = None
) -> Mapping[str, list[str]]:
    hints = {
        "ui_model_base": base,
        "ui_model_type": [kind],
        "ui_model_variant": variant,
    }
    return {key: values for key, values in hints.items() if values}


# How older servers restrict a model input: by a `ui_type` of this name. Newer
# servers send `ui_model_base` and its kin instead, with these same values.
MODEL_UI_TYPES: Mapping[str, Mapping[str, list[str]]] = {
    "MainModelField": _model("main", ["sd-1", "sd-2"]),
    "CogView4MainModelField": _model("main", ["cogview4"]),
    "FluxMainModelField": _model("main", ["flux"]),
    "SD3MainModelField": _model("main", ["sd-3"]),
    "SDXLMainModelField": _model("main", ["sdxl"]),
    "SDXLRefinerModelField": _model("main", ["sdxl-refiner"]),
    "VAEModelField": _model("vae"),
    "FluxVAEModelField": _model("vae", ["flux", "flux2"]),
    "LoRAModelField": _model("lora"),
    "ControlNetModelField": _model("controlnet"),
    "IPAdapterModelField": _model("ip_adapter"),
    "T2IAdapterModelField": _model("t2i_adapter"),
    "T5EncoderModelField": _model("t5_encoder"),
    "CLIPEmbedModelField": _model("clip_embed"),
    "CLIPLEmbedModelField": _model("clip_embed", variant=["large"]),
    "CLIPGEmbedModelField": _model("clip_embed", variant=["gigantic"]),
    "SpandrelImageToImageModelField": _model("spandrel_image_to_image"),
    "ControlLoRAModelField": _model("control_lora"),
    "SigLipModelField": _model("siglip"),
    "FluxReduxModelField": _model("flux_redux"),
    "LLaVAModelField": _model("llava_onevision"),
}


def read_type(schema: Schema) -> tuple[Optional[FieldType], Mapping[str, Any]]:
    """The type of a property, and the model restrictions that its `ui_type` implies.

    Returns:
        The type, None when the GUI has none for it, and GUI keys to add (empty
        except for the model types of older servers).
    """
    original = type_of_schema(schema)
    hint = schema.get("ui_type")
    if not isinstance(hint, str) or not hint:
        return original, {}
    if (
        original is not None
        and original.name == "ModelIdentifierField"
        and hint.endswith("ModelField")
    ):
        return original, MODEL_UI_TYPES.get(hint, {})
    cardinality: Cardinality = "COLLECTION" if hint == "CollectionField" else "SINGLE"
    named = FieldType(hint, cardinality)
    if hint in STATEFUL_TYPES and original is not None and original != named:
        return FieldType(hint, cardinality, original=original), {}
    return named, {}


def type_of_schema(schema: Any) -> Optional[FieldType]:
    """The type a schema describes without its UI hints; None when there is none."""
    if not isinstance(schema, Mapping):
        return None
    if "$ref" in schema:
        return _named(ref_name(schema))
    if schema.get("const"):
        return FieldType("EnumField")
    declared = schema.get("type")
    if not declared:
        return _type_of_combination(schema)
    if "enum" in schema:
        return FieldType("EnumField")
    if declared == "array":
        return _named(_item_type_name(schema.get("items")), "COLLECTION")
    return _named(_primitive(declared))


def _named(
    name: Optional[str], cardinality: Cardinality = "SINGLE"
) -> Optional[FieldType]:
    return FieldType(name, cardinality) if name else None


def _type_of_combination(schema: Schema) -> Optional[FieldType]:
    all_of = schema.get("allOf")
    if all_of:
        first = all_of[0] if isinstance(all_of, list) else None
        return _named(ref_name(first))
    members = non_null_members(schema)
    if len(members) == 1:
        return type_of_schema(members[0])
    if len(members) != 2:
        return None
    for single, many in (members, members[::-1]):
        if _is_of_type(many, "array"):
            name = _same_type_name(many.get("items"), single)
            return _named(name, "SINGLE_OR_COLLECTION")
    return None


def non_null_members(schema: Schema) -> list[Any]:
    """The alternatives of a union, null aside."""
    any_of = schema.get("anyOf")
    if not isinstance(any_of, list):
        return []
    return [member for member in any_of if not is_null(member)]


def is_null(schema: Any) -> bool:
    """True for the schema that allows null and nothing else."""
    return _is_of_type(schema, "null")


def ref_name(schema: Any) -> Optional[str]:
    """The name a reference ends in; None for what is not a reference."""
    ref = schema.get("$ref") if isinstance(schema, Mapping) else None
    return ref.rsplit("/", 1)[-1] or None if isinstance(ref, str) else None


def _is_of_type(schema: Any, name: str) -> bool:
    return (
        isinstance(schema, Mapping)
        and "$ref" not in schema
        and schema.get("type") == name
    )


def _primitive(declared: Any) -> Optional[str]:
    return PRIMITIVE_TYPES.get(declared) if isinstance(declared, str) else None


def _item_type_name(items: Any) -> Optional[str]:
    if not isinstance(items, Mapping):
        return None
    return ref_name(items) if "$ref" in items else _primitive(items.get("type"))


def _same_type_name(items: Any, single: Any) -> Optional[str]:
    """The type name that both have; the GUI compares no deeper than this."""
    if not (isinstance(items, Mapping) and isinstance(single, Mapping)):
        return None
    refs = ref_name(items), ref_name(single)
    if any(refs):
        return refs[0] if refs[0] == refs[1] else None
    declared = items.get("type")
    if not isinstance(declared, str) or declared == "array":
        return None
    if declared != single.get("type"):
        return None
    return PRIMITIVE_TYPES.get(declared, declared)
