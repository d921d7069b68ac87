"""Events: as recorded from a real 6.14.2, and what faults do to them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from talks.conversation import graph
from talks.event_script import Ear, heard
from talks.graph_runs import Server

from invokeai_py_client.simulator import EventFault, SimulatedServer

RECORDED = json.loads(
    Path(__file__).with_name("talks").joinpath("events-6.14.2.json").read_text("utf-8")
)
ADD = graph(a={"type": "add"})


@pytest.fixture
def ear(simulated: SimulatedServer) -> Iterator[Ear]:
    listening = Ear(simulated.url)
    yield listening
    listening.close()


def test_events_are_those_of_the_real_server(simulated: SimulatedServer) -> None:
    assert heard(simulated.url) == RECORDED


def test_jobs_are_heard_without_a_subscription_but_clearing_is_not(
    ear: Ear, server: Server
) -> None:
    item_id = server.enqueue(ADD)[1]["item_ids"][0]
    ear.wait_for("queue_item_status_changed", item_id=item_id, status="completed")
    server.ask("PUT", "/api/v1/queue/default/clear")
    item_id = server.enqueue(ADD)[1]["item_ids"][0]
    ear.wait_for("queue_item_status_changed", item_id=item_id, status="completed")
    assert "queue_cleared" not in {event for event, _ in ear.heard}


def test_a_finished_job_is_stored_before_it_is_announced(
    ear: Ear, server: Server
) -> None:
    item_id = server.enqueue(ADD)[1]["item_ids"][0]
    ear.wait_for("queue_item_status_changed", item_id=item_id, status="completed")
    item = server.ask("GET", f"/api/v1/queue/default/i/{item_id}")[1]
    assert (item["status"], len(item["session"]["results"])) == ("completed", 1)


def test_denoising_shows_previews(ear: Ear, server: Server) -> None:
    model = server.ask("GET", "/api/v2/models/?model_type=main&base_models=sd-1")
    record = model[1]["models"][0]
    identifier = {key: record[key] for key in ("key", "hash", "name", "base", "type")}
    wanted = graph(
        ("m.unet", "d.unet"),
        ("n.noise", "d.noise"),
        ("p.conditioning", "d.positive_conditioning"),
        ("p.conditioning", "d.negative_conditioning"),
        ("m.clip", "p.clip"),
        ("d.latents", "l.latents"),
        ("m.vae", "l.vae"),
        m={"type": "main_model_loader", "model": identifier},
        p={"type": "compel", "prompt": "a lighthouse"},
        n={"type": "noise", "seed": 7, "width": 64, "height": 48},
        d={"type": "denoise_latents", "steps": 4},
        l={"type": "l2i"},
    )
    item = server.finished(server.enqueue(wanted)[1]["item_ids"][0])
    assert item["status"] == "completed", item.get("error_message")
    ear.wait_for("queue_item_status_changed", status="completed")
    steps = [
        data
        for event, data in ear.heard
        if event == "invocation_progress" and data["message"] == "Denoising"
    ]
    assert [step["percentage"] for step in steps] == [0, 0.25, 0.5, 0.75, 1]
    image = steps[-1]["image"]
    assert (image["width"], image["height"]) == (64, 48)
    assert image["dataURL"].startswith("data:image/jpeg;base64,")
    loaded = [data for event, data in ear.heard if event == "model_load_complete"]
    assert loaded
    assert loaded[0]["config"]["name"] == record["name"]


@pytest.mark.parametrize(("kind", "times"), [("lose", 0), ("duplicate", 2)])
def test_events_are_lost_or_doubled_on_command(
    simulated: SimulatedServer, ear: Ear, server: Server, kind: str, times: int
) -> None:
    fault = EventFault(kind, event="invocation_started")  # type: ignore[arg-type]
    simulated.faults.add_event(fault)
    server.enqueue(ADD)
    ear.wait_for("queue_item_status_changed", status="completed")
    started = [event for event, _ in ear.heard if event == "invocation_started"]
    assert len(started) == times


def test_events_change_places_on_command(
    simulated: SimulatedServer, ear: Ear, server: Server
) -> None:
    simulated.faults.add_event(EventFault("reorder", event="invocation_started"))
    server.enqueue(ADD)
    ear.wait_for("queue_item_status_changed", status="completed")
    names = [event for event, _ in ear.heard]
    assert names.index("invocation_complete") < names.index("invocation_started")


def test_sockets_are_dropped_on_command(simulated: SimulatedServer, ear: Ear) -> None:
    simulated.drop_sockets()
    deadline = time.monotonic() + 60
    while ear.socket.connected:
        assert time.monotonic() < deadline
        time.sleep(0.01)
