"""Which output may feed which input, by their declared types.

The rules are the server's: it compares the declared types of the two ends and knows
iterators and collectors, whose ends take any type that is the same on both sides.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import Any

_NONE = type(None)


def is_any(annotation: Any) -> bool:
    """Whether the type accepts everything, alone or as part of a union."""
    return annotation is Any or Any in typing.get_args(annotation)


def is_list(annotation: Any) -> bool:
    """Whether the type is a list."""
    return typing.get_origin(annotation) is list


def has_list(annotation: Any) -> bool:
    """Whether the type is a list or a union with one."""
    return is_list(annotation) or any(map(is_list, typing.get_args(annotation)))


def item_types(annotation: Any) -> set[Any]:
    """What the lists of a type may hold."""
    if is_any(annotation):
        return {Any}
    lists = [annotation] if is_list(annotation) else typing.get_args(annotation)
    found: set[Any] = set()
    for part in lists:
        if is_any(part) and not is_list(part):
            found.add(Any)
        elif is_list(part):
            found.update(arg for arg in typing.get_args(part) if arg is not _NONE)
    return found


def parts(annotation: Any) -> set[Any]:
    """The alternatives of a union, None left out; else the type itself."""
    if typing.get_origin(annotation) is None:
        return {annotation} - {_NONE}
    return {arg for arg in typing.get_args(annotation) if arg is not _NONE}


def is_union_subtype(narrow: Any, wide: Any) -> bool:
    """Whether every alternative of one type is an alternative of the other."""
    allowed = typing.get_args(wide)
    return all(arg in allowed for arg in typing.get_args(narrow) or (narrow,))


def is_subclass(narrow: Any, wide: Any) -> bool:
    """`issubclass`, but False when one of the two is not a class."""
    try:
        return issubclass(narrow, wide)
    except TypeError:
        return False


def is_compatible(source: Any, target: Any) -> bool:
    """Whether an output of one type may feed an input of the other."""
    if source is None or target is None:
        return False
    if source == target or is_any(source) or is_any(target):
        return True
    if source in typing.get_args(target) or target in typing.get_args(source):
        return True
    # pydantic casts these when the value arrives.
    if source is int and target in (float, str):
        return True
    if source is float and target is str:
        return True
    if isinstance(source, type) and isinstance(target, type):
        return is_subclass(source, target)
    return is_union_subtype(source, target)


def root_types(types: Iterable[Any]) -> Sequence[Any]:
    """The types that are not a subclass of another one of them."""
    pool = list(types)
    below = {a for b, a in permutations(pool, 2) if is_subclass(a, b)}
    return [candidate for candidate in pool if candidate not in below]
