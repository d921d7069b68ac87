"""Fixtures of the tests that need a server: one server for the whole session.

Tests share it, so each makes what it needs (`own_board`, `own_destination`) and
leaves the jobs of others alone: no clearing, no pausing, no cancelling of everything.
A test that must stop, kill or configure its server starts its own `LocalServer`.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Optional

import pytest

from invokeai_py_client.server import LocalServer, install_tiny_models


@pytest.fixture(scope="session")
def session_server(request: pytest.FixtureRequest) -> Iterator[Optional[LocalServer]]:
    """The server started for this session; None when `--invokeai-url` names one."""
    if request.config.getoption("--invokeai-url"):
        yield None
        return
    # Its start fails loudly where InvokeAI cannot run: `--live` promised a server.
    with LocalServer() as server:
        yield server


@pytest.fixture(scope="session")
def live_server(session_server: Optional[LocalServer]) -> LocalServer:
    """The server's process: its log, its root."""
    if session_server is None:
        pytest.skip("needs a server that the tests started themselves (--live)")
    return session_server


@pytest.fixture(scope="session")
def live_url(
    request: pytest.FixtureRequest, session_server: Optional[LocalServer]
) -> str:
    """Address of a real InvokeAI: `--invokeai-url`, else the one started here."""
    if session_server is None:
        return str(request.config.getoption("--invokeai-url")).rstrip("/")
    return session_server.url


@pytest.fixture(scope="session")
def tiny_models(live_url: str) -> tuple[str, ...]:
    """Names of the tiny models, which the server has: SD-1, SDXL, SDXL VAE."""
    return install_tiny_models(live_url)


@pytest.fixture
def live_client(live_url: str) -> Iterator:
    """A blocking client of the server."""
    from invokeai_py_client import InvokeAIClient

    with InvokeAIClient.from_url(live_url) as client:
        yield client


@pytest.fixture
async def async_live_client(live_url: str) -> AsyncIterator:
    """An asyncio client of the server."""
    from invokeai_py_client import AsyncInvokeAIClient

    async with AsyncInvokeAIClient.from_url(live_url) as client:
        yield client


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
