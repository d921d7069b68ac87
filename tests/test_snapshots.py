"""Snapshots: tolerant of what they do not know, equal by data, free of connections."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime, timezone

import pytest
from pydantic import ValidationError

from flow_play import Play
from invokeai_py_client.board.models import Board, BoardVisibility
from invokeai_py_client.exceptions import InvokeAIError, NotFoundError
from invokeai_py_client.image.async_image_handle import AsyncIvkImage
from invokeai_py_client.image.models import ImageBase, ImageCategory
from invokeai_py_client.model.models import ModelRecord
from invokeai_py_client.models import IvkImage, IvkJob, JobStatus

RECORD = {
    "image_name": "a.png",
    "image_category": "user",
    "image_origin": "external",
    "width": 4,
    "height": 2,
    "created_at": "2026-11-23 12:35:29.327",
    "starred": True,
    "board_id": None,
    "news_of_tomorrow": [1],
}


class Server:
    """A runner whose server answers everything with the same bytes."""

    def __init__(self, status=200, body=b"\x89PNG"):
        self.play = Play(lambda request: (status, body))

    def run(self, flow):
        return self.play.run(flow)


def test_unknown_keys_and_values_are_kept():
    image = IvkImage.model_validate({**RECORD, "image_category": "hologram"})
    assert image.model_extra == {"news_of_tomorrow": [1]}
    assert image.image_category == "hologram"
    assert image.model_dump(mode="json")["image_category"] == "hologram"
    assert Board(board_id="b", board_name="", board_visibility="guild")
    assert JobStatus("dreaming").is_terminal is False


def test_times_are_aware_utc():
    image = IvkImage.model_validate(RECORD)
    expected = datetime(2026, 11, 23, 12, 35, 29, 327000, tzinfo=timezone.utc)
    assert image.created_at == expected
    board = Board(board_id="b", board_name="", updated_at="2026-11-23 14:55:39")
    assert board.updated_at.tzinfo is timezone.utc


def test_snapshots_are_frozen():
    image = IvkImage.model_validate(RECORD)
    with pytest.raises(ValidationError):
        image.starred = False
    with pytest.raises(ValidationError):
        ModelRecord(key="k").name = "x"


def test_images_are_equal_by_data_whatever_their_colour_or_connection():
    plain, bound = IvkImage.model_validate(RECORD), IvkImage.bound_to(Server())(RECORD)
    base, other = ImageBase.model_validate(RECORD), AsyncIvkImage(**RECORD)
    assert plain == bound == base == other
    assert len({plain, bound, base, other}) == 1
    assert plain != IvkImage.model_validate({**RECORD, "starred": False})
    assert plain != IvkImage.model_validate({**RECORD, "news_of_tomorrow": []})
    assert plain != "a.png"


def test_the_connection_is_in_no_dump_and_no_pickle():
    image = IvkImage.bound_to(Server())(RECORD)
    assert "runner" not in repr(image)
    assert "runner" not in image.model_dump_json()
    thawed = pickle.loads(pickle.dumps(image))
    assert thawed == image
    with pytest.raises(InvokeAIError, match="not connected"):
        thawed.bytes()
    assert copy.deepcopy(image).bytes() == b"\x89PNG"


def test_an_image_without_a_server_says_so(tmp_path):
    with pytest.raises(InvokeAIError, match="get_image"):
        IvkImage(image_name="a.png").save(tmp_path)


def test_a_notebook_shows_the_image_and_never_an_error():
    assert IvkImage.bound_to(Server())(RECORD)._repr_png_() == b"\x89PNG"
    assert IvkImage.bound_to(Server(404, {"detail": "x"}))(RECORD)._repr_png_() is None
    assert IvkImage.model_validate(RECORD)._repr_png_() is None
    # A notebook does not await.
    assert not hasattr(AsyncIvkImage, "_repr_png_")


def test_an_image_reads_itself_again():
    image = IvkImage.bound_to(Server(200, {**RECORD, "starred": False}))(RECORD)
    again = image.refresh()
    assert isinstance(again, IvkImage)
    assert (image.starred, again.starred) == (True, False)
    gone = IvkImage.bound_to(Server(404, {"detail": "x"}))(RECORD)
    with pytest.raises(NotFoundError):
        gone.refresh()


def test_uploads_are_assets():
    assert IvkImage.model_validate(RECORD).is_asset
    general = {**RECORD, "image_category": ImageCategory.GENERAL}
    assert not IvkImage.model_validate(general).is_asset
    board = Board(board_id="b", board_name="", image_count=2, asset_count=3)
    assert board.total_count == 5
    assert board.board_visibility is None
    assert BoardVisibility("shared") is BoardVisibility.SHARED


def test_a_job_summary_is_a_job():
    job = IvkJob(item_id=1, status="pending", batch_id="b")
    assert job.session is None
    assert job.status is JobStatus.PENDING
