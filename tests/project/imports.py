"""The imports of the library, read from its source."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import invokeai_py_client

PACKAGE = Path(invokeai_py_client.__file__).parent
NAME = "invokeai_py_client"


def module_name(path: Path) -> str:
    """The dotted name of a file of the library."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def imports(name: str) -> frozenset[str]:
    """Every module that a module imports, for type checkers and in functions too.

    A name that is imported from a package counts as the module it is, if it is one.
    """
    path = MODULES[name]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = absolute(name, node)
            for alias in node.names:
                whole = f"{module}.{alias.name}"
                found.add(whole if whole in MODULES else module)
    return frozenset(found - {name})


def absolute(name: str, node: ast.ImportFrom) -> str:
    """The full name of the module that an import statement names."""
    if node.level == 0:
        return node.module or ""
    parts = name.split(".")
    if MODULES[name].name != "__init__.py":
        parts = parts[:-1]
    folders = parts[: len(parts) - node.level + 1]
    return ".".join([*folders, node.module] if node.module else folders)


def own_imports(name: str) -> frozenset[str]:
    """The modules of the library among the imports of one."""
    return imports(name) & MODULES.keys()


def rings() -> list[list[str]]:
    """Sets of modules that import each other in a circle (Kosaraju's algorithm)."""
    order: list[str] = []
    seen: set[str] = set()
    for start in MODULES:
        stack = [(start, iter(own_imports(start)))] if start not in seen else []
        seen.add(start)
        while stack:
            module, rest = stack[-1]
            following = next((each for each in rest if each not in seen), None)
            if following is None:
                order.append(module)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(own_imports(following))))
    importers: dict[str, set[str]] = {module: set() for module in MODULES}
    for module in MODULES:
        for imported in own_imports(module):
            importers[imported].add(module)
    found, left = [], set(MODULES)
    for start in reversed(order):
        ring, waiting = [], [start] if start in left else []
        left.discard(start)
        while waiting:
            module = waiting.pop()
            ring.append(module)
            waiting += importers[module] & left
            left -= importers[module]
        if len(ring) > 1:
            found.append(sorted(ring))
    return found
