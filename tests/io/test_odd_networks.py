"""Where a server may stand: behind TLS, on IPv6, beside a proxy of the environment."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
from scripted_server import Answer, ScriptedServer, as_json

from faults.rig.workflows import blank
from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import APIConnectionError, APIError, ArgumentError
from invokeai_py_client.simulator import SimulatedServer

PROXY_NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(scope="module")
def server():
    with SimulatedServer() as running:
        yield running


def copy(source, target):
    """Everything that one socket says, said to another."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def forwarded(server, family=socket.AF_INET, host="127.0.0.1", wrap=None):
    """The server at another address; the address's port."""
    upstream = ("127.0.0.1", int(server.url.rpartition(":")[2]))

    def serve(connection):
        with (
            contextlib.suppress(OSError),
            wrap(connection) if wrap else connection as caller,
            socket.create_connection(upstream) as there,
        ):
            back = threading.Thread(target=copy, args=(there, caller))
            back.start()
            copy(caller, there)
            back.join(60)

    with socket.socket(family) as listener:
        listener.bind((host, 0))
        listener.listen()
        threads = []

        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        for thread in [accepting, *threads]:
            thread.join(60)


def uses_all(client):
    """HTTP and the event socket work."""
    # A busy machine may take longer to connect than a check waits for it.
    deadline = time.monotonic() + 60
    while not client.check().has_events:
        assert time.monotonic() < deadline
    handle = client.workflow_repo.create_workflow(blank())
    return len(handle.run(width=8, timeout=60).images) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_proxy_of_the_environment_is_asked_for_this_machine(
    server, monkeypatch, host
):
    for name in PROXY_NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in PROXY_NAMES[:3]:
        # Nobody listens there.
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with InvokeAIClient(server.url.replace("127.0.0.1", host)) as client:
        assert uses_all(client)


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://0.0.0.0:9090", True),
        ("http://[::]:9090", True),
        ("http://[::1]:9090", True),
        ("http://[::ffff:127.0.0.1]:9090", True),
        ("http://127.8.8.8", True),
        ("http://box.localhost", True),
        ("http://192.168.0.7", False),
        ("http://localhost.example", False),
        ("http://[fe80::1]", False),
    ],
)
def test_which_addresses_are_on_this_machine(url, is_local):
    assert InvokeAIClient(url)._settings.address.is_loopback is is_local


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_a_server_on_ipv6_with_a_slash_at_the_end(server):
    try:
        with (
            forwarded(server, socket.AF_INET6, "::1") as port,
            InvokeAIClient(f"http://[::1]:{port}/") as client,
        ):
            assert uses_all(client)
    except OSError as error:
        pytest.skip(f"no IPv6 loopback: {error}")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    key, file = folder / "key.pem", folder / "certificate.pem"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"]
    command += ["-keyout", str(key), "-out", str(file), "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", names]
    subprocess.run(command, check=True, capture_output=True)
    return key, file


@pytest.fixture(scope="module")
def secure(server, certificate):
    key, file = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)

    def wrap(connection):
        return context.wrap_socket(connection, server_side=True)

    with forwarded(server, wrap=wrap) as port:
        yield f"https://127.0.0.1:{port}"


def test_a_self_signed_certificate_is_refused_and_the_hint_names_the_option(secure):
    with (
        InvokeAIClient(secure) as client,
        pytest.raises(APIConnectionError, match="verify=") as caught,
    ):
        client.server_version()
    assert not caught.value.sent


@pytest.mark.parametrize("how", ["file", "context", "not at all"])
def test_a_self_signed_certificate_can_be_trusted(secure, certificate, how):
    file = certificate[1]
    verify = {
        "file": file,
        "context": ssl.create_default_context(cafile=str(file)),
        "not at all": False,
    }[how]
    with InvokeAIClient(secure, verify=verify) as client:
        assert uses_all(client)


async def test_a_self_signed_certificate_can_be_trusted_on_asyncio(secure, certificate):
    async with AsyncInvokeAIClient(secure, verify=certificate[1]) as client:
        deadline = time.monotonic() + 60
        while not (await client.check()).has_events:
            assert time.monotonic() < deadline


def test_a_file_without_certificates_is_refused_at_once(certificate, tmp_path):
    for verify in (certificate[0], tmp_path / "nothing.pem"):
        with pytest.raises(ArgumentError, match="holds no certificates"):
            InvokeAIClient("https://localhost", verify=verify)


def test_tls_where_there_is_none_is_told_apart(server):
    with (
        InvokeAIClient(server.url.replace("http", "https")) as client,
        pytest.raises(APIConnectionError, match="plain http"),
    ):
        client.server_version()


def test_an_event_socket_is_not_redirected_with_its_token():
    with ScriptedServer(lambda request: as_json({})) as other:
        there = {"Location": other.url.replace("http", "ws") + "/"}
        with (
            ScriptedServer(lambda request: Answer(b"", 302, None, there)) as first,
            InvokeAIClient(first.url, token="secret") as client,
            pytest.raises(APIError),
        ):
            next(client.events())
    assert any(line.startswith("GET /ws/socket.io/") for line in first.lines)
    assert other.connections == 0
