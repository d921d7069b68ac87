"""What the package offers by name, and that the lists of it agree."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

import invokeai_py_client

PACKAGES = (
    "app",
    "board",
    "client_state",
    "gallery",
    "image",
    "image_move",
    "ivk_fields",
    "model",
    "node_pack",
    "nodes",
    "prompt",
    "queue",
    "recall",
    "style_preset",
    "system_prompt",
    "user",
    "video",
    "workflow",
)


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
    return {name: module for module, names in table.items() for name in names}


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
        alias.name: str(node.module)[len(package) + 1 :]
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == homes(package)


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
