"""Videos: lists, records, files, stars, boards, deletion."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Optional

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

from .board_rights import writable_board
from .choices import ImageCategory
from .listing import counts, media_choice, page
from .media_filter import MediaFilter
from .routes_images import cache_control
from .videos import VideoNotFoundError, video_dto, video_urls
from .wire import ApiError, Call, Reply, route

_V = "/api/v1/videos"
_RANGE_LIMIT = 1024 * 1024  # what one answer to a range holds at most


class _Names(BaseModel):
    video_names: list[Annotated[str, Field(max_length=255)]] = Field(max_length=1000)


class _Changes(BaseModel):
    model_config = ConfigDict(extra="allow")

    video_category: Optional[ImageCategory] = None
    session_id: Optional[StrictStr] = None
    is_intermediate: Optional[StrictBool] = None
    starred: Optional[StrictBool] = None


class _Placing(BaseModel):
    board_id: str
    video_name: str


def _row(call: Call, name: str) -> Optional[dict[str, Any]]:
    try:
        return call.simulation.videos.record(name)
    except VideoNotFoundError:
        return None


def _is_own(call: Call, row: Optional[dict[str, Any]]) -> bool:
    if call.user.is_admin:
        return True
    return row is not None and row["user_id"] == call.user.user_id


def _read_access(call: Call, name: str) -> None:
    """Raise unless the caller may see a video; to administrators all pass."""
    row = _row(call, name)
    if _is_own(call, row):
        return
    if row is None:
        raise ApiError(404, "Video not found")
    if not call.simulation.boards.is_shown(row["board_id"]):
        raise ApiError(403, "Not authorized to access this video")


def _owner_access(call: Call, name: str) -> None:
    """Raise unless the caller may change a video; to administrators all pass."""
    row = _row(call, name)
    if _is_own(call, row):
        return
    board_id = None if row is None else row["board_id"]
    if not call.simulation.boards.is_open(board_id, call.user.user_id):
        raise ApiError(403, "Not authorized to modify this video")


def _existing(call: Call) -> dict[str, Any]:
    name = call.params["name"]
    _read_access(call, name)
    row = _row(call, name)
    if row is None:
        raise ApiError(404, "Not Found")
    return row


@route("GET", f"{_V}/")
def _list(call: Call) -> Any:
    return page(call, "video_origin", call.simulation.videos, video_dto)


@route("GET", f"{_V}/names")
def _names(call: Call) -> Any:
    chosen, order = media_choice(call, "video_origin")
    rows = call.simulation.videos.rows(chosen, order)
    names = [row["video_name"] for row in rows]
    return {"video_names": names, **counts(rows, order)}


@route("GET", f"{_V}/i/{{name}}")
def _get(call: Call) -> Any:
    return video_dto(_existing(call))


@route("PATCH", f"{_V}/i/{{name}}")
def _update(call: Call) -> Any:
    known = set(_Changes.model_fields)
    changes = call.read(_Changes).model_dump(
        mode="json", include=known, exclude_none=True
    )
    _owner_access(call, call.params["name"])
    try:
        return call.simulation.videos.update(call.params["name"], changes)
    except VideoNotFoundError:
        raise ApiError(400, "Failed to update video") from None


@route("DELETE", f"{_V}/i/{{name}}")
def _delete(call: Call) -> Any:
    name = call.params["name"]
    _owner_access(call, name)
    try:
        row = call.simulation.videos.delete(name)
    except VideoNotFoundError:
        raise ApiError(404, "Video not found") from None
    return _result("deleted_videos", [name], [], [row["board_id"]])


def _result(
    key: str, done: list[str], failed: list[str], boards: list[Optional[str]]
) -> dict[str, Any]:
    affected = sorted({board or "none" for board in boards})
    return {"affected_boards": affected, key: done, "failed_videos": failed}


def _each(call: Call, key: str, change: Callable[[str], dict[str, Any]]) -> Any:
    """Change the videos of the body; others' are passed over without a word."""
    names = dict.fromkeys(call.read(_Names).video_names)
    allowed = [name for name in names if _may_change(call, name)]
    known = [name for name in allowed if _row(call, name) is not None]
    failed = [name for name in allowed if name not in known]
    return _result(key, known, failed, [change(name)["board_id"] for name in known])


def _may_change(call: Call, name: str) -> bool:
    try:
        _owner_access(call, name)
    except ApiError:
        return False
    return True


@route("POST", f"{_V}/delete")
def _delete_many(call: Call) -> Any:
    return _each(call, "deleted_videos", call.simulation.videos.delete)


@route("DELETE", f"{_V}/uncategorized")
def _delete_uncategorized(call: Call) -> Any:
    videos = call.simulation.videos
    chosen = MediaFilter(board_id="none", user_id=call.scope_user)
    names = [row["video_name"] for row in videos.rows(chosen)]
    return _result(
        "deleted_videos", names, [], [videos.delete(name)["board_id"] for name in names]
    )


@route("POST", f"{_V}/star")
def _star(call: Call) -> Any:
    update = call.simulation.videos.update
    return _each(call, "starred_videos", lambda name: update(name, {"starred": 1}))


@route("POST", f"{_V}/unstar")
def _unstar(call: Call) -> Any:
    update = call.simulation.videos.update
    return _each(call, "unstarred_videos", lambda name: update(name, {"starred": 0}))


@route("POST", f"{_V}/board")
def _place(call: Call) -> Any:
    wanted = call.read(_Placing)
    writable_board(call, wanted.board_id)
    row = _row(call, wanted.video_name)
    if not _is_own(call, row):
        raise ApiError(403, "Not authorized to move this video")
    if row is None:
        raise ApiError(500, "Failed to add video to board")
    call.simulation.videos.place(wanted.video_name, wanted.board_id)
    affected = sorted({wanted.board_id, row["board_id"] or "none"})
    return {"affected_boards": affected, "added_videos": [wanted.video_name]}


@route("DELETE", f"{_V}/board")
def _unplace(call: Call) -> Any:
    name = call.embedded(video_name=str)["video_name"]
    row = _row(call, name)
    board_id = None if row is None else row["board_id"]
    if not _is_own(call, row):
        if board_id is None:
            raise ApiError(403, "Not authorized to move this video")
        writable_board(call, board_id)
    # A video that does not exist is on no board: nothing is left to do.
    call.simulation.videos.place(name, None)
    affected = sorted({board_id or "none", "none"})
    return {"affected_boards": affected, "removed_videos": [name]}


@route("GET", f"{_V}/i/{{name}}/metadata")
def _metadata(call: Call) -> Any:
    return call.simulation.videos.metadata(_existing(call)["video_name"])


@route("GET", f"{_V}/i/{{name}}/workflow")
def _workflow(call: Call) -> Any:
    row = _existing(call)
    return {"workflow": row["workflow"], "graph": row["graph"]}


@route("GET", f"{_V}/i/{{name}}/urls")
def _urls(call: Call) -> Any:
    _read_access(call, call.params["name"])
    # Made from the name alone: to administrators missing videos have them too.
    return video_urls(call.params["name"])


@route("GET", f"{_V}/i/{{name}}/full", "media")
@route("HEAD", f"{_V}/i/{{name}}/full", "media")
def _full(call: Call) -> Any:
    name = _existing(call)["video_name"]
    try:
        data = call.simulation.videos.full(name)
    except VideoNotFoundError:
        raise ApiError(404, "Not Found") from None
    headers = {
        "accept-ranges": "bytes",
        "cache-control": cache_control(call),
        "content-disposition": f'inline; filename="{name}"',
    }
    wanted = call.headers.get("range")
    if wanted is None or call.method == "HEAD":
        return Reply(data, media_type="video/mp4", headers=headers)
    found = _range(wanted, len(data))
    if found is None:
        headers["content-range"] = f"bytes */{len(data)}"
        return Reply(status=416, media_type=None, headers=headers)
    start, end = found
    headers["content-range"] = f"bytes {start}-{end}/{len(data)}"
    return Reply(data[start : end + 1], 206, "video/mp4", headers)


def _range(wanted: str, size: int) -> Optional[tuple[int, int]]:
    """The first and the last byte of an answer; None when nothing satisfies it."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        start, end = max(size - int(match[2]), 0), size - 1
    else:
        start = int(match[1])
        end = min(int(match[2]), size - 1) if match[2] else size - 1
        if match[2] and int(match[2]) < start:
            return None
    if start >= size:
        return None
    return start, min(end, start + _RANGE_LIMIT - 1)


@route("GET", f"{_V}/i/{{name}}/thumbnail", "media")
def _thumbnail(call: Call) -> Any:
    name = _existing(call)["video_name"]
    headers = {"cache-control": cache_control(call)}
    try:
        data = call.simulation.videos.thumbnail(name)
    except VideoNotFoundError:
        raise ApiError(404, "Not Found") from None
    return Reply(data, media_type="image/webp", headers=headers)
