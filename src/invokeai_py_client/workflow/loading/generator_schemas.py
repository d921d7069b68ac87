"""The stored settings of generator nodes: their keys, kinds and defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from invokeai_py_client.workflow.document.js_semantics import (
    is_finite,
    is_safe_integer,
    plain_number,
    trim,
)
from invokeai_py_client.workflow.loading.editor_only_parts import is_id, is_text

OPTIONAL = object()
"""In place of a default: an absent key stays absent."""


def _is_positive_int(value: Any) -> bool:
    return is_safe_integer(value) and value >= 1


def _is_seed(value: Any) -> bool:
    return value is None or is_safe_integer(value)


def _is_values(value: Any) -> bool:
    return value is None or (
        isinstance(value, list) and all(is_finite(item) for item in value)
    )


def _is_image_category(value: Any) -> bool:
    return value in ("images", "assets")


@dataclass(frozen=True)
class _Key:
    accepts: Callable[[Any], bool]
    default: Any = OPTIONAL


Schema = Mapping[str, _Key]

_COUNT = _Key(is_safe_integer, 10)
_SEED = _Key(_is_seed)
_VALUES = _Key(_is_values)
_SPLIT = _Key(is_text, ",")
_PROMPT = _Key(is_text, "a super {cute|ferocious} {dog|cat}")

FLOAT: Mapping[str, Schema] = {
    "float_generator_arithmetic_sequence": {
        "start": _Key(is_finite, 0),
        "step": _Key(is_finite, 0.1),
        "count": _COUNT,
        "values": _VALUES,
    },
    "float_generator_linear_distribution": {
        "start": _Key(is_finite, 0),
        "end": _Key(is_finite, 1),
        "count": _COUNT,
        "values": _VALUES,
    },
    "float_generator_random_distribution_uniform": {
        "min": _Key(is_finite, 0),
        "max": _Key(is_finite, 1),
        "count": _COUNT,
        "seed": _SEED,
        "values": _VALUES,
    },
    "float_generator_parse_string": {
        "input": _Key(is_text, "0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1"),
        "splitOn": _SPLIT,
        "values": _VALUES,
    },
}
INTEGER: Mapping[str, Schema] = {
    "integer_generator_arithmetic_sequence": {
        "start": _Key(is_safe_integer, 0),
        "step": _Key(is_safe_integer, 1),
        "count": _COUNT,
    },
    "integer_generator_linear_distribution": {
        "start": _Key(is_safe_integer, 0),
        "end": _Key(is_safe_integer, 10),
        "count": _COUNT,
    },
    "integer_generator_random_distribution_uniform": {
        "min": _Key(is_safe_integer, 0),
        "max": _Key(is_safe_integer, 10),
        "count": _COUNT,
        "seed": _SEED,
    },
    "integer_generator_parse_string": {
        "input": _Key(is_text, "1,2,3,4,5,6,7,8,9,10"),
        "splitOn": _SPLIT,
    },
}
STRING: Mapping[str, Schema] = {
    "string_generator_parse_string": {
        "input": _Key(is_text, "foo,bar,baz,qux"),
        "splitOn": _SPLIT,
    },
    "string_generator_dynamic_prompts_combinatorial": {
        "input": _PROMPT,
        "maxPrompts": _Key(_is_positive_int, 10),
    },
    "string_generator_dynamic_prompts_random": {
        "input": _PROMPT,
        "count": _Key(_is_positive_int, 10),
        "seed": _SEED,
    },
}
IMAGE: Mapping[str, Schema] = {
    "image_generator_images_from_board": {
        "board_id": _Key(is_id),
        "category": _Key(_is_image_category, "images"),
    },
}
GENERATOR_FIELDS: Mapping[str, Mapping[str, Schema]] = {
    "FloatGeneratorField": FLOAT,
    "IntegerGeneratorField": INTEGER,
    "StringGeneratorField": STRING,
    "ImageGeneratorField": IMAGE,
}
"""The kinds of generators by the field type that holds them."""


def parse_any_generator(value: Any) -> Optional[dict[str, Any]]:
    """The settings of the first generator that fits; None when none does."""
    for kinds in GENERATOR_FIELDS.values():
        found = parse_generator(kinds, value)
        if found is not None:
            return found
    return None


def parse_generator(
    kinds: Mapping[str, Schema], value: Any
) -> Optional[dict[str, Any]]:
    """The settings as the first kind that fits: declared keys only, defaults filled.

    A value without `type` fits the first kind whose keys it does not contradict.
    """
    if not isinstance(value, Mapping):
        return None
    for kind, schema in kinds.items():
        if value.get("type", kind) == kind:
            found = _parse(kind, schema, value)
            if found is not None:
                return found
    return None


def _parse(
    kind: str, schema: Schema, value: Mapping[str, Any]
) -> Optional[dict[str, Any]]:
    settings: dict[str, Any] = {"type": kind}
    for name, key in schema.items():
        if name in value:
            if not key.accepts(value[name]):
                return None
            settings[name] = _plain(name, value[name])
        elif key.default is not OPTIONAL:
            settings[name] = key.default
    return settings


def _plain(name: str, value: Any) -> Any:
    if name == "board_id":
        return trim(value)
    if isinstance(value, list):
        return [plain_number(item) for item in value]
    return plain_number(value) if is_finite(value) else value
