"""The guard of `conftest.py`: tests cannot leave this machine, not even in threads."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest


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
