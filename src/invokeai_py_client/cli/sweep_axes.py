"""The axes of a sweep on the command line, and in a TOML file."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

from invokeai_py_client._suggestions import did_you_mean, near_names
from invokeai_py_client.cli.errors import CliError
from invokeai_py_client.cli.values import read_text, readings
from invokeai_py_client.exceptions import FieldValidationError, InvokeAIError

if TYPE_CHECKING:
    from invokeai_py_client.ivk_fields.base import IvkField
    from invokeai_py_client.workflow.inputs.base_handle import BaseWorkflowHandle

AXIS_HELP = (
    "VALUES is one value, a range such as 20..40/10 (with both ends), a JSON list, or "
    "@FILE with a value on each line. Given again for the same input, it adds values."
)

_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?:/({_NUMBER}))?")
_LONGEST_RANGE = 1_000_000

_KEYS = ("product", "zip", "rows", "set", "set_node", "runs", "seed", "key", "name")


@dataclass
class SweepSpec:
    """What a sweep is asked for, before the workflow is known.

    Attributes:
        product: Texts or values by input; each is an axis.
        zip: The same, side by side.
        settings: `NAME=VALUE` for the handle itself.
        node_settings: `NODE.FIELD=VALUE` likewise.
    """

    product: dict[str, list[Any]] = field(default_factory=dict)
    zip: dict[str, list[Any]] = field(default_factory=dict)
    rows: Optional[Any] = None
    settings: list[str] = field(default_factory=list)
    node_settings: list[str] = field(default_factory=list)
    runs: Optional[int] = None
    seed: Optional[Any] = None
    key: Optional[str] = None
    name: Optional[str] = None


def add_axes(
    axes: dict[str, list[Any]], option: str, words: Optional[Sequence[str]]
) -> None:
    """Add the `NAME=VALUES` words of an option to the axes."""
    for word in words or ():
        name, equals, text = word.partition("=")
        if not equals or not name.strip():
            raise CliError("usage", f"{option} {word!r} is not NAME=VALUES")
        axes.setdefault(name.strip(), []).extend(read_values(text))


def read_values(text: str) -> list[Any]:
    """The values that a word means; strings are still to be read for their field."""
    if text.startswith("@") and not text.startswith("@@"):
        lines = read_text(text).split("\n")
        return [line for line in lines if line.strip()]
    found = _RANGE.fullmatch(text.strip())
    if found is not None:
        return _numbers(text, *found.groups())
    if text.lstrip().startswith("["):
        try:
            values = json.loads(text)
        except ValueError:
            return [text]
        return values if isinstance(values, list) else [text]
    return [text[1:] if text.startswith("@@") else text]


def _numbers(text: str, first: str, last: str, by: Optional[str]) -> list[Any]:
    try:
        start, end = Decimal(first), Decimal(last)
        step = Decimal(by) if by is not None else Decimal(1 if start <= end else -1)
    except InvalidOperation as error:
        raise CliError("usage", f"{text!r} is not a range") from error
    if not step or (end - start) / step < 0:
        raise CliError("usage", f"the range {text!r} never reaches its end")
    count = int((end - start) / step) + 1
    if count > _LONGEST_RANGE:
        raise CliError("usage", f"the range {text!r} has {count} values")
    values = [start + step * number for number in range(count)]
    is_whole = all("." not in part for part in (first, last, by or ""))
    return [int(value) if is_whole else float(value) for value in values]


def read_spec(path: Path) -> SweepSpec:
    """Read a TOML file with tables `product`, `zip`, `set` and keys as the options."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CliError("usage", f"{path} is not TOML: {error}") from error
    for name in found:
        if name not in _KEYS:
            hint = did_you_mean(near_names(name, _KEYS))
            raise CliError("usage", f"{path}: there is no key {name!r}", hint=hint)
    spec = SweepSpec(
        product=_axes(path, "product", found.get("product", {})),
        zip=_axes(path, "zip", found.get("zip", {})),
        settings=_words(path, "set", found.get("set", {})),
        node_settings=_words(path, "set_node", found.get("set_node", {})),
        rows=_rows(path, found.get("rows")),
    )
    for name, kind in (("runs", int), ("key", str), ("name", str)):
        value = found.get(name)
        if value is not None and (not isinstance(value, kind) or value is True):
            raise CliError("usage", f"{path}: {name} is not of type {kind.__name__}")
        setattr(spec, name, value)
    seed = found.get("seed")
    spec.seed = seed if seed is None else str(seed)
    return spec


def _axes(path: Path, name: str, table: Any) -> dict[str, list[Any]]:
    if not isinstance(table, Mapping):
        raise CliError("usage", f"{path}: {name} is not a table")
    return {
        key: read_values(values) if isinstance(values, str) else _list(values)
        for key, values in table.items()
    }


def _list(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]


def _words(path: Path, name: str, table: Any) -> list[str]:
    if not isinstance(table, Mapping):
        raise CliError("usage", f"{path}: {name} is not a table")
    return [
        f"{key}={value if isinstance(value, str) else json.dumps(value)}"
        for key, value in table.items()
    ]


def _rows(path: Path, rows: Any) -> Any:
    """Rows themselves, or a file of them, seen from the TOML file's folder."""
    return path.parent / rows if isinstance(rows, str) else rows


def with_types(
    handle: BaseWorkflowHandle, axes: Mapping[str, Sequence[Any]]
) -> dict[str, list[Any]]:
    """The axes with their texts read as the fields of their inputs want them.

    What no field accepts stays as it is: the plan says why it is refused.
    """
    typed = {}
    for name, values in axes.items():
        target = _field(handle, name)
        typed[name] = [_typed(target, value) for value in values]
    return typed


def _field(handle: BaseWorkflowHandle, name: str) -> Optional[IvkField[Any]]:
    try:
        return handle.get_input(name).field.clone()
    except InvokeAIError:
        node, _, field_name = name.rpartition(".")
    try:
        return handle.get_node_field(node, field_name).clone()
    except InvokeAIError:
        return None


def _typed(target: Optional[IvkField[Any]], value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if target is None:
        # `seed`, not a field, or a name that the plan will refuse.
        return int(value) if value.strip().isdecimal() else value
    for reading in readings(target, value):
        try:
            target.value = reading
        except FieldValidationError:
            continue
        return reading
    return value
