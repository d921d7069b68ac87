"""Zips and folders of images: complete or not there, whatever the socket does."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from flow_play import Play
from media_files import PNG

from invokeai_py_client._arguments import KnownId
from invokeai_py_client._core.messages import NextEvent
from invokeai_py_client._core.server_events import parse_event
from invokeai_py_client.exceptions import ArgumentError, ImageError, JobTimeoutError
from invokeai_py_client.image import bulk_flows
from invokeai_py_client.image.image_repo import ImageRepository

OTHER = parse_event("bulk_download_complete", {"bulk_download_item_name": "other.zip"})


def event(number, kind="complete", **more):
    payload = {"bulk_download_item_name": f"{number}.zip", **more}
    return parse_event(f"bulk_download_{kind}", payload)


def zipped(*names):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name in names:
            archive.writestr(name, PNG)
    return sink.getvalue()


class Zips(Play):
    """A server that makes zips: number by number, told by the events given."""

    def __init__(self, *events, socket=True, zips=(), images=("a.png", "b.png")):
        super().__init__(self.reply)
        self.told = list(events)
        self.zips = list(zips)
        self.images = images
        self.made = 0
        self.mailbox = object() if socket else None

    def reply(self, request):
        path = request.path
        if path == "/api/v1/images/download":
            self.made += 1
            return 202, {"bulk_download_item_name": f"{self.made}.zip"}
        if path.startswith("/api/v1/images/download/"):
            return 200, self.zips.pop(0)
        if path == "/api/v1/images/images_by_names":
            wanted = request.json["image_names"]
            return 200, [
                {"image_name": name, "image_category": "user"}
                for name in wanted
                if name in self.images
            ]
        if path == "/api/v1/images/names":
            return 200, {"image_names": list(self.images)}
        if path.startswith("/api/v1/boards/"):
            return 200, {"board_id": "1", "board_name": "x"}
        if path.endswith("/full"):
            return 200, PNG
        raise AssertionError(path)

    def _perform(self, message):
        if isinstance(message, NextEvent):
            if self.told and self.is_due(self.told[0]):
                return self.told.pop(0)
            self._pass(message.timeout)
            return None
        return super()._perform(message)

    def is_due(self, event):
        """Nothing is told of a zip that nobody has asked for yet."""
        number = event.payload.get("bulk_download_item_name", "").partition(".")[0]
        return not number.isdigit() or int(number) <= self.made


def entries(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_a_zip_is_fetched_after_its_event_and_only_once(tmp_path):
    play = Zips(OTHER, event(1, "started"), event(1), zips=[zipped("user/a.png")])
    path = play.run(bulk_flows.download_zip(tmp_path / "my.zip", names=["a.png"]))
    assert path == tmp_path / "my.zip"
    assert entries(path) == ["user/a.png"]
    assert play.lines == [
        "POST /api/v1/images/download",
        "GET /api/v1/images/download/1.zip",
    ]
    assert [file.name for file in tmp_path.iterdir()] == ["my.zip"]


def test_without_a_socket_the_same_zip_is_put_together_here(tmp_path):
    play = Zips(socket=False)
    path = play.run(bulk_flows.download_zip(tmp_path, names=["a.png", "b.png"]))
    assert re.fullmatch(r"images-[0-9a-f]{8}\.zip", path.name)
    assert entries(path) == ["user/a.png", "user/b.png"]
    assert not any("download" in line for line in play.lines)


def test_a_board_is_put_together_here_as_well(tmp_path):
    play = Zips(socket=False)
    path = play.run(bulk_flows.download_zip(tmp_path, board_id=KnownId("1")))
    assert len(entries(path)) == 2


def test_a_zip_whose_event_may_be_lost_is_never_asked_for(tmp_path):
    gone = [parse_event("disconnect", {}), parse_event("connect", {})]
    play = Zips(*gone, event(2), zips=[zipped("user/a.png")])
    play.run(bulk_flows.download_zip(tmp_path, names=["a.png"]))
    assert play.lines[-1] == "GET /api/v1/images/download/2.zip"
    assert "GET /api/v1/images/download/1.zip" not in play.lines


def test_a_socket_that_stays_away_is_not_waited_for(tmp_path):
    play = Zips(parse_event("disconnect", {}))
    path = play.run(bulk_flows.download_zip(tmp_path, names=["a.png"]))
    assert entries(path) == ["user/a.png"]
    assert play.time < 60


def test_an_empty_file_is_not_taken_for_a_zip(tmp_path):
    play = Zips(event(1), event(2), zips=[b"", zipped("user/a.png")])
    path = play.run(bulk_flows.download_zip(tmp_path, names=["a.png"]))
    assert entries(path) == ["user/a.png"]


@pytest.mark.parametrize("names", [["a.png", "gone.png"], ["gone.png"]])
def test_an_image_that_is_not_there_is_named_and_no_file_stays(tmp_path, names):
    play = Zips(event(1, "error", error="Image record not found"))
    with pytest.raises(ImageError, match=r"gone\.png"):
        play.run(bulk_flows.download_zip(tmp_path / "x.zip", names=names))
    assert list(tmp_path.iterdir()) == []


def test_the_time_that_a_zip_may_take_is_kept(tmp_path):
    play = Zips()
    with pytest.raises(JobTimeoutError, match=r"1\.zip"):
        play.run(bulk_flows.download_zip(tmp_path, names=["a.png"], timeout=12))
    assert 12 <= play.time < 20
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_asked_for_no_images_or_an_existing_file(tmp_path):
    play = Zips()
    with pytest.raises(ArgumentError, match="at least one"):
        ImageRepository(play).download_images_as_zip([], tmp_path)
    path = Zips(socket=False).run(bulk_flows.download_zip(tmp_path, names=["a.png"]))
    path.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        play.run(bulk_flows.download_zip(tmp_path, names=["a.png"], overwrite=False))
    assert play.lines == []
    assert path.read_bytes() == b"old"
