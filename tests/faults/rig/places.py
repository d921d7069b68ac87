"""What a process holds: threads, sockets, event loops' leftovers, half files."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path


def threads() -> set[str]:
    """Names of the threads that clients start."""
    names = {thread.name for thread in threading.enumerate() if thread.is_alive()}
    return {name for name in names if name.startswith(("ivk-", "Thread-", "asyncio"))}


def open_sockets() -> int:
    """How many sockets this process has open."""
    folder = Path("/proc/self/fd")
    if not folder.exists():
        return 0
    found = 0
    for entry in folder.iterdir():
        try:
            found += os.readlink(entry).startswith("socket:")
        except OSError:
            continue  # closed meanwhile
    return found


def half_files(folder: Path) -> list[str]:
    """Names of temporary files that a download left."""
    return [path.name for path in folder.rglob("*") if path.name.endswith(".part")]


def soon(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    """True as soon as `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
