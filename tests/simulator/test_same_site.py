"""A web page in a browser of this machine cannot use the simulator."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import model_files as files
import pytest

from invokeai_py_client.simulator import SimulatedServer

FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Host": "evil.example"},
    {"Host": "evil.example", "Origin": "http://evil.example"},
    {"Host": "127.0.0.1.evil.example"},
    {"Host": "[broken"},
    {"Host": ""},
]
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
SOCKET = "/ws/socket.io/?EIO=4&transport="


def ask(
    server: SimulatedServer, method: str, path: str, headers: Any, body: Any = None
) -> tuple[int, str]:
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        # An accepted web socket has no end.
        text = "" if reply.status == 101 else reply.read().decode()
        return reply.status, text
    finally:
        connection.close()


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_another_site_is_refused_everywhere(
    simulated: SimulatedServer, headers: dict[str, str]
) -> None:
    json_type = {"Content-Type": "application/json", **headers}
    fault = json.dumps({"full_disk": 1})
    for answer in (
        ask(simulated, "GET", "/api/v1/app/version", headers),
        ask(simulated, "PUT", "/api/v1/queue/default/processor/pause", headers),
        ask(simulated, "POST", "/__simulator__/faults", json_type, fault),
        ask(simulated, "GET", f"{SOCKET}polling", headers),
    ):
        assert answer[0] == 403
        assert "The simulator " in json.loads(answer[1])["detail"]
    assert ask(simulated, "GET", f"{SOCKET}websocket", {**UPGRADE, **headers})[0] == 403
    assert simulated.simulation.workers.status()["is_started"]
    simulated.faults.before_image_save()  # the disk is not full


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_every_name_of_this_machine_is_answered(
    simulated: SimulatedServer, name: str
) -> None:
    host = f"{name}:{simulated.port}"
    headers = {"Host": host, "Origin": f"http://{host}"}
    assert ask(simulated, "GET", "/api/v1/app/version", headers)[0] == 200
    assert ask(simulated, "GET", f"{SOCKET}websocket", {**UPGRADE, **headers})[0] == 101


def test_the_file_of_a_model_is_never_moved_or_deleted(
    simulated: SimulatedServer, tmp_path: Path
) -> None:
    models = "/api/v2/models"
    path = files.embedding(tmp_path / "my.safetensors")
    content = path.read_bytes()
    query = urlencode({"source": str(path), "inplace": "false"})
    install, json_type = f"{models}/install?{query}", "application/json"
    status, _ = ask(simulated, "POST", install, {"Content-Type": "text/plain"}, "{}")
    assert status == 422

    status, text = ask(simulated, "POST", install, {"Content-Type": json_type}, "{}")
    number = json.loads(text)["id"]
    while (job := simulated.simulation.installs.get(number))["status"] != "completed":
        assert job["status"] in ("waiting", "running"), job
        time.sleep(0.01)
    copy = simulated.simulation.model_folder.locate(job["config_out"]["path"])
    assert copy.read_bytes() == content
    key = job["config_out"]["key"]
    assert ask(simulated, "DELETE", f"{models}/i/{key}", {})[0] == 204
    assert not copy.parent.exists()
    assert path.read_bytes() == content


def test_a_model_that_was_in_the_folder_before_is_not_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "root" / "models" / "mine"
    folder.mkdir(parents=True)
    path = files.embedding(folder / "my.safetensors")
    with SimulatedServer(root=tmp_path / "root", models=[]) as server:
        json_type = {"Content-Type": "application/json"}
        query = urlencode({"source": str(path), "inplace": "true"})
        install = f"/api/v2/models/install?{query}"
        ask(server, "POST", install, json_type, json.dumps({"key": "mine"}))
        while not server.simulation.models.find("mine"):
            time.sleep(0.01)
        assert ask(server, "DELETE", "/api/v2/models/i/mine", {})[0] == 204
        assert not server.simulation.models.find("mine")
    assert path.is_file()
