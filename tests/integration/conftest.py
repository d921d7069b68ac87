"""Fixtures of the tests that need a server: one server for the whole session.

By default it is simulated; `--live` starts a real one, `--invokeai-url` names one.

Tests share it, so each makes what it needs (`own_board`, `own_destination`) and
leaves the jobs of others alone: no clearing, no pausing, no cancelling of everything.
A test that must stop, kill or configure its server makes its own by `start_server`.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any, Callable, Optional, Union

import pytest

from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client._core.versions import is_at_least
from invokeai_py_client._local_server.rest import ask
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.server import (
    DEFAULT_VERSION,
    LocalServer,
    install_tiny_models,
)

from .noun_calls import done, either_client
from .servers import TINY_MODELS, SimulatedLocalServer

Server = Union[LocalServer, SimulatedLocalServer]

# The real server takes about 0.6 s for every job, however small. Much less, and what
# is to be cancelled, cut or overtaken in the middle would be over before.
JOB_DELAY = 0.1


def _named_url(config: pytest.Config) -> Optional[str]:
    url = config.getoption("--invokeai-url")
    return str(url).rstrip("/") if url else None


def _version_of_server(config: pytest.Config) -> str:
    """The InvokeAI under test, known before any server is started."""
    url = _named_url(config)
    if url is None:
        return config.getoption("--server-version") or DEFAULT_VERSION
    return str(ask("GET", f"{url}/api/v1/app/version")["version"])


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Skip what the server under test does not have yet, with the reason.

    What is about older servers only is not even selected.
    """
    versioned = ("needs_server", "before_server")
    if not any(item.get_closest_marker(name) for item in items for name in versioned):
        return
    version = _version_of_server(config)
    past = []
    for item in items:
        for marker in item.iter_markers("needs_server"):
            wanted, what = marker.args
            if not is_at_least(version, wanted):
                reason = f"needs InvokeAI >= {wanted}, this is {version}: {what}"
                item.add_marker(pytest.mark.skip(reason=reason))
        ends = [marker.args[0] for marker in item.iter_markers("before_server")]
        if any(is_at_least(version, end) for end in ends):
            past.append(item)
    if past:
        config.hook.pytest_deselected(items=past)
        items[:] = [item for item in items if item not in past]


@pytest.fixture(scope="session")
def server_version(request: pytest.FixtureRequest) -> str:
    """The InvokeAI under test, such as "6.14.2"."""
    return _version_of_server(request.config)


@pytest.fixture(scope="session")
def simulated(request: pytest.FixtureRequest) -> bool:
    """True when these tests run on simulated servers."""
    config = request.config
    return not (config.getoption("--live") or _named_url(config))


@pytest.fixture(scope="session")
def session_server(
    request: pytest.FixtureRequest, simulated: bool, server_version: str
) -> Iterator[Optional[Server]]:
    """The server started for this session; None when `--invokeai-url` names one."""
    if _named_url(request.config):
        yield None
        return
    # Its start fails loudly where InvokeAI cannot run: `--live` promised a server.
    kind = (
        SimulatedLocalServer(job_delay=JOB_DELAY, durable=False)
        if simulated
        else LocalServer(server_version)
    )
    with kind as server:
        yield server


@pytest.fixture(scope="session")
def start_server(
    request: pytest.FixtureRequest, simulated: bool, server_version: str
) -> Callable[..., Server]:
    """Makes a server of the kind under test, for `with`; options as `LocalServer`."""
    if _named_url(request.config):
        pytest.skip("needs a server that the tests started themselves (--live)")

    def make(**options: Any) -> Server:
        if simulated:
            return SimulatedLocalServer(job_delay=JOB_DELAY, **options)
        # With jobs that wait, a start on a busy machine may have to be repeated often.
        return LocalServer(server_version, **{"timeout": 400.0, **options})

    return make


@pytest.fixture(scope="module", autouse=True)
def no_real_server(simulated: bool) -> Iterator[None]:
    """Fail a test that starts a real server although a simulated one was asked for."""

    def refuse(server: LocalServer) -> None:
        pytest.fail("use start_server(), or mark the test real_server('why')")

    with pytest.MonkeyPatch.context() as patch:
        if simulated:
            patch.setattr(LocalServer, "start", refuse)
        yield


@pytest.fixture(scope="module")
def own_server(start_server: Callable[..., Server]) -> Iterator[Server]:
    """A server of one module, which may be paused, cleared, killed and restarted."""
    with start_server() as server:
        yield server


@pytest.fixture(scope="session")
def live_server(session_server: Optional[Server]) -> Server:
    """The server of the session itself: its root."""
    if session_server is None:
        pytest.skip("needs a server that the tests started themselves (--live)")
    return session_server


@pytest.fixture(scope="session")
def live_url(request: pytest.FixtureRequest, session_server: Optional[Server]) -> str:
    """Address of the server under test: `--invokeai-url`, else the one made here."""
    if session_server is None:
        return _named_url(request.config) or ""
    return session_server.url


@pytest.fixture(scope="session")
def tiny_models(live_url: str, session_server: Optional[Server]) -> tuple[str, ...]:
    """Names of the tiny models, which the server has: SD-1, SDXL, SDXL VAE."""
    if session_server is None:
        return install_tiny_models(live_url)
    names = session_server.install_tiny_models()
    assert names == TINY_MODELS
    return names


@pytest.fixture
def live_client(live_url: str) -> Iterator:
    """A blocking client of the server."""
    with InvokeAIClient.from_url(live_url) as client:
        yield client


@pytest.fixture
async def async_live_client(live_url: str) -> AsyncIterator:
    """An asyncio client of the server."""
    async with AsyncInvokeAIClient.from_url(live_url) as client:
        yield client


@pytest.fixture(params=["blocking", "asyncio"])
async def client(request: pytest.FixtureRequest, live_url: str) -> AsyncIterator:
    """Either client of the server."""
    async for made in either_client(request.param, live_url):
        yield made


@pytest.fixture
async def board(client) -> AsyncIterator:
    """A board of this test alone, of the same kind as `client`."""
    handle = await done(client.board_repo.create_board(f"test {uuid.uuid4().hex}"))
    yield handle
    await done(client.board_repo.delete_board(handle, delete_images=True))


@pytest.fixture
def own_destination() -> str:
    """A queue destination that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def own_board(live_client) -> Iterator:
    """A board of this test alone; it and its images go away afterwards."""
    board = live_client.board_repo.create_board(f"test {uuid.uuid4().hex[:12]}")
    yield board
    live_client.board_repo.delete_board(board.board_id, delete_images=True)
