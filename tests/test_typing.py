"""A type checker sees what a script gets: no error, no `Any` for a known type."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "data" / "typed_script.py"
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


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_script_of_both_clients_is_strictly_typed(tmp_path):
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary"]
    # A configuration of its own: users do not have ours.
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\n")
    command += ["--config-file", str(config), "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run(
        [*command, str(SCRIPT)], capture_output=True, text=True, check=False
    )
    revealed, others = {}, []
    for line in done.stdout.splitlines():
        note = NOTE.search(line)
        if note:
            revealed[int(note[1])] = short(note[2])
        else:
            others.append(line)
    assert not others, "\n".join(others)
    assert revealed == expected()
