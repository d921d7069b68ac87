"""What a start costs: fresh interpreters that import, make a client, run a command.

Run it with the project's Python: `python benchmarks/bench_start.py`. Processor time,
the best of five, because it is what other work on the machine disturbs least; the
first lines are what the interpreter and the libraries below take by themselves.
"""

from __future__ import annotations

import os
import resource  # Not on Windows.
import subprocess
import sys
import tempfile

from side_by_side import WORKFLOWS

HTTP = "httpx2" if sys.version_info >= (3, 10) else "httpx"
FILE = str(WORKFLOWS / "blank.json")
CLIENT = "from invokeai_py_client import InvokeAIClient as C; c = C('http://localhost')"
COMMAND = ["-m", "invokeai_py_client"]
STARTS = {
    "python": ["-c", "pass"],
    f"import pydantic and {HTTP}": [
        "-c",
        f"import {HTTP}; from pydantic import BaseModel, TypeAdapter; {HTTP}.Client()",
    ],
    "import typer": ["-c", "import typer"],
    "import socketio": ["-c", "import socketio"],
    "import invokeai_py_client": ["-c", "import invokeai_py_client"],
    "make a client": ["-c", CLIENT],
    "... and its board_repo": ["-c", f"{CLIENT}; c.board_repo"],
    "... and its workflow_repo": ["-c", f"{CLIENT}; c.workflow_repo"],
    "ivk --help": [*COMMAND, "--help"],
    "ivk workflow compile --offline": [
        *COMMAND,
        *("workflow", "compile", FILE, "--offline", "--json"),
    ],
}


def seconds(arguments: list[str], environment: dict[str, str]) -> float:
    """Processor time of one fresh interpreter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Print milliseconds for each start."""
    with tempfile.TemporaryDirectory() as cache:
        # Compiled modules, as any installation has them, whatever is set here.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        print(f"{'':<34}{'CPU ms':>8}")
        for name, arguments in STARTS.items():
            seconds(arguments, environment)
            best = min(seconds(arguments, environment) for _ in range(5))
            print(f"{name:<34}{1000 * best:>8.0f}")


if __name__ == "__main__":
    main()
