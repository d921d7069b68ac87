"""Kinds of argument: what a value may be, and what the library makes of it."""

from __future__ import annotations

import collections.abc
import json
import math
import numbers
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Optional, Union

from invokeai_py_client._suggestions import did_you_mean, near_names
from invokeai_py_client.exceptions import ArgumentError

# The server keeps whole numbers in 64 bits.
LARGEST = 2**63 - 1


class NotAllowedError(Exception):
    """Raised by the `convert` of a kind for a value that is not of that kind.

    Args:
        hint: What the caller can do about it.
    """

    def __init__(self, hint: Optional[str] = None) -> None:
        self.hint = hint
        super().__init__(hint)


@dataclass(frozen=True)
class Kind:
    """A kind of argument.

    Attributes:
        allowed: What is allowed, as a phrase: ``"a string"``.
        convert: Returns the value that the library works with, or raises
            `NotAllowedError`.
    """

    allowed: str
    convert: Callable[[Any], Any]

    def read(self, argument: str, value: Any) -> Any:
        """Return the value that the library works with."""
        try:
            return self.convert(value)
        except NotAllowedError as error:
            hint = error.hint
        raise ArgumentError(argument, value, self.allowed, hint=hint)


# -- numbers -------------------------------------------------------------------------


def whole_number(least: int = -LARGEST, most: int = LARGEST) -> Kind:
    """Whole numbers of Python and NumPy from `least` to `most`; a bool is not one.

    A table turns the integers of a column with a gap into floats: ``3.0`` is one too.
    """

    def convert(value: Any) -> int:
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        # The rest of infinity and of NaN is NaN.
        if not is_number or value % 1 != 0:
            raise NotAllowedError
        number = int(value)
        if not least <= number <= most:
            raise NotAllowedError("it is too large" if number > most else None)
        return number

    if most < LARGEST:
        return Kind(f"a whole number from {least} to {most}", convert)
    start = f" from {least} on" if least > -LARGEST else ""
    return Kind(f"a whole number{start}", convert)


def number(value: Any) -> float:
    """A finite number of Python or NumPy; for the `convert` of a `Kind`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise NotAllowedError
    try:
        converted = float(value)
    except OverflowError:
        raise NotAllowedError from None
    if not math.isfinite(converted):
        raise NotAllowedError
    return converted


def _seconds(*, zero: bool) -> Kind:
    def convert(value: Any) -> float:
        seconds = number(value)
        if seconds < 0 or (seconds == 0 and not zero):
            raise NotAllowedError
        return seconds

    return Kind(f"a number of seconds {'from 0 on' if zero else 'above 0'}", convert)


Whole = Annotated[int, whole_number()]
Count = Annotated[int, whole_number(0)]
"""A whole number from 0 on."""
SECONDS = _seconds(zero=True)
POSITIVE_SECONDS = _seconds(zero=False)
Seconds = Annotated[float, SECONDS]


# -- strings -------------------------------------------------------------------------


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise NotAllowedError
    try:
        value.encode()
    except UnicodeEncodeError:
        raise NotAllowedError("it has half a character, a lone surrogate") from None
    return value


def _name(value: Any) -> str:
    if not _string(value):
        raise NotAllowedError
    return str(value)


STRING = Kind("a string", _string)
NAME = Kind("a string that is not empty", _name)
Name = Annotated[str, NAME]


def _tag(value: Any) -> str:
    tag = _name(value)
    # It is the destination of jobs, which the server has as one part of a path.
    if "/" in tag or tag in (".", ".."):
        raise NotAllowedError
    return tag


Tag = Annotated[str, Kind("a string without a slash that is not empty", _tag)]


def _path(value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise NotAllowedError
    path = os.fspath(value)
    try:
        if not isinstance(path, str) or not path or b"\0" in os.fsencode(path):
            raise NotAllowedError
    except UnicodeEncodeError:
        raise NotAllowedError from None
    return os.path.expanduser(path)


PATH = Kind("a path", _path)
PathLike = Annotated[Union[str, os.PathLike[str]], PATH]
"""A path of this machine; a ``~`` at its beginning is the home folder."""


def choice(values: Iterable[Any]) -> Kind:
    """One of these values."""
    known = list(values)

    def convert(value: Any) -> Any:
        for item in known:
            if type(item) is type(value) and item == value:
                return value
        raise NotAllowedError(question(value, known))

    return Kind(one_of(known), convert)


def question(value: Any, known: Iterable[Any]) -> Optional[str]:
    """Whether one of these values was meant; None when none resembles it."""
    if not isinstance(value, str):
        return None
    names = [item for item in known if isinstance(item, str)]
    return did_you_mean(near_names(value[:100], names)) or None


def one_of(values: Iterable[Any]) -> str:
    """The phrase that lists the allowed values."""
    shown = [
        json.dumps(item) if isinstance(item, str) else repr(item) for item in values
    ]
    return " or ".join(shown)


# -- objects ------------------------------------------------------------------------


def _json(value: Any) -> Any:
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise NotAllowedError(str(error)[:200]) from None
    return value


Json = Annotated[Any, Kind("what JSON can hold", _json)]


def _json_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, collections.abc.Mapping):
        raise NotAllowedError
    content: dict[str, Any] = _json(dict(value))
    return content


JsonObject = Annotated[
    Mapping[str, Any], Kind("a mapping that is a JSON object", _json_object)
]


ANYTHING = Kind("anything", lambda value: value)
