"""The simulator's models: installed from files, kept, found again after a restart."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from event_script import Ear
from graph_runs import Server
from hypothesis import given, settings
from hypothesis import strategies as st

import model_files as files
from invokeai_py_client.simulator import SimulatedServer, default_models, model_record
from invokeai_py_client.simulator.model_install import probe
from invokeai_py_client.simulator.model_kinds import bundled_kinds, tag_of

MODELS = "/api/v2/models"


def install(
    server: Server, source: Path, *, inplace: bool = True, **config: Any
) -> Any:
    """Install, wait for the end, and return the job."""
    query = urlencode({"source": str(source), "inplace": inplace})
    status, job = server.ask("POST", f"{MODELS}/install?{query}", config)
    assert status == 201, job
    deadline = time.monotonic() + 20
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
    pair = {"model_key_1": first["key"], "model_key_2": second["key"]}
    server.ask("POST", "/api/v1/model_relationships/", pair)
    server.ask("PATCH", f"{MODELS}/i/{first['key']}", {"description": "kept"})
    assert not moved.exists()

    durable.restart()

    found = models_of(server)
    assert found["here"] == second
    assert found["Moved"] == {**first, "description": "kept"}
    assert first["path"] == f"{first['key']}/moved.safetensors"
    assert (durable.settings.root / "models" / first["path"]).is_file()
    related = server.ask("GET", f"/api/v1/model_relationships/i/{first['key']}")[1]
    assert related == [second["key"]]
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


def test_pretended_models_need_no_files(server: Server) -> None:
    assert server.ask("GET", f"{MODELS}/missing")[1] == {"models": []}
    model = models_of(server)["Simulated SDXL"]
    status, again = server.ask("POST", f"{MODELS}/i/{model['key']}/reidentify")
    assert (status, again) == (200, model)


@pytest.mark.parametrize("model", default_models(), ids=lambda model: model["name"])
def test_pretended_models_are_what_a_real_server_could_have(model: Any) -> None:
    assert bundled_kinds().read(model) == model


def test_a_record_has_the_fields_of_its_kind() -> None:
    vae = model_record("v", base="sdxl", type="vae", description="mine", own=1)
    assert "trigger_phrases" not in vae
    assert vae["cpu_only"] is None
    assert (vae["description"], vae["own"]) == ("mine", 1)


def test_an_installation_that_runs_is_not_begun_again(tmp_path: Path) -> None:
    """Both requests get the same job when they come while it has not ended."""
    with SimulatedServer(models=[]) as simulated:
        server = Server(simulated.url)
        installs = simulated.simulation.installs
        changes = bundled_kinds().named("ModelRecordChanges")()
        path = files.embedding(tmp_path / "twice.safetensors")
        with installs._lock:  # the installer does not need it, but nobody else begins
            assert installs.all() == []
        jobs = [
            installs.begin(str(path), changes, inplace=True, token=None)
            for _ in range(2)
        ]
        ended = install(server, files.embedding(tmp_path / "last.safetensors"))
        kept = server.ask("GET", f"{MODELS}/install")[1]
    assert ended["status"] == "completed"
    assert jobs[0]["id"] == 0
    # The second was the same job, or came late and found the model there.
    assert jobs[1]["id"] == 0 or kept[1]["error_reason"] == "DuplicateModelException"


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


def test_what_is_installed_is_marked_among_the_starters(server: Server) -> None:
    starters = server.ask("GET", f"{MODELS}/starter_models")[1]
    assert not any(model["is_installed"] for model in starters["starter_models"])
    flux = next(m for m in starters["starter_models"] if m["dependencies"])
    needed = flux["dependencies"][0]
    with SimulatedServer(
        models=[
            model_record(needed["name"], base=needed["base"], type=needed["type"]),
            model_record("x", base="flux", type="main", source=flux["source"]),
        ]
    ) as simulated:
        again = Server(simulated.url).ask("GET", f"{MODELS}/starter_models")[1]
    found = {model["source"]: model for model in again["starter_models"]}
    assert found[flux["source"]]["is_installed"]
    left = [part["source"] for part in found[flux["source"]]["dependencies"]]
    assert needed["source"] not in left
    assert len(left) == len(flux["dependencies"]) - 1


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=200), size=st.integers(0, 120))
def test_any_bytes_are_a_model_of_some_kind(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, size: int
) -> None:
    """As on the real server: what is not recognised is unknown, never a failure."""
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    path.write_bytes(size.to_bytes(8, "little") + content)
    assert tag_of(probe(path, {})) == "unknown.unknown.unknown"
