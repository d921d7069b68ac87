"""Finding a Python that InvokeAI runs on: 3.11 or 3.12."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from invokeai_py_client.exceptions import LocalServerError

WANTED = ("3.11", "3.12")
PYTHON_VARIABLE = "INVOKEAI_SERVER_PYTHON"

# Debian's python3 may come without `ensurepip`, and then cannot make environments.
_PROBE = "import sys, ensurepip, venv; print('%d.%d' % sys.version_info[:2])"


def _candidates(wanted: str) -> Iterator[Path]:
    """Places where Python `wanted` may be, best first."""
    if wanted == f"{sys.version_info[0]}.{sys.version_info[1]}":
        yield Path(sys.executable)
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT", str(home / ".pyenv")))
    yield from sorted(pyenv.glob(f"versions/{wanted}*/bin/python"), reverse=True)
    managed = home / ".local" / "share" / "uv" / "python"
    yield from sorted(managed.glob(f"cpython-{wanted}*/bin/python3"), reverse=True)
    for name in (f"python{wanted}", "python3", "python"):
        found = shutil.which(name)
        if found:
            yield Path(found)


def python_version(command: list[str]) -> Optional[str]:
    """The version (such as "3.11") of a Python that can make environments.

    None when it cannot be run, or when it lacks `venv` or `ensurepip`.
    """
    try:
        done = subprocess.run(
            [*command, "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def find_server_python(python: Optional[str] = None) -> list[str]:
    """The command of a Python 3.11 or 3.12 to install InvokeAI with.

    Looks at `python`, else at the variable `INVOKEAI_SERVER_PYTHON`, else at the
    running interpreter, pyenv, uv, the search path and Windows' `py` launcher.

    Raises:
        LocalServerError: There is none; the message names what was looked for.
    """
    chosen = python or os.environ.get(PYTHON_VARIABLE)
    if chosen:
        found = python_version([chosen])
        if found in WANTED:
            return [chosen]
        raise LocalServerError(
            f"{chosen} cannot install InvokeAI: it is "
            + (f"Python {found}" if found else "no Python that has venv and ensurepip"),
            hint=f"InvokeAI needs Python {' or '.join(WANTED)}",
        )
    for wanted in WANTED:
        commands = [[str(path)] for path in _candidates(wanted)]
        if shutil.which("py"):
            commands.append(["py", f"-{wanted}"])
        for command in commands:
            if python_version(command) == wanted:
                return command
    raise LocalServerError(
        f"no Python {' or '.join(WANTED)} with venv and ensurepip was found on the "
        "search path, in pyenv or in uv; InvokeAI runs on nothing else",
        hint=f"install one of them, or name it in {PYTHON_VARIABLE}",
    )
