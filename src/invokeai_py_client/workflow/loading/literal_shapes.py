"""Which literal values of a file are kept, and in which form.

The GUI reads a stored value without looking at the field's type: it tries one shape
after the other and takes the first that fits, dropping keys which that shape does not
declare. `SHAPES` is that list. Where no shape fits, the GUI drops the value or, worse,
turns it into a float generator; we keep it as it is, and the checks judge it by the
field's template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Optional, Union

from invokeai_py_client.ivk_fields.server_rules import MODEL_KEYS
from invokeai_py_client.nodes.limits import is_number
from invokeai_py_client.nodes.template import UNSET, InputTemplate, Unset
from invokeai_py_client.workflow.document.js_semantics import plain_number, trim
from invokeai_py_client.workflow.document.json_data import copy_json
from invokeai_py_client.workflow.loading.generator_schemas import (
    GENERATOR_FIELDS,
    parse_any_generator,
    parse_generator,
)


class _No(Enum):
    """The value does not have this shape."""

    MATCH = "no match"


NO_MATCH = _No.MATCH
Matcher = Callable[[Any], Any]


@dataclass(frozen=True)
class Literal:
    """A stored value as read.

    Attributes:
        kept_raw: True when no shape fits, so that the GUI would have sent something
            else or nothing.
    """

    value: Union[Any, Unset]
    kept_raw: bool = False


def _number(value: Any) -> Any:
    return plain_number(value) if is_number(value) else NO_MATCH


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else NO_MATCH


def _boolean(value: Any) -> Any:
    return value if isinstance(value, bool) else NO_MATCH


def id_object(key: str) -> Matcher:
    """An object with one id, which is trimmed and must not be empty."""

    def match(value: Any) -> Any:
        found = value.get(key) if isinstance(value, Mapping) else None
        if not isinstance(found, str) or not trim(found):
            return NO_MATCH
        return {key: trim(found)}

    return match


_image = id_object("image_name")


def _model(value: Any) -> Any:
    """A model identifier.

    The GUI knows the bases and types of its own version only and drops a model of
    another; the server decides here.
    """
    if not isinstance(value, Mapping):
        return NO_MATCH
    texts = {key: value.get(key) for key in MODEL_KEYS}
    if not all(isinstance(text, str) and text for text in texts.values()):
        return NO_MATCH
    if "submodel_type" in value:
        return {**texts, "submodel_type": value["submodel_type"]}
    return texts


def _lora(value: Any) -> Any:
    if not isinstance(value, Mapping) or not is_number(value.get("weight")):
        return NO_MATCH
    model = _model(value.get("lora"))
    if model is NO_MATCH:
        return NO_MATCH
    return {"lora": model, "weight": plain_number(value["weight"])}


def color(value: Any) -> Any:
    """A colour of four whole numbers from 0 to 255."""
    if not isinstance(value, Mapping):
        return NO_MATCH
    parts = {key: _number(value.get(key)) for key in "rgba"}
    if all(isinstance(part, int) and 0 <= part <= 255 for part in parts.values()):
        return parts
    return NO_MATCH


def _generator(value: Any) -> Any:
    # Without a `type` the GUI takes any object at all for a float generator.
    if not isinstance(value, Mapping) or "type" not in value:
        return NO_MATCH
    found = parse_any_generator(value)
    return NO_MATCH if found is None else found


def _list_of(match: Matcher) -> Matcher:
    def match_all(value: Any) -> Any:
        if not isinstance(value, list):
            return NO_MATCH
        items = [match(item) for item in value]
        return NO_MATCH if NO_MATCH in items else items

    return match_all


SHAPES: tuple[Matcher, ...] = (
    _number,
    _list_of(_number),
    _text,
    _list_of(_text),
    _boolean,
    _image,
    _list_of(_image),
    id_object("video_name"),
    id_object("board_id"),
    id_object("style_preset_id"),
    id_object("system_prompt_id"),
    _model,
    _list_of(_lora),
    color,
    _generator,
)
"""The shapes in the order in which they are tried."""


def parse_literal(
    value: Union[Any, Unset],
    template: Optional[InputTemplate],
    *,
    keeps_null: bool,
) -> Literal:
    """Read a stored value; its template only matters for generators.

    With `keeps_null`, null is a value (inputs of `core_metadata`), not an absence.
    """
    if value is UNSET:
        return Literal(UNSET)
    if value is None:
        return Literal(None if keeps_null else UNSET)
    kind = template.type.name if template else None
    if kind == "ImageGeneratorField" and isinstance(value, Mapping) and "type" in value:
        # With a board, the GUI takes this for the board itself and cannot run it.
        own = parse_generator(GENERATOR_FIELDS[kind], value)
        if own is not None:
            return Literal(own)
    for match in SHAPES:
        found = match(value)
        if found is not NO_MATCH:
            return Literal(found)
    if kind == "FloatGeneratorField":
        # Without a `type`, as in the GUI.
        own = parse_generator(GENERATOR_FIELDS[kind], value)
        if own is not None:
            return Literal(own)
    return Literal(copy_json(value), kept_raw=not keeps_null)
