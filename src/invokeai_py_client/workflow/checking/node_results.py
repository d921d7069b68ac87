"""What nodes that only calculate return, as InvokeAI 6.14.2 calculates it.

Used to know before a run which values edges will bring (`edge_values`). A node that is
not here, or whose arguments are not known, returns what nobody knows yet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from invokeai_py_client.ivk_fields.server_rules import TOO_LARGE, read_boolean

Values = Mapping[str, Any]

# More numbers than this are not worth knowing.
MAX_ITEMS = 10_000


class UnknownResultError(ValueError):
    """The result is not worth calculating, or the node will raise an error."""


def _power(base: int, exponent: int) -> Any:
    # One digit too many is enough to know that there are too many.
    if exponent * math.log10(abs(base) or 1) > 5000:
        return TOO_LARGE
    return base**exponent


def _square_root(number: float) -> float:
    return math.sqrt(number) if number >= 0 else math.nan


_COMMON: Mapping[str, Callable[[Any, Any], Any]] = {
    "ADD": lambda a, b: a + b,
    "SUB": lambda a, b: a - b,
    "MUL": lambda a, b: a * b,
    "ABS": lambda a, _b: abs(a),
    "MIN": min,
    "MAX": max,
}
_INTEGER: Mapping[str, Callable[[Any, Any], Any]] = {
    **_COMMON,
    "DIV": lambda a, b: int(a / b),
    "EXP": _power,
    "MOD": lambda a, b: a % b,
}
_FLOAT: Mapping[str, Callable[[Any, Any], Any]] = {
    **_COMMON,
    "DIV": lambda a, b: a / b,
    "EXP": lambda a, b: a**b,
    "SQRT": lambda a, _b: _square_root(a),
}
_ROUND: Mapping[str, Callable[[float], float]] = {
    "Nearest": round,
    "Floor": math.floor,
    "Ceiling": math.ceil,
    "Truncate": int,
}


def _range(start: int, stop: int, step: int) -> list[int]:
    numbers = range(start, stop, step)
    if len(numbers) > MAX_ITEMS:
        raise UnknownResultError
    return list(numbers)


def _line(values: Values) -> list[float]:
    start, stop, steps = values["start"], values["stop"], values["steps"]
    if not 0 <= steps <= MAX_ITEMS:
        raise UnknownResultError
    if steps < 2:
        return [start] * steps
    step = (stop - start) / (steps - 1)
    return [*(start + index * step for index in range(steps - 1)), stop]


def _pinned(values: Values) -> int:
    low: int = values["low"]
    if values["high"] != low + 1:
        raise UnknownResultError
    return low


def _single(function: Callable[[Values], Any]) -> Callable[[Values], Values]:
    return lambda values: {"value": function(values)}


def _list(function: Callable[[Values], Any]) -> Callable[[Values], Values]:
    return lambda values: {"collection": function(values)}


def _condition(values: Values) -> bool:
    condition = read_boolean(values["condition"])
    if condition is None:
        raise UnknownResultError
    return condition


RESULTS: Mapping[str, Callable[[Values], Values]] = {
    **dict.fromkeys(
        ("boolean", "float", "integer", "string"), _single(lambda v: v["value"])
    ),
    **dict.fromkeys(
        ("boolean_collection", "float_collection", "integer_collection"),
        _list(lambda v: v["collection"]),
    ),
    "add": _single(lambda v: v["a"] + v["b"]),
    "sub": _single(lambda v: v["a"] - v["b"]),
    "mul": _single(lambda v: v["a"] * v["b"]),
    "div": _single(lambda v: int(v["a"] / v["b"])),
    "integer_math": _single(lambda v: _INTEGER[v["operation"]](v["a"], v["b"])),
    "float_math": _single(lambda v: _FLOAT[v["operation"]](v["a"], v["b"])),
    "float_to_int": _single(
        lambda v: _ROUND[v["method"]](v["value"] / v["multiple"]) * v["multiple"]
    ),
    "round_float": _single(lambda v: round(v["value"], v["decimals"])),
    "rand_int": _single(_pinned),
    "range": _list(lambda v: _range(v["start"], v["stop"], v["step"])),
    "range_of_size": _list(
        lambda v: _range(v["start"], v["start"] + v["step"] * v["size"], v["step"])
    ),
    "float_range": _list(_line),
    "if": _single(lambda v: v.get("true_input" if _condition(v) else "false_input")),
}
"""The outputs by name, from the inputs by name; errors are those of Python."""
