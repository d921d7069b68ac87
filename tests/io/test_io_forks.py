"""A client in a forked process: connections, locks and threads of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from invokeai_py_client.simulator import SimulatedServer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# Python 3.12 and later warn of every fork of a process with threads, rightly.
START = """
import os, signal, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from invokeai_py_client.client import InvokeAIClient
client = InvokeAIClient(sys.argv[1], email="a@b.c", password="x" * 12)
client._settings.credentials.change("token", "a@b.c", "x" * 12)
def board(name):
    made = client.request("post", "/api/v1/boards/", params={"board_name": name})
    return made["board_name"] == name
def in_children(count, work):
    children = []
    for number in range(count):
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            os._exit(0 if work(number) else 1)
        children.append(child)
    return [os.waitpid(child, 0)[1] for child in children]
"""


def run(url, body):
    script = START + textwrap.dedent(body)
    done = subprocess.run(
        [sys.executable, "-c", script, url],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture(scope="module")
def server():
    with SimulatedServer() as running:
        yield running


def test_children_never_read_each_others_answers(server):
    body = """
    assert board("first")  # the connection that the children inherit
    ends = in_children(3, lambda n: all(board(f"{n}-{i}") for i in range(40)))
    print(*ends, board("last"))
    """
    assert run(server.url, body) == ["0", "0", "0", "True"]


def test_a_child_hears_events_and_its_parent_goes_on_to(server):
    body = """
    client.check()
    parent_hears = client.check().has_events
    print(*in_children(2, lambda n: client.check().has_events), parent_hears)
    print(client.check().has_events)
    client.close()
    """
    assert run(server.url, body) == ["0", "0", "True", "True"]


def test_locks_that_were_held_at_the_fork_hold_up_no_child(server):
    body = """
    hub, credentials = client._hub, client._settings.credentials
    with hub._state, hub._subscribing, credentials._lock, client._runner._login_lock:
        ends = in_children(1, lambda n: client.check().has_events)
    print(*ends)
    """
    assert run(server.url, body) == ["0"]


def test_a_closed_client_is_closed_in_the_child_too(server):
    body = """
    from invokeai_py_client.exceptions import APIError
    client.close()
    def refused(_):
        try:
            client.server_version()
        except APIError as error:
            return "closed" in str(error)
    print(*in_children(1, refused))
    """
    assert run(server.url, body) == ["0"]
