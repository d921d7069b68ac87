"""Tiny models with random weights: made once, installed into any server.

No model is bundled with InvokeAI, and downloading one takes gigabytes. These run a
whole SD-1 or SDXL workflow on a CPU in about a second; the images are noise.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import subprocess
import tempfile
import time
import urllib.parse
from pathlib import Path
from typing import Optional

from invokeai_py_client._local_server.install import Installation, Report
from invokeai_py_client._local_server.lock import exclusive
from invokeai_py_client._local_server.paths import cache_dir
from invokeai_py_client._local_server.rest import ask
from invokeai_py_client.exceptions import LocalServerError

log = logging.getLogger("invokeai_py_client")

TINY_MODELS = ("tiny-sd1", "tiny-sdxl", "tiny-sdxl-vae")

_MAKER = Path(__file__).with_name("make_tiny_models.py")


def make_tiny_models(installation: Installation, report: Report = log.info) -> Path:
    """The folder with the tiny models, made on first use with the server's Python.

    Takes about 20 seconds and 120 MB the first time.

    Raises:
        LocalServerError: Making them failed; the message has the reason.
    """
    key = hashlib.sha256(_MAKER.read_bytes()).hexdigest()[:12]
    home = cache_dir() / "tiny-models"
    folder = home / f"{installation.version}-{key}"
    with exclusive(home / "make.lock"):
        if folder.is_dir():
            return folder
        report("making the tiny models: about 20 seconds")
        partial = Path(tempfile.mkdtemp(prefix="partial-", dir=home))
        try:
            _make(installation, partial)
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return folder


def _make(installation: Installation, folder: Path) -> None:
    done = subprocess.run(
        [str(installation.python), str(_MAKER), str(folder)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stderr.splitlines()[-10:])
        raise LocalServerError(f"making the tiny models failed:\n{tail}")


def install_models(
    url: str, folder: Path, token: Optional[str] = None, timeout: float = 120.0
) -> tuple[str, ...]:
    """Install the tiny models of `folder` in place; those it has are left alone.

    The server reads from the folder, and never deletes it. The names of all that it
    has now are returned; an installation that fails, or takes longer than `timeout`
    seconds for all, is a `LocalServerError`.
    """
    known = ask("GET", f"{url}/api/v2/models/", token=token)
    names = {model["name"] for model in known["models"]}
    install = f"{url}/api/v2/models/install"
    jobs = []
    for name in (name for name in TINY_MODELS if name not in names):
        # Without inplace the server moves the folder away.
        source = {"source": str(folder / name), "inplace": "true"}
        query = urllib.parse.urlencode(source)
        jobs.append(ask("POST", f"{install}?{query}", {"name": name}, token=token))
    deadline = time.monotonic() + timeout
    for job in jobs:
        _finish(f"{install}/{job['id']}", token, deadline)
    return TINY_MODELS


def _finish(url: str, token: Optional[str], deadline: float) -> None:
    while True:
        job = ask("GET", url, token=token)
        if job["status"] == "completed":
            return
        if job["status"] in ("error", "cancelled"):
            raise LocalServerError(
                f"installing {job['source']} failed: {job.get('error_reason')}: "
                f"{job.get('error')}"
            )
        if time.monotonic() > deadline:
            raise LocalServerError(f"installing {job['source']} takes too long")
        time.sleep(0.2)
