"""The server's process: its configuration, start, readiness and end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

from invokeai_py_client._local_server.install import Installation, log_tail
from invokeai_py_client._local_server.paths import venv_program
from invokeai_py_client._local_server.rest import ask
from invokeai_py_client.exceptions import LocalServerError

# The server takes the next free port, silently, when its own is busy; this line of
# its log is the only statement of what it really listens on.
_LISTENING = re.compile(r"Invoke running on https?://\S*?:(\d+)\b")
# InvokeAI tidies its database at the end of its start, when the worker may already
# have taken a job that waited: the two share a connection, and the start fails. On a
# busy machine that happens many times in a row.
_LOST_RACE = "cannot VACUUM"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")

# What the caller may not set: how we find the server and know that it is ours.
_MANAGED = ("host", "port", "log_level", "log_handlers", "ssl_certfile", "base_url")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_config(
    root: Path, port: int, *, multiuser: bool, settings: Mapping[str, Any]
) -> None:
    """Write `invokeai.yaml`; JSON values are YAML, so nothing needs quoting rules.

    Raises:
        LocalServerError: `settings` has a key that the library decides on its own.
    """
    refused = [key for key in _MANAGED if key in settings]
    if refused:
        raise LocalServerError(
            f"the setting {refused[0]!r} is decided by the library",
            hint="give port= and multiuser= as arguments",
        )
    values = {
        "schema_version": "4.0.2",
        "host": "127.0.0.1",
        "port": port,
        "device": "cpu",
        "precision": "float32",
        "log_format": "plain",
        **({"multiuser": True} if multiuser else {}),
        **settings,
    }
    root.mkdir(parents=True, exist_ok=True)
    lines = [f"{key}: {json.dumps(value)}\n" for key, value in values.items()]
    (root / "invokeai.yaml").write_text("".join(lines), "utf-8")


def boot(
    installation: Installation,
    root: Path,
    log_file: Path,
    *,
    timeout: float,
    leashed: bool,
    temporary: bool = False,
) -> tuple[subprocess.Popen[bytes], str, str]:
    """Start the server in a session of its own and wait until it answers.

    Args:
        installation: What to run.
        root: Has its `invokeai.yaml`.
        log_file: Where its output is appended.
        timeout: Seconds that it may take, with all repetitions of a start that lost
            the race for its own database.
        leashed: End the server when this process ends, even if it is killed.
        temporary: Remove the root in that case, too.

    Returns:
        Its process, its address and InvokeAI's version.

    Raises:
        LocalServerError: It ended, or did not answer in time, and is gone; the
            message has the end of its log.
    """
    began = time.monotonic()
    while True:
        # What is older in the log is not this run's.
        log_start = log_file.stat().st_size if log_file.exists() else 0
        child = _launch(installation, root, log_file, leashed, temporary)
        try:
            address, version = _wait_until_ready(
                child, log_file, log_start, began, timeout
            )
            return child, address, version
        except BaseException as error:
            end_child(child)
            if (
                not isinstance(error, LocalServerError)
                or time.monotonic() > began + timeout
                or _LOST_RACE not in _text_from(log_file, log_start)
            ):
                raise


def _launch(
    installation: Installation,
    root: Path,
    log_file: Path,
    leashed: bool,
    temporary: bool,
) -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl-C does not reach it.
    command = [str(venv_program(installation.venv, "invokeai-web"))]
    if leashed:
        leash = Path(__file__).with_name("leash.py")
        command = [str(installation.python), str(leash)]
    # Variables of the caller's own InvokeAI, or of its Python, must not leak in.
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("INVOKEAI_") and not key.startswith("PYTHON")
    }
    kept.update(PYTHONUNBUFFERED="1", HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")
    if temporary:
        kept["LEASH_TEMPORARY_ROOT"] = str(root)
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("ab") as output:
        return subprocess.Popen(
            [*command, "--root", str(root)],
            stdin=subprocess.PIPE if leashed else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=str(root),
            env=kept,
            start_new_session=True,
        )


def _wait_until_ready(
    child: subprocess.Popen[bytes],
    log_file: Path,
    log_start: int,
    began: float,
    timeout: float,
) -> tuple[str, str]:
    """Wait until this very process answers; its address and InvokeAI's version.

    `timeout` seconds count from `began`, when the first of several tries began.
    """
    while True:
        code = child.poll()
        if code is not None:
            raise LocalServerError(_with_tail(f"ended with code {code}", log_file))
        address = _listening(log_file, log_start)
        if address:
            try:
                answer = ask("GET", f"{address}/api/v1/app/version", timeout=5)
            except LocalServerError:
                answer = None
            if isinstance(answer, dict) and "version" in answer:
                return address, str(answer["version"])
        if time.monotonic() > began + timeout:
            problem = f"did not answer within {timeout:g} seconds"
            raise LocalServerError(_with_tail(problem, log_file))
        time.sleep(0.1)


def _listening(log_file: Path, start: int) -> Optional[str]:
    """The address that the server says it listens on, or None while it does not."""
    found = _LISTENING.search(_text_from(log_file, start))
    return f"http://127.0.0.1:{found.group(1)}" if found else None


def _text_from(log_file: Path, start: int) -> str:
    with log_file.open("rb") as file:
        file.seek(start)
        return _ANSI.sub("", file.read().decode("utf-8", "replace"))


def _with_tail(message: str, log_file: Path) -> str:
    tail = log_tail(log_file, 20)
    return f"the server {message}; the end of {log_file}:\n{tail}"


def end_child(child: subprocess.Popen[bytes], grace: float = 15.0) -> None:
    """End a server that this process has started, and its leash.

    Raises:
        LocalServerError: It is still there afterwards.
    """
    try:
        end_group(child.pid, child, grace)
    finally:
        if child.stdin:
            child.stdin.close()


def end_group(
    pid: int, child: Optional[subprocess.Popen[bytes]] = None, grace: float = 15.0
) -> None:
    """End the process group `pid`: ask first, insist after `grace` seconds.

    Without grace it is ended at once, as by a crash.

    Raises:
        LocalServerError: It is still there afterwards.
    """
    # The server asks for its own end politely and then waits for open connections;
    # nothing is lost by the second signal, its database is write-ahead logged.
    for hard, patience in ((False, grace), (True, 10.0)):
        if not patience:
            continue
        _signal_group(pid, hard=hard)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not is_alive(pid) if child is None else child.poll() is not None:
                return
            time.sleep(0.05)
    raise LocalServerError(f"process {pid} cannot be ended")


def _signal_group(pid: int, *, hard: bool) -> None:
    if os.name == "nt":  # pragma: no cover
        tree: Sequence[str] = ("taskkill", "/T", "/F", "/PID", str(pid))
        subprocess.run(tree, capture_output=True, check=False)
        return
    try:
        os.killpg(pid, signal.SIGKILL if hard else signal.SIGTERM)
    except ProcessLookupError:
        return


def is_alive(pid: int) -> bool:
    """True while a process has this id and is not merely waiting to be reaped."""
    state = _proc_stat(pid)
    if state is not None:
        return state[0] != "Z"
    if os.name == "nt":  # pragma: no cover
        # There, signal 0 is Ctrl-C.
        return _windows_lists(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _windows_lists(pid: int) -> bool:
    listing = subprocess.run(
        ["tasklist", "/FI", f"PID eq {pid}", "/FO", "CSV", "/NH"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f'"{pid}"' in listing.stdout


def birth_mark(pid: int) -> Optional[str]:
    """What tells this process from a later one with the same id; None if unknown."""
    state = _proc_stat(pid)
    if state is not None:
        # Field 22 is the start time in ticks since boot; two fields are cut off.
        return state[19]
    try:
        done = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() or None


def _proc_stat(pid: int) -> Optional[list[str]]:
    """`/proc/<pid>/stat` from the state on; None without /proc or without process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The command name is in brackets and may itself hold brackets and spaces.
    return text[text.rindex(")") + 2 :].split()
