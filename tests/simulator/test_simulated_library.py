"""What a simulated server keeps besides jobs and images, over its own end."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from talks.conversation import Conversation, graph, png
from talks.event_script import Ear
from talks.graph_runs import Server
from talks.library_talks import send

from invokeai_py_client.simulator import SimulatedServer, model_record
from invokeai_py_client.simulator.program.dynamic_prompts import (
    combinations,
    random_prompts,
)

V1 = "/api/v1"
PRESETS = f"{V1}/style_presets"


def get(c: Conversation, path: str) -> Any:
    return c.ask("", "GET", path)


def test_everything_is_there_after_a_kill(tmp_path: Path) -> None:
    with SimulatedServer(root=tmp_path) as server:
        c = Conversation(server.url)
        texts = {"name": "Own", "positive_prompt": "p", "negative_prompt": ""}
        data = {"data": json.dumps({**texts, "type": "user"})}
        picture = ("x.png", png(), "image/png")
        own = send(c, "", "POST", f"{PRESETS}/", data, image=picture)
        prompts = get(c, f"{V1}/system_prompts/")
        c.ask("", "DELETE", f"{V1}/system_prompts/i/{prompts[0]['id']}")
        before = get(c, f"{PRESETS}/")
        server.restart()
        after = get(c, f"{PRESETS}/")
        assert [one["name"] for one in after] == [one["name"] for one in before]
        assert own["id"] in [one["id"] for one in after]
        # What comes with the server is made anew at every start.
        assert {one["id"] for one in before} & {one["id"] for one in after} == {
            own["id"]
        }
        assert get(c, f"{PRESETS}/i/{own['id']}/image").startswith(b"RIFF")
        assert get(c, f"{V1}/system_prompts/") == prompts[1:]


def test_a_written_prompt_is_followed_by_events() -> None:
    models = [
        model_record("writer", base="any", type="text_llm"),
        model_record("painter", base="sd-1", type="main"),
    ]
    with SimulatedServer(models=models) as server:
        c = Conversation(server.url)
        keys = {m["name"]: m["key"] for m in get(c, "/api/v2/models/")["models"]}
        ear = Ear(server.url)
        path = f"{V1}/utilities/expand-prompt"
        asked = {"prompt": "a cat", "task_id": "t", "max_tokens": 7, "seed": 5}
        body = {**asked, "model_key": keys["writer"]}
        reply = c.ask("", "POST", path, body)
        assert (reply["seed"], reply["error"]) == (5, None)
        assert "a cat" in reply["expanded_prompt"]
        ear.wait_for("llm_task_complete")
        wrong = c.ask("", "POST", path, {**body, "model_key": keys["painter"]})
        assert wrong["detail"].endswith("is not a text_llm model")
        ear.wait_for("llm_task_error")
        ear.close()
    heard = [data for name, data in ear.heard if name.startswith("llm_task_")]
    assert {data["task_id"] for data in heard} == {"t"}
    assert heard[-1]["error"] == wrong["detail"]


def test_an_image_of_too_many_pixels_is_refused(
    simulated: SimulatedServer,
) -> None:
    c = Conversation(simulated.url)
    size = struct.pack(">II", 30_000, 30_000)
    head = b"IHDR" + size + bytes([8, 2, 0, 0, 0])
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head
    data += struct.pack(">I", zlib.crc32(head)) + png()[33:]
    texts = {"name": "Own", "positive_prompt": "p", "negative_prompt": ""}
    preset = {"data": json.dumps({**texts, "type": "user"})}
    answer = send(
        c, "", "POST", f"{PRESETS}/", preset, image=("x.png", data, "image/png")
    )
    assert answer == {"detail": "Failed to read image"}
    assert "Own" not in [one["name"] for one in get(c, f"{PRESETS}/")]


def test_what_the_simulator_lacks_says_so(simulated: SimulatedServer) -> None:
    c = Conversation(simulated.url)
    answer = c.ask("", "POST", f"{V1}/image_moves/start")
    assert (c.answers[-1].status, answer["detail"]) == (
        501,
        "The simulator does not implement POST /api/v1/image_moves/start",
    )


@pytest.mark.parametrize(
    ("prompt", "prompts"),
    [
        ("a {b|c} {d|e}", ["a b d", "a b e", "a c d", "a c e"]),
        ("{a {1|2}|b}", ["a 1", "a 2", "b"]),
        ("plain", ["plain"]),
        ("{a|}x", ["ax", "x"]),
    ],
)
def test_alternatives_of_a_prompt_are_combined(prompt: str, prompts: list[str]) -> None:
    assert combinations(prompt, 99) == prompts
    assert combinations(prompt, 1) == prompts[:1]
    assert set(random_prompts(prompt, 50, seed=1)) == set(prompts)


@pytest.mark.parametrize("prompt", ["{a|b", "a}", "{2$$a|b}", "{1-2$$a|b}", "{3::a|b}"])
def test_what_a_prompt_may_not_hold_is_named(prompt: str) -> None:
    with pytest.raises(ValueError, match=r"prompt do not match|weights"):
        combinations(prompt, 9)


def test_a_job_that_calls_a_saved_workflow_fails_and_says_why(
    simulated: SimulatedServer,
) -> None:
    run = Server(simulated.url).run(graph(c={"type": "call_saved_workflow"}))
    says = "The simulator does not call saved workflows"
    assert (run.status, run.error) == ("failed", ("NotImplementedError", says))
