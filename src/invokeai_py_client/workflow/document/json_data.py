"""JSON from outside: read it, copy it, and refuse anything else, naming the place."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from invokeai_py_client._core.decode import MOST_VALUES, has_more_values
from invokeai_py_client.exceptions import WorkflowFormatError
from invokeai_py_client.workflow.document.other_files import settings_kind

MAX_DEPTH = 128
"""Levels of nesting accepted; real workflows stay below 20."""


def parse_json(text: str, source: str) -> Any:
    """Parse JSON: NaN and Infinity are refused, as JavaScript does; comments are not.

    Raises:
        WorkflowFormatError: The text is not JSON, nested too deeply, or has too many
            values.
    """
    if has_more_values(text.encode("utf-8", "surrogatepass"), MOST_VALUES):
        raise WorkflowFormatError(f"{source} has more than {MOST_VALUES} JSON values")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise WorkflowFormatError(f"{source} is nested too deeply") from error
    except ValueError as error:
        problem = error
    plain = _without_comments(text)
    if plain != text:
        return parse_json(plain, source)
    what = problem.args[0] if text.strip() else "it is empty"
    if not isinstance(problem, json.JSONDecodeError):
        place = re.search("NaN|-?Infinity", _STRING.sub(_blank, text))
        what += _place(text, place.start()) if place else ""
    settings = settings_kind(text)
    more = f"; {settings}" if settings else ""
    raise WorkflowFormatError(f"{source} is not JSON: {what}{more}") from problem


# A string to its end or that of its line, in which nothing is a comment.
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"?')
_COMMENT = re.compile(
    _STRING.pattern + r"|//[^\n]*|/\*.*?(?:\*/|\Z)|#[^\n]*", re.DOTALL
)
_LAST_COMMA = re.compile(_STRING.pattern + r"|,(?=\s*[}\]])")


def _without_comments(text: str) -> str:
    """The text with blanks for comments and commas after a last item.

    What is left keeps its line and column.
    """

    def blank(found: re.Match[str]) -> str:
        return found[0] if found[0].startswith('"') else _blank(found)

    return _LAST_COMMA.sub(blank, _COMMENT.sub(blank, text))


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return f": line {line} column {column}"


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def expect_object(value: Any, where: str) -> Mapping[str, Any]:
    """The value; `WorkflowFormatError` names the place if it is not an object."""
    if not isinstance(value, Mapping):
        raise WorkflowFormatError("expected an object", where=where)
    return value


def text_at(stored: Mapping[str, Any], key: str) -> str:
    """The text under a key; empty when there is none."""
    value = stored.get(key)
    return value if isinstance(value, str) else ""


def decode_text(content: bytes, source: str) -> str:
    """Decode UTF-8, UTF-16 or UTF-32, with or without a byte order mark."""
    try:
        return content.decode(json.detect_encoding(content), "surrogatepass")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise WorkflowFormatError(
            f"{source} is neither text nor an image that we can read: byte "
            f"{content[error.start]:#x} in line {line} is not {error.encoding}"
        ) from error


def copy_json(value: Any, where: str = "") -> Any:
    """Copy JSON data deeply; `WorkflowFormatError` when it is not JSON or too deep."""
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
        f"{type(value).__name__} is not a JSON value", where=where or None
    )


def _copy_mapping(value: Mapping[Any, Any], where: str, depth: int) -> dict[str, Any]:
    copied: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise WorkflowFormatError(
                f"the key {key!r} is not a string", where=where or None
            )
        copied[key] = _copy(item, f"{where}.{key}" if where else key, depth - 1)
    return copied
