"""Videos: names, files, uploads and listings, without a server."""

from __future__ import annotations

import io
import pickle
import re
from functools import partial

import pytest
from flow_play import Play, scripted
from hypothesis import given, strategies as st
from media_files import FTYP, MP4, mp4_box
from paths import DATA

from invokeai_py_client._arguments import KnownId
from invokeai_py_client._core import paging
from invokeai_py_client.exceptions import (
    ArgumentError,
    InvokeAIError,
    NotFoundError,
    VideoError,
    VideoFileNotFoundError,
)
from invokeai_py_client.image import bulk_flows
from invokeai_py_client.image.board_flows import BoardTarget
from invokeai_py_client.image.query import image_query
from invokeai_py_client.ivk_fields.media import IvkVideoCollectionField, IvkVideoField
from invokeai_py_client.ivk_fields.references import VideoReference
from invokeai_py_client.video import AsyncIvkVideo, IvkVideo, files, flows
from invokeai_py_client.video.files import VIDEO
from invokeai_py_client.video.models import VideoBase
from invokeai_py_client.video.video_repo import VideoRepository
from invokeai_py_client.workflow.jobs.result_names import ResultNames
from invokeai_py_client.workflow.lookup.known_server import KnownServer
from invokeai_py_client.workflow.lookup.resolve_references import resolve_values
from invokeai_py_client.workflow.results.build_result import (
    MediaFactory,
    NamedMedia,
    build_result,
)
from invokeai_py_client.workflow.results.read_session import JobRecord, NodeRun
from invokeai_py_client.workflow.waiting.wait_flows import _video_record

TINY = DATA / "tiny.mp4"


def record(name, **more):
    return {"video_name": name, "video_category": "user", **more}


def read(data):
    return IvkVideo.model_validate(data)


def on(board):
    return BoardTarget(KnownId(board))


# -- files ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (FTYP, True),
        (mp4_box(b"free", b"\0" * 40) + FTYP, True),
        (b"\x00\x00\x00\x01ftyp" + (32).to_bytes(8, "big") + b"isom", True),
        (mp4_box(b"ftyp", b"qt  \0\0\2\0"), False),
        (mp4_box(b"free", b"\0" * 70_000) + FTYP, False),
        (b"\x00\x00\x00\x04ftyp", False),
        (b"\x1aE\xdf\xa3webm", False),
        (b"", False),
    ],
)
def test_what_the_server_takes_for_an_mp4(content, expected):
    assert files.is_mp4(io.BytesIO(content), len(content)) is expected


@given(st.binary(max_size=300))
def test_no_bytes_make_the_look_at_a_file_fail_or_go_on_for_ever(content):
    assert files.is_mp4(io.BytesIO(content), len(content)) in (True, False)


def test_files_that_cannot_be_sent(tmp_path):
    with pytest.raises(VideoFileNotFoundError) as missing:
        files.open_video(tmp_path / "no.mp4")
    assert isinstance(missing.value, FileNotFoundError)
    with pytest.raises(VideoError, match="cannot read"):
        files.open_video(tmp_path)
    with pytest.raises(VideoError, match="is empty"):
        files.open_video(b"")
    with pytest.raises(ArgumentError, match="video file"):
        files.open_video(7)


def test_a_file_is_closed_after_a_failure():
    play = Play(scripted((200, {}), (404, {"detail": "Board not found"})))
    with pytest.raises(NotFoundError):
        play.run(flows.upload_video(read, TINY, board=on("x")))
    assert play.requests[1].files[0].content.closed


def test_nothing_is_sent_to_a_board_that_does_not_exist():
    play = Play(scripted((404, {"detail": "Board not found"})))
    with pytest.raises(NotFoundError):
        play.run(flows.upload_video(read, TINY, board=on("x")))
    assert [request.method for request in play.requests] == ["GET"]


# -- snapshots ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "a/b.mp4", "..\\x"])
def test_paths_are_no_names(name):
    with pytest.raises(ArgumentError):
        VideoRepository(Play(scripted())).get_video(name)


def test_equal_data_is_equal_in_both_colours_and_after_a_pickle():
    runner = object()
    video = IvkVideo.bound_to(runner)(record("a.mp4", new_key=1))
    twin = AsyncIvkVideo.bound_to(None)(record("a.mp4", new_key=1))
    assert video == twin
    assert hash(video) == hash(twin)
    alone = pickle.loads(pickle.dumps(video))
    assert alone == video
    with pytest.raises(InvokeAIError, match="is not connected to a server"):
        alone.bytes()


# -- requests ---------------------------------------------------------------------


def test_listing_asks_page_after_page(monkeypatch):
    monkeypatch.setattr(paging, "CHUNK", 2)
    pages = [[record("1"), record("2")], [record("3"), record("4")], [record("5")]]
    play = Play(scripted(*((200, {"items": page}) for page in pages)))
    query = image_query(origin="internal")
    videos = play.stream(flows.list_videos(read, query, None))
    assert [video.video_name for video in videos] == ["1", "2", "3", "4", "5"]
    assert [request.params["offset"] for request in play.requests] == [0, 2, 4]
    assert play.requests[0].params["video_origin"] == "internal"
    assert "image_origin" not in play.requests[0].params


def test_a_limit_ends_a_listing_without_another_request(monkeypatch):
    monkeypatch.setattr(paging, "CHUNK", 2)
    pages = [[record("1"), record("2")], [record("3")]]
    play = Play(scripted(*((200, {"items": page}) for page in pages)))
    videos = play.stream(flows.list_videos(read, image_query(), 3))
    assert len(videos) == 3
    assert [request.params["limit"] for request in play.requests] == [2, 1]
    assert Play(scripted()).stream(flows.list_videos(read, image_query(), 0)) == []


def test_unknown_videos_are_not_moved():
    answers = {
        "HEAD /api/v1/videos/i/a.mp4/full": (200, b"video"),
        "HEAD /api/v1/videos/i/gone.mp4/full": (404, {"detail": "Video not found"}),
        "GET /api/v1/boards/1": (200, {}),
        "POST /api/v1/videos/board": (
            200,
            {"added_videos": ["a.mp4"], "affected_boards": ["1"]},
        ),
    }
    play = Play(lambda request: answers[f"{request.method} {request.path}"])
    moved = play.run(flows.move_videos(["a.mp4", "gone.mp4"], on("1")))
    assert (moved.changed, moved.skipped) == (["a.mp4"], ["gone.mp4"])


@pytest.mark.parametrize("name", ["x.gif", "x.webm", "x.PNG"])
def test_a_video_is_not_saved_under_another_format(tmp_path, name):
    play = Play(scripted())
    with pytest.raises(VideoError, match=r"x\.mp4"):
        play.run(bulk_flows.save_file(VIDEO, "a.mp4", tmp_path / name))
    assert play.requests == []


def test_a_server_cannot_choose_where_a_video_goes(tmp_path):
    play = Play(scripted((200, MP4)))
    path = play.run(bulk_flows.save_file(VIDEO, "..\\..\\evil.mp4", tmp_path))
    assert path.parent == tmp_path
    assert re.fullmatch(r"evil-[0-9a-f]{8}\.mp4", path.name)


# -- inputs and results of workflows ----------------------------------------------


class Elsewhere:
    """The runner of another server's client."""

    def run(self, flow):
        flow.close()
        return TINY.read_bytes()


def test_videos_of_another_server_are_sent_over(tmp_path):
    foreign = IvkVideo.bound_to(Elsewhere())(record("a.mp4"))
    field = IvkVideoField(value=foreign)
    assert field.value == VideoReference(foreign)
    play = Play(
        scripted((404, {"detail": "Video not found"}), (201, record("new.mp4")))
    )
    server = KnownServer("http://x", tmp_path, "default", 1.0)
    values, _ = play.run(resolve_values({("n", "video"): field.value}, server, play))
    assert values == {("n", "video"): {"video_name": "new.mp4"}}
    assert play.lines == ["GET /api/v1/videos/i/a.mp4", "POST /api/v1/videos/upload"]


def test_videos_of_this_server_go_by_their_names(tmp_path):
    play = Play(scripted())
    video = IvkVideo.bound_to(play)(record("a.mp4"))
    server = KnownServer("http://x", tmp_path, "default", 1.0)
    field = IvkVideoCollectionField()
    field.value = [video, "b.mp4"]
    values, _ = play.run(resolve_values({("n", "videos"): field.value}, server, play))
    assert values["n", "videos"] == [{"video_name": "a.mp4"}, {"video_name": "b.mp4"}]
    assert play.requests == []


def test_a_job_gives_the_videos_it_made_and_not_those_it_was_given():
    def run(node_id, node_type, name):
        result = {"type": "video_output", "video": {"video_name": name}}
        return NodeRun(node_id, node_type, (), result)

    job = JobRecord(
        item_id=1,
        status="completed",
        runs=[
            run("given", "video", "given.mp4"),
            run("step", "extract_video_range", "step.mp4"),
            run("end", "video_concat", "end.mp4"),
        ],
        given=frozenset({"given.mp4"}),
        final_nodes=["end"],
    )

    def video(hidden, record):
        return VideoBase(**record, is_intermediate=record["video_name"] in hidden)

    def result(*hidden):
        from invokeai_py_client._core.tracker import JobState

        return build_result(
            "b",
            [JobState(1, "completed")],
            {1: job},
            ResultNames(),
            NamedMedia(MediaFactory(pytest.fail, partial(video, hidden))),
        )

    assert [str(video) for video in result().videos] == ["step.mp4", "end.mp4"]
    assert str(result("step.mp4").video) == "end.mp4"
    assert str(result("step.mp4", "end.mp4").video) == "end.mp4"
    assert [str(video) for video in result().outputs["given"].videos] == ["given.mp4"]
    assert "end.mp4" in repr(result().outputs["end"])


def test_of_a_video_that_is_gone_its_name_is_left():
    gone = Play(lambda request: (404, {"detail": "gone"}))
    assert gone.run(_video_record("a.mp4")) == {"video_name": "a.mp4"}
    odd = Play(lambda request: (200, ["not", "a", "record"]))
    assert odd.run(_video_record("a.mp4")) == {"video_name": "a.mp4"}
    record = {"video_name": "a.mp4", "width": 8}
    assert Play(lambda request: (200, record)).run(_video_record("a.mp4")) == record
