"""Write `tests/project/api-snapshot.txt`, the public API as text, or check it.

    python scripts/api_snapshot.py            # write
    python scripts/api_snapshot.py --check    # say what is different

Every public class with its bases, fields, methods and properties, and every function,
as the source has them, so that every Python writes the same. What a class inherits
from a public one is listed there.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "invokeai_py_client"
SNAPSHOT = ROOT / "tests" / "project" / "api-snapshot.txt"

sys.path.insert(0, str(ROOT / "tests" / "support"))

Definitions = dict[str, list[tuple[str, ast.stmt]]]


def build() -> str:
    """The snapshot's text."""
    from public_api import public_things

    definitions = read_definitions()
    blocks = []
    for path, thing in sorted(public_things().items()):
        if ".simulator." in path or path.endswith(".__version__"):
            continue
        if inspect.isclass(thing):
            blocks.append(class_block(path, thing, definitions))
        elif inspect.isfunction(thing):
            node = definition_of(thing, definitions)
            blocks.append(f"{path}{signature(node)}\n")
        else:
            blocks.append(f"{path}: {type(thing).__name__}\n")
    return "\n".join(blocks)


def read_definitions() -> Definitions:
    """The classes and functions of the source by name, with their modules."""
    found: Definitions = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                found.setdefault(node.name, []).append((".".join(parts), node))
    return found


def definition_of(thing: Any, definitions: Definitions) -> Any:
    """The source of a class or function, in the module that really holds it."""
    name = thing.__name__.partition("[")[0]
    found = definitions.get(name, [])
    for module, node in found:
        if vars(sys.modules.get(module, sys)).get(name) is thing:
            return node
    return found[0][1] if len(found) == 1 else None


def class_block(path: str, kind: type, definitions: Definitions) -> str:
    """A class: its bases, then its members in the order of their names."""
    from public_api import public_classes

    node = definition_of(kind, definitions)
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    public = set(public_classes())
    lines: dict[str, str] = {}
    for owner in reversed(kind.__mro__):
        # `IvkField[str]`: its members are those of `IvkField`, which has its own block.
        is_parameterized = "[" in owner.__name__
        is_read = is_ours(owner) and not is_parameterized
        source = definition_of(owner, definitions) if is_read else None
        if source is not None and (owner is kind or owner not in public):
            lines.update(member_lines(source))
    head = f"{path}({bases})" if bases else path
    return "\n".join([head, *(f"    {lines[name]}" for name in sorted(lines)), ""])


def is_ours(kind: type) -> bool:
    return kind.__module__.startswith("invokeai_py_client")


def member_lines(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """The public members that a class defines, by name."""
    for item in node.body:
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if not item.name.startswith("_") or is_user_made(item):
                yield item.name, method_line(item)
        elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            if not item.target.id.startswith("_"):
                yield item.target.id, ast.unparse(item)
        elif isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            name = item.targets[0].id
            if not name.startswith("_"):
                yield name, ast.unparse(item)


def is_user_made(item: ast.stmt) -> bool:
    """True for a constructor that users call: others begin with a runner."""
    if getattr(item, "name", "") != "__init__":
        return False
    names = [argument.arg for argument in all_arguments(item)]
    return "runner" not in names


def all_arguments(item: Any) -> list[ast.arg]:
    return [*item.args.posonlyargs, *item.args.args, *item.args.kwonlyargs]


def method_line(item: Any) -> str:
    kinds = {ast.unparse(decorator) for decorator in item.decorator_list}
    if kinds & {"property", "cached_property"}:
        return f"{item.name}: {ast.unparse(item.returns)}"
    prefix = "async " if isinstance(item, ast.AsyncFunctionDef) else ""
    if "classmethod" in kinds:
        prefix = "classmethod "
    return f"{prefix}{item.name}{signature(item)}"


def signature(item: Any) -> str:
    result = f" -> {ast.unparse(item.returns)}" if item.returns else ""
    return f"({ast.unparse(item.args)}){result}"


def differences(old: str, new: str) -> list[str]:
    """The lines that went and came, with the classes they belong to."""
    found = difflib.unified_diff(
        old.splitlines(), new.splitlines(), "snapshot", "source", lineterm="", n=2
    )
    return list(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    options = parser.parse_args()
    # Python 3.9 writes lambdas without arguments with a space.
    text = build().replace("lambda :", "lambda:")
    old = SNAPSHOT.read_text(encoding="utf-8") if SNAPSHOT.exists() else ""
    print("\n".join(differences(old, text)))
    if options.check:
        return int(old != text)
    SNAPSHOT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
