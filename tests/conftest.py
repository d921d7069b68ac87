"""What every test gets: the options of live tests, shared data, two guards.

The guards are plugins: `network_guard` and `loop_guard` in `tests/support`.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

import network_audit
import pytest
from hypothesis import HealthCheck, settings as hypothesis_settings

# How long an example takes says how busy the machine is, not what the code does.
hypothesis_settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.load_profile("any machine")

REPOSITORY = Path(__file__).resolve().parent.parent


pytest_plugins = [
    "invokeai_py_client.pytest_plugin",  # it has --invokeai-url
    "loop_guard",
    "network_guard",
]


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
        "--chaos",
        metavar="[FIRST:]COUNT",
        default="24",
        help="how many schedules of faults to try, from which seed on",
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
        network_audit.allow(host)
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
