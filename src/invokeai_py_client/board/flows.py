"""What can be done with boards, as flows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

from invokeai_py_client._arguments import KnownId
from invokeai_py_client._core.decode import parse
from invokeai_py_client._core.flow import Flow
from invokeai_py_client._core.send import (
    call_model,
    changes_of,
    delete,
    get,
    learn_version,
    patch,
    post,
    request_json,
    require_version,
    route,
)
from invokeai_py_client._core.versions import is_at_least
from invokeai_py_client.board.models import Board, DeletedBoard
from invokeai_py_client.exceptions import BoardError, InternalServerError
from invokeai_py_client.image import change_flows, media_flows
from invokeai_py_client.image.board_flows import find_board_id
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.models import (
    BOARDS as BOARD_NAMES,
    UNCATEGORIZED,
    ImageBase,
    ImageCategory,
    ImageChanges,
    board_id_of,
    is_no_board,
)
from invokeai_py_client.image.query import ImageQuery

BOARDS = "/api/v1/boards/"
BOARD = "/api/v1/boards/{}"

ASSETS = tuple(
    category.value for category in ImageCategory if category != ImageCategory.GENERAL
)


def list_boards(
    include_archived: bool = False,
    order_by: str = "created_at",
    newest_first: bool = True,
) -> Flow[list[Board]]:
    """All boards; asked for in one piece, since the pages' `total` is wrong."""
    request = get(
        BOARDS,
        params={
            "all": "true",
            "include_archived": str(include_archived).lower(),
            "order_by": order_by,
            "direction": "DESC" if newest_first else "ASC",
        },
    )
    return (yield from call_model(list[Board], request))


def get_board(board_id: str) -> Flow[Board]:
    """One board; ``"none"`` gives the place of the images on no board."""
    if board_id == UNCATEGORIZED:
        return (yield from get_uncategorized())
    return (yield from call_model(Board, get(route(BOARD, board_id))))


def get_uncategorized() -> Flow[Board]:
    """The images on no board as a board; the server has no record of its own."""
    everything = ImageQuery(board_id=UNCATEGORIZED)
    images = yield from media_flows.count(
        IMAGE, replace(everything, categories=(ImageCategory.GENERAL.value,))
    )
    assets = yield from media_flows.count(IMAGE, replace(everything, categories=ASSETS))
    return Board(
        board_id=UNCATEGORIZED,
        board_name="Uncategorized",
        image_count=images,
        asset_count=assets,
    )


def find_board(board: str) -> Flow[Optional[Board]]:
    """The board of this id or name; None when there is none."""
    if board == UNCATEGORIZED:
        return (yield from get_uncategorized())
    found = BOARD_NAMES.find((yield from list_boards(include_archived=True)), board)
    if found is None and is_no_board(board):
        return (yield from get_uncategorized())
    return found


def find_and_get(board: str) -> Flow[Board]:
    """The board of this id or name as it is now."""
    if isinstance(board, KnownId):
        return (yield from get_board(board))
    boards = yield from list_boards(include_archived=True)
    board_id = board_id_of(boards, board)
    if board_id == UNCATEGORIZED:
        return (yield from get_uncategorized())
    return BOARD_NAMES.get(boards, board_id)


def search_boards(text: str) -> Flow[list[Board]]:
    """The boards whose name contains `text`, without regard to case."""
    boards = yield from list_boards(include_archived=True)
    return [item for item in boards if text.casefold() in item.board_name.casefold()]


def create_board(name: str, visibility: Optional[str] = None) -> Flow[Board]:
    """Make a board; visibility takes a second request, the first cannot set it."""
    if visibility is not None:
        yield from _require_visibility()
    request = post(BOARDS, params={"board_name": name})
    board = yield from call_model(Board, request)
    if visibility is not None and board.board_visibility != visibility:
        board = yield from update_board(KnownId(board.board_id), visibility=visibility)
    return board


def update_board(
    board: str,
    *,
    name: Optional[str] = None,
    archived: Optional[bool] = None,
    visibility: Optional[str] = None,
    cover_image: Optional[str] = None,
) -> Flow[Board]:
    """Change a board; what is None stays."""
    values: dict[str, Any] = {
        "board_name": name,
        "archived": archived,
        "board_visibility": None if visibility is None else str(visibility),
        "cover_image_name": cover_image,
    }
    changes = changes_of(values)
    if visibility is not None:
        yield from _require_visibility()
    board_id = yield from find_board_id(board)
    _require_real(board_id, "changed")
    request = patch(route(BOARD, board_id), json=changes)
    try:
        changed = yield from call_model(Board, request)
    except InternalServerError:
        # An unknown cover is a failure of the server, before 6.12 an unknown board
        # too; reading the records gives the NotFoundError it should have been.
        if cover_image is not None:
            yield from request_json(get(IMAGE.path(cover_image)))
        yield from get_board(board_id)
        raise
    if cover_image not in (None, changed.cover_image_name):
        raise BoardError(
            f"the server kept {changed.cover_image_name} as the cover of {board_id}",
            hint="it shows the newest starred image, else the newest; star the image",
        )
    return changed


def _require_visibility() -> Flow[None]:
    """Private, shared or public: older servers refuse or ignore the word."""
    yield from require_version("the visibility of boards", "6.13")


def delete_board(board: str, delete_images: bool = False) -> Flow[DeletedBoard]:
    """Delete a board, and its images when asked to."""
    board_id = yield from find_board_id(board)
    _require_real(board_id, "deleted")
    if not is_at_least((yield from learn_version()), "6.12"):
        # These servers say that they deleted a board which never was.
        yield from get_board(board_id)
    before = ImageChanges()
    if delete_images:
        query = ImageQuery(board_id=board_id, is_intermediate=None)
        parts = yield from change_flows.deletes_in_parts(IMAGE, query)
        before = yield from change_flows.change(IMAGE, parts, (), "deleted")
    request = delete(
        route(BOARD, board_id), params={"include_images": str(delete_images).lower()}
    )
    data = yield from request_json(request)
    # The answer is empty when an earlier try had deleted the board already.
    content = data if isinstance(data, dict) else {}
    gone = parse(DeletedBoard, {"board_id": board_id, **content})
    if not before.changed:
        return gone
    images = [*before.changed, *gone.deleted_images]
    return gone.model_copy(update={"deleted_images": images})


def _require_real(board_id: str, verb: str) -> None:
    if board_id == UNCATEGORIZED:
        raise BoardError(f"the place of images on no board cannot be {verb}")


def list_image_names(query: ImageQuery) -> Flow[list[str]]:
    """The names of a board's images; ``"none"`` gives those on no board."""
    params = query.params()
    wanted = {key: params.get(key) for key in ("categories", "is_intermediate")}
    request = get(route(BOARD + "/image_names", query.board_id), params=wanted)
    return (yield from call_model(list[str], request))


def on_board(board_id: str, name: str, change: Flow[None]) -> Flow[None]:
    """Change an image once it is known to be on this board."""
    image = yield from media_flows.get_record(IMAGE, ImageBase.bound_to(None), name)
    actual = image.board_id or UNCATEGORIZED
    if actual != board_id:
        where = "on no board" if actual == UNCATEGORIZED else f"on board {actual}"
        raise BoardError(f"image {name} is not on board {board_id} but {where}")
    yield from change
