"""Change the pure rooms in small ways, and see whether their own tests notice.

    python scripts/mutants.py [--room ROOM ...] [--count 20] [--seed 0] [--least 90]

Each mutant is one comparison, sum, boolean or number of a function, changed in a copy
of the repository. A survivor is printed with its line: either a test is missing, or the
change changes nothing that can be seen.
"""

from __future__ import annotations

import argparse
import ast
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = Path("src/invokeai_py_client")
# A mutant that goes round in circles is noticed, too.
LONGEST = 300

# Each room and the tests that are about it; recorded workflows are about most of them.
ROOMS = {
    "_core": (
        "_core",
        "core",
        "property/test_core_retry.py",
        "property/test_tracker.py",
        "queue",
        "workflow/waiting",
    ),
    "checking": ("workflow/checking", "workflow/checking", "property/test_checks.py"),
    "compiling": ("workflow/compiling", "workflow/compiling", "parity"),
    "document": ("workflow/document", "workflow/document", "workflow/loading"),
    "editor": ("workflow/editor", "workflow/editor", "workflow/loading", "parity"),
    "fields": ("ivk_fields", "ivk_fields", "test_fields.py"),
    "loading": ("workflow/loading", "workflow/loading", "workflow/inputs", "parity"),
    "nodes": ("nodes", "nodes", "test_fields.py"),
    "results": ("workflow/results", "workflow/results", "workflow/waiting"),
}

SWAPS: dict[type, type] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Add,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


@dataclass(frozen=True)
class Mutant:
    """The change of one node, by its number in the file."""

    file: Path
    number: int


def changed(node: ast.AST) -> Optional[ast.AST]:
    """The node with one thing different; None where nothing can be changed."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        swap = SWAPS.get(type(node.ops[0]))
        return swap and ast.Compare(node.left, [swap()], node.comparators)
    if isinstance(node, (ast.BinOp, ast.AugAssign, ast.BoolOp)):
        swap = SWAPS.get(type(node.op))
        if swap is None:
            return None
        fields = {**dict(ast.iter_fields(node)), "op": swap()}
        return type(node)(**fields)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return node.operand
    if isinstance(node, ast.Constant) and type(node.value) in (bool, int):
        value = not node.value if node.value is True or node.value is False else None
        return ast.Constant(node.value + 1 if value is None else value)
    return None


class Change(ast.NodeTransformer):
    """Changes the wanted node inside functions; counts those that could be."""

    def __init__(self, wanted: int = -1) -> None:
        self.count = 0
        self.line = 0
        self._wanted = wanted
        self._depth = 0

    def visit(self, node: ast.AST) -> ast.AST:
        """Visit a node, but no annotation."""
        is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if is_function:
            node.returns, node.args = None, without_annotations(node.args)
            decorators, node.decorator_list = node.decorator_list, []
        if isinstance(node, ast.AnnAssign) and node.value is not None and self._depth:
            node = ast.copy_location(ast.Assign([node.target], node.value), node)
        self._depth += is_function
        other = changed(node) if self._depth else None
        if other is not None:
            self.count += 1
            if self.count - 1 == self._wanted:
                self.line = node.lineno
                self._depth -= is_function
                return ast.fix_missing_locations(ast.copy_location(other, node))
        made = self.generic_visit(node)
        self._depth -= is_function
        if is_function:
            made.decorator_list = decorators
        return made


def without_annotations(arguments: ast.arguments) -> ast.arguments:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    for argument in [*every, arguments.vararg, arguments.kwarg]:
        if argument is not None:
            argument.annotation = None
    return arguments


def mutate(source: str, number: int) -> tuple[str, int]:
    """The source with one change, and the line that it is in."""
    change = Change(number)
    tree = change.visit(ast.parse(source))
    return ast.unparse(tree), change.line


def mutants_of(room: str) -> Iterator[Mutant]:
    """All that could be changed in a room."""
    for path in sorted((REPOSITORY / PACKAGE / ROOMS[room][0]).rglob("*.py")):
        change = Change()
        change.visit(ast.parse(path.read_text(encoding="utf-8")))
        for number in range(change.count):
            yield Mutant(path.relative_to(REPOSITORY), number)


def copy_tree(folder: Path) -> Path:
    for part in ("src", "tests", "docs", "examples", "scripts", "pyproject.toml"):
        source, target = REPOSITORY / part, folder / part
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target, ignore=ignore)
        else:
            shutil.copy(source, target)
    return folder


def is_noticed(tree: Path, room: str, mutant: Optional[Mutant]) -> tuple[bool, int]:
    """True when the tests of a room fail with the mutant; the line of the change."""
    line, file = 0, None
    if mutant is not None:
        file = tree / mutant.file
        source = file.read_text(encoding="utf-8")
        text, line = mutate(source, mutant.number)
        file.write_text(text, encoding="utf-8")
    tests = [str(tree / "tests" / name) for name in ROOMS[room][1:]]
    options = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not live and not slow"]
    # Without .pyc files: two mutants of a file can have the same size and second.
    environment = {
        "IVK_SHARED": str(REPOSITORY.parent / "shared"),
        **os.environ,
        "PYTHONPATH": str(tree / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "pytest", *options, *tests]
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LONGEST,
            check=False,
        )
        return done.returncode != 0, line
    except subprocess.TimeoutExpired:
        return True, line
    finally:
        if file is not None:
            file.write_text(source, encoding="utf-8")


def main() -> int:
    """Try mutants of the rooms that were named, or of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--room", nargs="*", default=sorted(ROOMS), choices=ROOMS)
    parser.add_argument("--count", type=int, default=20, help="mutants of each room")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--least", type=float, default=90.0, help="percent killed")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    trees: queue.Queue[Path] = queue.Queue()
    killed = tried = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.workers):
            trees.put(copy_tree(Path(folder) / "trees" / str(number) / "copy"))

        def one(room: str, mutant: Optional[Mutant]) -> tuple[bool, int]:
            tree = trees.get()
            try:
                return is_noticed(tree, room, mutant)
            finally:
                trees.put(tree)

        for room in options.room:
            if one(room, None)[0]:
                print(f"{room}: its tests fail without any change")
                return 1
            found = list(mutants_of(room))
            chosen = random.Random(options.seed).sample(
                found, min(options.count, len(found))
            )
            with ThreadPoolExecutor(options.workers) as pool:
                ends = list(pool.map(lambda mutant: one(room, mutant), chosen))  # noqa: B023
            noticed = sum(is_killed for is_killed, _ in ends)
            killed, tried = killed + noticed, tried + len(ends)
            print(f"{room}: {noticed} of {len(ends)} killed", flush=True)
            for mutant, (is_killed, line) in zip(chosen, ends):
                if not is_killed:
                    source = (REPOSITORY / mutant.file).read_text(encoding="utf-8")
                    words = source.splitlines()[line - 1].strip()
                    print(f"  survived: {mutant.file}:{line} #{mutant.number} {words}")
    share = 100 * killed / max(tried, 1)
    print(f"{killed} of {tried} killed: {share:.0f} %")
    return 0 if share >= options.least else 1


if __name__ == "__main__":
    sys.exit(main())
