"""Public methods read their arguments as they are annotated.

`checks_arguments` wraps the public methods of a class: each argument is read as its
annotation says before the method begins, so that a wrong one is an `ArgumentError` at
the call, also where a method returns an iterator. Annotations mean what they say, and
a bit more: an `int` is any whole number of Python or NumPy but not a bool, a `float`
any finite number, a `str` one that can be sent, an enum also one of its values. A
`Kind` in an `Annotated` says what types cannot.
"""

from __future__ import annotations

import collections.abc
import enum
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import (
    Annotated,
    Any,
    Literal,
    Optional,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
)

from invokeai_py_client._arguments.kinds import (
    ANYTHING,
    STRING,
    Kind,
    NotAllowedError,
    choice,
    number,
    one_of,
    question,
    whole_number,
)

ClassT = TypeVar("ClassT", bound=type)
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


_LIST_OF = "a list of which each is "


def _list_of(item: Kind) -> Kind:
    def convert(value: Any) -> list[Any]:
        # A string is a sequence of strings, but never meant as one.
        is_other = isinstance(value, (str, bytes, bytearray, memoryview, Mapping))
        if is_other or not isinstance(value, collections.abc.Iterable):
            raise NotAllowedError
        found = []
        for index, element in enumerate(value):
            try:
                found.append(item.convert(element))
            except NotAllowedError as error:  # noqa: PERF203  it ends the loop
                where = f"item {index} is not"
                hint = f"{where}; {error.hint}" if error.hint else where
                raise NotAllowedError(hint) from None
        return found

    allowed = "a list" if item is ANYTHING else _LIST_OF + item.allowed
    return Kind(allowed, convert)


def _tuple_of(items: list[Kind]) -> Kind:
    def convert(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, (tuple, list)) or len(value) != len(items):
            raise NotAllowedError
        return tuple(item.convert(part) for item, part in zip(items, value))

    return Kind(f"({', '.join(item.allowed for item in items)})", convert)


def _mapping_of(keys: Kind, values: Kind) -> Kind:
    def convert(value: Any) -> dict[Any, Any]:
        if not isinstance(value, collections.abc.Mapping):
            is_text = isinstance(value, str)
            raise NotAllowedError("give values by their names" if is_text else None)
        return {keys.convert(key): values.convert(item) for key, item in value.items()}

    return Kind("a mapping", convert)


# -- annotations ---------------------------------------------------------------------


def _instance_of(cls: Any, allowed: Optional[str] = None) -> Kind:
    def convert(value: Any) -> Any:
        if not isinstance(value, cls):
            raise NotAllowedError
        return value

    article = "an" if cls.__name__[0] in "AEIOU" else "a"
    return Kind(allowed or f"{article} {cls.__name__}", convert)


def _enum(cls: type[enum.Enum]) -> Kind:
    members = {member.value: member for member in cls}

    def convert(value: Any) -> Any:
        if isinstance(value, cls):
            return value
        if not isinstance(value, str) or value not in members:
            raise NotAllowedError(question(value, members))
        return members[value]

    return Kind(one_of(members), convert)


def _bool(value: Any) -> bool:
    # NumPy's bool is not a subclass of Python's.
    if not isinstance(value, bool) and type(value).__name__ not in ("bool_", "bool"):
        raise NotAllowedError
    return bool(value)


def _any_of(kinds: list[Kind]) -> Kind:
    def convert(value: Any) -> Any:
        hint = None
        for kind in kinds:
            try:
                return kind.convert(value)
            except NotAllowedError as error:  # noqa: PERF203  few kinds
                hint = hint or error.hint
        raise NotAllowedError(hint)

    allowed: list[str] = []
    for kind in kinds:
        item = kind.allowed.removeprefix(_LIST_OF)
        is_list_of_them = item != kind.allowed and item in allowed
        allowed.append("a list of them" if is_list_of_them else kind.allowed)
    return Kind(" or ".join(dict.fromkeys(allowed)), convert)


_PLAIN: dict[Any, Kind] = {
    Any: ANYTHING,
    bool: Kind("True or False", _bool),
    int: whole_number(),
    float: Kind("a number", number),
    str: STRING,
    type(None): _instance_of(type(None), "None"),
}


def kind_of(annotation: Any) -> Kind:
    """The kind of argument that an annotation describes."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        kinds = [item for item in parts[1:] if isinstance(item, Kind)]
        return kinds[-1] if kinds else kind_of(parts[0])
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if origin is Literal:
        return choice(parts)
    if origin is Union:
        return _any_of([kind_of(part) for part in parts])
    if origin is collections.abc.Callable or annotation is Callable:
        return _function(len(parts[0]) if parts and parts[0] is not Ellipsis else None)
    if origin is tuple and Ellipsis not in parts:
        return _tuple_of([kind_of(part) for part in parts])
    if origin in _MAPPINGS and parts:
        return _mapping_of(*map(kind_of, parts))
    if origin in _SEQUENCES and parts:
        return _list_of(kind_of(parts[0]))
    cls = origin or annotation
    if isinstance(cls, type):
        return _enum(cls) if issubclass(cls, enum.Enum) else _instance_of(cls)
    # A type variable, or a name that only type checkers know.
    return ANYTHING


_MAPPINGS = (collections.abc.Mapping, dict)
_SEQUENCES = (
    collections.abc.Iterable,
    collections.abc.Sequence,
    collections.abc.Collection,
    list,
    tuple,
)


def _function(count: Optional[int]) -> Kind:
    """A function of `count` arguments; of any number for None."""

    def convert(value: Any) -> Any:
        if not callable(value):
            raise NotAllowedError
        if count is None:
            return value
        try:
            parameters = inspect.signature(value)
        except (TypeError, ValueError):
            # Of some functions of C nobody knows.
            return value
        try:
            parameters.bind(*[None] * count)
        except TypeError as error:
            raise NotAllowedError(f"called with {count}: {error}") from None
        return value

    words = {None: "", 1: " of one argument"}.get(count, f" of {count} arguments")
    return Kind(f"a function{words}", convert)


# -- methods -------------------------------------------------------------------------


class _Reader:
    """Reads the arguments of calls of one function."""

    def __init__(self, function: FunctionType) -> None:
        self._function = function

    @functools.cached_property
    def _parameters(self) -> list[tuple[inspect.Parameter, Kind]]:
        # Read when it is first used: importing the library stays quick.
        parameters = inspect.signature(self._function).parameters.values()
        return [(item, self._kind(item.annotation)) for item in parameters]

    def _kind(self, annotation: Any) -> Kind:
        if annotation is inspect.Parameter.empty:
            return ANYTHING
        names = self._function.__globals__
        try:
            # In the module alone, where a method's name cannot hide a type's.
            return kind_of(eval(annotation, names))
        except NameError:
            # Imported for type checkers only.
            return ANYTHING

    def read(
        self, args: Iterable[Any], kwargs: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """The same arguments, converted.

        Unknown ones stay as they are: Python itself refuses them.
        """
        by_name = {
            item.name: kind for item, kind in self._parameters if item.kind in _NAMED
        }
        positional = [item for item in self._parameters if item[0].kind in _POSITIONAL]
        rest = [item for item in self._parameters if item[0].kind is _VAR_POSITIONAL]
        found = []
        for value in args:
            parameter, kind = (positional or rest or [_UNKNOWN])[0]
            positional = positional[1:]
            found.append(kind.read(parameter.name, value))
        return found, {
            name: by_name.get(name, ANYTHING).read(name, value)
            for name, value in kwargs.items()
        }


_VAR_POSITIONAL = inspect.Parameter.VAR_POSITIONAL
_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)
_NAMED = (
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
)
_UNKNOWN = (inspect.Parameter("unknown", _VAR_POSITIONAL), ANYTHING)


def checks_arguments(cls: ClassT) -> ClassT:
    """Let the public methods of `cls` read their arguments as they are annotated."""
    # Two names of one method stay one method.
    wrapped: dict[Any, Any] = {}
    for name, method in list(vars(cls).items()):
        if inspect.isfunction(method) and not name.startswith("_"):
            wrapped[method] = wrapped.get(method) or checked(method)
            setattr(cls, name, wrapped[method])
    return cls


def checked(method: FunctionT) -> FunctionT:
    """Let one function read its arguments as they are annotated."""
    reader = _Reader(cast("FunctionType", method))

    @functools.wraps(method)
    async def call_async(*args: Any, **kwargs: Any) -> Any:
        values, options = reader.read(args, kwargs)
        return await method(*values, **options)

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        values, options = reader.read(args, kwargs)
        return method(*values, **options)

    is_async = inspect.iscoroutinefunction(method)
    return cast("FunctionT", call_async if is_async else call)
