"""Servers left running in the background, remembered across processes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client._exports import set_module
from invokeai_py_client._local_server.paths import cache_dir
from invokeai_py_client._local_server.process import birth_mark, is_alive


@set_module("invokeai_py_client.server")
@dataclass(frozen=True)
class RunningServer:
    """A server that runs in the background of this machine.

    Attributes:
        pid: Process id, also the id of its process group.
        birth: Tells the process from a later one with the same id.
        url: Its address.
        version: InvokeAI's version.
        root: Its root folder.
        log_file: Where its output goes.
    """

    pid: int
    birth: Optional[str]
    url: str
    version: str
    root: str
    log_file: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
        return asdict(self)


def _folder() -> Path:
    return cache_dir() / "running"


def remember(server: RunningServer) -> None:
    """Write the record of a server that was just started."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{server.pid}.partial"
    partial.write_text(json.dumps(server.as_dict()), "utf-8")
    partial.replace(folder / f"{server.pid}.json")


def forget(pid: int) -> None:
    """Remove a record; no record is fine."""
    (_folder() / f"{pid}.json").unlink(missing_ok=True)


def running_servers() -> list[RunningServer]:
    """Every background server that is alive, by process id; stale records go away."""
    alive = []
    for path in sorted(_folder().glob("*.json")):
        record = _read(path)
        if record and is_alive(record.pid) and birth_mark(record.pid) == record.birth:
            alive.append(record)
        else:
            path.unlink(missing_ok=True)
    return sorted(alive, key=lambda record: record.pid)


def _read(path: Path) -> Optional[RunningServer]:
    try:
        data = json.loads(path.read_text("utf-8"))
        return RunningServer(*(data[item.name] for item in fields(RunningServer)))
    except (OSError, ValueError, KeyError, TypeError):
        return None
