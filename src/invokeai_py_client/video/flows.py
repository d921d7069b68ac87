"""What can be done with videos, as flows. Only servers from 6.14 on have them.

A `read` argument turns the server's record into a video of the caller's colour; see
`BoundSnapshot.bound_to`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Optional, TypeVar

from invokeai_py_client._core.decode import decode, decode_download, parse
from invokeai_py_client._core.flow import Flow, emit, local
from invokeai_py_client._core.messages import FilePart, Reply, Request, RetryRule
from invokeai_py_client._core.send import (
    call,
    call_model,
    delete,
    download,
    get,
    patch,
    post,
    route,
    send,
)
from invokeai_py_client.exceptions import (
    APIStatusError,
    InternalServerError,
    VideoError,
)
from invokeai_py_client.image.change_flows import change
from invokeai_py_client.image.files import PartialFile, PathLike, plan_target
from invokeai_py_client.image.flows import (
    CHUNK,
    chunks,
    has_file,
    read_embedded,
    require_board,
)
from invokeai_py_client.image.models import UNCATEGORIZED, ImageCategory, ImageChanges
from invokeai_py_client.image.query import ImageQuery
from invokeai_py_client.video.files import ALLOWED, VideoSource, VideoUpload, open_video
from invokeai_py_client.video.models import VideoBase, VideoChanges, VideoUrls

VideoT = TypeVar("VideoT", bound=VideoBase)
Reader = Callable[[Any], VideoT]

VIDEO = "/api/v1/videos/i/{}"
MAX_METADATA_BYTES = 1024 * 1024


def get_video(read: Reader[VideoT], name: str) -> Flow[VideoT]:
    """Read one video's record."""
    return read((yield from call(get(route(VIDEO, name)))))


def list_videos(
    read: Reader[VideoT], query: ImageQuery, limit: Optional[int], offset: int = 0
) -> Flow[None]:
    """Emit the videos that fit `query`, page by page."""
    if offset < 0 or (limit is not None and limit < 0):
        raise ValueError(f"limit={limit} and offset={offset} cannot be negative")
    yield from require_board(query)
    left = limit
    while left is None or left > 0:
        size = CHUNK if left is None else min(CHUNK, left)
        page = yield from _page(query, size, offset)
        items = parse(list[Any], page.get("items"))
        for record in items:
            yield from emit(read(record))
        if len(items) < size:
            return
        offset += size
        left = None if left is None else left - size


def _page(query: ImageQuery, limit: int, offset: int) -> Flow[dict[str, Any]]:
    params = {**_params(query), "limit": limit, "offset": offset}
    request = get("/api/v1/videos/", params=params)
    return (yield from call_model(dict[str, Any], request))


def _params(query: ImageQuery) -> dict[str, Any]:
    params = query.params()
    if "image_origin" in params:
        params["video_origin"] = params.pop("image_origin")
    return params


def list_video_names(query: ImageQuery) -> Flow[list[str]]:
    """The names of all videos that fit `query`, in order, in one answer."""
    yield from require_board(query)
    data = yield from call(get("/api/v1/videos/names", params=_params(query)))
    return parse(list[str], parse(dict[str, Any], data).get("video_names"))


def count_videos(query: ImageQuery) -> Flow[int]:
    """How many videos fit `query`."""
    yield from require_board(query)
    return parse(int, (yield from _page(query, 0, 0)).get("total"))


def get_metadata(name: str) -> Flow[Optional[dict[str, Any]]]:
    """The generation's metadata; None when the video has none."""
    data = yield from call(get(route(VIDEO + "/metadata", name)))
    return parse(Optional[dict[str, Any]], data)  # type: ignore[arg-type]


def get_embedded(name: str, part: str) -> Flow[Optional[dict[str, Any]]]:
    """The ``"workflow"`` or ``"graph"`` stored with a video; None without one."""
    path = route(VIDEO + "/workflow", name)
    return (yield from read_embedded(path, part, f"video {name}"))


def get_urls(name: str) -> Flow[VideoUrls]:
    """Where the video and its first frame are."""
    # The route for addresses makes one for any name.
    yield from call(get(route(VIDEO, name)))
    return (yield from call_model(VideoUrls, get(route(VIDEO + "/urls", name))))


def video_exists(name: str) -> Flow[bool]:
    """True when the server has the video; no record and no file is sent."""
    return (yield from has_file(route(VIDEO + "/full", name)))


def video_bytes(name: str) -> Flow[bytes]:
    """The MP4 file as the server holds it."""
    return (yield from _content(VIDEO + "/full", name))


def thumbnail_bytes(name: str) -> Flow[bytes]:
    """The first frame, as a small WebP picture."""
    return (yield from _content(VIDEO + "/thumbnail", name))


def _content(template: str, name: str) -> Flow[bytes]:
    reply = yield from send(get(route(template, name)))
    decode_download(reply)
    return reply.content


def save_video(name: str, target: PathLike, overwrite: bool = True) -> Flow[Path]:
    """Stream the video into a file that appears only when it is complete."""
    path = yield from local(lambda: _target(target, name, overwrite))
    partial = yield from local(lambda: PartialFile(path))
    try:
        yield from download(get(route(VIDEO + "/full", name)), partial.sink)
        return (yield from local(partial.commit))
    finally:
        # After a commit there is nothing left to remove.
        partial.discard()


_OTHER_FORMATS = frozenset(
    {".avi", ".gif", ".mkv", ".mov", ".webm", ".wmv", ".png", ".jpg", ".jpeg", ".webp"}
)


def _target(target: PathLike, name: str, overwrite: bool) -> Path:
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
    form = {} if metadata is None else {"metadata": _metadata_text(metadata)}
    upload = yield from local(lambda: open_video(source))
    try:
        # The server refuses an unknown board before it has read the video, and hangs
        # up: its answer can be lost while we are still sending.
        yield from require_board(ImageQuery(board_id=board_id))
        request = post(
            "/api/v1/videos/upload",
            params={
                "video_category": str(ImageCategory(category)),
                "is_intermediate": str(bool(is_intermediate)).lower(),
                # The literal "none" is an unknown board to this route.
                "board_id": None if board_id == UNCATEGORIZED else board_id,
            },
            form=form,
            files=[FilePart("file", upload.filename, upload.content, "video/mp4")],
        )
        reply = yield from send(request)
    finally:
        upload.close()
    return read(_uploaded(reply, upload))


def _metadata_text(metadata: Mapping[str, Any]) -> str:
    if not isinstance(metadata, Mapping):
        raise VideoError(f"metadata must be a mapping, not {type(metadata).__name__}")
    try:
        # The server searches the raw text, where \u escapes would not match.
        text = json.dumps(dict(metadata), ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise VideoError(f"metadata is not JSON: {error}") from error
    size = len(text.encode("utf-8"))
    if size > MAX_METADATA_BYTES:
        raise VideoError(f"metadata has {size} bytes, the server takes 1 MiB")
    return text


def _uploaded(reply: Reply, upload: VideoUpload) -> Any:
    try:
        return decode(reply)
    except APIStatusError as error:
        if error.status_code != 415:
            raise
        raise VideoError(
            f"the server cannot read {upload.label}: {error.detail}",
            hint=f"it takes {ALLOWED}",
        ) from error


def star_videos(names: Sequence[str], starred: bool) -> Flow[VideoChanges]:
    """Star or unstar many videos."""
    verb = "star" if starred else "unstar"
    requests = [
        post(
            f"/api/v1/videos/{verb}",
            json={"video_names": chunk},
            retry=RetryRule.SAFE,
        )
        for chunk in chunks(names)
    ]
    return (yield from _change(requests, names, f"{verb}red_videos"))


def move_videos(names: Sequence[str], board_id: str) -> Flow[VideoChanges]:
    """Put videos on a board, one by one; ``"none"`` takes them off their boards.

    A video that the server does not know is skipped, as the routes for many do.
    """
    unique = list(dict.fromkeys(names))
    off = board_id == UNCATEGORIZED
    yield from require_board(ImageQuery(board_id=board_id))
    changed: list[str] = []
    boards: list[str] = []
    for name in unique:
        # The route answers an unknown video as a failure of the server.
        if not (yield from video_exists(name)):
            continue
        one = yield from (_take_off(name) if off else _put_on(name, board_id))
        changed += one.changed
        boards += one.affected_boards
    return VideoChanges(
        changed=changed,
        skipped=[name for name in unique if name not in set(changed)],
        affected_boards=list(dict.fromkeys(boards)),
    )


def _put_on(name: str, board_id: str) -> Flow[VideoChanges]:
    request = post(
        "/api/v1/videos/board",
        json={"board_id": board_id, "video_name": name},
        retry=RetryRule.SAFE,
    )
    return (yield from _change([request], [name], "added_videos"))


def _take_off(name: str) -> Flow[VideoChanges]:
    request = delete("/api/v1/videos/board", json={"video_name": name})
    return (yield from _change([request], [name], "removed_videos"))


def delete_video(name: str) -> Flow[None]:
    """Delete one video for good."""
    try:
        yield from call(delete(route(VIDEO, name)))
    except InternalServerError as error:
        raise VideoError(f"the server could not delete video {name}") from error


def delete_videos(names: Sequence[str]) -> Flow[VideoChanges]:
    """Delete many videos for good."""
    requests = [
        post("/api/v1/videos/delete", json={"video_names": chunk})
        for chunk in chunks(names)
    ]
    return (yield from _change(requests, names, "deleted_videos"))


def delete_uncategorized() -> Flow[VideoChanges]:
    """Delete every video that is on no board, intermediate ones included."""
    request = delete("/api/v1/videos/uncategorized")
    return (yield from _change([request], (), "deleted_videos"))


def update_video(
    read: Reader[VideoT],
    name: str,
    *,
    category: Optional[ImageCategory] = None,
    is_intermediate: Optional[bool] = None,
    starred: Optional[bool] = None,
) -> Flow[VideoT]:
    """Change a video's record; what is None stays."""
    values: dict[str, Any] = {
        "video_category": None if category is None else str(ImageCategory(category)),
        "is_intermediate": is_intermediate,
        "starred": starred,
    }
    changes = {key: value for key, value in values.items() if value is not None}
    if not changes:
        raise ValueError("update_video needs something to change")
    try:
        return read((yield from call(patch(route(VIDEO, name), json=changes))))
    except APIStatusError as error:
        if error.status_code != 400:
            raise
        # "Failed to update video" is how this route says that it does not know the
        # video. Reading the record tells; it raises NotFoundError.
        yield from call(get(route(VIDEO, name)))
        raise


def _change(
    requests: Sequence[Request], names: Sequence[str], done_key: str
) -> Flow[VideoChanges]:
    done: ImageChanges = yield from change(requests, names, done_key, "failed_videos")
    return VideoChanges(**done.model_dump())
