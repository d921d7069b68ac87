"""Fixtures of the fault tests; `--faults-table PAGE` writes what they saw."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from faults.rig.outcomes import Outcomes

_OUTCOMES = pytest.StashKey[Outcomes]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults-table", help="write the outcomes into this page")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_OUTCOMES] = Outcomes()


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave the long runs to `make faults`."""
    if config.getoption("--faults-table", None):
        return
    skip = pytest.mark.skip(reason="takes minutes: make faults")
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(skip)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    page = session.config.getoption("--faults-table", None)
    outcomes = session.config.stash.get(_OUTCOMES, None)
    # Numbers of a run that failed are no evidence.
    if page and outcomes and exitstatus == 0:
        outcomes.write(Path(page))


@pytest.fixture(scope="session")
def outcomes(pytestconfig) -> Outcomes:
    """Where tests count what they saw."""
    return pytestconfig.stash.setdefault(_OUTCOMES, Outcomes())


@pytest.fixture
def quiet():
    """No log of the thousands of things that go wrong on purpose."""
    logger = logging.getLogger("invokeai_py_client")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)
