"""Start, stop, kill and restart; faults on command; several users."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

import pytest
from talks.conversation import graph
from talks.graph_runs import Server

from invokeai_py_client.simulator import (
    RequestFault,
    SimulatedServer,
    SimulatorStartError,
)

QUEUE = "/api/v1/queue/default"
ADD = {"type": "add", "a": 1, "b": 2}
VERSION = "/api/v1/app/version"


def test_a_taken_port_is_an_error(simulated: SimulatedServer) -> None:
    with pytest.raises(SimulatorStartError, match="not free"):
        SimulatedServer(port=simulated.port).start()


def test_a_stopped_server_says_so() -> None:
    with pytest.raises(SimulatorStartError, match="not running"):
        _ = SimulatedServer().simulation


def test_waiting_jobs_survive_a_restart_and_running_ones_are_cancelled(
    tmp_path: Path,
) -> None:
    with SimulatedServer(root=tmp_path, node_delays={"sub": 30}) as simulated:
        server = Server(simulated.url)
        running = server.enqueue(graph(s={"type": "sub"}))[1]["item_ids"][0]
        waiting = server.enqueue(graph(a=ADD))[1]["item_ids"][0]
        board = server.ask("POST", "/api/v1/boards/?board_name=kept")[1]["board_id"]
        deadline = time.monotonic() + 60
        while server.ask("GET", f"{QUEUE}/i/{running}")[1]["status"] == "pending":
            assert time.monotonic() < deadline
        simulated.restart()
        assert server.ask("GET", f"{QUEUE}/i/{running}")[1]["status"] == "canceled"
        assert server.finished(waiting)["status"] == "completed"
        assert server.ask("GET", f"/api/v1/boards/{board}")[0] == 200


def test_a_killed_process_comes_back_with_its_images(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "invokeai_py_client.simulator",
        "--port", "0", "--root", str(tmp_path),
    ]  # fmt: skip

    def start() -> tuple[subprocess.Popen[str], Server]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return process, Server(json.loads(process.stdout.readline())["url"])

    process, server = start()
    with process:
        wanted = graph(b={"type": "blank_image", "width": 8, "height": 4})
        item = server.finished(server.enqueue(wanted)[1]["item_ids"][0])
        name = next(iter(item["session"]["results"].values()))["image"]["image_name"]
        os.kill(process.pid, signal.SIGKILL)
    process, server = start()
    with process:
        assert server.pixels(name)[1] == (8, 4)
        assert server.finished(item["item_id"])["status"] == "completed"
        process.terminate()
        assert process.wait(10) == 0


def test_a_node_fails_when_told_to(simulated: SimulatedServer, server: Server) -> None:
    simulated.fail_next("add", "OutOfMemoryError")
    failed = server.finished(server.enqueue(graph(a=ADD))[1]["item_ids"][0])
    assert failed["error_type"] == "OutOfMemoryError"
    assert "out of memory" in failed["error_message"]
    prepared, text = next(iter(failed["session"]["errors"].items()))
    assert failed["session"]["prepared_source_mapping"][prepared] == "a"
    assert text.startswith("OutOfMemoryError: ")
    after = server.finished(server.enqueue(graph(a=ADD))[1]["item_ids"][0])
    assert after["status"] == "completed"


def test_a_full_disk_fails_the_job_that_saves(
    simulated: SimulatedServer, server: Server
) -> None:
    simulated.faults.fill_disk()
    wanted = graph(b={"type": "blank_image", "width": 8})
    failed = server.finished(server.enqueue(wanted)[1]["item_ids"][0])
    assert failed["error_type"] == "ImageFileSaveException"
    assert server.ask("GET", "/api/v1/images/?limit=0")[1]["total"] == 0


@pytest.mark.parametrize(
    ("kind", "counted"),
    [("reset_before", 0), ("reset_after", 1), ("reset_during", 1)],
)
def test_a_cut_connection_may_or_may_not_have_been_heard(
    simulated: SimulatedServer, server: Server, kind: str, counted: int
) -> None:
    fault = RequestFault(kind, path="enqueue_batch", seconds=0.05)  # type: ignore[arg-type]
    simulated.faults.add_request(fault)
    with pytest.raises((ConnectionError, OSError)):
        server.enqueue(graph(a=ADD), batch_id="lost")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        total = server.ask("GET", f"{QUEUE}/b/lost/status")[1]["total"]
        if total == counted:
            break
    assert total == counted
    assert server.enqueue(graph(a=ADD))[0] == 200


def test_errors_on_command(simulated: SimulatedServer, server: Server) -> None:
    faults = simulated.faults
    faults.add_request(
        RequestFault("status", path="version", status=429, retry_after=2)
    )
    with contextlib.closing(_raw(server, VERSION)) as reply:
        assert (reply.status, reply.headers["Retry-After"]) == (429, "2")
    faults.add_request(RequestFault("html", path="version"))
    with contextlib.closing(_raw(server, VERSION)) as reply:
        assert reply.headers["content-type"].startswith("text/html")
    assert server.ask("GET", VERSION)[1]["version"] == "6.14.2"


def test_a_truncated_body_ends_early(
    simulated: SimulatedServer, server: Server
) -> None:
    simulated.faults.add_request(RequestFault("truncate", path="version"))
    with contextlib.closing(_raw(server, VERSION)) as reply:  # noqa: SIM117 -- 3.9
        with pytest.raises(http.client.IncompleteRead):
            reply.read()
    simulated.faults.add_request(RequestFault("drip", path="version", seconds=0.2))
    begun = time.monotonic()
    assert server.ask("GET", VERSION)[0] == 200
    assert time.monotonic() - begun >= 0.15


def _raw(server: Server, path: str) -> Any:
    try:
        return urllib.request.urlopen(server.url + path, timeout=5)
    except urllib.error.HTTPError as error:
        return error


def test_the_remote_control_arms_and_disarms(server: Server) -> None:
    fault = {"request": {"kind": "status", "path": "version", "times": None}}
    assert server.ask("POST", "/__simulator__/faults", fault)[0] == 200
    assert server.ask("GET", VERSION)[0] == 503
    assert server.ask("DELETE", "/__simulator__/faults")[0] == 200
    assert server.ask("GET", VERSION)[0] == 200
    node = {"node": {"node_type": "add", "error": "RuntimeError", "message": "no"}}
    server.ask("POST", "/__simulator__/faults", node)
    failed = server.finished(server.enqueue(graph(a=ADD))[1]["item_ids"][0])
    assert (failed["error_type"], failed["error_message"]) == ("RuntimeError", "no")


def test_an_event_sent_inside_a_transaction_does_not_block_one_sent_outside(
    simulated: SimulatedServer,
) -> None:
    simulation, heard = simulated.simulation, threading.Event()

    def listener(event: str, payload: Mapping[str, Any]) -> None:
        heard.set()
        simulation.database.all("SELECT item_id FROM session_queue")

    simulation.listen(listener)
    outside = threading.Thread(target=simulation.emit, args=("outside", {}))

    def inside() -> None:
        with simulation.database.transaction():
            outside.start()
            heard.wait(0.2)
            simulation.emit("inside", {})

    threads = [threading.Thread(target=inside, daemon=True), outside]
    outside.daemon = True
    threads[0].start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def test_json_and_pages_are_compressed_and_images_are_not(
    simulated: SimulatedServer,
) -> None:
    def encoding(path: str, method: str = "GET") -> Optional[str]:
        headers = {"Accept-Encoding": "gzip"}
        request = urllib.request.Request(
            simulated.url + path, method=method, headers=headers
        )
        with urllib.request.urlopen(request) as reply:
            return str(reply.headers["content-encoding"])

    server = Server(simulated.url)
    run = server.enqueue(graph(b={"type": "blank_image"}))[1]["item_ids"][0]
    (result,) = server.finished(run)["session"]["results"].values()
    image = f"/api/v1/images/i/{result['image']['image_name']}"
    assert (encoding(image), encoding("/")) == ("gzip", "gzip")
    for path in (f"{image}/full", f"{image}/thumbnail"):
        assert encoding(path) == "None", path
    assert encoding(f"{image}/full", "HEAD") == "None"


def test_the_cover_of_a_board_must_be_an_image(server: Server) -> None:
    made = server.enqueue(graph(b={"type": "blank_image"}))[1]["item_ids"][0]
    (result,) = server.finished(made)["session"]["results"].values()
    boards = "/api/v1/boards/"
    board = server.ask("POST", f"{boards}?board_name=b")[1]["board_id"]
    for cover, status in (
        ("nope", 500),
        (result["image"]["image_name"], 201),
        (None, 201),
    ):
        body = {"cover_image_name": cover, "board_name": "c"}
        assert server.ask("PATCH", f"{boards}{board}", body)[0] == status
    assert server.ask("GET", f"{boards}{board}")[1]["board_name"] == "c"
