"""What every test gets: a network guard, the options of live tests, shared data."""

from __future__ import annotations

import ipaddress
import os
import signal
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


class NetworkGuard:
    """Refuses every connection that leaves this machine, in every thread.

    An audit hook sees the connects of all libraries; it cannot be taken away again,
    so there is one guard for the whole process.
    """

    def __init__(self) -> None:
        self.active = False
        self.allowed_hosts: set[str] = set()
        self.violations: list[str] = []
        self._lock = threading.Lock()
        sys.addaudithook(self._audit)

    def _audit(self, event: str, args: tuple) -> None:
        if not self.active:
            return
        if event in ("socket.connect", "socket.sendto"):
            address = args[1]
            # A path is a Unix socket; an empty tuple is a connected datagram socket.
            if not isinstance(address, tuple) or not address:
                return
            host = address[0]
        elif event == "socket.getaddrinfo":
            host = args[0]
        else:
            return
        if not self.is_allowed(host):
            words = f"{event} to {host!r} leaves this machine"
            with self._lock:
                self.violations.append(words)
            raise RuntimeError(words)

    def is_allowed(self, host: object) -> bool:
        """True for loopback and for the server that was asked for."""
        if isinstance(host, bytes):
            host = host.decode("ascii", "replace")
        if host is None or host in ("", "localhost") or host in self.allowed_hosts:
            return True
        try:
            return ipaddress.ip_address(str(host).split("%")[0]).is_loopback
        except ValueError:
            return False

    def take_violations(self) -> list[str]:
        """What was refused since the last call."""
        with self._lock:
            taken, self.violations = self.violations, []
        return taken


guard = NetworkGuard()


pytest_plugins = ["invokeai_py_client.pytest_plugin"]  # it has --invokeai-url


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("live", "where the tests marked `live` run")
    group.addoption(
        "--live",
        action="store_true",
        help="run live tests on a real server that the tests start (6.14.2, CPU)",
    )
    group.addoption(
        "--server-version",
        metavar="VERSION",
        help="with --live: the InvokeAI to start instead of 6.14.2; tests of what it "
        "does not have yet are skipped",
    )
    group.addoption(
        "--simulator",
        action="store_true",
        help="run live tests on a simulated server (the default)",
    )


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # So shells start what runs in the background; tests of Ctrl-C need it back.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    asked = [name for name in ("--live", "--simulator") if config.getoption(name)]
    url = config.getoption("--invokeai-url")
    if url:
        asked.append("--invokeai-url")
        host = urlsplit(url).hostname
        if not host:
            raise pytest.UsageError(f"--invokeai-url {url!r} is no address")
        guard.allowed_hosts.add(host)
    if config.getoption("--server-version") and not config.getoption("--live"):
        raise pytest.UsageError("--server-version goes with --live")
    if len(asked) > 1:
        raise pytest.UsageError(f"{' and '.join(asked)} exclude each other")


def is_simulated(config: pytest.Config) -> bool:
    """True when no real server was asked for."""
    return not (config.getoption("--live") or config.getoption("--invokeai-url"))


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Skip on the simulator what it does not do."""
    if not is_simulated(config):
        return
    for item in items:
        marker = item.get_closest_marker("real_server")
        if marker:
            (reason,) = marker.args
            item.add_marker(pytest.mark.skip(reason=f"needs a real server: {reason}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """With `--live` nothing that needs a server may be skipped."""
    report = yield
    if (
        report.skipped
        and not hasattr(report, "wasxfail")
        and item.config.getoption("--live")
        and not item.config.getoption("--server-version")
        and item.get_closest_marker("live")
    ):
        report.outcome = "failed"
        report.longrepr = f"skipped although --live promises a server: {call.excinfo}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item):
    """Guard set-up, call and tear-down; what was refused fails the test."""
    guard.active = True
    try:
        return (yield)
    finally:
        guard.active = False


@pytest.fixture(autouse=True)
def no_network():
    """Fail the test when anything, in any thread, tried to leave this machine."""
    guard.take_violations()
    yield guard
    refused = guard.take_violations()
    assert not refused, f"tests stay on this machine: {refused}"


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder with data that the repository may not hold.

    `IVK_SHARED`, else `shared` beside the repository. Without it the test is
    skipped, except where CI promises it.
    """
    named = os.environ.get("IVK_SHARED")
    folder = Path(named) if named else REPOSITORY.parent / "shared"
    if folder.is_dir():
        return folder
    message = f"needs the shared data folder, and {folder} does not exist"
    # GitHub's machines never have it; where else CI runs, it is promised.
    if os.environ.get("CI") and not os.environ.get("GITHUB_ACTIONS"):
        pytest.fail(message)
    pytest.skip(message)
