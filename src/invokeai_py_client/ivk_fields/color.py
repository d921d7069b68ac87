"""Colours with an alpha channel, every component from 0 to 255."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, ClassVar, Optional

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.ivk_fields.scalar import as_integer, as_items
from invokeai_py_client.ivk_fields.template_field import RefusedError, TemplateField
from invokeai_py_client.ivk_fields.value_rules import integer_problems, must_be
from invokeai_py_client.nodes.template import Limits

COMPONENTS = ("r", "g", "b", "a")
COMPONENT_LIMITS = Limits(minimum=0, maximum=255)
_NUMBER = r"\s*([-+]?(?:\d+\.?\d*|\.\d+)%?)\s*"
RGB_PATTERN = rf"rgba?\({_NUMBER}[,\s]{_NUMBER}[,\s]{_NUMBER}(?:[,/\s]{_NUMBER})?\)"
HEX_PATTERN = "^#?([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$"
# What a name may be made of: the names themselves would fill a page.
ANY_PATTERN = rf"{HEX_PATTERN}|^[rR][gG][bB][aA]?\(.+\)$|^[a-zA-Z]+$"


def color_from(value: Any) -> dict[str, Any]:
    """A colour's components; alpha is 255 where it is not given.

    Raises:
        RefusedError: It is not a colour.
    """
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, Mapping):
        found = {key: value[key] for key in COMPONENTS if key in value}
        if set(value) - set(COMPONENTS):
            found = {}
    elif all(hasattr(value, key) for key in "rgb"):
        found = {key: getattr(value, key, 255) for key in COMPONENTS}
    else:
        items = as_items(value)
        count = len(items) if isinstance(items, list) else 0
        found = dict(zip(COMPONENTS, items)) if count in (3, 4) else {}
    if not set("rgb") <= set(found):
        raise RefusedError(must_be("a colour", value))
    found.setdefault("a", 255)
    return {key: as_integer(found[key]) for key in COMPONENTS}


@lru_cache(maxsize=1)
def _css_colors() -> dict[str, str]:
    """The names of CSS, each with its hexadecimal digits."""
    folder = resources.files("invokeai_py_client.ivk_fields")
    found: dict[str, str] = json.loads(folder.joinpath("css_colors.json").read_bytes())
    return found


def _from_text(text: str) -> dict[str, Any]:
    word = text.strip().lower()
    function = re.fullmatch(RGB_PATTERN, word)
    if function is not None:
        parts = dict(zip(COMPONENTS, function.groups()))
        return {key: _component(key, part or "100%") for key, part in parts.items()}
    match = re.fullmatch(HEX_PATTERN, _css_colors().get(word, word))
    if match is None:
        raise RefusedError(must_be("a colour", text))
    digits = match.group(1)
    if len(digits) < 6:
        digits = "".join(digit * 2 for digit in digits)
    # The alpha channel, unless the digits have their own: only four bytes count.
    return dict(zip(COMPONENTS, bytes.fromhex(f"{digits}ff")))


def _component(key: str, part: str) -> int:
    """A number of ``rgb()``: of 255, of 1 for the alpha channel, or a percentage."""
    number = float(part.rstrip("%"))
    if part.endswith("%"):
        number = number * 255 / 100
    elif key == "a":
        number *= 255
    # CSS takes what is too much for the most there is.
    return round(min(max(number, 0), 255))


class IvkColorField(TemplateField["dict[str, int]"]):
    """A colour: ``{r, g, b, a}``, a tuple as PIL gives it, or as CSS writes it."""

    ALLOWED: ClassVar[str] = (
        "{'r', 'g', 'b', 'a'} or (r, g, b[, a]), each an integer from 0 to 255, "
        "or as CSS has it: '#rrggbb', '#rrggbbaa', 'rgb(255, 0, 0)' or a name"
    )

    def _accept(self, value: Any) -> Any:
        return color_from(value)

    def _wire_problems(self, value: Any) -> Iterator[FieldProblem]:
        if not isinstance(value, Mapping):
            yield must_be("a colour", value)
            return
        for key in COMPONENTS:
            for problem in integer_problems(value.get(key), COMPONENT_LIMITS):
                yield FieldProblem(f"component {key} {problem.what}", problem.kind)

    def _item_schema(self) -> dict[str, Any]:
        component = {"type": "integer", "minimum": 0, "maximum": 255}
        components = {
            "type": "object",
            "properties": dict.fromkeys(COMPONENTS, component),
            "required": ["r", "g", "b"],
            "additionalProperties": False,
        }
        return {"anyOf": [{"type": "string", "pattern": ANY_PATTERN}, components]}

    @property
    def hex(self) -> Optional[str]:
        """The colour as ``#rrggbbaa``; None when unset or no colour."""
        if self.value is None or self.problems():
            return None
        return "#" + bytes(self.value[key] for key in COMPONENTS).hex()
