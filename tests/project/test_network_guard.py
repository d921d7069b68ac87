"""Tests of `tests/support/network_guard.py`: nothing leaves this machine."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading

import pytest
from paths import TESTS

SUPPORT = TESTS / "support"


@pytest.fixture
def refused(no_network):
    """What the guard refused in this test, taken before it fails the test."""
    return no_network.take_violations


# Addresses for documentation (RFC 5737, RFC 3849): nobody answers there.
@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, ("192.0.2.1", 80)),
        (socket.AF_INET6, ("2001:db8::1", 80, 0, 0)),
    ],
)
def test_a_connection_to_elsewhere_is_refused_before_it_starts(
    refused, family, address
):
    with socket.socket(family) as sock, pytest.raises(RuntimeError, match="leaves"):
        sock.connect(address)
    assert len(refused()) == 1


def test_a_datagram_and_a_name_are_refused(refused):
    datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with datagram, pytest.raises(RuntimeError):
        datagram.sendto(b"x", ("192.0.2.1", 53))
    with pytest.raises(RuntimeError):
        socket.getaddrinfo("somewhere.example", 80)
    assert len(refused()) == 2


def test_the_old_calls_for_a_name_are_refused(refused):
    for ask in (socket.gethostbyname, socket.gethostbyname_ex, socket.gethostbyaddr):
        with pytest.raises(RuntimeError, match="leaves"):
            ask("somewhere.example")
    assert len(refused()) == 3


@pytest.mark.skipif(not hasattr(socket.socket, "sendmsg"), reason="not on Windows")
def test_a_message_of_several_parts_is_refused(refused):
    datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with datagram, pytest.raises(RuntimeError, match="leaves"):
        datagram.sendmsg([b"x"], [], 0, ("192.0.2.1", 53))
    assert len(refused()) == 1


QUIET_CHILD = """
import socket
try:
    socket.create_connection(("192.0.2.1", 80))
except RuntimeError:
    pass
"""


def test_a_child_process_that_swallows_the_error_is_found_out(refused):
    subprocess.run([sys.executable, "-c", QUIET_CHILD], check=True)
    assert "192.0.2.1" in refused()[0]


def test_a_child_of_a_child_is_found_out(refused):
    program = "import subprocess, sys\n"
    program += f"subprocess.run([sys.executable, '-c', {QUIET_CHILD!r}])"
    subprocess.run([sys.executable, "-c", program], check=True)
    assert "a child process" in refused()[0]


def test_a_thread_that_swallows_the_error_is_found_out(refused):
    def quietly() -> None:
        with contextlib.suppress(RuntimeError):
            socket.create_connection(("192.0.2.1", 80))

    thread = threading.Thread(target=quietly)
    thread.start()
    thread.join()
    assert refused()


def test_this_machine_is_open(refused, tmp_path):
    for host in ("127.0.0.1", "localhost"):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            socket.create_connection((host, port)).close()
    if hasattr(socket, "AF_UNIX"):
        path = str(tmp_path / "s")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(path)
    assert not refused()


LATE_THREAD = """
import contextlib, socket, threading

def late(begin):
    begin.wait()
    with contextlib.suppress(RuntimeError):
        socket.create_connection(("192.0.2.1", 80))

begin = threading.Event()
thread = threading.Thread(target=late, args=(begin,))

def test_that_leaves_a_thread():
    thread.start()

def test_that_lets_it_go_on(request):
    request.session.config.pluginmanager.register(Between())

class Between:
    def pytest_runtest_logfinish(self):
        begin.set()
        thread.join()

def test_after_it():
    pass
"""


def test_a_thread_that_outlives_its_test_is_found_out(tmp_path):
    (tmp_path / "test_late.py").write_text(LATE_THREAD)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {SUPPORT}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ended = subprocess.run(
        [*command, "-p", "network_guard"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed, 1 error" in ended.stdout, ended.stdout + ended.stderr
    assert "a test before left something" in ended.stdout
