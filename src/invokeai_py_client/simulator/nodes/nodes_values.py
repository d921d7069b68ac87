"""Nodes that compute with plain values: primitives, math, strings, collections."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np

from .node_api import Fields, implements
from .node_context import Context

_MATH: dict[str, Callable[[Any, Any], Any]] = {
    "ADD": lambda a, b: a + b,
    "SUB": lambda a, b: a - b,
    "MUL": lambda a, b: a * b,
    "DIV": lambda a, b: a / b,
    "EXP": lambda a, b: a**b,
    "MOD": lambda a, b: a % b,
    "SQRT": lambda a, _: float(np.sqrt(a)),
    "ABS": lambda a, _: abs(a),
    "MIN": min,
    "MAX": max,
}


def _integer_math(node: Any) -> Any:
    result = _MATH[node.operation](node.a, node.b)
    return int(result) if node.operation == "DIV" else result


def _random_range(node: Any) -> list[int]:
    generator = np.random.default_rng(node.seed)
    numbers = generator.integers(low=node.low, high=node.high, size=node.size)
    return [int(number) for number in numbers]


_PLAIN = ("boolean", "integer", "float", "string")
_VALUES: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_PLAIN, attrgetter("value")),
    "if": lambda node: node.true_input if node.condition else node.false_input,
    "add": lambda node: node.a + node.b,
    "sub": lambda node: node.a - node.b,
    "mul": lambda node: node.a * node.b,
    # Through floats, as the server does: large results lose digits there too.
    "div": lambda node: int(node.a / node.b),
    "integer_math": _integer_math,
    "float_math": lambda node: _MATH[node.operation](node.a, node.b),
    "round_float": lambda node: round(node.value, node.decimals),
    "rand_int": lambda node: int(
        np.random.randint(node.low, node.high, dtype=np.int64)
    ),
    "rand_float": lambda node: round(
        float(np.random.uniform(node.low, node.high)), node.decimals
    ),
    "string_join": lambda node: (node.string_left or "") + (node.string_right or ""),
    "string_join_three": lambda node: "".join(
        part or "" for part in (node.string_left, node.string_middle, node.string_right)
    ),
}
_COLLECTIONS: dict[str, Callable[[Any], Any]] = {
    **{
        f"{kind}_collection": attrgetter("collection")
        for kind in (*_PLAIN, "latents", "conditioning")
    },
    "image_collection": lambda node: (node.collection or []) + (node.images or []),
    "collect": lambda node: list(node.collection),
    "range": lambda node: list(range(node.start, node.stop, node.step)),
    "range_of_size": lambda node: list(
        range(node.start, node.start + node.step * node.size, node.step)
    ),
    "random_range": _random_range,
    "float_range": lambda node: np.linspace(node.start, node.stop, node.steps).tolist(),
}


@implements(*_VALUES)
def _value(node: Any, _context: Context) -> Fields:
    with np.errstate(all="ignore"):  # NaN and infinity are results like others
        return {"value": _VALUES[node.type](node)}


@implements(*_COLLECTIONS)
def _collection(node: Any, _context: Context) -> Fields:
    with np.errstate(all="ignore"):
        return {"collection": _COLLECTIONS[node.type](node)}


@implements("color")
def _color(node: Any, _context: Context) -> Fields:
    return {"color": node.color}


@implements("image")
def _image(node: Any, context: Context) -> Fields:
    return context.image_fields(node.image)


@implements("core_metadata")
def _core_metadata(node: Any, context: Context) -> Fields:
    own = {"id", "type", "is_intermediate", "use_cache"}
    noted = node.model_dump(exclude_none=True, exclude=own)
    return {"metadata": {**noted, "app_version": context.schemas.version}}


@implements("iterate")
def _iterate(node: Any, _context: Context) -> Fields:
    return {
        "item": node.collection[node.index],
        "index": node.index,
        "total": len(node.collection),
    }


@implements("float_to_int")
def _float_to_int(node: Any, _context: Context) -> Fields:
    quotient = node.value / node.multiple
    if node.method == "Nearest":
        whole = round(quotient)
    elif node.method == "Floor":
        whole = float(np.floor(quotient))
    elif node.method == "Ceiling":
        whole = float(np.ceil(quotient))
    else:
        whole = int(quotient)
    return {"value": whole * node.multiple}


@implements("string_split")
def _string_split(node: Any, _context: Context) -> Fields:
    # An empty delimiter is str.split's ValueError, on the server too.
    first, *rest = node.string.split(node.delimiter, 1)
    return {"string_1": first, "string_2": rest[0] if rest else ""}


@implements("string_split_neg")
def _string_split_neg(node: Any, _context: Context) -> Fields:
    positive, negative = "", ""
    depth, escaped = 0, False
    for char in node.string or "":
        kept = char
        if char == "[" and not escaped:
            negative += " "
            depth += 1
        elif char == "]" and not escaped:
            depth -= 1
            kept = " "
        elif depth > 0:
            negative += char
        else:
            positive += char
        escaped = kept == "\\" and not escaped
    return {"positive_string": positive, "negative_string": negative}


@implements("string_replace")
def _string_replace(node: Any, _context: Context) -> Fields:
    text, pattern = node.string or "", node.search_string or ""
    if pattern:
        if not node.use_regex:
            pattern = "(?i)" + re.escape(pattern)
        text = re.sub(pattern, node.replace_string or "", text)
    return {"value": text}


@implements("call_saved_workflow")
def _call(_node: Any, _context: Context) -> Fields:
    raise NotImplementedError("The simulator does not call saved workflows")


@implements("workflow_return_value")
def _workflow_return_value(node: Any, _context: Context) -> Fields:
    return {"value": {"key": _return_key(node.key), "value": node.value}}


def _return_key(key: str) -> str:
    key = key.strip()
    if not key:
        raise ValueError("Workflow return key must not be empty.")
    return key


@implements("workflow_return")
def _workflow_return(node: Any, _context: Context) -> Fields:
    named: dict[str, Any] = {}
    for value in node.values if isinstance(node.values, list) else [node.values]:
        key = _return_key(value.key)
        if key in named:
            raise ValueError(f"Duplicate workflow return key '{key}'.")
        named[key] = value.value
    return {"values": named}


@implements("workflow_return_get")
def _workflow_return_get(node: Any, _context: Context) -> Fields:
    key = _return_key(node.key)
    if key not in node.values:
        raise ValueError(f"Workflow return key '{key}' was not found.")
    return {"value": node.values[key]}
