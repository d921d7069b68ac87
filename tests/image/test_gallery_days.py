"""Days of the gallery: whichever way a day is given."""

from __future__ import annotations

import datetime as dt

import pytest
from flow_play import Play

from invokeai_py_client.exceptions import ArgumentError
from invokeai_py_client.gallery.gallery_repo import GalleryRepository

PLAY = {"image_names": [], "starred_count": 0, "total_count": 0}
DAY = "2026-03-18"


def asked(day):
    play = Play(lambda request: (200, PLAY))
    GalleryRepository(play).list_day_image_names(day)
    return play.requests[0].path.rsplit("/by_date/", 1)[1].split("/")[0]


@pytest.mark.parametrize(
    "day",
    [
        DAY,
        dt.date(2026, 3, 18),
        dt.datetime(2026, 3, 18, 23, 59),
        # The server counts in UTC.
        dt.datetime(2026, 3, 19, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        dt.datetime(2026, 3, 17, 23, tzinfo=dt.timezone(dt.timedelta(hours=-2))),
    ],
)
def test_a_day_is_a_date_a_moment_or_a_string(day):
    assert asked(day) == DAY


@pytest.mark.parametrize("day", ["2026-02-30", "yesterday", "", None, 20260318, True])
def test_what_is_not_a_day_is_refused(day):
    with pytest.raises(ArgumentError, match="a date such as"):
        asked(day)


def test_a_day_of_the_gallery_is_a_day():
    row = {
        "virtual_board_id": f"by_date:{DAY}",
        "board_name": DAY,
        "date": DAY,
        "image_count": 1,
        "asset_count": 0,
        "cover_image_name": None,
    }
    (day,) = GalleryRepository(Play(lambda request: (200, [row]))).list_days()
    assert asked(day) == DAY


@pytest.mark.parametrize(("name", "value"), [("limit", -1), ("offset", -1)])
def test_a_page_that_cannot_be_is_refused(name, value):
    play = Play(lambda request: (200, PLAY))
    with pytest.raises(ArgumentError, match=name):
        list(GalleryRepository(play).iter_items(**{name: value}))
    assert play.requests == []
