"""Data as TOML, to be read by people: what a plan needs of it, no more."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

LONGEST_LIST = 100
"""Elements that are written of a list; a comment counts the others."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_WIDTH = 88


def toml_text(data: Mapping[str, Any]) -> str:
    """A document of nested tables; entries that are None are left out.

    Strings, booleans, numbers, lists and mappings are written as such, anything else
    by its `str`.
    """
    return "\n".join(_table((), data)).strip() + "\n"


def _table(path: tuple[str, ...], data: Mapping[str, Any]) -> Iterator[str]:
    present = {str(key): value for key, value in data.items() if value is not None}
    tables = {k: v for k, v in present.items() if isinstance(v, Mapping)}
    plain = {k: v for k, v in present.items() if k not in tables}
    if path and (plain or not tables):
        yield ""
        yield f"[{'.'.join(map(_key, path))}]"
    for key, value in plain.items():
        yield f"{_key(key)} = {_value(value)}"
    for key, value in tables.items():
        yield from _table((*path, key), value)


def _key(text: str) -> str:
    return text if _BARE_KEY.fullmatch(text) else _string(text)


def _value(value: Any) -> str:
    if value is None:
        # TOML has no null, and a list must not lose an element.
        return '"null"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else _odd_float(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return _inline_table(value)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return _list(value)
    return _string(str(value))


def _odd_float(value: float) -> str:
    return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")


def _string(text: str) -> str:
    # JSON's escapes are TOML's, but for two: TOML escapes DEL, and has no halves of
    # characters.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inline_table(value: Mapping[str, Any]) -> str:
    # One line: TOML 1.0 allows no more.
    pairs = ", ".join(
        f"{_key(str(key))} = {_one_line(item)}"
        for key, item in value.items()
        if item is not None
    )
    return f"{{ {pairs} }}" if pairs else "{}"


def _one_line(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return f"[{', '.join(map(_one_line, value[:LONGEST_LIST]))}]"
    return _value(value)


def _list(value: Sequence[Any]) -> str:
    shown = [_one_line(item) for item in value[:LONGEST_LIST]]
    left = len(value) - len(shown)
    line = f"[{', '.join(shown)}]"
    if not left and len(line) <= _WIDTH:
        return line
    lines = [f"    {item}," for item in shown]
    if left:
        lines.append(f"    # and {left} more")
    return "\n".join(["[", *lines, "]"])
