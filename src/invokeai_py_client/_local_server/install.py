"""Installing InvokeAI into an environment of its own, once per version."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Optional

from invokeai_py_client._exports import set_module
from invokeai_py_client._local_server.lock import exclusive
from invokeai_py_client._local_server.paths import cache_dir, server_dir, venv_program
from invokeai_py_client._local_server.pythons import find_server_python
from invokeai_py_client.exceptions import LocalServerError

log = logging.getLogger("invokeai_py_client")

Report = Callable[[str], None]

# Proves an environment without a marker: the version, every package's RECORD (which
# installers write last), and the import that starting the server does first.
_ADOPT = """
import sys
from importlib.metadata import distributions, version
if version("invokeai") != sys.argv[1]:
    sys.exit(1)
if any(item.read_text("RECORD") is None for item in distributions()):
    sys.exit(1)
import torch, diffusers, transformers
from invokeai.app.run_app import run_app
"""


@set_module("invokeai_py_client.server")
@dataclass(frozen=True)
class Installation:
    """A whole InvokeAI environment.

    Attributes:
        version: InvokeAI's version.
        venv: The virtual environment.
    """

    version: str
    venv: Path

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return venv_program(self.venv, "python")


def find_installation(version: str) -> Optional[Installation]:
    """The installation of `version` in the cache, or None when it is not whole."""
    folder = server_dir(version)
    found = Installation(version, folder / "venv")
    try:
        marker = json.loads((folder / "installed.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    whole = (
        isinstance(marker, dict)
        and marker.get("version") == version
        and found.python.exists()
        and venv_program(found.venv, "invokeai-web").exists()
    )
    return found if whole else None


def installed_versions() -> list[str]:
    """The versions that are whole in the cache folder."""
    markers = (cache_dir() / "servers").glob("*/installed.json")
    names = sorted(path.parent.name for path in markers)
    return [name for name in names if find_installation(name)]


def install_server(
    version: str,
    *,
    python: Optional[str] = None,
    reinstall: bool = False,
    report: Report = log.info,
) -> Installation:
    """Install InvokeAI `version` into the cache folder, or find it there.

    Takes one to five minutes, downloads about 3 GB and needs 7 GB of disk the first
    time. Two processes may call this at once: one installs, the other waits.

    Args:
        version: A released version, such as "6.14.2".
        python: A Python 3.11 or 3.12; None looks for one.
        reinstall: Remove what is there and install again.
        report: Called with a line whenever something that takes time begins.

    Raises:
        LocalServerError: No fitting Python, or the installation failed; the message
            ends with the last lines of the installer.
    """
    if not re.fullmatch(r"\d+(\.\w+)+", version):
        raise LocalServerError(f"{version!r} is not an InvokeAI version such as 6.14.2")
    folder = server_dir(version)
    with exclusive(folder / "install.lock"):
        if not reinstall:
            found = find_installation(version) or _adopt(version)
            if found:
                return found
        command = find_server_python(python)
        (folder / "installed.json").unlink(missing_ok=True)
        shutil.rmtree(folder / "venv", ignore_errors=True)
        installation = Installation(version, folder / "venv")
        with (folder / "install.log").open("wb") as output:
            _fill(installation, command, output, report)
        _write_marker(installation)
    report(f"InvokeAI {version} is installed in {installation.venv}")
    return installation


def _fill(
    installation: Installation, python: Sequence[str], output: IO[bytes], report: Report
) -> None:
    """Make the environment and install into it; uv first, because it is quick."""
    venv = installation.venv
    wanted = f"invokeai=={installation.version}"
    report(f"making {venv} with {' '.join(python)}")
    _must([*python, "-m", "venv", str(venv)], output)
    pip = [str(installation.python), "-m", "pip", "install"]
    if _run([*pip, "uv"], output) == 0:
        report(f"installing {wanted} with uv: about a minute, 7 GB")
        uv = [str(venv_program(venv, "uv")), "pip", "install"]
        if _run([*uv, "--python", str(installation.python), wanted], output) == 0:
            return
    report(f"installing {wanted} with pip: about five minutes, 7 GB")
    _must([*pip, wanted], output)


def _must(command: Sequence[str], output: IO[bytes]) -> None:
    code = _run(command, output)
    if code:
        raise LocalServerError(
            f"installing InvokeAI failed with code {code}; the end of {output.name}:\n"
            + log_tail(Path(output.name), 15),
            hint="check the network and the free disk space (7 GB), then try again",
        )


def _run(command: Sequence[str], output: IO[bytes]) -> int:
    """Run a step of the installation; it does not outlive an interrupted parent."""
    child = subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return child.wait()
    finally:
        if child.poll() is None:
            if os.name == "nt":  # pragma: no cover
                child.kill()
            else:
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _adopt(version: str) -> Optional[Installation]:
    """An environment without our marker, made by hand, that proves to be whole."""
    found = Installation(version, server_dir(version) / "venv")
    if not venv_program(found.venv, "invokeai-web").exists():
        return None
    command = [str(found.python), "-c", _ADOPT, version]
    done = subprocess.run(
        command, capture_output=True, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        return None
    _write_marker(found)
    return found


def _write_marker(installation: Installation) -> None:
    """Say that the installation is whole; the rename makes it all or nothing."""
    folder = installation.venv.parent
    partial = folder / "installed.json.partial"
    partial.write_text(json.dumps({"version": installation.version}), "utf-8")
    partial.replace(folder / "installed.json")


def log_tail(path: Path, lines: int) -> str:
    """The last `lines` lines of a log; empty when there is no such file."""
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def require_installation(
    version: str, install: bool, python: Optional[str], report: Report
) -> Installation:
    """The installation of a version, made when it is missing and `install` is True.

    Raises:
        LocalServerError: It is missing and not to be installed, or cannot be.
    """
    found = find_installation(version)
    if found:
        return found
    if not install:
        raise LocalServerError(
            f"InvokeAI {version} is not installed in {server_dir(version)}",
            hint="run `ivk server install`",
        )
    return install_server(version, python=python, report=report)
