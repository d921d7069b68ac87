"""Workflows that take and give videos, on a server."""

from __future__ import annotations

import uuid

import pytest

from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import FieldValidationError, WorkflowError
from invokeai_py_client.video import AsyncIvkVideo, IvkVideo

from .noun_calls import done
from .test_api_videos_live import TINY

pytestmark = pytest.mark.live


def node(node_id, node_type, version, **values):
    return {
        "id": node_id,
        "type": "invocation",
        "position": {"x": 0, "y": 0},
        "data": {
            "id": node_id,
            "type": node_type,
            "version": version,
            "label": "",
            "notes": "",
            "isOpen": True,
            "isIntermediate": False,
            "useCache": False,
            "inputs": {
                name: {"name": name, "label": "", "value": value}
                for name, value in values.items()
            },
        },
    }


def cutting():
    """A workflow that cuts frames out of a video."""
    values = {"video": None, "start_frame": 0, "end_frame": 1}
    return {
        "name": f"cut {uuid.uuid4().hex[:8]}",
        "meta": {"version": "3.0.0", "category": "user"},
        "exposedFields": [
            {"nodeId": "cut", "fieldName": name} for name in ("video", "end_frame")
        ],
        "nodes": [node("cut", "extract_video_range", "1.1.0", **values)],
        "edges": [],
    }


async def test_a_local_video_goes_in_and_a_video_comes_out(client, tmp_path):
    workflow = await done(client.workflow_repo.load(cutting()))
    workflow["video"] = TINY
    result = await done(workflow.run(timeout=120))
    kind = IvkVideo if isinstance(client, InvokeAIClient) else AsyncIvkVideo
    assert type(result.video) is kind
    assert (result.video.width, result.video.height) == (16, 16)
    assert result.images == ()
    assert result.videos == result.jobs[0].videos == result.outputs["cut"].videos
    saved = await done(result.video.save(tmp_path))
    assert saved.read_bytes()[4:8] == b"ftyp"
    with pytest.raises(WorkflowError, match="no image"):
        _ = result.image

    # What came out goes in again: a result, a video, a name.
    for value in (result, result.video, result.video.video_name):
        again = await done(workflow.run(video=value, end_frame=0, timeout=120))
        assert again.video != result.video
        await done(client.video_repo.delete(again.video))
    await done(client.video_repo.delete(result.video))


async def test_the_same_file_is_uploaded_once(client):
    count = client.video_repo.count_videos
    workflow = await done(client.workflow_repo.load(cutting()))
    first = await done(workflow.run(video=TINY, timeout=120))
    before = await done(count())
    second = await done(workflow.run(video=TINY.read_bytes(), timeout=120))
    assert await done(count()) == before + 1
    for result in (first, second):
        await done(client.video_repo.delete(result.video))


async def test_a_video_of_another_server_is_moved_over(client, live_url):
    # Another client is another server, as far as anybody can tell.
    with InvokeAIClient.from_url(live_url) as elsewhere:
        foreign = elsewhere.video_repo.upload(TINY)
        workflow = await done(client.workflow_repo.load(cutting()))
        result = await done(workflow.run(video=foreign, timeout=120))
        elsewhere.video_repo.delete(foreign)
    await done(client.video_repo.delete(result.video))


async def test_what_is_no_video_is_refused_before_anything_is_enqueued(
    client, tmp_path
):
    path = tmp_path / "notes.mp4"
    path.write_text("no video")
    workflow = await done(client.workflow_repo.load(cutting()))
    with pytest.raises(FieldValidationError, match="no MP4"):
        await done(workflow.submit(video=path))
