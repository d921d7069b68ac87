"""Boards, and which images are on them."""

from __future__ import annotations

from typing import Annotated, Any, Optional

from pydantic import BaseModel, ConfigDict, Field

from .board_rights import writable_board
from .boards import BoardNotFoundError
from .choices import BoardOrder, Direction, ImageCategory, Visibility
from .images import ImageNotFoundError
from .media_filter import MediaFilter, MediaOrder
from .routes_images import owner_access
from .wire import ApiError, Call, json_reply, route

_B = "/api/v1/boards"
_BI = "/api/v1/board_images"


class _Changes(BaseModel):
    model_config = ConfigDict(extra="forbid")

    board_name: Optional[Annotated[str, Field(max_length=300)]] = None
    cover_image_name: Optional[str] = None
    archived: Optional[bool] = None
    board_visibility: Optional[Visibility] = None


def _board(call: Call, board_id: str) -> dict[str, Any]:
    try:
        return call.simulation.boards.dto(board_id)
    except BoardNotFoundError:
        raise ApiError(404, "Board not found") from None


def _owned(call: Call, board_id: str, doing: str) -> dict[str, Any]:
    board = _board(call, board_id)
    if not call.user.is_admin and board["user_id"] != call.user.user_id:
        raise ApiError(403, f"Not authorized to {doing} this board")
    return board


def _readable(call: Call, board_id: str) -> dict[str, Any]:
    board = _board(call, board_id)
    if board["board_visibility"] == "private":
        return _owned(call, board_id, "access")
    return board


@route("POST", f"{_B}/")
def _create(call: Call) -> Any:
    name = call.argument("board_name", Annotated[str, Field(max_length=300)])
    return json_reply(call.simulation.boards.create(name, call.user.user_id), 201)


@route("GET", f"{_B}/")
def _list(call: Call) -> Any:
    query = call.arguments(
        order_by=(BoardOrder, "created_at"),
        direction=(Direction, "DESC"),
        all=(bool, None),
        offset=(int, None),
        limit=(int, None),
        include_archived=(bool, False),
    )
    offset, limit = query["offset"], query["limit"]
    options: dict[str, Any] = {
        "user_id": call.scope_user,
        "order_by": query["order_by"],
        "ascending": query["direction"] == "ASC",
        "include_archived": query["include_archived"],
    }
    if query["all"]:
        return call.simulation.boards.list(**options)
    if offset is None or limit is None:
        raise ApiError(
            400,
            "Invalid request: Must provide either 'all' or both 'offset' and 'limit'",
        )
    items = call.simulation.boards.list(offset=offset, limit=limit, **options)
    # The server counts the items of this page, not those of all pages.
    return {"limit": limit, "offset": offset, "total": len(items), "items": items}


@route("GET", f"{_B}/{{board_id}}")
def _get(call: Call) -> Any:
    return _readable(call, call.params["board_id"])


@route("PATCH", f"{_B}/{{board_id}}")
def _update(call: Call) -> Any:
    board_id = call.params["board_id"]
    changes = call.read(_Changes).model_dump(mode="json", exclude_unset=True)
    _owned(call, board_id, "update")
    try:
        return json_reply(call.simulation.boards.update(board_id, changes), 201)
    except ValueError as error:
        raise ApiError(500, "Failed to update board") from error


@route("DELETE", f"{_B}/{{board_id}}")
def _delete(call: Call) -> Any:
    board_id = call.params["board_id"]
    include_images = call.argument("include_images", bool, False)
    _owned(call, board_id, "delete")
    images, videos = _content(call, board_id, own=include_images)
    if include_images:
        for name in images:
            call.simulation.images.delete(name)
        for name in videos:
            call.simulation.videos.delete(name)
    call.simulation.boards.delete(board_id)
    return {
        "board_id": board_id,
        "deleted_board_images": [] if include_images else images,
        "deleted_images": images if include_images else [],
        "deleted_board_videos": [] if include_images else videos,
        "deleted_videos": videos if include_images else [],
        "failed_images": [],
        "failed_videos": [],
    }


def _content(call: Call, board_id: str, *, own: bool) -> tuple[list[str], list[str]]:
    """The images and videos on a board; of others' only what the caller may delete."""
    simulation, chosen = call.simulation, MediaFilter(board_id=board_id)

    def is_meant(row: dict[str, Any]) -> bool:
        return not own or call.scope_user in (None, row["user_id"])

    order = MediaOrder(starred_first=False)
    images = simulation.images.rows(chosen, order)
    videos = simulation.videos.rows(chosen, order)
    return (
        [row["image_name"] for row in images if is_meant(row)],
        [row["video_name"] for row in videos if is_meant(row)],
    )


@route("GET", f"{_B}/{{board_id}}/image_names")
def _image_names(call: Call) -> Any:
    board_id = call.params["board_id"]
    if board_id != "none":
        _readable(call, board_id)
    chosen = MediaFilter(
        board_id=board_id,
        categories=call.argument("categories", list[ImageCategory], None),
        is_intermediate=call.argument("is_intermediate", bool, None),
        user_id=call.scope_user if board_id == "none" else None,
    )
    order = MediaOrder(ascending=True, starred_first=False)
    rows = call.simulation.images.rows(chosen, order)
    return [row["image_name"] for row in rows]


def _place(call: Call, names: list[str], board_id: Optional[str]) -> dict[str, Any]:
    moved, boards = [], set()
    for name in names:
        before = call.simulation.boards.place(name, board_id)
        moved.append(name)
        boards.update({before or "none", board_id or "none"})
    key = "removed_images" if board_id is None else "added_images"
    return {key: moved, "failed_images": [], "affected_boards": sorted(boards)}


def _placeable(call: Call, names: list[str]) -> list[str]:
    allowed = []
    for name in names:
        try:
            owner_access(call, name)
            call.simulation.images.record(name)
        except (ApiError, ImageNotFoundError):
            continue
        allowed.append(name)
    return allowed


@route("POST", f"{_BI}/")
def _add(call: Call) -> Any:
    body = call.embedded(board_id=str, image_name=str)
    writable_board(call, body["board_id"])
    owner_access(call, body["image_name"])
    try:
        result = _place(call, [body["image_name"]], body["board_id"])
    except LookupError as error:
        raise ApiError(500, "Failed to add image to board") from error
    return json_reply(result, 201)


@route("DELETE", f"{_BI}/")
def _remove(call: Call) -> Any:
    name = call.embedded(image_name=str)["image_name"]
    owner_access(call, name)
    try:
        result = _place(call, [name], None)
    except LookupError as error:
        raise ApiError(500, "Failed to remove image from board") from error
    return json_reply(result, 201)


@route("POST", f"{_BI}/batch")
def _add_many(call: Call) -> Any:
    body = call.embedded(board_id=str, image_names=list[str])
    writable_board(call, body["board_id"])
    names = _placeable(call, body["image_names"])
    return json_reply(_place(call, names, body["board_id"]), 201)


@route("POST", f"{_BI}/batch/delete")
def _remove_many(call: Call) -> Any:
    names = call.embedded(image_names=list[str])["image_names"]
    return json_reply(_place(call, _placeable(call, names), None), 201)
