"""Simulated servers for tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from talks.graph_runs import Server

from invokeai_py_client.simulator import SimulatedServer


@pytest.fixture
def simulated() -> Iterator[SimulatedServer]:
    """A fresh server in memory."""
    with SimulatedServer() as server:
        yield server


@pytest.fixture
def server(simulated: SimulatedServer) -> Server:
    """The same server, to speak to."""
    return Server(simulated.url)
