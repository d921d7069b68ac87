"""The public API as Python has it: modules, classes, members, the types they name."""

from __future__ import annotations

import ast
import inspect
import sys
import typing
from collections.abc import Iterator
from functools import cache, cached_property
from importlib import import_module
from typing import Any

LIBRARY = "invokeai_py_client"
PACKAGES = (
    "admin",
    "board",
    "gallery",
    "image",
    "ivk_fields",
    "model",
    "nodes",
    "prompts",
    "queue",
    "sweep",
    "video",
    "workflow",
)
MODULES = (
    LIBRARY,
    *(f"{LIBRARY}.{name}" for name in ("exceptions", "events", "models", "server")),
    *(f"{LIBRARY}.{name}" for name in (*PACKAGES, "sweep.dask", "simulator")),
)


def public_things() -> dict[str, Any]:
    """What the modules list, by where it is first: ``package.name``."""
    found: dict[str, Any] = {}
    seen: set[int] = set()
    for path in MODULES:
        module = import_module(path)
        for name in module.__all__:
            thing = getattr(module, name)
            if id(thing) not in seen:
                seen.add(id(thing))
                found[f"{path}.{name}"] = thing
    return found


def public_classes() -> list[type]:
    """Every class that a public module lists, once."""
    return [thing for thing in public_things().values() if inspect.isclass(thing)]


def is_ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).startswith(LIBRARY)


def function_of(kind: type, name: str) -> Any:
    """The function behind a method or property of ours; None for anything else."""
    raw = inspect.getattr_static(kind, name)
    if isinstance(raw, (classmethod, staticmethod)):
        raw = raw.__func__
    if isinstance(raw, property):
        raw = raw.fget
    if isinstance(raw, cached_property):
        raw = raw.func
    return raw if inspect.isfunction(raw) and is_ours(raw) else None


def members(kind: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties of a class, inherited ones included."""
    for name in dir(kind):
        function = None if name.startswith("_") else function_of(kind, name)
        if function is not None:
            yield name, function


@cache
def _names_in(module: str) -> dict[str, Any]:
    """A module's names, with those that it imports for type checkers alone."""
    found = dict(vars(sys.modules[module]))
    body = ast.parse(inspect.getsource(sys.modules[module])).body
    checked = [
        inner for node in body if isinstance(node, ast.If) for inner in node.body
    ]
    for node in [*body, *checked]:
        if isinstance(node, ast.ImportFrom) and node.module:
            source = import_module(node.module)
            for alias in node.names:
                found.setdefault(
                    alias.asname or alias.name, getattr(source, alias.name)
                )
        elif isinstance(node, ast.Import):
            for alias in node.names:
                import_module(alias.name)
                top = alias.name.partition(".")[0]
                found.setdefault(alias.asname or top, sys.modules[top])
    return found


def hints_of(function: Any) -> dict[str, Any]:
    """The types of the parameters and of the result, evaluated."""
    names = dict(_names_in(function.__module__))
    # An alias made of names that another module imports for type checkers alone.
    for module in list(sys.modules):
        if module.startswith(f"{LIBRARY}.image."):
            names = {**_names_in(module), **names}
    return typing.get_type_hints(function, names)


def classes_in(hint: Any) -> Iterator[type]:
    """Our classes that a type names, at any depth."""
    if isinstance(hint, (list, tuple)):
        for part in hint:
            yield from classes_in(part)
    elif typing.get_origin(hint) is not None:
        yield from classes_in(typing.get_origin(hint))
        yield from classes_in(typing.get_args(hint))
    elif isinstance(hint, typing.TypeVar):
        yield from classes_in(hint.__bound__)
    elif inspect.isclass(hint) and is_ours(hint):
        generic = getattr(hint, "__pydantic_generic_metadata__", {})
        yield generic.get("origin") or hint
