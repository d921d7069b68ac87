"""Rules that node types of the server check in code and its schema does not have.

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

from invokeai_py_client.exceptions import FieldProblem
from invokeai_py_client.ivk_fields.server_rules import (
    not_allowed,
    read_float,
    read_integer,
)

Values = Mapping[str, Any]


@dataclass(frozen=True)
class NodeRule:
    """One rule of one node type.

    Attributes:
        fields: The fields it looks at; the first one is named in the problem.
        unguarded: Those that an edge can set against the rule: the server notices it
            when it has stored the job, and cannot read it again.
    """

    fields: Sequence[str]
    check: Callable[[Values], Optional[FieldProblem]]
    unguarded: Sequence[str] = ()


def _integer(values: Values, name: str) -> int:
    return read_integer(values.get(name)) or 0


def _number(values: Values, name: str) -> float:
    return read_float(values.get(name)) or 0.0


def _numbers(value: Any) -> list[float]:
    items = value if isinstance(value, list) else [value]
    return [number for number in map(read_float, items) if number is not None]


def _range(values: Values) -> Optional[FieldProblem]:
    start = _integer(values, "start")
    if _integer(values, "stop") > start:
        return None
    return not_allowed("node_rule", f"a stop above start ({start})")


def _steps(values: Values) -> Optional[FieldProblem]:
    end = _number(values, "end_step_percent")
    if _number(values, "begin_step_percent") <= end:
        return None
    return not_allowed("node_rule", f"at most end_step_percent ({end:g})")


def _within(name: str, low: float, high: float, words: str) -> NodeRule:
    def check(values: Values) -> Optional[FieldProblem]:
        # Compared as the server does, which lets the string "nan" through.
        if any(number < low or number > high for number in _numbers(values.get(name))):
            return not_allowed("node_rule", words)
        return None

    return NodeRule((name,), check)


def _finite(name: str) -> NodeRule:
    def check(values: Values) -> Optional[FieldProblem]:
        if all(map(math.isfinite, _numbers(values.get(name)))):
            return None
        return not_allowed("node_rule", "a finite number")

    return NodeRule((name,), check)


FACE_IDS = re.compile(r"\d*(,\d+)*\n?")


def _face_ids(values: Values) -> Optional[FieldProblem]:
    if FACE_IDS.fullmatch(str(values.get("face_ids", ""))):
        return None
    return not_allowed("node_rule", 'integers with commas between, such as "1,2,3"')


def _panel(index: str, count: str) -> NodeRule:
    def check(values: Values) -> Optional[FieldProblem]:
        last = _integer(values, count) - 1
        if 0 <= _integer(values, index) <= last:
            return None
        return not_allowed("node_rule", f"0 to {last}, since {count} is {last + 1}")

    return NodeRule((index, count), check, (count,))


def _integer_math(values: Values) -> Optional[FieldProblem]:
    operation, second = values.get("operation"), _integer(values, "b")
    if operation in ("DIV", "MOD") and second == 0:
        return not_allowed("node_rule", f"no division by zero ({operation})")
    if operation == "EXP" and second < 0:
        return not_allowed(
            "node_rule", "no negative exponent: the result is not an integer"
        )
    return None


def _float_math(values: Values) -> Optional[FieldProblem]:
    operation = values.get("operation")
    first, second = _number(values, "a"), _number(values, "b")
    if operation == "DIV" and second == 0:
        return not_allowed("node_rule", "no division by zero")
    if operation != "EXP":
        return None
    if first == 0 and second < 0:
        return not_allowed("node_rule", "zero has no negative power")
    if first < 0 and not second.is_integer():
        return not_allowed("node_rule", "a negative number has no such root")
    try:
        first**second
    except OverflowError:
        return not_allowed("node_rule", "a power of at most 1.8e308")
    return None


CUSTOM_LABEL = "* CUSTOM LABEL *"


def _custom_label(values: Values) -> Optional[FieldProblem]:
    if values.get("label") != CUSTOM_LABEL:
        return None
    given = values.get("custom_label")
    if given is not None and str(given).strip():
        return None
    return not_allowed("node_rule", f'a string, since label is "{CUSTOM_LABEL}"')


def _same_length(values: Values) -> Optional[FieldProblem]:
    boxes, points = values.get("bounding_boxes"), values.get("point_lists")
    if not isinstance(boxes, list) or not isinstance(points, list):
        return None
    if len(boxes) == len(points):
        return None
    return not_allowed("node_rule", f"as many lists as bounding_boxes ({len(boxes)})")


def _object(name: str) -> NodeRule:
    def check(values: Values) -> Optional[FieldProblem]:
        if isinstance(values.get(name, {}), Mapping):
            return None
        return not_allowed("type", "an object")

    return NodeRule((name,), check)


_STEP_FIELDS = ("begin_step_percent", "end_step_percent")
_STEPS = NodeRule(_STEP_FIELDS, _steps, _STEP_FIELDS)
_WEIGHT = "numbers from -1 to 2"
_IP_ADAPTER = (_STEPS, _within("weight", -1, 2, _WEIGHT))
_GUIDED = (_within("cfg_scale", 1, math.inf, "numbers from 1 up"),)
_LABELLED = dict.fromkeys(
    (
        "metadata_item_linked", "metadata_to_bool", "metadata_to_bool_collection",
        "metadata_to_float", "metadata_to_float_collection", "metadata_to_integer",
        "metadata_to_integer_collection", "metadata_to_model",
        "metadata_to_scheduler", "metadata_to_sdxl_model", "metadata_to_string",
        "metadata_to_string_collection", "metadata_to_vae",
    ),
    (NodeRule(("custom_label", "label"), _custom_label, ("custom_label", "label")),),
)  # fmt: skip

RULES: Mapping[str, Sequence[NodeRule]] = {
    **_LABELLED,
    "call_saved_workflow": (_object("workflow_inputs"),),
    "controlnet": (_STEPS,),
    "denoise_latents": _GUIDED,
    "denoise_latents_meta": _GUIDED,
    "face_mask_detection": (NodeRule(("face_ids",), _face_ids),),
    "float_math": (NodeRule(("b", "a", "operation"), _float_math, ("a",)),),
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
    "range": (NodeRule(("stop", "start"), _range, ("start",)),),
    "segment_anything": (NodeRule(("point_lists", "bounding_boxes"), _same_length),),
    "t2i_adapter": (_STEPS, _within("weight", 0, 2, "a number from 0 to 2")),
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
