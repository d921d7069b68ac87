"""Values of fields as text, by the format that a template gives."""

from __future__ import annotations

import datetime
import enum
import math
import numbers
import os
import re
from collections.abc import Mapping
from typing import Any

from invokeai_py_client._file_names.slug import LONGEST, file_slug

# The most that a width, a precision or a length of a slug may be.
LARGEST = 200

_SLUG = re.compile(r"slug(?::(0*[1-9][0-9]{0,3}))?")
_PYTHON = re.compile(
    r"(?:[^{}]?[<>=^])?[-+ ]?#?0?([0-9]{0,4})[_,]?(?:\.([0-9]{1,4}))?[bdeEfFgGosxX%]?",
    re.DOTALL,
)
_DATE = re.compile(r"(?:[^{}%]|%%)*%-?[A-Za-z](?:[^{}%]|%-?[A-Za-z]|%%)*")
_WHOLE = frozenset("bdoxX")


class FormatError(Exception):
    """A template, or a format in it, is wrong; the message says why."""


def check_spec(name: str, spec: str) -> None:
    """Raise unless `spec` is a format; whether it fits a value is seen later."""
    found = _SLUG.fullmatch(spec) or _PYTHON.fullmatch(spec)
    if found is None and not _DATE.fullmatch(spec):
        raise FormatError(
            f"field {name!r}: {spec!r} is not a format; formats are those of Python "
            "such as 05d or .2f, slug, slug:40, and of dates such as %Y-%m-%d"
        )
    if found and any(int(size) > LARGEST for size in found.groups() if size):
        raise FormatError(f"field {name!r}: a size in {spec!r} is above {LARGEST}")


def format_value(value: Any, spec: str) -> str:
    """One value as text, not yet safe for a file name.

    Raises:
        FormatError: The format does not fit the value.
    """
    slug = _SLUG.fullmatch(spec)
    if slug:
        return file_slug(as_text(value), int(slug[1] or LONGEST))
    if isinstance(value, datetime.date):
        return _formatted_date(value, spec)
    if value is None:
        return as_text(value)
    if isinstance(value, (list, tuple)):
        return "-".join(format_value(item, spec) for item in value)
    try:
        return format(_formattable(value, spec), spec)
    except (ValueError, TypeError, OverflowError) as error:
        kind = type(value).__name__
        raise FormatError(f"{spec!r} does not fit a value of {kind}: {error}") from None


def _formatted_date(value: datetime.date, spec: str) -> str:
    if spec and not _DATE.fullmatch(spec):
        raise FormatError(f"{spec!r} is not a format of dates, such as %Y-%m-%d")
    try:
        return value.strftime(spec or "%Y-%m-%d")
    except ValueError as error:
        raise FormatError(f"{spec!r} does not fit {value}: {error}") from None


def _formattable(value: Any, spec: str) -> Any:
    if isinstance(value, bool) and not spec:
        return as_text(value)
    if isinstance(value, numbers.Real):
        # A table turns the integers of a column with a gap into floats.
        is_whole = spec[-1:] in _WHOLE and value % 1 == 0
        return math.floor(value) if is_whole else value
    return as_text(value)


def as_text(value: Any) -> str:
    """A value as a person would call it: a model by its name, a file without folder."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, enum.Enum):
        return as_text(value.value)
    if isinstance(value, os.PathLike):
        return _file_stem(os.fspath(value))
    if isinstance(value, Mapping):
        return _of_mapping(value)
    if isinstance(value, (list, tuple)):
        return "-".join(map(as_text, value))
    for attribute in ("name", "board_name"):
        name = getattr(value, attribute, None)
        if isinstance(name, str) and not isinstance(value, str):
            return name
    return str(value)


# How records of a model, a board and an image are called, and what is to be looked up.
_NAMES = ("name", "board_name", "image_name", "text")


def _of_mapping(value: Mapping[Any, Any]) -> str:
    if isinstance(value.get("$file"), str):
        return _file_stem(value["$file"])
    inner = next((item for key, item in value.items() if str(key)[:1] == "$"), None)
    if inner is not None:
        # The plain form of a model, a board or another thing that has a name.
        return as_text(inner)
    for key in _NAMES:
        if isinstance(value.get(key), str):
            return str(value[key])
    return "-".join(f"{key}={as_text(item)}" for key, item in value.items())


def _file_stem(path: str) -> str:
    return os.path.splitext(re.split(r"[/\\]", path)[-1])[0]
