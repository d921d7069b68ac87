"""Servers on the loopback, and both drivers for them."""

from __future__ import annotations

import pytest
from both_drivers import DRIVERS, Driven, make_settings
from scripted_server import ScriptedServer


@pytest.fixture
def serve():
    """Start a server that answers by a function."""
    servers = []

    def start(answer):
        server = ScriptedServer(answer).__enter__()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.__exit__()


@pytest.fixture(params=DRIVERS)
def drive(request):
    """Make a driver of each kind for a server."""
    driven = []

    def make(server, path="", **options):
        made = Driven(request.param, make_settings(server.url + path, **options))
        driven.append(made)
        return made

    yield make
    for made in driven:
        made.close()
