"""Boards, and which images are on them."""

from __future__ import annotations

from typing import Annotated, Any, Optional

from pydantic import BaseModel, ConfigDict, Field

from ..base.api_enums import BoardOrder, Direction, ImageCategory, Visibility
from ..base.errors import ApiError
from ..http.wire import ApiRequest, json_reply, route
from ..media.boards import BoardNotFoundError
from ..media.media_filter import MediaFilter, MediaOrder
from .board_rights import writable_board
from .routes_media import IMAGES, may_change, owner_access

_B = "/api/v1/boards"
_BI = "/api/v1/board_images"


class _Changes(BaseModel):
    model_config = ConfigDict(extra="forbid")

    board_name: Optional[Annotated[str, Field(max_length=300)]] = None
    cover_image_name: Optional[str] = None
    archived: Optional[bool] = None
    board_visibility: Optional[Visibility] = None


def _board(request: ApiRequest, board_id: str) -> dict[str, Any]:
    try:
        return request.simulation.boards.dto(board_id)
    except BoardNotFoundError:
        raise ApiError(404, "Board not found") from None


def _owned(request: ApiRequest, board_id: str, doing: str) -> dict[str, Any]:
    board = _board(request, board_id)
    if not request.owns(board):
        raise ApiError(403, f"Not authorized to {doing} this board")
    return board


def _readable(request: ApiRequest, board_id: str) -> dict[str, Any]:
    board = _board(request, board_id)
    if board["board_visibility"] == "private":
        return _owned(request, board_id, "access")
    return board


@route("POST", f"{_B}/")
def _create(request: ApiRequest) -> Any:
    name = request.argument("board_name", Annotated[str, Field(max_length=300)])
    return json_reply(request.simulation.boards.create(name, request.user.user_id), 201)


@route("GET", f"{_B}/")
def _list(request: ApiRequest) -> Any:
    query = request.arguments(
        order_by=(BoardOrder, "created_at"),
        direction=(Direction, "DESC"),
        all=(bool, None),
        offset=(int, None),
        limit=(int, None),
        include_archived=(bool, False),
    )
    offset, limit = query["offset"], query["limit"]
    options: dict[str, Any] = {
        "user_id": request.scope_user,
        "order_by": query["order_by"],
        "ascending": query["direction"] == "ASC",
        "include_archived": query["include_archived"],
    }
    if query["all"]:
        return request.simulation.boards.list(**options)
    if offset is None or limit is None:
        raise ApiError(
            400,
            "Invalid request: Must provide either 'all' or both 'offset' and 'limit'",
        )
    items = request.simulation.boards.list(offset=offset, limit=limit, **options)
    # The server counts the items of this page, not those of all pages.
    return {"limit": limit, "offset": offset, "total": len(items), "items": items}


@route("GET", f"{_B}/{{board_id}}")
def _get(request: ApiRequest) -> Any:
    return _readable(request, request.params["board_id"])


@route("PATCH", f"{_B}/{{board_id}}")
def _update(request: ApiRequest) -> Any:
    board_id = request.params["board_id"]
    changes = request.read(_Changes).model_dump(mode="json", exclude_unset=True)
    _owned(request, board_id, "update")
    try:
        return json_reply(request.simulation.boards.update(board_id, changes), 201)
    except ValueError as error:
        raise ApiError(500, "Failed to update board") from error


@route("DELETE", f"{_B}/{{board_id}}")
def _delete(request: ApiRequest) -> Any:
    board_id = request.params["board_id"]
    include_images = request.argument("include_images", bool, False)
    _owned(request, board_id, "delete")
    images, videos = _content(request, board_id, own=include_images)
    if include_images:
        for name in images:
            request.simulation.images.delete(name)
        for name in videos:
            request.simulation.videos.delete(name)
    request.simulation.boards.delete(board_id)
    return {
        "board_id": board_id,
        "deleted_board_images": [] if include_images else images,
        "deleted_images": images if include_images else [],
        "deleted_board_videos": [] if include_images else videos,
        "deleted_videos": videos if include_images else [],
        "failed_images": [],
        "failed_videos": [],
    }


def _content(
    request: ApiRequest, board_id: str, *, own: bool
) -> tuple[list[str], list[str]]:
    """The images and videos on a board; with `own`, those the caller may delete."""
    simulation, chosen = request.simulation, MediaFilter(board_id=board_id)

    def is_meant(row: dict[str, Any]) -> bool:
        return not own or request.scope_user in (None, row["user_id"])

    order = MediaOrder(starred_first=False)
    images = simulation.images.rows(chosen, order)
    videos = simulation.videos.rows(chosen, order)
    return (
        [row["image_name"] for row in images if is_meant(row)],
        [row["video_name"] for row in videos if is_meant(row)],
    )


@route("GET", f"{_B}/{{board_id}}/image_names")
def _image_names(request: ApiRequest) -> Any:
    board_id = request.params["board_id"]
    if board_id != "none":
        _readable(request, board_id)
    chosen = MediaFilter(
        board_id=board_id,
        categories=request.argument("categories", list[ImageCategory], None),
        is_intermediate=request.argument("is_intermediate", bool, None),
        user_id=request.scope_user if board_id == "none" else None,
    )
    order = MediaOrder(ascending=True, starred_first=False)
    rows = request.simulation.images.rows(chosen, order)
    return [row["image_name"] for row in rows]


def _place(
    request: ApiRequest, names: list[str], board_id: Optional[str]
) -> dict[str, Any]:
    moved, boards = [], set()
    for name in names:
        before = request.simulation.boards.place(name, board_id)
        moved.append(name)
        boards.update({before or "none", board_id or "none"})
    key = "removed_images" if board_id is None else "added_images"
    return {key: moved, "failed_images": [], "affected_boards": sorted(boards)}


def _placeable(request: ApiRequest, names: list[str]) -> list[str]:
    return [
        name
        for name in names
        if may_change(IMAGES, request, name) and IMAGES.find(request, name)
    ]


@route("POST", f"{_BI}/")
def _add(request: ApiRequest) -> Any:
    body = request.embedded(board_id=str, image_name=str)
    writable_board(request, body["board_id"])
    owner_access(IMAGES, request, body["image_name"])
    try:
        result = _place(request, [body["image_name"]], body["board_id"])
    except LookupError as error:
        raise ApiError(500, "Failed to add image to board") from error
    return json_reply(result, 201)


@route("DELETE", f"{_BI}/")
def _remove(request: ApiRequest) -> Any:
    name = request.embedded(image_name=str)["image_name"]
    owner_access(IMAGES, request, name)
    try:
        result = _place(request, [name], None)
    except LookupError as error:
        raise ApiError(500, "Failed to remove image from board") from error
    return json_reply(result, 201)


@route("POST", f"{_BI}/batch")
def _add_many(request: ApiRequest) -> Any:
    body = request.embedded(board_id=str, image_names=list[str])
    writable_board(request, body["board_id"])
    names = _placeable(request, body["image_names"])
    return json_reply(_place(request, names, body["board_id"]), 201)


@route("POST", f"{_BI}/batch/delete")
def _remove_many(request: ApiRequest) -> Any:
    names = request.embedded(image_names=list[str])["image_names"]
    return json_reply(_place(request, _placeable(request, names), None), 201)
