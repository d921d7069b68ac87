"""Refuses what leaves this machine, in this process or in one that a test started.

An audit hook sees what all libraries ask the system for, in every thread.
"""

from __future__ import annotations

import ipaddress
import os
import sys
import threading
from typing import Optional

REPORT = "IVK_TESTS_NETWORK_REPORT"
ALLOWED = "IVK_TESTS_ALLOWED_HOSTS"

_ADDRESSES = ("socket.connect", "socket.sendto", "socket.sendmsg")
_NAMES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")


class NetworkGuard:
    """The one of a process: an audit hook cannot be taken away again."""

    def __init__(self) -> None:
        self.is_active = False
        self._lock = threading.Lock()
        self._violations: list[str] = []
        sys.addaudithook(self._audit)

    def _audit(self, event: str, args: tuple) -> None:
        if not self.is_active:
            return
        host = asked_host(event, args)
        if host is None or is_allowed(host):
            return
        words = f"{event} to {host!r} leaves this machine"
        if threading.current_thread() is not threading.main_thread():
            words += f" (in the thread {threading.current_thread().name})"
        self.report(words)
        raise RuntimeError(words)

    def report(self, words: str) -> None:
        """Keep what was refused; a child process has a file for it."""
        with self._lock:
            self._violations.append(words)

    def take_violations(self) -> list[str]:
        """What was refused since the last call, by child processes too."""
        with self._lock:
            taken, self._violations = self._violations, []
        report = os.environ.get(REPORT)
        if report and os.path.exists(report):
            moved = f"{report}.taken"
            os.replace(report, moved)
            with open(moved, encoding="utf-8") as file:
                taken += [f"a child process: {line.strip()}" for line in file]
        return taken


class ChildGuard(NetworkGuard):
    """That of a process which a test has started."""

    def report(self, words: str) -> None:
        with open(os.environ[REPORT], "a", encoding="utf-8") as file:
            file.write(f"{words}: {sys.argv}\n")


def asked_host(event: str, args: tuple) -> Optional[object]:
    """The host that an audit event is about; None when it is about none."""
    if event in _NAMES:
        return args[0]
    if event in _ADDRESSES:
        address = args[1]
        # A path is a Unix socket; None or an empty tuple is a connected socket.
        return address[0] if isinstance(address, tuple) and address else None
    return None


def is_allowed(host: object) -> bool:
    """True for loopback and for the server that was asked for."""
    if isinstance(host, (bytes, bytearray)):
        host = host.decode("ascii", "replace")
    if host in ("", "localhost", *os.environ.get(ALLOWED, "").split()):
        return True
    try:
        return ipaddress.ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        return False


def allow(host: str) -> None:
    """Let tests, and what they start, reach a host."""
    os.environ[ALLOWED] = f"{os.environ.get(ALLOWED, '')} {host}".strip()


def guard_child() -> None:
    """Called in child processes, before their program."""
    if REPORT in os.environ:
        ChildGuard().is_active = True
