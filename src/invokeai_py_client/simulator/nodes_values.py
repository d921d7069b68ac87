"""Nodes that compute with plain values: primitives, math, strings, collections."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from .execution import Context, Fields, implements


@implements("boolean", "integer", "float", "string")
def _primitive(node: Any, _context: Context) -> Fields:
    return {"value": node.value}


@implements(
    "boolean_collection",
    "integer_collection",
    "float_collection",
    "string_collection",
    "latents_collection",
    "conditioning_collection",
)
def _collection(node: Any, _context: Context) -> Fields:
    return {"collection": node.collection}


@implements("color")
def _color(node: Any, _context: Context) -> Fields:
    return {"color": node.color}


@implements("image")
def _image(node: Any, context: Context) -> Fields:
    return context.image_fields(node.image)


@implements("image_collection")
def _image_collection(node: Any, _context: Context) -> Fields:
    return {"collection": (node.collection or []) + (node.images or [])}


@implements("iterate")
def _iterate(node: Any, _context: Context) -> Fields:
    return {
        "item": node.collection[node.index],
        "index": node.index,
        "total": len(node.collection),
    }


@implements("collect")
def _collect(node: Any, _context: Context) -> Fields:
    return {"collection": list(node.collection)}


@implements("if")
def _if(node: Any, _context: Context) -> Fields:
    return {"value": node.true_input if node.condition else node.false_input}


@implements("add")
def _add(node: Any, _context: Context) -> Fields:
    return {"value": node.a + node.b}


@implements("sub")
def _sub(node: Any, _context: Context) -> Fields:
    return {"value": node.a - node.b}


@implements("mul")
def _mul(node: Any, _context: Context) -> Fields:
    return {"value": node.a * node.b}


@implements("div")
def _div(node: Any, _context: Context) -> Fields:
    # Through floats, as the server does: large results lose digits there too.
    return {"value": int(node.a / node.b)}


@implements("rand_int")
def _rand_int(node: Any, _context: Context) -> Fields:
    return {"value": int(np.random.randint(node.low, node.high, dtype=np.int64))}


@implements("rand_float")
def _rand_float(node: Any, _context: Context) -> Fields:
    return {
        "value": round(float(np.random.uniform(node.low, node.high)), node.decimals)
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


@implements("round_float")
def _round_float(node: Any, _context: Context) -> Fields:
    return {"value": round(node.value, node.decimals)}


@implements("integer_math")
def _integer_math(node: Any, _context: Context) -> Fields:
    operations: dict[str, Callable[[Any, Any], Any]] = {
        "ADD": lambda a, b: a + b,
        "SUB": lambda a, b: a - b,
        "MUL": lambda a, b: a * b,
        "DIV": lambda a, b: int(a / b),
        "EXP": lambda a, b: a**b,
        "MOD": lambda a, b: a % b,
        "ABS": lambda a, _: abs(a),
        "MIN": min,
        "MAX": max,
    }
    return {"value": operations[node.operation](node.a, node.b)}


@implements("float_math")
def _float_math(node: Any, _context: Context) -> Fields:
    operations: dict[str, Callable[[Any, Any], Any]] = {
        "ADD": lambda a, b: a + b,
        "SUB": lambda a, b: a - b,
        "MUL": lambda a, b: a * b,
        "DIV": lambda a, b: a / b,
        "EXP": lambda a, b: a**b,
        "SQRT": lambda a, _: float(np.sqrt(a)),
        "ABS": lambda a, _: abs(a),
        "MIN": min,
        "MAX": max,
    }
    return {"value": operations[node.operation](node.a, node.b)}


@implements("range")
def _range(node: Any, _context: Context) -> Fields:
    return {"collection": list(range(node.start, node.stop, node.step))}


@implements("range_of_size")
def _range_of_size(node: Any, _context: Context) -> Fields:
    stop = node.start + node.step * node.size
    return {"collection": list(range(node.start, stop, node.step))}


@implements("random_range")
def _random_range(node: Any, _context: Context) -> Fields:
    generator = np.random.default_rng(node.seed)
    numbers = generator.integers(low=node.low, high=node.high, size=node.size)
    return {"collection": [int(number) for number in numbers]}


@implements("float_range")
def _float_range(node: Any, _context: Context) -> Fields:
    return {"collection": np.linspace(node.start, node.stop, node.steps).tolist()}


@implements("string_join")
def _string_join(node: Any, _context: Context) -> Fields:
    return {"value": (node.string_left or "") + (node.string_right or "")}


@implements("string_join_three")
def _string_join_three(node: Any, _context: Context) -> Fields:
    parts = (node.string_left, node.string_middle, node.string_right)
    return {"value": "".join(part or "" for part in parts)}


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
