"""What can be done with videos, as flows. Only servers from 6.14 on have them.

A `read` argument turns the server's record into a video of the caller's colour; see
`BoundSnapshot.bound_to`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Optional, TypeVar

from invokeai_py_client._core.flow import Flow, local
from invokeai_py_client._core.messages import RetryRule
from invokeai_py_client._core.paging import check_range
from invokeai_py_client._core.send import call, delete, get, post, send
from invokeai_py_client.exceptions import InternalServerError, VideoError
from invokeai_py_client.image import media_flows
from invokeai_py_client.image.files import PathLike, plan_target
from invokeai_py_client.image.models import UNCATEGORIZED, ImageCategory, ImageChanges
from invokeai_py_client.image.query import ImageQuery
from invokeai_py_client.video.files import VIDEO, VideoSource, open_video
from invokeai_py_client.video.models import VideoBase, VideoChanges

VideoT = TypeVar("VideoT", bound=VideoBase)
Reader = Callable[[Any], VideoT]


def get_video(read: Reader[VideoT], name: str) -> Flow[VideoT]:
    """Read one video's record."""
    return read((yield from call(get(VIDEO.path(name)))))


def list_videos(
    read: Reader[VideoT], query: ImageQuery, limit: Optional[int], offset: int = 0
) -> Flow[None]:
    """Emit the videos that fit `query`, page by page."""
    check_range(limit, offset)
    yield from media_flows.require_board(query)
    yield from media_flows.list_pages(VIDEO, read, query, limit, offset)


def save_video(name: str, target: PathLike, overwrite: bool = True) -> Flow[Path]:
    """Stream the video into a file that appears only when it is complete."""
    request = get(VIDEO.path(name, "/full"))
    plan = partial(_plan_target, target, name, overwrite)
    return (yield from media_flows.save(request, plan, overwrite))


_OTHER_FORMATS = frozenset(
    {".avi", ".gif", ".mkv", ".mov", ".webm", ".wmv", ".png", ".jpg", ".jpeg", ".webp"}
)


def _plan_target(target: PathLike, name: str, overwrite: bool) -> Path:
    suffix = Path(target).suffix.lower()
    if suffix in _OTHER_FORMATS and not Path(target).is_dir():
        raise VideoError(
            f"{Path(target).name} would hold an MP4: videos are saved as they are",
            hint=f"name it {Path(target).with_suffix('.mp4').name}",
        )
    return plan_target(target, name, overwrite)


def upload_video(
    read: Reader[VideoT],
    source: VideoSource,
    *,
    category: ImageCategory = ImageCategory.USER,
    board_id: Optional[str] = None,
    is_intermediate: bool = False,
    metadata: Optional[Mapping[str, Any]] = None,
) -> Flow[VideoT]:
    """Send a local video; never repeated, since each try would make a video."""
    form = {}
    if metadata is not None:
        form["metadata"] = media_flows.metadata_text(VIDEO, metadata)
    params = media_flows.upload_params(VIDEO, category, board_id, is_intermediate)
    upload = yield from local(lambda: open_video(source))
    try:
        # The server refuses an unknown board before it has read the video, and hangs
        # up: its answer can be lost while we are still sending.
        yield from media_flows.require_board(ImageQuery(board_id=board_id))
        request = post(
            f"{VIDEO.routes}/upload",
            params=params,
            form=form,
            files=[upload.part("file")],
        )
        reply = yield from send(request)
    finally:
        upload.close()
    return read(media_flows.decode_upload(VIDEO, reply, upload.label))


def star_videos(names: Sequence[str], starred: bool) -> Flow[VideoChanges]:
    """Star or unstar many videos."""
    return (yield from _of_videos(media_flows.star(VIDEO, names, starred)))


def move_videos(names: Sequence[str], board_id: str) -> Flow[VideoChanges]:
    """Put videos on a board, one by one; ``"none"`` takes them off their boards.

    A video that the server does not know is skipped, as the routes for many do.
    """
    unique = list(dict.fromkeys(names))
    off = board_id == UNCATEGORIZED
    yield from media_flows.require_board(ImageQuery(board_id=board_id))
    changed: list[str] = []
    boards: list[str] = []
    for name in unique:
        # The route answers an unknown video as a failure of the server.
        if not (yield from media_flows.exists(VIDEO, name)):
            continue
        one = yield from (_take_off(name) if off else _put_on(name, board_id))
        changed += one.changed
        boards += one.affected_boards
    return VideoChanges(
        changed=changed,
        skipped=[name for name in unique if name not in set(changed)],
        affected_boards=list(dict.fromkeys(boards)),
    )


def _put_on(name: str, board_id: str) -> Flow[ImageChanges]:
    request = post(
        "/api/v1/videos/board",
        json={"board_id": board_id, "video_name": name},
        retry=RetryRule.SAFE,
    )
    return (yield from media_flows.change(VIDEO, [request], [name], "added"))


def _take_off(name: str) -> Flow[ImageChanges]:
    request = delete("/api/v1/videos/board", json={"video_name": name})
    return (yield from media_flows.change(VIDEO, [request], [name], "removed"))


def delete_video(name: str) -> Flow[None]:
    """Delete one video for good."""
    try:
        yield from call(delete(VIDEO.path(name)))
    except InternalServerError as error:
        raise VideoError(f"the server could not delete video {name}") from error


def delete_videos(names: Sequence[str]) -> Flow[VideoChanges]:
    """Delete many videos for good."""
    return (yield from _of_videos(media_flows.delete_many(VIDEO, names)))


def delete_uncategorized() -> Flow[VideoChanges]:
    """Delete every video that is on no board, intermediate ones included."""
    return (yield from _of_videos(media_flows.delete_uncategorized(VIDEO)))


def _of_videos(changing: Flow[ImageChanges]) -> Flow[VideoChanges]:
    return VideoChanges(**(yield from changing).model_dump())
