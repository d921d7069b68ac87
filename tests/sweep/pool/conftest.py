"""Two simulated servers, and a pool of them."""

from __future__ import annotations

import pytest

from invokeai_py_client.simulator import SimulatedServer
from invokeai_py_client.sweep import ServerPool


@pytest.fixture
def pair():
    with SimulatedServer() as one, SimulatedServer() as two:
        yield one, two


@pytest.fixture
def pool(pair):
    with ServerPool([server.url for server in pair]) as pool:
        yield pool
