"""Where servers, their models and their records live on this machine.

```text
<cache>/servers/<version>/venv         one virtual environment per InvokeAI version
<cache>/servers/<version>/installed.json   written last: the installation is whole
<cache>/servers/<version>/root         default root folder of a background server
<cache>/tiny-models/<key>/             the tiny models, made once
<cache>/running/<pid>.json             servers left running in the background
```
"""

from __future__ import annotations

import os
from pathlib import Path

APP_NAME = "invokeai-py-client"
DEFAULT_VERSION = "6.14.2"


def cache_dir() -> Path:
    """The cache folder: `INVOKEAI_PY_CLIENT_CACHE`, else `XDG_CACHE_HOME`, else home.

    The folder may not exist yet.
    """
    own = os.environ.get("INVOKEAI_PY_CLIENT_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    shared = os.environ.get("XDG_CACHE_HOME")
    base = Path(shared).expanduser() if shared else Path.home() / ".cache"
    return (base / APP_NAME).absolute()


def server_dir(version: str) -> Path:
    """The folder of one server version, which may not exist yet."""
    return cache_dir() / "servers" / version


def venv_program(venv: Path, name: str) -> Path:
    """A program inside a virtual environment, by this platform's layout."""
    if os.name == "nt":
        return venv / "Scripts" / f"{name}.exe"
    return venv / "bin" / name
