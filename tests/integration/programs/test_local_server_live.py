"""`LocalServer` on the real thing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap

import pytest

from invokeai_py_client._local_server.process import is_alive
from invokeai_py_client._local_server.rest import ask
from invokeai_py_client.exceptions import LocalServerError
from invokeai_py_client.server import DEFAULT_VERSION, LocalServer

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(300),
    pytest.mark.real_server("an InvokeAI that is installed, started and killed"),
]


def test_answers_with_its_version_and_has_the_tiny_models(live_url, tiny_models):
    version = ask("GET", f"{live_url}/api/v1/app/version")["version"]
    models = ask("GET", f"{live_url}/api/v2/models/")["models"]
    by_name = {model["name"]: model for model in models}
    assert version == DEFAULT_VERSION
    assert set(tiny_models) <= set(by_name)
    assert (by_name["tiny-sd1"]["type"], by_name["tiny-sd1"]["base"]) == (
        "main",
        "sd-1",
    )
    assert by_name["tiny-sdxl"]["base"] == "sdxl"
    assert by_name["tiny-sdxl-vae"]["type"] == "vae"


def test_finds_its_own_server_when_the_port_is_taken_and_survives_a_crash(tmp_path):
    """One start for several promises: a start costs ten seconds."""
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        server = LocalServer(root=tmp_path / "root", port=taken)
        server.start()
        try:
            assert server.url != f"http://127.0.0.1:{taken}"
            assert ask("GET", f"{server.url}/api/v1/app/version")
            url, pid = server.url, server.pid
            board = ask("POST", f"{url}/api/v1/boards/?board_name=kept")
            server.kill()
            assert not is_alive(pid)
            assert not server.is_running
            server.start()
            assert server.url == url
            boards = ask("GET", f"{url}/api/v1/boards/?all=true")
            assert [item["board_id"] for item in boards] == [board["board_id"]]
        finally:
            server.stop()
    assert not server.is_running
    assert (tmp_path / "root" / "databases").is_dir(), "a given root is kept"


PARENT = """
import sys, time
from invokeai_py_client.server import LocalServer
server = LocalServer()
try:
    server.start()
    print(server.pid, server.root, flush=True)
    time.sleep(600)
finally:
    if sys.argv[1] == "stop":
        server.stop()
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_killed_parent_leaves_no_server_behind():
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), "none"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        pid, root = parent.stdout.readline().split()
        pid = int(pid)
        assert is_alive(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert not _wait_gone(pid, 30)
    assert not os.path.exists(root)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_stops_the_server_and_removes_its_temporary_root():
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), "stop"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    with parent:
        pid, root = parent.stdout.readline().split()
        os.killpg(parent.pid, signal.SIGINT)
        parent.wait(30)
    assert not is_alive(int(pid))
    assert not os.path.exists(root)


def test_a_server_that_cannot_start_shows_the_end_of_its_log(tmp_path):
    server = LocalServer(root=tmp_path, settings={"precision": "nonsense"})
    with pytest.raises(LocalServerError, match=r"(?s)ended with code.*nonsense"):
        server.start()
    assert not server.is_running


def _wait_gone(pid: int, seconds: float) -> bool:
    """True when the process is still there after that time."""
    import time

    deadline = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > deadline:
            return True
        time.sleep(0.05)
    return False
