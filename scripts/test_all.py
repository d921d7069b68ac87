"""Run the unit tests, or the type check, on every supported Python of this machine.

    python scripts/test_all.py [PYTEST ARGUMENT ...]
    python scripts/test_all.py --lowest [PYTEST ARGUMENT ...]
    python scripts/test_all.py --types-on 3.9

Interpreters come from the search path, pyenv and uv; each version gets an environment
in `.venvs/<version>`. In CI (`CI` is set) the versions are `REQUIRED_IN_CI`, which must
be there, the oldest with all tests, the newest with those of the rooms that meet the
interpreter; elsewhere all that are found, and a missing one is only named.

With `--lowest`, every dependency that users get has the lowest version that
`pyproject.toml` allows, and the tests are those that use it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from dev_setup import REPOSITORY, ensure_venv, install

SUPPORTED = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
REQUIRED_IN_CI = ("3.9", "3.13")
# Threads, event loops, files, processes, annotations and imports; what the other rooms
# decide is the same on every version.
MEETS_PYTHON = [
    f"tests/{room}"
    for room in (
        "io",
        "core",
        "client",
        "cli",
        "simulator",
        "project",
        "sweep",
        "image",
    )
]
# HTTP is another package from 3.10 on.
LOWEST_ON = ("3.9", "3.10")
LOWEST_TESTS = [
    *(f"tests/{room}" for room in ("simulator", "io", "cli", "image", "ivk_fields")),
    "tests/sweep/running/test_dask_workers.py",
    # Old versions use what newer ones of other packages deprecate.
    "-W",
    "ignore::DeprecationWarning",
]

PROBE = "import sys, venv, ensurepip; print(sys.version.split()[0])"


def candidates(version: str) -> Iterator[str]:
    """Places where a Python may be, best first."""
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT", str(home / ".pyenv")))
    uv = home / ".local" / "share" / "uv" / "python"
    for pattern, folder in (
        (f"versions/{version}.*/bin/python", pyenv),
        (f"cpython-{version}.*/bin/python3", uv),
    ):
        yield from sorted(map(str, folder.glob(pattern)), reverse=True)
    if ".".join(map(str, sys.version_info[:2])) == version:
        yield sys.executable
    for name in (f"python{version}", "python3", "python"):
        found = shutil.which(name)
        if found:
            yield found


def full_version(python: str) -> Optional[str]:
    """The version of an interpreter that can make environments, else None."""
    try:
        done = subprocess.run(
            [python, "-c", PROBE],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def find_pythons() -> dict[str, tuple[str, str]]:
    """For each supported version found: its full version and its interpreter."""
    found: dict[str, tuple[str, str]] = {}
    for version in SUPPORTED:
        for python in candidates(version):
            full = full_version(python)
            if full and full.startswith(f"{version}."):
                found[version] = (full, python)
                break
    return found


def prepare(version: str, base: str, *, lowest: bool) -> Path:
    """The interpreter of the environment of a version, up to date with pyproject."""
    venv = REPOSITORY / ".venvs" / (f"lowest-{version}" if lowest else version)
    python = ensure_venv(venv, base)
    stamp = venv / ".dev-setup"
    project = REPOSITORY / "pyproject.toml"
    if not stamp.exists() or stamp.stat().st_mtime < project.stat().st_mtime:
        if lowest:
            options = ("--reinstall", "--resolution", "lowest-direct")
            extras = ["cli", "dask", "images", "remote", "simulator"]
            install(python, extras, *options)
        # Keeps what is installed: the tools may be of any version.
        install(python, ["dev"])
        stamp.touch()
    return python


def check_types(version: str, found: dict[str, tuple[str, str]]) -> int:
    """Run mypy on an old version; current ones no longer know its syntax rules."""
    if version not in found:
        print(f"types on Python {version}: not found on this machine")
        return 1 if os.environ.get("CI") else 0
    full, base = found[version]
    print(f"types on Python {full}", flush=True)
    python = prepare(version, base, lowest=False)
    cache = str(REPOSITORY / ".mypy_cache" / f"on-{version}")
    command = [str(python), "-m", "mypy", "--cache-dir", cache]
    return subprocess.run(command, cwd=REPOSITORY, check=False).returncode


def test_on(python: Path, arguments: list[str]) -> str:
    """Run the tests with an interpreter; their last line, or what went wrong."""
    cache = python.parents[1] / ".pytest_cache"
    # The live suite tests behaviour, not the interpreter; one version runs it.
    options = ["-q", "-o", f"cache_dir={cache}", "-m", "not live and not slow"]
    return run_pytest(python, [*options, "-n", "2", *arguments])


def run_pytest(python: Path, options: list[str]) -> str:
    """One run of pytest: how it ended, and its last line."""
    command = [str(python), "-m", "pytest", *options]
    child = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    last = ""
    with child:
        for line in child.stdout or ():
            print(line, end="", flush=True)
            last = line.strip() or last
    return f"{'passed' if child.returncode == 0 else 'FAILED'} ({last})"


def main() -> int:
    """Do what the command line says."""
    found = find_pythons()
    if sys.argv[1:2] == ["--types-on"]:
        return check_types(sys.argv[2], found)
    lowest = sys.argv[1:2] == ["--lowest"]
    arguments = [*LOWEST_TESTS, *sys.argv[2:]] if lowest else sys.argv[1:]
    required = LOWEST_ON if lowest else REQUIRED_IN_CI
    outcomes = {}
    for version in required if lowest or os.environ.get("CI") else SUPPORTED:
        if version not in found:
            outcomes[version] = "not found on this machine"
            continue
        full, base = found[version]
        print(f"\n=== Python {full} ({base})", flush=True)
        try:
            python = prepare(version, base, lowest=lowest)
            newest = os.environ.get("CI") and not lowest and version != SUPPORTED[0]
            rooms = MEETS_PYTHON if newest else []
            outcomes[full] = test_on(python, [*rooms, *arguments])
        except subprocess.CalledProcessError as error:
            outcomes[full] = f"FAILED (set-up ended with {error.returncode})"
    print("\n=== unit tests by Python version")
    for version, outcome in outcomes.items():
        print(f"Python {version:8} {outcome}")
    missing = [version for version in required if version not in found]
    if missing and os.environ.get("CI"):
        print(f"CI must test on Python {' and '.join(missing)}")
        return 1
    return 1 if any(text.startswith("FAILED") for text in outcomes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
