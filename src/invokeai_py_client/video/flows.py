"""What can be done with videos, as flows. Only servers from 6.14 on have them.

A `read` argument turns the server's record into a video of the caller's kind; see
`BoundSnapshot.bound_to`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Optional, TypeVar

from invokeai_py_client._connected import BoundSnapshot
from invokeai_py_client._core.flow import Flow, run_blocking
from invokeai_py_client._core.messages import RetryRule
from invokeai_py_client._core.send import delete, post, request_json
from invokeai_py_client.exceptions import InternalServerError, VideoError
from invokeai_py_client.image import change_flows, media_flows
from invokeai_py_client.image.board_flows import NO_BOARD, BoardTarget, with_board_id
from invokeai_py_client.image.models import (
    UNCATEGORIZED,
    Category,
    ImageCategory,
)
from invokeai_py_client.image.query import ImageQuery
from invokeai_py_client.video.files import VIDEO, VideoSource, open_video
from invokeai_py_client.video.models import VideoBase, VideoChanges

BOARD = "/api/v1/videos/board"

VideoT = TypeVar("VideoT", bound=VideoBase)
Reader = Callable[[Any], VideoT]


def list_videos(
    read: Reader[VideoT], query: ImageQuery, limit: Optional[int], offset: int = 0
) -> Flow[None]:
    """Emit the videos that fit `query`, page by page."""
    query = yield from with_board_id(query)
    yield from media_flows.list_pages(VIDEO, read, query, limit, offset)


def upload_video(
    read: Reader[VideoT],
    source: VideoSource,
    *,
    category: Category = ImageCategory.USER,
    board: BoardTarget = NO_BOARD,
    is_intermediate: bool = False,
    metadata: Optional[Mapping[str, Any]] = None,
) -> Flow[VideoT]:
    """Send a local video; never repeated, since each try would make a video."""
    form = {}
    if metadata is not None:
        form["metadata"] = media_flows.metadata_text(VIDEO, metadata)
    board_id = yield from board.find_id()
    params = media_flows.upload_params(VIDEO, category, board_id, is_intermediate)
    if isinstance(source, BoundSnapshot):
        source = yield from media_flows.fetch(source)
    # The server refuses an unknown board before it has read the video, and hangs up:
    # its answer can be lost while we are still sending.
    yield from with_board_id(ImageQuery(board_id=board_id))
    upload = yield from run_blocking(partial(open_video, source))
    reply = yield from media_flows.send_upload(VIDEO, upload, params, form)
    return read(media_flows.decode_upload(VIDEO, reply, upload.label))


def move_videos(names: Sequence[str], board: BoardTarget) -> Flow[VideoChanges]:
    """Put videos on a board, one by one; ``"none"`` takes them off their boards.

    A video that the server does not know is skipped, as the routes for many do.
    """
    unique = list(dict.fromkeys(names))
    query = ImageQuery(board_id=(yield from board.find_id()))
    board_id = (yield from with_board_id(query)).board_id
    off = board_id in (None, UNCATEGORIZED)
    changed: list[str] = []
    boards: list[str] = []
    for name in unique:
        # The route answers an unknown video as a failure of the server.
        if not (yield from media_flows.exists(VIDEO, name)):
            continue
        if off:
            request = delete(BOARD, json={"video_name": name})
        else:
            json = {"board_id": board_id, "video_name": name}
            request = post(BOARD, json=json, retry=RetryRule.SAFE)
        word = "removed" if off else "added"
        one = yield from change_flows.change(VIDEO, [request], [name], word)
        changed += one.changed
        boards += one.affected_boards
    return VideoChanges(
        changed=changed,
        skipped=[name for name in unique if name not in set(changed)],
        affected_boards=list(dict.fromkeys(boards)),
    )


def delete_video(name: str) -> Flow[None]:
    """Delete one video for good."""
    try:
        yield from request_json(delete(VIDEO.path(name)))
    except InternalServerError as error:
        raise VideoError(f"the server could not delete video {name}") from error
