"""Fixtures for tests of your own pipelines, without a GPU and without InvokeAI.

Installed with the extra `simulator`, pytest finds them by itself; `docs/testing.md` of
the project shows their use.

- `invokeai_server`: a fresh `SimulatedServer` for every test, to be told to fail.
- `invokeai_url`: the address to test on: of that server, or of `--invokeai-url`.
- `invokeai_client`, `async_invokeai_client`: clients of that address.
- `invokeai_server_options`: what the simulated server is made with; override it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from invokeai_py_client._version import extra_hint

if TYPE_CHECKING:
    from invokeai_py_client._aio.client import AsyncInvokeAIClient
    from invokeai_py_client.client import InvokeAIClient
    from invokeai_py_client.simulator import SimulatedServer


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--invokeai-url` and the setting `invokeai_snapshot`."""
    group = parser.getgroup("invokeai", "tests of InvokeAI workflows")
    group.addoption(
        "--invokeai-url",
        metavar="URL",
        help="test on this running InvokeAI instead of a simulated one",
    )
    parser.addini(
        "invokeai_snapshot",
        "file of `ivk server snapshot` whose nodes and models to simulate, "
        "relative to the configuration file",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker."""
    config.addinivalue_line(
        "markers",
        "invokeai(**options): options of this test's simulated server, such as "
        "node_delays={'denoise_latents': 0.5}",
    )


@pytest.fixture
def invokeai_server_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Options of the simulated server: the snapshot's, then those of the markers.

    Override it in a `conftest.py` to have others in all tests of a folder.
    """
    options: dict[str, Any] = {}
    snapshot = request.config.getini("invokeai_snapshot")
    if snapshot:
        folder = request.config.inipath.parent if request.config.inipath else Path()
        options["snapshot"] = folder / snapshot
    # The closest marker comes first, and wins.
    for marker in reversed(list(request.node.iter_markers("invokeai"))):
        options.update(marker.kwargs)
    return options


@pytest.fixture
def invokeai_server(
    request: pytest.FixtureRequest, invokeai_server_options: dict[str, Any]
) -> Iterator[SimulatedServer]:
    """A simulated server of this test alone.

    With `--invokeai-url` the test is skipped: a real server cannot be told to fail.
    """
    if request.config.getoption("--invokeai-url"):
        pytest.skip("needs a simulated server, and --invokeai-url names a real one")
    try:
        from invokeai_py_client.simulator import SimulatedServer
    except ImportError as error:
        pytest.fail(
            f"{error.name} is missing: {extra_hint('simulator')}", pytrace=False
        )
    with SimulatedServer(**invokeai_server_options) as server:
        yield server


@pytest.fixture
def invokeai_url(request: pytest.FixtureRequest) -> str:
    """The address to test on: `--invokeai-url`, else that of `invokeai_server`."""
    url = request.config.getoption("--invokeai-url")
    if url:
        return str(url).rstrip("/")
    address: str = request.getfixturevalue("invokeai_server").url
    return address


@pytest.fixture
def invokeai_client(invokeai_url: str) -> Iterator[InvokeAIClient]:
    """A blocking client; it is closed after the test."""
    from invokeai_py_client.client import InvokeAIClient

    with InvokeAIClient.from_url(invokeai_url) as client:
        yield client


async def _async_client(invokeai_url: str) -> AsyncIterator[AsyncInvokeAIClient]:
    """An asyncio client of the test's event loop; needs pytest-asyncio."""
    from invokeai_py_client._aio.client import AsyncInvokeAIClient

    async with AsyncInvokeAIClient.from_url(invokeai_url) as client:
        yield client


def _no_async_client() -> None:
    pytest.fail("async_invokeai_client needs pytest-asyncio", pytrace=False)


async_invokeai_client: Any
try:
    import pytest_asyncio
except ImportError:
    async_invokeai_client = pytest.fixture(_no_async_client)
else:
    # Its own decorator, because its strict mode knows no other fixtures.
    async_invokeai_client = pytest_asyncio.fixture(_async_client)
