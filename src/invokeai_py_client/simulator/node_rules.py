"""What some node classes of the server check beyond their schema.

Facts: the validators of `RangeInvocation`, `IntegerMathInvocation` and
`FloatMathInvocation` in 6.14.2, which no JSON schema can express.
"""

from __future__ import annotations

from typing import Any, Callable

from pydantic import ValidationInfo, field_validator


def _range_stop(value: int, info: ValidationInfo) -> int:
    if "start" in info.data and value <= info.data["start"]:
        raise ValueError("stop must be greater than start")
    return value


def _integer_math_b(value: int, info: ValidationInfo) -> int:
    operation = info.data["operation"]
    if operation in ("DIV", "MOD") and value == 0:
        raise ValueError("Cannot divide by zero")
    if operation == "EXP" and value < 0:
        raise ValueError("Result of exponentiation is not an integer")
    return value


def _float_math_b(value: float, info: ValidationInfo) -> float:
    operation, a = info.data["operation"], info.data["a"]
    if operation == "DIV" and value == 0:
        raise ValueError("Cannot divide by zero")
    if operation == "EXP" and a == 0 and value < 0:
        raise ValueError("Cannot raise zero to a negative power")
    if operation == "EXP" and isinstance(a**value, complex):
        raise ValueError("Root operation resulted in a complex number")
    return value


_RULES: dict[str, tuple[str, Callable[..., Any]]] = {
    "range": ("stop", _range_stop),
    "integer_math": ("b", _integer_math_b),
    "float_math": ("b", _float_math_b),
}


def has_rules(node_type: str) -> bool:
    """Whether the class of a node type checks more than its schema says."""
    return node_type in _RULES


def validators_of(node_type: str) -> dict[str, Any]:
    """The validators of a node class, for `pydantic.create_model`."""
    if node_type not in _RULES:
        return {}
    field, check = _RULES[node_type]
    return {"representable": field_validator(field)(check)}
