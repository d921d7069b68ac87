"""Make or refresh a virtual environment with the library and its development tools.

    python scripts/dev_setup.py FOLDER [EXTRA ...]

Runs with any Python 3.9 or newer and needs nothing installed. An environment that is
there already is kept. The package is installed in place with the extras (`dev` when
none is named); uv does it in seconds, pip takes over where uv cannot.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def interpreter(venv: Path) -> Path:
    """The interpreter of an environment, by this platform's layout."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def runs(command: list[str]) -> bool:
    """True when the command works; what it says is of no interest."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def ensure_venv(venv: Path, base: str = sys.executable) -> Path:
    """The interpreter of `venv`, made with `base` when there is no working one."""
    python = interpreter(venv)
    if not runs([str(python), "-c", "import sys; assert sys.version_info >= (3, 9)"]):
        subprocess.run([base, "-m", "venv", "--clear", str(venv)], check=True)
    if not runs([str(python), "-m", "pip", "--version"]):
        subprocess.run([str(python), "-m", "ensurepip"], check=True)
    return python


def install(python: Path, extras: list[str], *options: str) -> None:
    """Install the package in place with its extras into an environment.

    `options` are of `uv pip install`.
    """
    target = f"{REPOSITORY}[{','.join(extras)}]"
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    if runs([str(python), "-m", "uv", "--version"]) or runs([*pip, "uv"]):
        uv = [str(python), "-m", "uv", "pip", "install", "-q", "--python", str(python)]
        command = [*uv, *options, "-e", target]
        if subprocess.run(command, check=False).returncode == 0:
            return
        print("uv could not do it; trying pip", flush=True)
    subprocess.run([*pip, *options, "-e", target], check=True)


def main() -> int:
    """Set up the environment named on the command line."""
    if sys.version_info < (3, 9):  # noqa: UP036, it is what reports an old Python
        version = ".".join(map(str, sys.version_info[:3]))
        print(f"Python 3.9 or newer is needed, {sys.executable} is {version}.")
        print("Name another one: make PYTHON=python3.12 ...")
        return 1
    venv, extras = Path(sys.argv[1]), sys.argv[2:] or ["dev"]
    print(f"setting up {venv} with {sys.executable}", flush=True)
    try:
        install(ensure_venv(venv), extras)
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(map(str, error.cmd))} failed with {error.returncode}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
