"""Routes that only videos have: boards and URLs."""

from __future__ import annotations

from typing import Any, Optional

from pydantic import BaseModel

from ..base.database import Row
from ..base.errors import ApiError
from ..http.wire import ApiRequest, route
from ..media.media_store import media_urls
from .board_rights import writable_board
from .routes_media import VIDEOS, read_access

_V = "/api/v1/videos"


class _OnBoard(BaseModel):
    board_id: str
    video_name: str


def _owns(request: ApiRequest, row: Optional[Row]) -> bool:
    return request.user.is_admin or (row is not None and request.owns(row))


@route("POST", f"{_V}/board")
def _place(request: ApiRequest) -> Any:
    wanted = request.read(_OnBoard)
    writable_board(request, wanted.board_id)
    row = VIDEOS.find(request, wanted.video_name)
    if not _owns(request, row):
        raise ApiError(403, "Not authorized to move this video")
    if row is None:
        raise ApiError(500, "Failed to add video to board")
    request.simulation.videos.place(wanted.video_name, wanted.board_id)
    affected = sorted({wanted.board_id, row["board_id"] or "none"})
    return {"affected_boards": affected, "added_videos": [wanted.video_name]}


@route("DELETE", f"{_V}/board")
def _unplace(request: ApiRequest) -> Any:
    name = request.embedded(video_name=str)["video_name"]
    row = VIDEOS.find(request, name)
    board_id = None if row is None else row["board_id"]
    if not _owns(request, row):
        if board_id is None:
            raise ApiError(403, "Not authorized to move this video")
        writable_board(request, board_id)
    # A video that does not exist is on no board: nothing is left to do.
    request.simulation.videos.place(name, None)
    affected = sorted({board_id or "none", "none"})
    return {"affected_boards": affected, "removed_videos": [name]}


@route("GET", f"{_V}/i/{{name}}/urls")
def _urls(request: ApiRequest) -> Any:
    name = request.params["name"]
    if not request.user.is_admin:
        read_access(VIDEOS, request, name)
    # Made from the name alone, so to administrators missing videos have them, too.
    return media_urls("video", name)
