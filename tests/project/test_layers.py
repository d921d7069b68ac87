"""Who imports whom, as docs/dev/architecture.md says; how large a folder may be."""

from __future__ import annotations

import ast
import re

import pytest
from imports import MODULES, NAME, PACKAGE, imports, own_imports, rings

LARGEST_FOLDER = 15

# What everything may stand on, and what stands on everything.
GROUND = {
    "_version",
    "_exports",
    "_shown",
    "_snapshot",
    "_objects",
    "_job",
    "_suggestions",
    "_arguments",
    "_target_path",
    "_file_names",
    "exceptions",
}
NOUNS = {
    "admin",
    "board",
    "gallery",
    "image",
    "model",
    "prompts",
    "queue",
    "recipe",
    "sweep",
    "video",
    "workflow",
}
MAY_USE = {
    "recipe": {"workflow", "image"},
    "prompts": {"image", "model"},
    "sweep": {"workflow", "queue", "board", "image", "model", "video"},
    "workflow": {"queue", "board", "image", "model", "video"},
    "board": {"image"},
    "video": {"image"},
    # It mixes images and videos.
    "gallery": {"image", "video"},
    # A cover is an image.
    "model": {"image"},
}
# Where people ask for a plan of sweeps, which are made of workflows, and for what made
# an image, which is read with them; and what makes clients, of which several are one.
PLANS = {
    f"{NAME}.workflow.workflow_handle": {"sweep"},
    f"{NAME}.image.image_handle": {"recipe"},
    f"{NAME}.image.image_repo": {"recipe"},
    f"{NAME}.sweep.pool.server_pool": {"client"},
}
# The parts a part may use besides itself and the ground, which has rules of its own.
PARTS = {
    "_version": set(),
    "_shown": set(),
    "_exports": {"_shown", "_suggestions"},
    "_snapshot": set(),
    "_suggestions": set(),
    "_objects": {"_core", "_arguments", "_suggestions"},
    "_arguments": {"exceptions", "_suggestions"},
    "_target_path": set(),
    "_file_names": {"exceptions", "_suggestions"},
    "_job": {"_snapshot"},
    "exceptions": {"_job"},
    "_core": {"exceptions"},
    "_io": {"_core"},
    "_connected": {"_core"},
    "nodes": set(),
    "ivk_fields": {"nodes"},
    "events": {"_core"},
    "models": {"image"},
    "simulator": {"nodes"},
    "_local_server": set(),
    "server": {"_local_server"},
    **{
        noun: {"_core", "_io", "_connected", "nodes", "ivk_fields"}
        | MAY_USE.get(noun, set())
        for noun in NOUNS
    },
}
# A part that uses no ground but this.
STRICT = {
    "_core": {"exceptions", "_exports"},
    "exceptions": {"_job", "_exports", "_shown"},
    "_job": {"_snapshot", "_exports"},
    "simulator": {"_exports", "_version"},
    "_version": set(),
    "_shown": set(),
    "_exports": {"_shown", "_suggestions"},
    "_snapshot": {"_exports"},
    "_suggestions": set(),
    "_objects": {"_core", "_arguments", "_suggestions"},
    "_arguments": {"exceptions", "_suggestions"},
    "_target_path": set(),
    "_file_names": {"exceptions", "_suggestions"},
}
# The rooms of a part, in order: each may use those before it, and no later one.
ROOMS = {
    "workflow": (
        "document",
        "editor",
        "loading",
        "compiling",
        "checking",
        "locking",
        "inputs",
        "jobs",
        "results",
        "waiting",
        "library",
        "lookup",
        "submitting",
    ),
    "sweep": (
        "planning",
        "ledger",
        "folder",
        "scheduling",
        "chunks",
        "batches",
        "running",
        "pool",
        "display",
    ),
    "simulator": (
        "base",
        "graphs",
        "session",
        "media",
        "models",
        "library",
        "program",
        "nodes",
        "queue",
        # One file: all of the above put together, for the rooms below to serve.
        "simulation",
        "http",
        "api_gallery",
        "api_workflows",
        "api_program",
    ),
}
# Rooms that use none of the others.
ALONE = {("workflow", "jobs"), ("sweep", "ledger"), ("sweep", "scheduling")}
# The protocol that handles and repositories hold; everything else in `_io` acts.
OPEN_IO = {f"{NAME}._io.runner"}
PURE = NOUNS | {"nodes", "ivk_fields"}

own = pytest.mark.parametrize("module", MODULES)


def part_of(module: str) -> str:
    """The top-level package or module that a module belongs to."""
    return [*module.split("."), ""][1]


def room_of(module: str) -> str:
    """The room of a module; empty for what stands on top of the rooms."""
    parts = module.split(".")
    return parts[2] if parts[2:] and parts[2] in ROOMS.get(parts[1], ()) else ""


def tops(modules: frozenset[str]) -> set[str]:
    """Top-level packages outside this library."""
    return {module.split(".")[0] for module in modules} - {NAME}


@own
def test_a_part_uses_only_the_parts_below_it(module):
    part = part_of(module)
    if part not in PARTS:
        return
    used = {part_of(other) for other in own_imports(module)} - {part}
    used -= PLANS.get(module, set())
    if MODULES[module].name == "__init__.py":
        # A package offers the asyncio classes of its noun as well.
        used.discard("_aio")
    if module == f"{NAME}.models":
        used.discard("_aio")
    ground = STRICT.get(part, GROUND)
    assert used <= PARTS[part] | ground


@own
def test_a_room_uses_only_the_rooms_before_it(module):
    part, room = part_of(module), room_of(module)
    if not room:
        return
    order = ROOMS[part]
    inside = [other for other in own_imports(module) if part_of(other) == part]
    allowed = set() if (part, room) in ALONE else set(order[: order.index(room)])
    assert {room_of(other) for other in inside} <= allowed | {room}


@own
def test_only_the_doors_lead_outside(module):
    part, used = part_of(module), imports(module)
    if part == "_core":
        acting = {"httpx", "httpx2", "socketio", "asyncio", "time", "threading"}
        assert not tops(used) & acting
    if part in PURE:
        acting = {name for name in used if name.startswith(f"{NAME}._io")}
        assert acting <= OPEN_IO
    if part not in {"_io", "simulator", "_local_server", "server", "cli"}:
        assert not tops(used) & {"httpx", "httpx2", "socketio", "websocket"}
    if part != "cli":
        assert not tops(used) & {"typer", "rich"}
    if module != f"{NAME}.sweep.dask":
        assert not tops(used) & {"dask", "distributed"}


def test_no_import_runs_in_a_ring():
    assert rings() == []


def test_no_folder_is_too_large_to_read_at_a_glance():
    folders = {path.parent for path in MODULES.values()} - {PACKAGE / "_aio"}
    sizes = {folder: len(list(folder.glob("*.py"))) for folder in folders}
    assert {f: n for f, n in sizes.items() if n > LARGEST_FOLDER} == {}


@pytest.mark.parametrize("part", ROOMS)
def test_every_room_says_which_rooms_it_may_use(part):
    for room in ROOMS[part]:
        page = PACKAGE / part / room / "__init__.py"
        if page.exists():
            text = ast.get_docstring(ast.parse(page.read_text("utf-8"))) or ""
            assert re.search(r"\b(May use|Uses no other)\b", text), page


def test_every_folder_says_what_it_is_for():
    for path in MODULES.values():
        if path.name == "__init__.py":
            assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), path


PAGE = PACKAGE.parents[1] / "docs" / "dev" / "architecture.md"
needs_page = pytest.mark.skipif(not PAGE.exists(), reason="not run from a clone")


def section(start: str, end: str) -> str:
    """A part of the page on architecture."""
    text = PAGE.read_text(encoding="utf-8")
    return text[text.index(start) : text.index(end)]


@needs_page
@pytest.mark.parametrize("part", ["workflow", "sweep"])
def test_the_page_names_every_room_in_order(part):
    table = section(f"| room of `{part}/`", "## Packages").partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.M) == list(ROOMS[part])


@needs_page
def test_the_page_names_every_package():
    named = set(re.findall(r"`([\w.]+)`", section("## Packages", "## Who may")))
    parts = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    modules = {path.name for path in PACKAGE.glob("*.py") if path.name[:2] != "__"}
    assert parts | modules <= named


@needs_page
def test_the_page_has_the_exceptions_that_nouns_enjoy():
    rows = re.findall(
        r"^\| (`.+`) \| (`.+`) \|$", section("| noun |", "No import"), re.M
    )
    names = [[set(re.findall(r"`(\w+)`", cell)) for cell in row] for row in rows]
    assert {noun: may for nouns, may in names for noun in nouns} == MAY_USE


@needs_page
def test_the_index_of_the_pages_names_each():
    index = PAGE.with_name("README.md").read_text(encoding="utf-8")
    pages = {path.name for path in PAGE.parent.glob("*.md")} - {"README.md"}
    assert {name for name in pages if f"({name})" not in index} == set()
