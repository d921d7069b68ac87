"""Why a value is refused, and what would be allowed, in words for people."""

from __future__ import annotations

from dataclasses import dataclass

from invokeai_py_client.ivk_fields.faults import allowed_numbers
from invokeai_py_client.ivk_fields.model import allowed_models, restrictions_of
from invokeai_py_client.nodes.template import FieldType, InputTemplate, Limits

__all__ = ["Refusal", "describe", "describe_input"]


@dataclass(frozen=True)
class Refusal:
    """Why a value would be refused.

    Attributes:
        kind: Stable identifier such as ``"type"`` or ``"maximum"``.
        allowed: What would be allowed, in words.
    """

    kind: str
    allowed: str


NOUNS = {
    "BoardField": "a board",
    "BooleanField": "true or false",
    "ColorField": "a colour",
    "EnumField": "text",
    "FloatField": "a number",
    "ImageField": "an image",
    "IntegerField": "an integer",
    "ModelIdentifierField": "a model",
    "StringField": "text",
    "VideoField": "a video",
}


def describe_input(template: InputTemplate) -> str:
    """What an input takes, in words for people."""
    field_type = template.type
    wanted = restrictions_of(template)
    if (wanted.base or wanted.type) and field_type.cardinality == "SINGLE":
        return allowed_models(wanted)
    return describe(field_type, template.limits)


def describe(field_type: FieldType, limits: Limits) -> str:
    """What a field takes, in words for people."""
    noun = NOUNS.get(field_type.name, field_type.name)
    if field_type.name in ("FloatField", "IntegerField"):
        noun = allowed_numbers(limits.item or limits, noun)
    if limits.choices is not None:
        noun = "one of " + ", ".join(repr(item) for item in limits.choices)
    if field_type.cardinality == "COLLECTION":
        return f"a list of: {noun}"
    if field_type.cardinality == "SINGLE_OR_COLLECTION":
        return f"{noun}, or a list of these"
    return noun
