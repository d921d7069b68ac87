"""What the package offers by name, and that the lists of it agree."""

from __future__ import annotations

import ast
import pickle
import re
import typing
from importlib import import_module
from pathlib import Path

import pytest
from public_api import (
    MODULES,
    PACKAGES,
    classes_in,
    hints_of,
    members,
    public_classes,
)

import invokeai_py_client


def test_every_exported_name_resolves_to_the_thing_of_that_name() -> None:
    for name in invokeai_py_client.__all__:
        if name != "__version__":
            value = getattr(invokeai_py_client, name)
            assert getattr(value, "__name__", name) == name


def lazy_packages() -> list[str]:
    """The packages whose names are imported when they are first used."""
    root = Path(invokeai_py_client.__file__).parent
    folders = [path.parent.name for path in root.glob("*/__init__.py")]
    names = ["invokeai_py_client", *(f"invokeai_py_client.{name}" for name in PACKAGES)]
    assert set(PACKAGES) <= set(folders)
    return [name for name in names if hasattr(import_module(name), "_HOMES")]


def homes(package: str) -> dict[str, str]:
    """The module of each name, as the interpreter finds it."""
    table = import_module(package)._HOMES
    return {name: module for module, names in table.items() for name in names.split()}


@pytest.mark.parametrize("package", lazy_packages())
def test_exported_names_are_sorted_and_the_lazy_table_holds_exactly_them(
    package: str,
) -> None:
    names = import_module(package).__all__
    assert names == sorted(names)
    assert set(homes(package)) == set(names) <= set(dir(import_module(package)))


@pytest.mark.parametrize("package", lazy_packages())
def test_type_checkers_see_the_same_homes_as_the_interpreter(package: str) -> None:
    text = Path(import_module(package).__file__).read_text(encoding="utf-8")
    block = next(node for node in ast.parse(text).body if isinstance(node, ast.If))
    seen = {
        alias.name: str(node.module).partition(".")[2]
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == homes(package)


@pytest.mark.parametrize("kind", public_classes(), ids=lambda kind: kind.__name__)
def test_a_class_says_where_it_is_imported_from(kind: type) -> None:
    assert kind.__module__ in MODULES
    assert getattr(import_module(kind.__module__), kind.__name__) is kind
    assert pickle.loads(pickle.dumps(kind)) is kind
    # What reads annotations later than Python (pydantic, web frameworks) still can.
    assert not [
        hint
        for hint in vars(kind).get("__annotations__", {}).values()
        if isinstance(hint, str)
    ]


@pytest.mark.parametrize("kind", public_classes(), ids=lambda kind: kind.__name__)
def test_the_hints_of_a_class_can_be_read(kind: type) -> None:
    # From Python 3.14 on, those of a typed dict are evaluated when they are asked for.
    assert typing.get_type_hints(kind) is not None


# Those of the simulator belong to the test server.
CLIENT_CLASSES = [kind for kind in public_classes() if "simul" not in kind.__module__]


@pytest.mark.parametrize("kind", CLIENT_CLASSES, ids=lambda kind: kind.__name__)
def test_what_public_methods_take_and_return_is_public(kind: type) -> None:
    public = set(public_classes())
    named = {
        (name, other)
        for name, function in members(kind)
        for hint in hints_of(function).values()
        for other in classes_in(hint)
        # A protocol is a description, which nobody has to name.
        if not getattr(other, "_is_protocol", False)
    }
    assert {(name, other) for name, other in named if other not in public} == set()


@pytest.mark.parametrize("kind", public_classes(), ids=lambda kind: kind.__name__)
def test_nothing_of_how_it_works_is_public(kind: type) -> None:
    assert [name for name, _ in members(kind) if re.search("_flows?$", name)] == []


def test_every_error_of_the_tree_is_exported() -> None:
    errors = import_module("invokeai_py_client.exceptions").__all__
    assert set(errors) <= set(invokeai_py_client.__all__)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_exports_what_it_lists_once(package: str) -> None:
    module = import_module(f"invokeai_py_client.{package}")
    assert len(module.__all__) == len(set(module.__all__))
    assert all(hasattr(module, name) for name in module.__all__)


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = invokeai_py_client.Nonsense
