"""Why a value is refused, and what would be allowed, in words for people."""

from __future__ import annotations

from dataclasses import dataclass

from invokeai_py_client.nodes.template import FieldType, Limits

__all__ = ["Refusal", "describe", "number_words"]


@dataclass(frozen=True)
class Refusal:
    """Why a value would be refused.

    Attributes:
        kind: Stable identifier such as ``"type"`` or ``"maximum"``.
        allowed: What would be allowed, in words.
    """

    kind: str
    allowed: str


def number_words(noun: str, limits: Limits) -> str:
    """The noun with every limit that counts, such as ``an integer, at least 1``."""
    parts = [noun]
    for words, bound in (
        ("at least", limits.minimum),
        ("greater than", limits.exclusive_minimum),
        ("at most", limits.maximum),
        ("less than", limits.exclusive_maximum),
        ("a multiple of", limits.multiple_of),
    ):
        if bound is not None:
            parts.append(f"{words} {bound:g}" if bound < 1e6 else f"{words} {bound}")
    return ", ".join(parts)


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


def describe(field_type: FieldType, limits: Limits) -> str:
    """What a field takes, in words for people."""
    noun = NOUNS.get(field_type.name, field_type.name)
    if field_type.name in ("FloatField", "IntegerField"):
        noun = number_words(noun, limits.item or limits)
    if limits.choices is not None:
        noun = "one of " + ", ".join(repr(item) for item in limits.choices)
    if field_type.cardinality == "COLLECTION":
        return f"a list of: {noun}"
    if field_type.cardinality == "SINGLE_OR_COLLECTION":
        return f"{noun}, or a list of these"
    return noun
