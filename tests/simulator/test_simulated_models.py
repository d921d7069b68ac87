"""The simulator's models: installed from files, kept, found again after a restart."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Union
from unittest import mock
from urllib.parse import urlencode

import model_files as files
import pytest
from talks.event_script import Ear
from talks.graph_runs import Server

from invokeai_py_client.simulator import SimulatedServer, default_models, model_record
from invokeai_py_client.simulator.models import model_install
from invokeai_py_client.simulator.models.model_kinds import bundled_kinds
from invokeai_py_client.simulator.models.model_probe import probe

MODELS = "/api/v2/models"


def install(
    server: Server, source: Union[str, Path], *, inplace: bool = True, **config: Any
) -> Any:
    """Install, wait for the end, and return the job."""
    query = urlencode({"source": str(source), "inplace": inplace})
    status, job = server.ask("POST", f"{MODELS}/install?{query}", config)
    assert status == 201, job
    deadline = time.monotonic() + 60
    while job["status"] not in ("completed", "error", "cancelled"):
        assert time.monotonic() < deadline, job
        time.sleep(0.01)
        _, job = server.ask("GET", f"{MODELS}/install/{job['id']}")
    return job


def models_of(server: Server) -> dict[str, Any]:
    return {m["name"]: m for m in server.ask("GET", f"{MODELS}/")[1]["models"]}


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[SimulatedServer]:
    with SimulatedServer(root=tmp_path / "root", models=[]) as server:
        yield server


def test_models_live_through_a_restart(
    durable: SimulatedServer, tmp_path: Path
) -> None:
    server = Server(durable.url)
    moved = files.embedding(tmp_path / "moved.safetensors")
    first = install(server, moved, inplace=False, name="Moved")["config_out"]
    second = install(server, files.pipeline(tmp_path / "here"))["config_out"]
    server.ask("PATCH", f"{MODELS}/i/{first['key']}", {"description": "kept"})
    assert moved.exists()

    durable.restart()

    found = models_of(server)
    assert found["here"] == second
    assert found["Moved"] == {**first, "description": "kept"}
    assert first["path"] == f"{first['key']}/moved.safetensors"
    assert (durable.settings.root / "models" / first["path"]).is_file()
    # Installations are forgotten, and are counted from 0 again.
    assert server.ask("GET", f"{MODELS}/install")[1] == []
    server.ask("DELETE", f"{MODELS}/i/{first['key']}")
    assert not (durable.settings.root / "models" / first["key"]).exists()
    assert install(server, tmp_path / "here")["id"] == 0


def test_a_server_in_memory_leaves_no_models_behind(tmp_path: Path) -> None:
    with SimulatedServer(models=[]) as simulated:
        path = files.embedding(tmp_path / "gone.safetensors")
        job = install(Server(simulated.url), path, inplace=False)
        folder = simulated.simulation.model_folder.path
        assert (folder / job["config_out"]["path"]).is_file()
    assert not folder.exists()


def test_looking_at_models_makes_no_folder(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise AssertionError("a folder was made")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    assert models_of(server)
    assert server.ask("GET", f"{MODELS}/missing")[0] == 200


def test_pretended_models_need_no_files(server: Server) -> None:
    assert server.ask("GET", f"{MODELS}/missing")[1] == {"models": []}


@pytest.mark.parametrize("model", default_models(), ids=lambda model: model["name"])
def test_pretended_models_are_what_a_real_server_could_have(model: Any) -> None:
    assert bundled_kinds().read(model) == model


def test_a_record_has_the_fields_of_its_kind() -> None:
    vae = model_record("v", base="sdxl", type="vae", description="mine", own=1)
    assert "trigger_phrases" not in vae
    assert vae["cpu_only"] is None
    assert (vae["description"], vae["own"]) == ("mine", 1)


@contextmanager
def held(simulated: SimulatedServer, path: Path) -> Iterator[Any]:
    """An installation that has begun and goes on at the end."""
    begun, go = threading.Event(), threading.Event()

    def wait(*args: Any) -> Any:
        begun.set()
        assert go.wait(20)
        return probe(*args)

    query = urlencode({"source": str(path), "inplace": "true"})
    with mock.patch.object(model_install, "probe", wait):
        try:
            answer = Server(simulated.url).ask("POST", f"{MODELS}/install?{query}", {})
            assert begun.wait(20)
            yield answer[1]
        finally:
            go.set()


def test_an_installation_that_runs_is_not_begun_again(
    simulated: SimulatedServer, server: Server, tmp_path: Path
) -> None:
    path = files.embedding(tmp_path / "twice.safetensors")
    query = urlencode({"source": str(path), "inplace": "true"})
    with held(simulated, path) as job:
        again = server.ask("POST", f"{MODELS}/install?{query}", {})[1]
        assert (again["id"], again["status"]) == (job["id"], "running")
    ended = install(server, files.embedding(tmp_path / "last.safetensors"))
    assert ended["id"] == job["id"] + 1
    found = server.ask("GET", f"{MODELS}/install/{job['id']}")[1]
    assert found["status"] == "completed"


def test_installations_that_wait_are_cancelled(
    simulated: SimulatedServer, server: Server, tmp_path: Path
) -> None:
    jobs = f"{MODELS}/install"
    ear = Ear(simulated.url)
    try:
        with held(simulated, files.embedding(tmp_path / "first.safetensors")):
            path = files.embedding(tmp_path / "cancelled.safetensors")
            query = urlencode({"source": str(path), "inplace": "true"})
            cancelled = server.ask("POST", f"{jobs}?{query}", {})[1]["id"]
            assert server.ask("DELETE", f"{jobs}/{cancelled}") == (201, None)
        install(server, files.embedding(tmp_path / "last.safetensors"))
        ear.wait_for("model_install_cancelled", id=cancelled)
        assert server.ask("GET", f"{jobs}/{cancelled}")[1]["status"] == "cancelled"
    finally:
        ear.close()
    assert "cancelled" not in models_of(server)


def test_a_killed_process_comes_back_with_its_models(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "invokeai_py_client.simulator",
        "--port", "0", "--root", str(tmp_path / "root"),
    ]  # fmt: skip

    def start() -> tuple[subprocess.Popen[str], Server]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return process, Server(json.loads(process.stdout.readline())["url"])

    moved = files.embedding(tmp_path / "moved.safetensors")
    process, server = start()
    with process:
        model = install(server, moved, inplace=False)["config_out"]
        os.kill(process.pid, signal.SIGKILL)
    process, server = start()
    with process:
        assert models_of(server)["moved"] == model
        assert server.ask("GET", f"{MODELS}/missing")[1] == {"models": []}
        process.terminate()
        assert process.wait(10) == 0


def test_events_tell_of_an_installation_in_order(
    simulated: SimulatedServer, tmp_path: Path
) -> None:
    ear = Ear(simulated.url)
    try:
        path = files.embedding(tmp_path / "told.safetensors")
        model = install(Server(simulated.url), path)["config_out"]
        ear.wait_for("model_install_complete")
        install(Server(simulated.url), path)
        ear.wait_for("model_install_error")
    finally:
        ear.close()
    names = [name for name, _ in ear.heard]
    assert names == [
        "model_install_started",
        "model_install_complete",
        "model_install_started",
        "model_install_error",
    ]
    assert ear.heard[1][1]["config"] == model
    assert ear.heard[3][1]["error_type"] == "DuplicateModelException"


def test_only_administrators_change_models() -> None:
    account = {"email": "a@x.y", "password": "Password1", "display_name": "A"}
    with SimulatedServer(multiuser=True) as simulated:
        server = Server(simulated.url)
        server.ask("POST", "/api/v1/auth/setup", account)
        answer = server.ask("POST", "/api/v1/auth/login", account)[1]
        admin = answer["token"]
        other = {**account, "email": "b@x.y"}
        _ask(simulated.url, admin, "POST", "/api/v1/auth/users", other)
        user = server.ask("POST", "/api/v1/auth/login", other)[1]["token"]
        for method, path, body in (
            ("POST", f"{MODELS}/install?source=/no/such", {}),
            ("GET", f"{MODELS}/install", None),
            ("GET", f"{MODELS}/starter_models", None),
            ("GET", f"{MODELS}/scan_folder?scan_path=/", None),
            ("DELETE", f"{MODELS}/i/nope", None),
            ("PATCH", f"{MODELS}/i/nope", {}),
            ("POST", "/api/v1/model_relationships/", {}),
        ):
            assert _ask(simulated.url, user, method, path, body) == 403, path
        for path in (f"{MODELS}/", f"{MODELS}/missing"):
            assert _ask(simulated.url, user, "GET", path, None) == 200, path


def _ask(url: str, token: str, method: str, path: str, body: Any) -> int:
    """Ask as a user; returns the status."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (files.pipeline, ("main", "diffusers", "sd-1", "normal")),
        (files.diffusers_vae, ("vae", "diffusers", "sdxl", None)),
        (files.embedding, ("unknown", "unknown", "unknown", None)),
    ],
)
def test_only_the_configuration_of_a_folder_tells_what_it_is(
    tmp_path: Path, make: Callable[[Path], Path], kind: tuple[Any, ...]
) -> None:
    record = probe(make(tmp_path / "x.safetensors"), {})
    told = (record["type"], record["format"], record["base"], record.get("variant"))
    assert told == kind


def test_of_other_files_the_request_is_believed(tmp_path: Path) -> None:
    said = {"type": "embedding", "format": "embedding_file", "base": "sd-1"}
    record = probe(files.embedding(tmp_path / "e.safetensors"), said)
    assert said.items() <= record.items()
    with pytest.raises(ValueError, match=r"No kind of model is 'embedding.odd"):
        probe(tmp_path / "e.safetensors", {**said, "format": "odd"})


def test_a_download_fails_and_says_why(
    simulated: SimulatedServer, server: Server
) -> None:
    ear = Ear(simulated.url)
    try:
        job = install(server, "https://models.example/m.safetensors")
        ear.wait_for("model_install_error", id=job["id"])
    finally:
        ear.close()
    told = (job["status"], job["error_reason"], job["error"])
    assert told == (
        "error",
        "ConnectionError",
        "the simulator does not download models",
    )
    assert job["source"]["type"] == "url"
    assert not models_of(server).keys() & {"m", "m.safetensors"}
