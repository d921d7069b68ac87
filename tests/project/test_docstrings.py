"""What `help()` shows: every public thing is described, and nothing untrue is named."""

from __future__ import annotations

import builtins
import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from typing import Any

import pytest
from public_api import PACKAGES

import invokeai_py_client
from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient, exceptions
from invokeai_py_client.base_client import ClientOptions

# The packages whose names users import; those of `simulator` are the test server's.
MODULES = (
    "invokeai_py_client",
    "invokeai_py_client.events",
    "invokeai_py_client.models",
    "invokeai_py_client.server",
    "invokeai_py_client.simulator",
    *(f"invokeai_py_client.{package}" for package in PACKAGES),
)
SECTION = re.compile(r"^(\w[\w ]*):\n((?:[ ]{4}.*\n|\n)+)", re.MULTILINE)
ENTRY = re.compile(r"^    (\*{0,2}[\w.]+)(?: \([^)]*\))?:", re.MULTILINE)


def is_ours(thing: Any) -> bool:
    return (getattr(thing, "__module__", None) or "").startswith("invokeai_py_client")


def functions_of(kind: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties that a class shows."""
    for name in dir(kind):
        # In capitals: a constant, though it may be a function.
        if (name.startswith("_") and name != "__init__") or name.isupper():
            continue
        raw = inspect.getattr_static(kind, name)
        if isinstance(raw, (classmethod, staticmethod)):
            raw = raw.__func__
        if isinstance(raw, property):
            raw = raw.fget
        if isinstance(raw, cached_property):
            raw = raw.func
        if inspect.isfunction(raw) and is_ours(raw):
            yield f"{kind.__qualname__}.{name}", raw


def public_things() -> Iterator[tuple[str, Any]]:
    seen = set()
    for path in MODULES:
        module = import_module(path)
        for name in module.__all__:
            thing = getattr(module, name)
            if id(thing) in seen or not is_ours(thing):
                continue
            seen.add(id(thing))
            if inspect.isclass(thing):
                yield name, thing
                yield from functions_of(thing)
            elif inspect.isfunction(thing):
                yield name, thing


THINGS = dict(public_things())


def sections(thing: Any) -> dict[str, list[str]]:
    """The names listed below each heading of a docstring."""
    text = inspect.cleandoc(thing.__doc__ or "") + "\n"
    return {head: ENTRY.findall(body) for head, body in SECTION.findall(text)}


def test_there_is_something_to_check() -> None:
    assert len(THINGS) > 500
    assert {"InvokeAIClient", "WorkflowHandle.run", "BoardHandle.list_images"} <= set(
        THINGS
    )


def test_every_public_thing_says_what_it_is() -> None:
    # Dataclasses get a docstring made of their signature, which says nothing new.
    # A subclass of ours may leave it to the class it specialises.
    undescribed = [
        name
        for name, thing in THINGS.items()
        if not name.endswith(".__init__")
        and (not inspect.getdoc(thing) or thing.__doc__ == made_docstring(thing))
    ]
    assert undescribed == []


def made_docstring(thing: Any) -> str:
    """What `dataclasses` writes for a class without a docstring."""
    if not inspect.isclass(thing):
        return ""
    try:
        return thing.__name__ + str(inspect.signature(thing)).replace(" -> None", "")
    except ValueError:
        return ""


def is_error(name: str, thing: Any) -> bool:
    """True when a name under "Raises" is an exception that the reader can import."""
    place, _, word = name.rpartition(".")
    places = [import_module(place)] if place else [exceptions, builtins]
    found = next((getattr(p, word) for p in places if hasattr(p, word)), None)
    if found is None:
        found = getattr(import_module(thing.__module__), word, None)
    return inspect.isclass(found) and issubclass(found, BaseException)


def test_raises_names_real_exceptions_only() -> None:
    wrong = [
        (name, error)
        for name, thing in THINGS.items()
        for error in sections(thing).get("Raises", ())
        if not is_error(error, thing)
    ]
    assert wrong == []


def test_args_names_real_parameters_only() -> None:
    wrong = [
        (name, arg)
        for name, thing in THINGS.items()
        if inspect.isfunction(thing)
        for arg in sections(thing).get("Args", ())
        if arg.lstrip("*") not in inspect.signature(thing).parameters
    ]
    assert wrong == []


@pytest.mark.parametrize("client", [InvokeAIClient, AsyncInvokeAIClient])
def test_every_option_of_a_client_is_described_and_taken_by_from_url(
    client: type,
) -> None:
    parameters = set(inspect.signature(client).parameters) - {"unknown"}
    assert set(sections(client.__init__)["Args"]) - {"**unknown"} == parameters
    assert set(ClientOptions.__annotations__) == parameters - {"url"}


def test_the_package_says_how_to_begin() -> None:
    assert "from_url" in (invokeai_py_client.__doc__ or "")
