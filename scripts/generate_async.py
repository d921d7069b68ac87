"""Write the asyncio mirrors of the blocking classes, or check that they are current.

    python scripts/generate_async.py            # write
    python scripts/generate_async.py --check    # fail when one is missing or stale

A mirror differs from its source in `async`, `await` and names only; there is no logic
in either, since all of it is in flows. The rules, for every module of the package that
uses `self._runner`, or has a class that inherits from one of such a module
(``board/board_repo.py`` becomes ``_aio/board_repo.py``):

* each class ``X`` that uses it, or names another such class, becomes ``AsyncX``,
  everywhere in the text, and imports of the module are redirected; `HAND_WRITTEN` lists
  pairs made by hand; a function that names such a class is copied with it;
* everything else that a module defines (flows, models, constants) stays where it is,
  and the mirror imports what it needs of it;
* a method that calls `self._runner.run` or `.close`, or such a method of the same
  class, becomes `async def`, and these calls are awaited;
* a method that returns `self._runner.stream(...)` stays a plain `def` that returns an
  ``AsyncIterator`` instead of an ``Iterator``;
* ``__enter__``, ``__exit__`` and ``__iter__`` become ``__aenter__``, ``__aexit__``
  and ``__aiter__``;
* a statement of a class whose first line ends in ``# blocking only`` is left out;
* everything else is copied.

What cannot be mirrored (a property that waits, a waiting call inside a lambda or a
nested function) is an error.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "invokeai_py_client"
SKIPPED_FOLDERS = {"_core", "_io", "_aio"}

HAND_WRITTEN = {
    "invokeai_py_client._io.blocking_driver": "invokeai_py_client._io.asyncio_driver",
    "BlockingDriver": "AsyncioDriver",
    "Runner": "AsyncRunner",
}
PHRASES = {
    "with InvokeAIClient": "async with AsyncInvokeAIClient",
    "with ServerPool": "async with AsyncServerPool",
    " = pool.": " = await pool.",
    "The blocking client": "The asyncio client",
    "used from several threads": "used in several event loops, one after the other",
    "in a `with` statement": "in an `async with` statement",
    " = client.": " = await client.",
}
DUNDERS = {"__enter__": "__aenter__", "__exit__": "__aexit__"}
HEADER = "# Generated from {name} by scripts/generate_async.py; do not edit.\n"
BLOCKING_ONLY = "# blocking only"
RUNNER = "self._runner."
CLASS = re.compile(r"^class (\w+)", re.MULTILINE)

Edit = tuple[int, int, str]


class CannotMirrorError(Exception):
    """A source holds something that has no asyncio form."""


def find_sources() -> list[Path]:
    """Find the modules that wait, or only specialise what does, in a stable order."""
    texts = {
        path: path.read_text(encoding="utf-8")
        for path in sorted(PACKAGE.rglob("*.py"))
        if not SKIPPED_FOLDERS & set(path.relative_to(PACKAGE).parts)
    }
    waiting = [text for text in texts.values() if RUNNER in text]
    names = "|".join(name for text in waiting for name in CLASS.findall(text))
    inherits = re.compile(rf"^class \w+\(({names})\b", re.MULTILINE)
    return [
        path for path, text in texts.items() if text in waiting or inherits.search(text)
    ]


def mirror_of(source: Path) -> Path:
    return PACKAGE / "_aio" / source.name


def rename_table(sources: list[Path]) -> dict[str, str]:
    """Every name that is different in the mirrors: modules and classes."""
    names = dict(HAND_WRITTEN)
    definitions = []
    for source in sources:
        names[module_name(source)] = module_name(mirror_of(source))
        tree = ast.parse(source.read_text(encoding="utf-8"))
        definitions += [node for node in tree.body if isinstance(node, ast.ClassDef)]
    size = -1
    while size != len(names):
        size = len(names)
        for node in definitions:
            if is_mirrored(node, names):
                names[node.name] = async_name(node.name)
    return names


def is_mirrored(node: ast.stmt, names: Collection[str]) -> bool:
    """True when a class or function waits, or names something that does."""
    return isinstance(node, (ast.ClassDef, ast.FunctionDef)) and any(
        (isinstance(inner, ast.Name) and inner.id in names)
        or (isinstance(inner, ast.Attribute) and inner.attr == "_runner")
        for inner in ast.walk(node)
    )


def async_name(name: str) -> str:
    bare = name.lstrip("_")
    return f"{'_' * (len(name) - len(bare))}Async{bare}"


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts)


class Mirror:
    """The edits that turn one source into its mirror."""

    def __init__(self, source: Path, names: dict[str, str]) -> None:
        self.source = source
        self.names = names
        self.text = source.read_text(encoding="utf-8")
        self.lines = self.text.splitlines(keepends=True)
        self.edits: list[Edit] = []

    def make(self) -> str:
        """The mirror's text, not yet formatted."""
        body = ast.parse(self.text).body
        mirrored = [node for node in body if is_mirrored(node, self.names)]
        left = [node for node in body if node not in mirrored and defined(node)]
        for node in mirrored:
            if isinstance(node, ast.ClassDef):
                self.edit_class(node)
        for node in left:
            self.remove(node)
        text = self.text
        for start, end, new in sorted(self.edits, reverse=True):
            text = text[:start] + new + text[end:]
        name = self.source.relative_to(PACKAGE).as_posix()
        text = self.renamed(self.listed(text, mirrored))
        return HEADER.format(name=name) + self.imported(text, left)

    def listed(self, text: str, mirrored: list[ast.stmt]) -> str:
        """Let `__all__` list what the mirror defines, and what it imports publicly."""
        inside = {node.name for node in mirrored} | imported_names(self.text)
        for node in ast.parse(text).body:
            if defined_as(node) == ["__all__"]:
                names = [n for n in ast.literal_eval(node.value) if n in inside]
                old = ast.get_source_segment(text, node) or ""
                text = text.replace(old, f"__all__ = {names!r}")
        return text

    def imported(self, text: str, left: list[ast.stmt]) -> str:
        """Import what the mirror uses of what stays in the source."""
        names = [name for node in left for name in defined_as(node)]
        used = {node.id for node in ast.walk(ast.parse(text)) if is_name(node)}
        wanted = sorted(used.intersection(names))
        if not wanted:
            return text
        line = f"from {module_name(self.source)} import {', '.join(wanted)}\n"
        future = "from __future__ import annotations\n"
        return text.replace(future, future + line, 1)

    def renamed(self, text: str) -> str:
        """Rename modules and classes, in code and in prose."""
        for old, new in PHRASES.items():
            text = text.replace(old, new)
        for old in sorted(self.names, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(old)}\b", self.names[old], text)
        used = "AsyncIterator" in text and "import AsyncIterator" not in text
        imports = "from collections.abc import AsyncIterator\n" if used else ""
        future = "from __future__ import annotations\n"
        return text.replace(future, future + imports, 1)

    def edit_class(self, node: ast.ClassDef) -> None:
        """Note the edits of one class."""
        kept = []
        for statement in node.body:
            if self.is_blocking_only(statement):
                self.remove(statement)
            else:
                kept.append(statement)
        methods = [item for item in kept if isinstance(item, ast.FunctionDef)]
        waiting = self.waiting_methods(methods)
        for method in methods:
            if method.name in waiting:
                self.edit_waiting(method, waiting)
            elif calls(method, "stream"):
                self.edit_streaming(method)

    def waiting_methods(self, methods: list[ast.FunctionDef]) -> set[str]:
        """Names of the methods that wait, directly or through one another."""
        waiting = {
            method.name
            for method in methods
            if method.name in DUNDERS or calls(method, "run", "close")
        }
        size = -1
        while size != len(waiting):
            size = len(waiting)
            waiting |= {
                method.name
                for method in methods
                if any(own_call(node) in waiting for node in ast.walk(method))
            }
        return waiting

    def edit_waiting(self, method: ast.FunctionDef, waiting: set[str]) -> None:
        """Make a method asynchronous."""
        if any(is_property(decorator) for decorator in method.decorator_list):
            raise self.problem(method, "a property cannot wait")
        if method.name.startswith("__") and method.name not in DUNDERS:
            raise self.problem(method, f"{method.name} cannot wait")
        start = self.offset(method.lineno, method.col_offset)
        self.edits.append((start, start + 3, "async def"))
        if method.name in DUNDERS:
            name = start + len("def ")
            self.edits.append((name, name + len(method.name), DUNDERS[method.name]))
        inner = set(map(id, nested_nodes(method)))
        bare = {id(node.value) for node in ast.walk(method) if has_bare_value(node)}
        for node in ast.walk(method):
            if runner_call(node) in ("run", "close") or own_call(node) in waiting:
                if id(node) in inner:
                    raise self.problem(node, "a nested function cannot wait")
                self.await_call(node, in_parentheses=id(node) not in bare)

    def await_call(self, node: ast.AST, *, in_parentheses: bool) -> None:
        """Put `await` before a call."""
        start = self.offset(node.lineno, node.col_offset)
        end = self.offset(node.end_lineno, node.end_col_offset)
        self.edits.append((start, start, "(await " if in_parentheses else "await "))
        if in_parentheses:
            self.edits.append((end, end, ")"))

    def edit_streaming(self, method: ast.FunctionDef) -> None:
        """Let a method return an asynchronous iterator."""
        if method.returns is None:
            raise self.problem(method, "a stream needs a return type")
        start = self.offset(method.returns.lineno, method.returns.col_offset)
        end = self.offset(method.returns.end_lineno, method.returns.end_col_offset)
        old = self.text[start:end]
        new = re.sub(r"\b(Iterator|Iterable)\[", r"Async\1[", old)
        if new == old:
            raise self.problem(method, "a stream is annotated as an Iterator[...]")
        self.edits.append((start, end, new))
        if method.name == "__iter__":
            name = self.offset(method.lineno, method.col_offset) + len("def ")
            self.edits.append((name, name + len("__iter__"), "__aiter__"))

    def is_blocking_only(self, statement: ast.stmt) -> bool:
        """True when the line of the `def`, or of its colon, carries the marker."""
        first = statement.lineno
        body = getattr(statement, "body", None)
        last = body[0].lineno - 1 if body else statement.end_lineno or first
        head = self.lines[first - 1 : max(first, last)]
        return any(line.rstrip().endswith(BLOCKING_ONLY) for line in head)

    def remove(self, statement: ast.stmt) -> None:
        """Leave a statement out, with its decorators."""
        decorators = getattr(statement, "decorator_list", [])
        first = min([statement.lineno, *(item.lineno for item in decorators)])
        start = self.offset(first, 0)
        end = self.offset((statement.end_lineno or first) + 1, 0)
        self.edits.append((start, end, ""))

    def offset(self, line: int, column: int) -> int:
        """Position in the text; `ast` counts columns in bytes of UTF-8."""
        before = sum(map(len, self.lines[: line - 1]))
        if not column:
            return before
        return before + len(self.lines[line - 1].encode()[:column].decode())

    def problem(self, node: ast.AST, reason: str) -> CannotMirrorError:
        """Say where the mirror cannot be made, and why."""
        place = self.source.relative_to(PACKAGE.parent)
        return CannotMirrorError(f"{place}:{node.lineno}: {reason}")


def defined(node: ast.stmt) -> bool:
    """True for what a module defines, apart from the list of its names."""
    return bool(defined_as(node)) and defined_as(node) != ["__all__"]


def defined_as(node: ast.stmt) -> list[str]:
    """The names that a statement gives to something of this module."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [name.id for name in node.targets if isinstance(name, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def imported_names(text: str) -> set[str]:
    """What a module's text imports, under the names it has there."""
    return {
        alias.asname or alias.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }


def is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name)


def runner_call(node: ast.AST) -> str | None:
    """`name` when the node is ``self._runner.name(...)``."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    owner = node.func.value
    is_runner = isinstance(owner, ast.Attribute) and owner.attr == "_runner"
    return node.func.attr if is_runner and is_self(owner.value) else None


def own_call(node: ast.AST) -> str | None:
    """`name` when the node is ``self.name(...)``."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    return node.func.attr if is_self(node.func.value) else None


def is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def calls(method: ast.FunctionDef, *names: str) -> bool:
    return any(runner_call(node) in names for node in ast.walk(method))


def is_property(decorator: ast.expr) -> bool:
    name = getattr(decorator, "id", None) or getattr(decorator, "attr", "")
    return "property" in name or name == "setter"


def has_bare_value(node: ast.AST) -> bool:
    """True when an awaited value needs no parentheses there."""
    return isinstance(node, (ast.Return, ast.Expr, ast.Assign, ast.AnnAssign))


def nested_nodes(method: ast.FunctionDef) -> Iterator[ast.AST]:
    """Everything inside lambdas and functions of a method."""
    for node in ast.walk(method):
        is_nested = isinstance(node, (ast.Lambda, ast.FunctionDef))
        if is_nested and node is not method:
            yield from ast.walk(node)


def formatted(text: str, path: Path) -> str:
    """Sort imports, drop what is not needed and format, as the project does."""
    name = ["--stdin-filename", str(path)]
    ruff = [sys.executable, "-m", "ruff"]
    fix = [
        *ruff,
        "check",
        "--quiet",
        "--fix-only",
        "--select",
        "F401,I,UP034",
        *name,
        "-",
    ]
    for command in (fix, [*ruff, "format", "--quiet", *name, "-"]):
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, encoding="utf-8"
        )
        if done.returncode != 0:
            raise CannotMirrorError(f"{path.name}: {done.stderr.strip()}")
        text = done.stdout
    return text


def wanted_files() -> dict[Path, str]:
    """The text of every mirror."""
    sources = find_sources()
    names = rename_table(sources)
    return {
        mirror_of(source): formatted(Mirror(source, names).make(), mirror_of(source))
        for source in sources
    }


def orphans(wanted: dict[Path, str]) -> list[Path]:
    """Generated files whose source is gone."""
    head = HEADER.split("{", maxsplit=1)[0]
    return [
        path
        for path in sorted((PACKAGE / "_aio").glob("*.py"))
        if path not in wanted and path.read_text(encoding="utf-8").startswith(head)
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    options = parser.parse_args(arguments)
    try:
        wanted = wanted_files()
    except CannotMirrorError as error:
        print(error, file=sys.stderr)
        return 1
    stale = [
        path
        for path, text in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    gone = orphans(wanted)
    for path in [*stale, *gone]:
        print(path.relative_to(PACKAGE.parent.parent))
    if options.check:
        return 1 if stale or gone else 0
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
    for path in gone:
        path.unlink()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
