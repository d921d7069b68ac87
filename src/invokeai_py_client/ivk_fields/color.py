"""Colours with an alpha channel, every component from 0 to 255."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Optional

from invokeai_py_client.ivk_fields.faults import Fault, integer_faults, shown
from invokeai_py_client.ivk_fields.number import as_integer, as_items
from invokeai_py_client.ivk_fields.template_field import RefusedError, TemplateField
from invokeai_py_client.nodes.template import Limits

COMPONENTS = ("r", "g", "b", "a")
COMPONENT_LIMITS = Limits(minimum=0, maximum=255)
HEX = re.compile(r"#?([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})", re.IGNORECASE)
ALLOWED = (
    "{'r', 'g', 'b', 'a'} or (r, g, b[, a]), each an integer from 0 to 255, "
    "or '#rrggbb' or '#rrggbbaa'"
)


def color_from(value: Any) -> dict[str, Any]:
    """A colour's components; alpha is 255 where it is not given.

    Raises:
        RefusedError: It is no colour.
    """
    if isinstance(value, str):
        return _from_hex(value)
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
        raise RefusedError("type", f"must be a colour, got {shown(value)}", ALLOWED)
    found.setdefault("a", 255)
    return {key: as_integer(found[key]) for key in COMPONENTS}


def _from_hex(text: str) -> dict[str, Any]:
    match = HEX.fullmatch(text.strip())
    if match is None:
        raise RefusedError("type", f"must be a colour, got {text!r}", ALLOWED)
    digits = match.group(1)
    if len(digits) < 6:
        digits = "".join(digit * 2 for digit in digits)
    digits = digits if len(digits) == 8 else f"{digits}ff"
    return dict(zip(COMPONENTS, bytes.fromhex(digits)))


class IvkColorField(TemplateField["dict[str, int]"]):
    """A colour: ``{r, g, b, a}``, a tuple as PIL gives it, or ``#rrggbb``."""

    TYPE: ClassVar[str] = "ColorField"

    def _accept(self, value: Any) -> Any:
        return color_from(value)

    def _wire_faults(self, value: Any) -> Iterator[Fault]:
        if not isinstance(value, Mapping):
            yield Fault("type", f"must be a colour, got {shown(value)}", ALLOWED)
            return
        for key in COMPONENTS:
            for fault in integer_faults(value.get(key), COMPONENT_LIMITS):
                yield Fault(fault.kind, f"component {key} {fault.text}", ALLOWED)

    @property
    def hex(self) -> Optional[str]:
        """The colour as ``#rrggbbaa``; None when unset or no colour."""
        if self.value is None or self.problems():
            return None
        return "#" + bytes(self.value[key] for key in COMPONENTS).hex()

    @property
    def allowed(self) -> str:
        """What is taken."""
        return ALLOWED
