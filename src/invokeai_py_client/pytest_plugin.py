"""Fixtures for users' own tests: a simulated server and clients of it.

Enable them in a `conftest.py`, or where the entry point of this package is installed
do nothing:

```python
pytest_plugins = ["invokeai_py_client.pytest_plugin"]

def test_my_pipeline(invokeai_server, invokeai_client):
    result = invokeai_client.workflow_repo.load("portrait.json").run(seed=7)
    assert result.image.width == 512
```

With `--invokeai-url URL` the same tests run on a real server; those that steer the
simulator (`invokeai_server.fail_next(...)`) are then skipped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Optional

import pytest

if TYPE_CHECKING:
    from invokeai_py_client import AsyncInvokeAIClient, InvokeAIClient
    from invokeai_py_client.simulator import SimulatedServer


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--invokeai-url`."""
    group = parser.getgroup("invokeai", "tests of InvokeAI pipelines")
    group.addoption(
        "--invokeai-url",
        metavar="URL",
        help="run on this real server instead of a simulated one",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker that sets up the simulated server."""
    config.addinivalue_line(
        "markers",
        "invokeai(**options): options of the test's simulated InvokeAI, such as "
        "multiuser, models, poison, job_delay",
    )


def _named(request: pytest.FixtureRequest) -> Optional[str]:
    url: Optional[str] = request.config.getoption("--invokeai-url")
    return url


@pytest.fixture
def invokeai_server(request: pytest.FixtureRequest) -> Iterator[SimulatedServer]:
    """A fresh simulated server for this test.

    `@pytest.mark.invokeai(models=[...])` passes options to `SimulatedServer`. Tests
    that use it are skipped when a real server was named.
    """
    if _named(request):
        pytest.skip("steers the simulated server, and a real one was named")
    from invokeai_py_client.simulator import SimulatedServer

    marker = request.node.get_closest_marker("invokeai")
    options: dict[str, Any] = dict(marker.kwargs) if marker else {}
    with SimulatedServer(**options) as server:
        yield server


@pytest.fixture
def invokeai_url(request: pytest.FixtureRequest) -> str:
    """The address of the server to test on: the one that was named, or a simulated."""
    named = _named(request)
    if named:
        return named.rstrip("/")
    server: SimulatedServer = request.getfixturevalue("invokeai_server")
    return server.url


@pytest.fixture
def invokeai_client(invokeai_url: str) -> Iterator[InvokeAIClient]:
    """A blocking client of the server, closed after the test."""
    from invokeai_py_client import InvokeAIClient

    with InvokeAIClient.from_url(invokeai_url) as client:
        yield client


@pytest.fixture
async def async_invokeai_client(
    invokeai_url: str,
) -> AsyncIterator[AsyncInvokeAIClient]:
    """An asyncio client of the server; needs pytest-asyncio in auto mode."""
    from invokeai_py_client import AsyncInvokeAIClient

    async with AsyncInvokeAIClient.from_url(invokeai_url) as client:
        yield client
