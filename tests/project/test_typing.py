"""A type checker sees what a script gets: no error, no `Any` for a known type."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import typing
from pathlib import Path

import pytest
from paths import DATA
from public_api import hints_of, members

import invokeai_py_client

SCRIPT = DATA / "typed_script.py"
NOTE = re.compile(r':(\d+): note: Revealed type is "(.*)"$')


def expected() -> dict[int, str]:
    """The comment behind each `reveal_type`, by the line of the call."""
    text = SCRIPT.read_text(encoding="utf-8")
    lines = text.splitlines()
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "reveal_type":
            comment = lines[(node.end_lineno or node.lineno) - 1].rpartition("  # ")[2]
            found[node.args[0].lineno] = comment
    return found


def short(revealed: str) -> str:
    """A type without the modules its names live in."""
    return re.sub(r"\b\w+\.(?=\w)", "", revealed)


HANDLES = (
    "WorkflowHandle",
    "BoardHandle",
    "Submission",
    "IvkImage",
    "IvkVideo",
    "ModelInstallJob",
)
# The answer to any request is any JSON.
GIVE_ANYTHING = {"request"}


def every_method() -> list[str]:
    """Expressions for each public method of both clients and of what they give."""
    found = []
    for prefix in ("", "Async"):
        client = getattr(invokeai_py_client, f"{prefix}InvokeAIClient")
        kinds = {
            prefix + name: getattr(invokeai_py_client, prefix + name)
            for name in HANDLES
        }
        found += [
            f"{name}.{method}"
            for name, kind in kinds.items()
            for method, _ in members(kind)
        ]
        for name, function in members(client):
            owner = f"{client.__name__}().{name}"
            if not name.endswith("_repo"):
                found.append(owner)
                continue
            repository = hints_of(function)["return"]
            kind = typing.get_origin(repository) or repository
            found += [f"{owner}.{method}" for method, _ in members(kind)]
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_method_of_both_clients_says_what_it_gives(tmp_path):
    expressions = every_method()
    assert len(expressions) > 500
    lines = ["from invokeai_py_client import *"]
    lines += [f"reveal_type({expression})" for expression in expressions]
    script = tmp_path / "methods.py"
    script.write_text("\n".join(lines))
    revealed, others = checked(script, tmp_path)
    assert not others, "\n".join(others)
    untyped = {
        expression.rpartition(".")[2]
        for line, expression in enumerate(expressions, start=2)
        if re.search(r"(-> |Coroutine\[Any, Any, |^)Any\]?$", revealed[line])
    }
    assert untyped <= GIVE_ANYTHING


def checked(script: Path, folder: Path) -> tuple[dict[int, str], list[str]]:
    """What a strict type checker reveals by line, and what else it says."""
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary"]
    # A configuration of its own: users do not have ours.
    config = folder / "mypy.ini"
    config.write_text("[mypy]\n")
    command += ["--config-file", str(config), "--cache-dir", str(folder / "cache")]
    done = subprocess.run(
        [*command, str(script)], capture_output=True, text=True, check=False
    )
    revealed, others = {}, []
    for line in done.stdout.splitlines():
        note = NOTE.search(line)
        if note:
            revealed[int(note[1])] = short(note[2])
        else:
            others.append(line)
    return revealed, others


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_script_of_both_clients_is_strictly_typed(tmp_path):
    revealed, others = checked(SCRIPT, tmp_path)
    assert not others, "\n".join(others)
    assert revealed == expected()
