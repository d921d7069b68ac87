"""Videos: files read without ffmpeg, kept over a restart, used by nodes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from PIL import Image
from talks.conversation import Conversation, edge
from talks.graph_runs import Server
from talks.media_talks import TINY, parts, upload, video_part

from invokeai_py_client.simulator import SimulatedServer, model_record
from invokeai_py_client.simulator.media.mp4 import (
    VideoFormatError,
    has_mp4_brand,
    read_video,
)

_V = "/api/v1/videos"


def test_the_facts_of_a_video_are_read_from_its_boxes() -> None:
    facts = read_video(TINY)
    assert (facts.width, facts.height, facts.duration, facts.fps) == (16, 16, 0.5, 4.0)


@given(st.integers(0, len(TINY) - 1), st.binary(max_size=4))
def test_broken_files_are_refused_or_read_but_never_crash(at: int, bad: bytes) -> None:
    for data in (TINY[:at], TINY[:at] + bad + TINY[at + len(bad) :]):
        has_mp4_brand(data)
        try:
            facts = read_video(data)
        except VideoFormatError:
            continue
        assert facts.width * facts.height > 0


def shown(url: str, name: str) -> tuple[Any, bytes, bytes]:
    c = Conversation(url)
    return (
        c.ask("dto", "GET", f"{_V}/i/{name}"),
        c.ask("full", "GET", f"{_V}/i/{name}/full"),
        c.ask("thumbnail", "GET", f"{_V}/i/{name}/thumbnail"),
    )


def test_videos_survive_a_restart(tmp_path: Path) -> None:
    with SimulatedServer(root=tmp_path) as server:
        c = Conversation(server.url)
        told = ('name="metadata"', b'{"a": 1}')
        name = upload(c, "upload", parts(video_part(), told))["video_name"]
        before = shown(server.url, name)
        assert before[1] == TINY
        server.restart()
        assert shown(server.url, name) == before
        assert c.ask("metadata", "GET", f"{_V}/i/{name}/metadata") == {"a": 1}
        c.ask("delete", "DELETE", f"{_V}/i/{name}")
        assert c.answers[-1].status == 200
    assert not list(tmp_path.glob("videos/**/*.*"))


def test_a_full_disk_is_the_servers_error(simulated: SimulatedServer) -> None:
    simulated.faults.fill_disk()
    c = Conversation(simulated.url)
    reply = upload(c, "upload", parts(video_part()))
    assert (c.answers[-1].status, reply) == (500, {"detail": "Failed to create video"})


def wan(frames: int, fps: int) -> dict[str, Any]:
    """A video from a prompt, as far as the simulator needs it."""
    model = {"key": "wan", "hash": "h", "name": "Wan", "base": "wan", "type": "main"}
    nodes: dict[str, dict[str, Any]] = {
        "m": {"type": "wan_model_loader", "model": model},
        "p": {"type": "wan_text_encoder", "prompt": "a lighthouse"},
        "d": {
            "type": "wan_video_denoise",
            "num_frames": frames,
            "width": 64,
            "height": 32,
            "steps": 2,
        },
        "v": {"type": "wan_l2v", "fps": fps},
        "f": {"type": "video_frame_extract"},
    }
    links = [
        ("m.transformer", "d.transformer"),
        ("m.wan_t5_encoder", "p.wan_t5_encoder"),
        ("p.conditioning", "d.positive_conditioning"),
        ("d.latents", "v.latents"),
        ("m.vae", "v.vae"),
        ("v.video", "f.video"),
    ]
    return {
        "nodes": {key: {"id": key, **node} for key, node in nodes.items()},
        "edges": [edge(*link) for link in links],
    }


def test_a_generated_video_is_as_long_as_was_asked_for() -> None:
    record = {**model_record("Wan", base="wan", type="main"), "key": "wan"}
    with SimulatedServer(models=[record]) as simulated:
        server = Server(simulated.url)
        run = server.run(wan(9, 8))
        assert (run.problems, run.error) == ([], None)
        made = run.results["v", ()]
        video = made.pop("video")["video_name"]
        del made["type"]
        size = {"width": 64, "height": 32}
        # Pixel frames come in fours behind the first one.
        assert made == {**size, "num_frames": 9, "fps": 8.0, "duration": 1.125}
        dto, data, thumbnail = shown(simulated.url, video)
        assert (dto["video_origin"], dto["has_workflow"]) == ("internal", True)
        assert read_video(data)
        assert (dto["duration"], dto["fps"]) == (1.125, 8.0)
        assert Image.open(io.BytesIO(thumbnail)).size == (64, 32)
        assert run.results["f", ()]["image"][2].shape == (32, 64, 3)


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("/api/v1/images/", "image_origin"),
        (f"{_V}/", "video_origin"),
        ("/api/v1/gallery/items/", "origin"),
    ],
)
def test_all_that_is_wrong_with_the_question_for_a_list_is_said_at_once(
    simulated: SimulatedServer, path: str, origin: str
) -> None:
    c = Conversation(simulated.url)
    names = (origin, "categories", "is_intermediate", "offset", "limit", "order_dir")
    asked = "&".join(f"{name}=x" for name in names)
    answer = c.ask("", "GET", f"{path}?search_term=a&{asked}")
    assert [problem["loc"][1] for problem in answer["detail"]] == list(names)
