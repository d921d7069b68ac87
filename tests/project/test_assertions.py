"""Every test asserts something; one that only calls would pass whatever comes back."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paths import TESTS

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
OF_PYTEST = {"raises", "warns", "fail"}


def called(tree: ast.AST) -> Iterator[str]:
    """Names of the functions that code calls, except as methods of something."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def is_assertion(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        of_pytest = isinstance(node.value, ast.Name) and node.value.id == "pytest"
        # As in the outcomes of pytest's own `pytester`.
        is_method = node.attr.startswith("assert_")
        return is_method or (of_pytest and node.attr in OF_PYTEST)
    return isinstance(node, ast.Assert)


def asserting_functions(file: ast.Module, others: set[str]) -> set[str]:
    """The functions of a file that assert, themselves or by what they call.

    `others` are functions of other files that do, of which it can import some.
    """
    imported = {
        alias.asname or alias.name
        for node in ast.walk(file)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in others
    }
    functions = [node for node in ast.walk(file) if isinstance(node, FUNCTIONS)]
    found = {
        function.name
        for function in functions
        if any(map(is_assertion, ast.walk(function)))
    }
    while True:
        known = found | imported
        more = {
            function.name
            for function in functions
            if not known.isdisjoint(called(function))
        }
        if more <= found:
            return found
        found |= more


def silent_tests(files: dict[str, ast.Module]) -> list[str]:
    """Where tests are that assert nothing."""
    asserting: set[str] = set()
    # Helpers call helpers of other files, not deeper than this.
    for _ in range(3):
        for file in files.values():
            asserting |= asserting_functions(file, asserting)
    silent = []
    for name, file in files.items():
        loud = asserting_functions(file, asserting)
        silent += [
            f"{name}:{node.lineno} {node.name}"
            for node in ast.walk(file)
            if isinstance(node, FUNCTIONS)
            and node.name.startswith("test_")
            and node.name not in loud
        ]
    return silent


def test_every_test_asserts_something():
    files = {
        str(path.relative_to(TESTS)): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(TESTS.rglob("*.py"))
    }
    assert silent_tests(files) == []


def test_a_test_that_only_calls_is_found():
    files = {
        "helper.py": "def checked(value):\n    assert value\n",
        "test_a.py": "from helper import checked\n"
        "def test_one():\n    checked(1)\n"
        "def test_two():\n    run(1)\n",
        "test_b.py": "def test_three():\n    checked(1)\n",
    }
    parsed = {name: ast.parse(text) for name, text in files.items()}
    assert silent_tests(parsed) == ["test_a.py:4 test_two", "test_b.py:1 test_three"]
