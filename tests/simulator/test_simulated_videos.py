"""Videos: files made and read without ffmpeg, kept over a restart, used by nodes."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conversation import Conversation, edge
from graph_runs import Server
from hypothesis import example, given, settings
from hypothesis import strategies as st
from media_talks import TINY, parts, upload, video_part
from PIL import Image

from invokeai_py_client.simulator import SimulatedServer, model_record
from invokeai_py_client.simulator.mp4 import (
    VideoFormatError,
    has_mp4_brand,
    read_video,
)
from invokeai_py_client.simulator.still_video import still_picture, still_video

_V = "/api/v1/videos"


def picture(width: int, height: int) -> Image.Image:
    generator = np.random.default_rng(width * 1000 + height)
    return Image.fromarray(
        generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    )


@settings(deadline=None, max_examples=40)
@given(
    width=st.integers(1, 40),
    height=st.integers(1, 40),
    frames=st.integers(1, 40),
    rate=st.integers(100, 12000),
)
@example(width=8, height=8, frames=17, rate=2997)
def test_a_made_video_says_what_it_was_made_of(
    width: int, height: int, frames: int, rate: int
) -> None:
    fps, image = rate / 100, picture(2 * width, 2 * height)
    data = still_video(image, frames, fps)
    facts = read_video(data)
    assert has_mp4_brand(data)
    assert (facts.width, facts.height, facts.frames) == (*image.size, frames)
    assert facts.fps == fps
    assert abs(facts.duration - frames / fps) <= 0.0051
    again = still_picture(data)
    assert again is not None
    assert again.tobytes() == image.tobytes()


def samples(data: bytes) -> list[list[bytes]]:
    """The NAL units of each frame, by the tables of the file."""
    table = data[data.index(b"stsz") + 8 :]
    _, count = struct.unpack_from(">II", table)
    sizes = struct.unpack_from(f">{count}I", table, 8)
    (position,) = struct.unpack_from(">I", data, data.index(b"stco") + 12)
    frames = []
    for size in sizes:
        sample, units = data[position : position + size], []
        while sample:
            (length,) = struct.unpack_from(">I", sample)
            units.append(sample[4 : 4 + length])
            sample = sample[4 + length :]
        frames.append(units)
        position += size
    return frames


def test_the_first_frame_is_the_picture_and_the_others_repeat_it() -> None:
    image = Image.new("RGB", (20, 18), (255, 0, 0))
    frames = samples(still_video(image, 3, 10))
    assert [[unit[0] & 0x1F for unit in frame] for frame in frames] == [[5], [1], [1]]
    first = frames[0][0]
    # Red in BT.601: Y 81, Cb 90, Cr 240; 2 x 2 blocks of 16 x 16.
    assert first.count(bytes([81]) * 256 + bytes([90]) * 64 + bytes([240]) * 64) == 4
    assert len(frames[1][0]) < 10
    for unit in (first, *frames[1], *frames[2]):
        assert b"\x00\x00\x01" not in unit


@pytest.mark.parametrize("size", [(3, 2), (2, 3)])
def test_h264_has_even_sides(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no video"):
        still_video(Image.new("RGB", size), 1, 1)


def test_a_foreign_video_has_no_picture_to_give_back() -> None:
    facts = read_video(TINY)
    assert (facts.width, facts.height, facts.frames, facts.fps) == (16, 16, 2, 4.0)
    assert still_picture(TINY) is None


@given(st.integers(0, len(TINY) - 1), st.binary(max_size=4))
def test_broken_files_are_refused_or_read_but_never_crash(at: int, bad: bytes) -> None:
    for data in (TINY[:at], TINY[:at] + bad + TINY[at + len(bad) :]):
        has_mp4_brand(data)
        try:
            facts = read_video(data)
        except VideoFormatError:
            continue
        assert facts.frames > 0


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
        assert read_video(data).frames == 9
        assert Image.open(io.BytesIO(thumbnail)).size == (64, 32)
        pixels = run.results["f", ()]["image"][2]
        original = still_picture(data)
        assert original is not None
        assert np.array_equal(pixels, np.asarray(original))


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
