"""JSON from outside: read it, copy it, and refuse what is none, with the place."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from invokeai_py_client.exceptions import WorkflowFormatError

__all__ = [
    "MAX_DEPTH",
    "copy_json",
    "decode_text",
    "expect_object",
    "parse_json",
    "text_at",
]

MAX_DEPTH = 128
"""Levels of nesting accepted; real workflows stay below 20."""


def parse_json(text: str, source: str) -> Any:
    """Parse strict JSON: NaN and Infinity are refused, as JavaScript does.

    Args:
        text: The document.
        source: What it is, for the error.

    Raises:
        WorkflowFormatError: The text is no JSON, or nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise WorkflowFormatError(f"{source} is nested too deeply") from error
    except ValueError as error:
        raise WorkflowFormatError(f"{source} is not JSON: {error}") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def expect_object(value: Any, where: str) -> Mapping[str, Any]:
    """The value, which has to be an object.

    Raises:
        WorkflowFormatError: It is none; the message says where it stands.
    """
    if not isinstance(value, Mapping):
        raise WorkflowFormatError("expected an object", where=where)
    return value


def text_at(stored: Mapping[str, Any], key: str) -> str:
    """The text under a key; empty when there is none."""
    value = stored.get(key)
    return value if isinstance(value, str) else ""


def decode_text(content: bytes, source: str) -> str:
    """Decode UTF-8, UTF-16 or UTF-32, with or without a byte order mark.

    Raises:
        WorkflowFormatError: The bytes are no text in any of these.
    """
    try:
        return content.decode(json.detect_encoding(content), "surrogatepass")
    except UnicodeDecodeError as error:
        raise WorkflowFormatError(
            f"{source} is neither text nor a picture that we can read"
        ) from error


def copy_json(value: Any, where: str = "") -> Any:
    """Copy JSON data deeply; nothing of the copy is shared with the original.

    Raises:
        WorkflowFormatError: Something in it is no JSON, or it nests deeper than
            `MAX_DEPTH`.
    """
    return _copy(value, where, MAX_DEPTH)


def _copy(value: Any, where: str, depth: int) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise WorkflowFormatError("the number is not finite", where=where or None)
        return value
    if depth == 0:
        raise WorkflowFormatError(
            f"nested deeper than {MAX_DEPTH} levels", where=where[:80] or None
        )
    if isinstance(value, Mapping):
        return _copy_mapping(value, where, depth)
    if isinstance(value, (list, tuple)):
        return [
            _copy(item, f"{where}[{index}]", depth - 1)
            for index, item in enumerate(value)
        ]
    raise WorkflowFormatError(
        f"{type(value).__name__} is no JSON value", where=where or None
    )


def _copy_mapping(value: Mapping[Any, Any], where: str, depth: int) -> dict[str, Any]:
    copied: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise WorkflowFormatError(
                f"the key {key!r} is no text", where=where or None
            )
        copied[key] = _copy(item, f"{where}.{key}" if where else key, depth - 1)
    return copied
