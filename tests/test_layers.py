"""Who imports whom, as docs/dev/architecture.md says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import invokeai_py_client

PACKAGE = Path(invokeai_py_client.__file__).parent
NAME = "invokeai_py_client"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))

NOUNS = {
    "app",
    "node_pack",
    "prompt",
    "user",
    "board",
    "client_state",
    "gallery",
    "image",
    "image_move",
    "model",
    "queue",
    "recall",
    "style_preset",
    "system_prompt",
    "video",
    "workflow",
}
MAY_USE = {
    "prompt": {"image", "model"},
    "workflow": {"queue", "board", "image", "model", "video"},
    "board": {"image"},
    "video": {"image"},
    # It mixes images and videos.
    "gallery": {"image", "video"},
    # A cover is a picture.
    "model": {"image"},
    "style_preset": {"image"},
}
# The protocol that handles and repositories hold; everything else in `_io` acts.
OPEN_IO = {f"{NAME}._io.runner"}
MAY_ACT = {"client.py", "async_client.py", "base_client.py"}


class WithoutTyping(ast.NodeTransformer):
    """Takes out what is imported for annotations alone."""

    def visit_If(self, node: ast.If) -> ast.AST:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return ast.Pass()
        return self.generic_visit(node)


def imports(path: Path) -> set[str]:
    """Every module a file imports when it runs, also inside functions."""
    found = set()
    tree = WithoutTyping().visit(ast.parse(path.read_text(encoding="utf-8")))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = absolute(path, node)
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


def absolute(path: Path, node: ast.ImportFrom) -> str:
    """The full name of the module that an import statement names."""
    if node.level == 0:
        return node.module or ""
    folders = path.relative_to(PACKAGE.parent).parts[: -node.level]
    return ".".join([*folders, node.module] if node.module else folders)


def part_of(path: Path) -> str:
    """The top-level package of a file, or the file's own name."""
    return path.relative_to(PACKAGE).parts[0]


def tops(modules: set[str]) -> set[str]:
    """Top-level packages outside this library."""
    return {module.split(".")[0] for module in modules} - {NAME}


def own_parts(modules: set[str]) -> set[str]:
    """Top-level parts of this library."""
    return {module.split(".")[1] for module in modules if module.startswith(f"{NAME}.")}


@pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_imports(path):
    part, used = part_of(path), imports(path)
    outside, inside = tops(used), own_parts(used)
    if part == "_core":
        assert inside <= {"_core", "exceptions"}
        acting = {"httpx", "httpx2", "socketio", "asyncio", "time", "threading"}
        assert not outside & acting
    if part in NOUNS:
        assert inside & NOUNS <= {part} | MAY_USE.get(part, set())
    if part in NOUNS | {"nodes", "ivk_fields"}:
        acting = {name for name in used if name.startswith(f"{NAME}._io.")}
        assert all(name.startswith(tuple(OPEN_IO)) for name in acting)
        assert inside.isdisjoint({"client", "async_client", "base_client", "cli"})
    if part == "simulator":
        assert inside <= {"simulator", "nodes"}
    if part not in {"_io", "simulator", "_server", "server.py", "cli"}:
        assert not outside & {"httpx", "httpx2", "socketio", "websocket"}
    if part != "cli":
        assert not outside & {"typer", "rich"}


PAGE = PACKAGE.parents[1] / "docs" / "dev" / "architecture.md"
needs_page = pytest.mark.skipif(not PAGE.exists(), reason="not run from a clone")


def section(start: str, end: str) -> str:
    """A part of the page on architecture."""
    text = PAGE.read_text(encoding="utf-8")
    return text[text.index(start) : text.index(end)]


@needs_page
def test_the_page_names_every_module_of_workflow_and_no_other():
    named = re.findall(r"`(\w+\.py)`", section("| module of", "`edits` is"))
    files = {path.name for path in (PACKAGE / "workflow").glob("*.py")}
    by_hand = {name for name in files if not name.startswith(("async_", "__"))}
    assert sorted(named) == sorted(by_hand)


@needs_page
def test_the_page_names_every_package():
    named = set(re.findall(r"`([\w.]+)`", section("## Packages", "## Who may")))
    parts = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    modules = {path.name for path in PACKAGE.glob("*.py") if path.name[:2] != "__"}
    assert parts | modules <= named


@needs_page
def test_the_page_has_the_exceptions_that_nouns_enjoy():
    rows = re.findall(r"^\| (`.+`) \| (`.+`) \|$", section("| noun |", "In the"), re.M)
    names = [[set(re.findall(r"`(\w+)`", cell)) for cell in row] for row in rows]
    assert {noun: may for nouns, may in names for noun in nouns} == MAY_USE


@needs_page
def test_the_index_of_the_pages_names_each():
    index = PAGE.with_name("README.md").read_text(encoding="utf-8")
    pages = {path.name for path in PAGE.parent.glob("*.md")} - {"README.md"}
    assert {name for name in pages if f"({name})" not in index} == set()
