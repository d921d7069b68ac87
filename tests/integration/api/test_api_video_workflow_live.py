"""Workflows that take and give videos, on a server."""

from __future__ import annotations

import pytest
from workflow_builder import document, node

from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import FieldValidationError, WorkflowError
from invokeai_py_client.video import AsyncIvkVideo, IvkVideo

from ..noun_calls import done
from .test_api_videos_live import TINY

pytestmark = pytest.mark.live


def cutting():
    """A workflow that cuts frames out of a video, never from the cache."""
    values = {"start_frame": 0, "end_frame": 1}
    cut = node("cut", "extract_video_range", values, is_intermediate=False)
    cut["data"]["useCache"] = False
    return document([cut], form=[("cut", "video"), ("cut", "end_frame")])


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
        await done(client.video_repo.delete_video(again.video))
    await done(client.video_repo.delete_video(result.video))


async def test_the_same_file_is_uploaded_once(client):
    count = client.video_repo.count_videos
    workflow = await done(client.workflow_repo.load(cutting()))
    first = await done(workflow.run(video=TINY, timeout=120))
    before = await done(count())
    second = await done(workflow.run(video=TINY.read_bytes(), timeout=120))
    assert await done(count()) == before + 1
    for result in (first, second):
        await done(client.video_repo.delete_video(result.video))


async def test_a_video_of_another_server_is_moved_over(client, live_url):
    # Another client is another server, as far as anybody can tell.
    with InvokeAIClient.from_url(live_url) as elsewhere:
        foreign = elsewhere.video_repo.upload_video(TINY)
        workflow = await done(client.workflow_repo.load(cutting()))
        result = await done(workflow.run(video=foreign, timeout=120))
        elsewhere.video_repo.delete_video(foreign)
    assert result.video.video_name != foreign.video_name
    assert (result.video.width, result.video.height) == (foreign.width, foreign.height)
    content = await done(client.video_repo.get_video_bytes(result.video))
    assert content[4:8] == b"ftyp"
    await done(client.video_repo.delete_video(result.video))


async def test_content_that_is_not_a_video_is_refused_before_enqueueing(
    client, tmp_path
):
    path = tmp_path / "notes.mp4"
    path.write_text("no video")
    workflow = await done(client.workflow_repo.load(cutting()))
    with pytest.raises(FieldValidationError, match="not an MP4"):
        await done(workflow.submit(video=path))
