"""Videos and the gallery on a server, through both clients."""

from __future__ import annotations

import datetime
import pickle
from pathlib import Path

import pytest
from paths import NO_SUCH_ID

from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    InvokeAIError,
    NotFoundError,
    VideoError,
    VideoFileNotFoundError,
)
from invokeai_py_client.video import AsyncIvkVideo, IvkVideo

from ..noun_calls import done

pytestmark = pytest.mark.live

# Half a second of red, 16 x 16 pixels, 4 frames per second.
TINY = Path(__file__).parents[2] / "data" / "tiny.mp4"


async def test_a_video_goes_up_and_comes_down_the_same(client, board, tmp_path):
    video = await done(
        client.video_repo.upload_video(TINY, board=board, metadata={"prompt": "Ärger"})
    )
    kind = IvkVideo if isinstance(client, InvokeAIClient) else AsyncIvkVideo
    assert type(video) is kind
    assert (video.width, video.height, video.duration, video.fps) == (16, 16, 0.5, 4)
    assert video.board_id == board.board_id
    assert video.is_asset

    saved = await done(video.save(tmp_path / "out" / "copy.mp4"))
    assert saved.read_bytes() == TINY.read_bytes() == await done(video.bytes())
    again = await done(client.video_repo.download_video(video, tmp_path))
    assert again == tmp_path / video.video_name
    assert (await done(video.thumbnail()))[8:12] == b"WEBP"
    assert await done(video.metadata()) == {"prompt": "Ärger"}
    assert await done(client.video_repo.find_video_workflow(video)) is None
    assert await done(client.video_repo.find_video_graph(video)) is None
    assert await done(video.refresh()) == video
    assert (await done(board.get_board())).video_count == 1
    with pytest.raises(VideoError, match="MP4"):
        await done(video.save(tmp_path / "x.gif"))
    with pytest.raises(FileExistsError):
        await done(video.save(saved, overwrite=False))


async def test_a_video_without_its_connection_says_so(client, board):
    video = await done(client.video_repo.upload_video(TINY.read_bytes(), board=board))
    alone = pickle.loads(pickle.dumps(video))
    assert alone == video
    with pytest.raises(InvokeAIError, match="not connected"):
        await done(alone.bytes())


async def test_content_that_is_not_a_video_is_refused_before_sending(client, tmp_path):
    with pytest.raises(VideoFileNotFoundError, match="missing"):
        await done(client.video_repo.upload_video(tmp_path / "missing.mp4"))
    with pytest.raises(VideoError, match="is empty"):
        await done(client.video_repo.upload_video(b""))
    quicktime = b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00qt  "
    for content in (b"\x1a\x45\xdf\xa3 a webm file", quicktime):
        with pytest.raises(VideoError, match="not an MP4 video"):
            await done(client.video_repo.upload_video(content))
    with pytest.raises(VideoError, match="server cannot read"):
        await done(client.video_repo.upload_video(TINY.read_bytes()[:200]))
    with pytest.raises(NotFoundError):
        await done(client.video_repo.upload_video(TINY, board=NO_SUCH_ID))


async def test_listing_and_counting(client, board):
    repository = client.video_repo
    videos = [await done(repository.upload_video(TINY, board=board)) for _ in range(3)]
    names = [video.video_name for video in videos]
    assert await done(repository.list_video_names(board=board)) == names[::-1]
    found = await done(repository.list_videos(board=board, newest_first=False))
    assert [video.video_name for video in found] == names
    some = await done(repository.list_videos(board=board, limit=1, offset=1))
    assert [video.video_name for video in some] == [names[1]]
    assert await done(repository.count_videos(board=board)) == 3
    assert await done(repository.count_videos(board=board, categories="general")) == 0
    assert await done(repository.list_videos(board=board, origin="internal")) == []
    with pytest.raises(NotFoundError):
        await done(repository.list_videos(board=NO_SUCH_ID))


async def test_stars_moves_changes_and_deletion(client, board):
    repository = client.video_repo
    one = await done(repository.upload_video(TINY, board=board))
    two = await done(repository.upload_video(TINY))
    starred = await done(repository.star_videos([one, "gone.mp4"]))
    assert starred.changed == [one.video_name]
    assert (await done(one.refresh())).starred
    await done(repository.unstar_videos(one))
    assert not (await done(one.refresh())).starred

    moved = await done(repository.move_videos([two, "gone.mp4"], board=board))
    assert (moved.changed, moved.skipped) == ([two.video_name], ["gone.mp4"])
    await done(repository.move_videos(two, board="none"))
    assert (await done(two.refresh())).board_id is None
    with pytest.raises(NotFoundError):
        await done(repository.move_videos(two, board=NO_SUCH_ID))

    changed = await done(
        repository.update_video(two, category="general", is_intermediate=True)
    )
    assert not changed.is_asset
    assert changed.is_intermediate
    with pytest.raises(NotFoundError):
        await done(repository.update_video("gone.mp4", starred=True))

    await done(repository.delete_video(two))
    assert not await done(repository.video_exists(two))
    with pytest.raises(NotFoundError):
        await done(repository.delete_video(two))
    gone = await done(repository.delete_videos([one, "gone.mp4"]))
    assert gone.changed == [one.video_name]
    for read in (
        repository.get_video,
        repository.get_video_bytes,
        repository.get_video_urls,
    ):
        with pytest.raises(NotFoundError):
            await done(read(one))


async def test_the_gallery_mixes_images_and_videos(client, board):
    from .test_api_images_live import picture

    image = await done(board.upload_image_data(picture()))
    video = await done(client.video_repo.upload_video(TINY, board=board))
    names = [video.video_name, image.image_name]
    gallery = client.gallery_repo
    items = await done(gallery.list_items(board=board))
    assert [item.name for item in items] == names
    assert [str(item.kind) for item in items] == ["video", "image"]
    assert (items[0].duration, items[1].duration) == (0.5, None)
    assert await done(gallery.list_item_names(board=board)) == names
    refs = await done(gallery.list_item_refs(board=board, newest_first=False))
    assert [ref.name for ref in refs] == names[::-1]
    some = await done(gallery.list_items(board=board, limit=1, offset=1))
    assert [item.name for item in some] == names[1:]
    with pytest.raises(NotFoundError):
        await done(gallery.list_items(board=NO_SUCH_ID))


async def test_days_are_those_of_utc(client, board):
    video = await done(client.video_repo.upload_video(TINY, board=board))
    day = video.created_at.date()
    gallery = client.gallery_repo
    days = {item.date: item for item in await done(gallery.list_days())}
    assert days[day.isoformat()].video_count >= 1
    for spelling in (day, day.isoformat(), days[day.isoformat()], video.created_at):
        refs = await done(gallery.list_day_items(spelling))
        assert video.video_name in [ref.name for ref in refs]
    assert video.video_name not in await done(gallery.list_day_image_names(day))
    assert video.video_name in await done(gallery.list_item_names(day=day))
    assert await done(gallery.list_day_items(datetime.date(1999, 1, 1))) == []
    with pytest.raises(ValueError, match="a date such as"):
        await done(gallery.list_day_items("yesterday"))
