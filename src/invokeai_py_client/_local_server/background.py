"""Servers that stay when the process that started them ends."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional, Union

from invokeai_py_client._local_server.install import Report, require_installation
from invokeai_py_client._local_server.paths import DEFAULT_VERSION, server_dir
from invokeai_py_client._local_server.process import (
    birth_mark,
    boot,
    end_child,
    end_group,
    write_config,
)
from invokeai_py_client._local_server.records import (
    RunningServer,
    forget,
    remember,
    running_servers,
)

log = logging.getLogger("invokeai_py_client")


def start_background_server(
    version: str = DEFAULT_VERSION,
    *,
    root: Union[str, Path, None] = None,
    port: Optional[int] = None,
    multiuser: bool = False,
    settings: Optional[Mapping[str, Any]] = None,
    install: bool = True,
    python: Optional[str] = None,
    timeout: float = 180.0,
    report: Report = log.info,
) -> RunningServer:
    """Start a server that stays when this process ends; `running_servers` lists it.

    When a background server already runs on this root, it is returned as it is.

    Args:
        version: The InvokeAI version to run.
        root: Root folder, kept; None means one in the cache folder per version.
        port: The wanted port; None takes 9090 or the next free one.
        multiuser: Accounts and tokens.
        settings: More keys of `invokeai.yaml`.
        install: Install the version when it is missing; False raises instead.
        python: A Python 3.11 or 3.12 to install with; None looks for one.
        timeout: Seconds that the start may take.
        report: Called with a line whenever something that takes time begins.

    Raises:
        LocalServerError: It cannot be installed or did not come up.
    """
    folder = Path(root).absolute() if root is not None else server_dir(version) / "root"
    for server in running_servers():
        # Compare resolved paths: two servers on one database would ruin it.
        if Path(server.root).resolve() == folder.resolve():
            return server
    installation = require_installation(version, install, python, report)
    write_config(folder, port or 9090, multiuser=multiuser, settings=settings or {})
    log_file = folder / "server.log"
    report(f"starting InvokeAI {version}: about ten seconds")
    child, url, version = boot(
        installation, folder, log_file, timeout=timeout, leashed=False
    )
    try:
        mark = birth_mark(child.pid)
        record = RunningServer(
            child.pid, mark, url, version, str(folder), str(log_file)
        )
        remember(record)
    except BaseException:
        end_child(child)
        raise
    # It is meant to outlive us; without this, Popen would warn about it.
    child.returncode = 0
    return record


def stop_background_server(server: RunningServer) -> None:
    """Stop a background server and forget it; its root folder stays.

    Raises:
        LocalServerError: The process cannot be ended.
    """
    end_group(server.pid)
    forget(server.pid)
