"""A pytest plugin: nothing that a test starts leaves this machine.

What is refused fails the test; what a thread or a process does later, the next one.
Python processes that a test starts are guarded by `guarded/sitecustomize.py`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from network_audit import REPORT, NetworkGuard

GUARDED = Path(__file__).with_name("guarded")

guard = NetworkGuard()


def pytest_configure() -> None:
    folder = tempfile.mkdtemp(prefix="ivk-network-")
    os.environ[REPORT] = os.path.join(folder, "refused")
    path = [str(GUARDED), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    # From now on, not only while a test runs: threads may outlive theirs.
    guard.is_active = True


def pytest_sessionfinish() -> None:
    refused = guard.take_violations()
    assert not refused, f"something left by a test did leave: {refused}"


@pytest.fixture(autouse=True)
def no_network() -> Iterator[NetworkGuard]:
    """Fail the test when it, or something left by one before, tries to leave."""
    earlier = guard.take_violations()
    assert not earlier, f"a test before left something that did: {earlier}"
    yield guard
    refused = guard.take_violations()
    assert not refused, f"tests stay on this machine: {refused}"
