"""Rules that node types of the server check by hand, and its schema does not tell.

Read from the nodes of InvokeAI 6.14.2 and tried on its models (docs/dev/checks.md).
A rule sees a node's values with the template's defaults filled in, edges or not: the
server writes the defaults into every job it stores and reads them again, so a
`range` that starts at 20 and has its `stop` fed by an edge (default 10) blocks the
queue although enqueuing it was fine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from invokeai_py_client.workflow.refusals import Refusal
from invokeai_py_client.workflow.scalar_checks import as_float, as_integer

__all__ = ["NodeRule", "rules_of"]

Values = Mapping[str, Any]


@dataclass(frozen=True)
class NodeRule:
    """One rule of one node type.

    Attributes:
        fields: The fields it looks at; the first one is named in the problem.
        check: Says why the values are refused, None when they are fine. Values that
            are no numbers at all were refused before.
    """

    fields: Sequence[str]
    check: Callable[[Values], Optional[Refusal]]


def _integer(values: Values, name: str) -> int:
    return as_integer(values.get(name)) or 0


def _number(values: Values, name: str) -> float:
    return as_float(values.get(name)) or 0.0


def _numbers(value: Any) -> list[float]:
    items = value if isinstance(value, list) else [value]
    return [number for number in map(as_float, items) if number is not None]


def _range(values: Values) -> Optional[Refusal]:
    start = _integer(values, "start")
    if _integer(values, "stop") > start:
        return None
    return Refusal("node_rule", f"a stop above start ({start})")


def _steps(values: Values) -> Optional[Refusal]:
    end = _number(values, "end_step_percent")
    if _number(values, "begin_step_percent") <= end:
        return None
    return Refusal("node_rule", f"at most end_step_percent ({end:g})")


def _within(name: str, low: float, high: float, words: str) -> NodeRule:
    def check(values: Values) -> Optional[Refusal]:
        # Asked this way round as the server does, which lets the text "nan" through.
        if any(number < low or number > high for number in _numbers(values.get(name))):
            return Refusal("node_rule", words)
        return None

    return NodeRule((name,), check)


def _finite(name: str) -> NodeRule:
    def check(values: Values) -> Optional[Refusal]:
        if all(map(math.isfinite, _numbers(values.get(name)))):
            return None
        return Refusal("node_rule", "a finite number")

    return NodeRule((name,), check)


FACE_IDS = re.compile(r"\d*(,\d+)*\n?")


def _face_ids(values: Values) -> Optional[Refusal]:
    if FACE_IDS.fullmatch(str(values.get("face_ids", ""))):
        return None
    return Refusal("node_rule", 'integers with commas between, such as "1,2,3"')


def _panel(index: str, count: str) -> NodeRule:
    def check(values: Values) -> Optional[Refusal]:
        last = _integer(values, count) - 1
        if 0 <= _integer(values, index) <= last:
            return None
        return Refusal("node_rule", f"0 to {last}, since {count} is {last + 1}")

    return NodeRule((index, count), check)


def _integer_math(values: Values) -> Optional[Refusal]:
    operation, second = values.get("operation"), _integer(values, "b")
    if operation in ("DIV", "MOD") and second == 0:
        return Refusal("node_rule", f"no division by zero ({operation})")
    if operation == "EXP" and second < 0:
        return Refusal("node_rule", "no negative exponent: the result is no integer")
    return None


def _float_math(values: Values) -> Optional[Refusal]:
    operation = values.get("operation")
    first, second = _number(values, "a"), _number(values, "b")
    if operation == "DIV" and second == 0:
        return Refusal("node_rule", "no division by zero")
    if operation != "EXP":
        return None
    if first == 0 and second < 0:
        return Refusal("node_rule", "zero has no negative power")
    if first < 0 and not second.is_integer():
        return Refusal("node_rule", "a negative number has no such root")
    return None


CUSTOM_LABEL = "* CUSTOM LABEL *"


def _custom_label(values: Values) -> Optional[Refusal]:
    if values.get("label") != CUSTOM_LABEL:
        return None
    given = values.get("custom_label")
    if given is not None and str(given).strip():
        return None
    return Refusal("node_rule", f'a text, since label is "{CUSTOM_LABEL}"')


def _same_length(values: Values) -> Optional[Refusal]:
    boxes, points = values.get("bounding_boxes"), values.get("point_lists")
    if not isinstance(boxes, list) or not isinstance(points, list):
        return None
    if len(boxes) == len(points):
        return None
    return Refusal("node_rule", f"as many lists as bounding_boxes ({len(boxes)})")


def _object(name: str) -> NodeRule:
    def check(values: Values) -> Optional[Refusal]:
        if isinstance(values.get(name, {}), Mapping):
            return None
        return Refusal("type", "an object")

    return NodeRule((name,), check)


_STEPS = NodeRule(("begin_step_percent", "end_step_percent"), _steps)
_WEIGHT = "numbers from -1 to 2"
_IP_ADAPTER = (_STEPS, _within("weight", -1, 2, _WEIGHT))
_GUIDED = (_within("cfg_scale", 1, math.inf, "numbers from 1 up"),)
_LABELLED = (NodeRule(("custom_label", "label"), _custom_label),)

RULES: Mapping[str, Sequence[NodeRule]] = {
    "call_saved_workflow": (_object("workflow_inputs"),),
    "controlnet": (_STEPS,),
    "denoise_latents": _GUIDED,
    "denoise_latents_meta": _GUIDED,
    "face_mask_detection": (NodeRule(("face_ids",), _face_ids),),
    "float_math": (NodeRule(("b", "a", "operation"), _float_math),),
    "flux_controlnet": (_STEPS,),
    "flux_ip_adapter": _IP_ADAPTER,
    "image_panel_layout": (
        _panel("panel_col_idx", "num_cols"),
        _panel("panel_row_idx", "num_rows"),
    ),
    "integer_math": (NodeRule(("b", "operation"), _integer_math),),
    "ip_adapter": _IP_ADAPTER,
    "krea2_conditioning_rebalance": (_finite("multiplier"),),
    "krea2_denoise": (_finite("cfg_scale"), _finite("shift")),
    "metadata_item_linked": _LABELLED,
    "metadata_to_bool": _LABELLED,
    "metadata_to_bool_collection": _LABELLED,
    "metadata_to_float": _LABELLED,
    "metadata_to_float_collection": _LABELLED,
    "metadata_to_integer": _LABELLED,
    "metadata_to_integer_collection": _LABELLED,
    "metadata_to_model": _LABELLED,
    "metadata_to_scheduler": _LABELLED,
    "metadata_to_sdxl_model": _LABELLED,
    "metadata_to_string": _LABELLED,
    "metadata_to_string_collection": _LABELLED,
    "metadata_to_vae": _LABELLED,
    "range": (NodeRule(("stop", "start"), _range),),
    "segment_anything": (NodeRule(("point_lists", "bounding_boxes"), _same_length),),
    "t2i_adapter": (
        _STEPS,
        _within("weight", 0, 2, "a number from 0 to 2"),
    ),
    "tiled_multi_diffusion_denoise_latents": _GUIDED,
    "workflow_return_get": (_object("values"),),
}

LOOSE_FIELDS = frozenset({("noise", "seed")})
"""Fields whose limits the server does not apply: it takes the seed modulo 2**32."""

UNBATCHABLE_FIELDS = frozenset({("prompt_from_file", "file_path")})
"""Fields that the server checks against its own disk: a batch value that does not
fit would block the queue, and only the server could tell."""


def rules_of(node_type: str) -> Sequence[NodeRule]:
    """The rules of a node type, none for most."""
    return RULES.get(node_type, ())
